"""How a rule of money writes its arithmetic down: short sums that can be followed with a pencil (design law 8)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

from services.kernel.money import Currency, Money
from services.kernel.trace import Step

__all__ = ["exact", "percent", "plain", "step"]

_DIGITS = 6


def plain(amount: Money) -> str:
    """`213.84 EUR`."""
    return f"{amount.amount:f} {amount.currency}"


def exact(value: Fraction, currency: Currency) -> str:
    """A sum before rounding: at least two decimals, `…` behind the sixth when it goes on."""
    scaled = value * 10**_DIGITS
    whole, goes_on = scaled.numerator // scaled.denominator, scaled.denominator != 1
    digits = f"{Decimal(whole).scaleb(-_DIGITS):f}"
    if goes_on:
        return f"{digits}… {currency}"
    integer, _, decimals = digits.partition(".")
    return f"{integer}.{decimals.rstrip('0').ljust(2, '0')} {currency}"


def percent(value: Decimal) -> str:
    """`72.5 %`."""
    digits = f"{value:f}"
    if "." in digits:
        digits = digits.rstrip("0").rstrip(".")
    return f"{digits} %"


def step(  # noqa: PLR0917 a step has six parts
    rule: str, inputs: Mapping[str, str], outcome: Money | str, source: str, text_bg: str, text_en: str
) -> Step:
    """One step whose outcome may be an amount."""
    said = plain(outcome) if isinstance(outcome, Money) else outcome
    return Step(rule=rule, inputs=dict(inputs), outcome=said, source=source, text_bg=text_bg, text_en=text_en)
