"""Exact amounts of money and the two conversions between lev and euro (domain.md F-01, F-13 to F-17).

An amount is a Decimal that is never rounded on the way; arithmetic that would lose a digit raises instead. A rule
computes with `fractions.Fraction` and rounds once, at the end.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Context, Decimal, DivisionByZero, Inexact, InvalidOperation, Overflow
from enum import StrEnum
from fractions import Fraction
from math import floor

from services.kernel.register import decides

__all__ = [
    "BGN_PER_EUR",
    "Currency",
    "CurrencyMismatchError",
    "Money",
    "display_in_bgn",
    "display_in_eur",
    "fee_to_eur",
    "income_to_eur",
    "round_half_up",
    "total",
]

BGN_PER_EUR = Decimal("1.95583")
"""Fixed rate of the euro changeover (F-13)."""

_EXACT = Context(prec=60, traps=[Inexact, InvalidOperation, DivisionByZero, Overflow])


class Currency(StrEnum):
    """Currency of an amount."""

    EUR = "EUR"
    BGN = "BGN"


class CurrencyMismatchError(ValueError):
    """Two amounts of different currencies met, or an amount came in the wrong one."""


@decides("F-01")
def round_half_up(value: Fraction | Decimal | int, digits: int = 2) -> Decimal:
    """The value with exactly `digits` decimals, the half going away from zero (F-01)."""
    numerator, denominator = value.as_integer_ratio()
    units = (2 * abs(numerator) * 10**digits + denominator) // (2 * denominator)
    return _of_units(-units if numerator < 0 else units, digits)


def _of_units(units: int, digits: int) -> Decimal:
    # Written out: a context would round, and the tuple of digits is the dearest part of a page of bills.
    return Decimal(f"{units}E-{digits}")


@dataclass(frozen=True, slots=True)
class Money:
    """An exact amount in one currency; may be negative, may have more than two decimals until it is rounded.

    Raises TypeError when the amount is no Decimal and ValueError when it is not finite.
    """

    amount: Decimal
    currency: Currency

    def __post_init__(self) -> None:
        if not isinstance(self.amount, Decimal):
            raise TypeError("an amount is a Decimal")
        if not self.amount.is_finite():
            raise ValueError("an amount is finite")
        if self.amount.is_zero() and self.amount.is_signed():
            object.__setattr__(self, "amount", self.amount.copy_abs())

    @classmethod
    def of(cls, text: str, currency: Currency) -> Money:
        """The amount written as a decimal string; ValueError when it is none."""
        try:
            return cls(Decimal(text), currency)
        except InvalidOperation as error:
            raise ValueError("not a decimal amount") from error

    @classmethod
    def zero(cls, currency: Currency) -> Money:
        """0.00 of the currency."""
        return cls.from_minor(0, currency)

    @classmethod
    def from_minor(cls, minor: int, currency: Currency) -> Money:
        """The amount of that many cents or stotinki."""
        return cls(_of_units(minor, 2), currency)

    @classmethod
    def from_exact(cls, value: Fraction, currency: Currency) -> Money:
        """The amount of a computation, rounded half-up to 0.01: the one rounding of F-01."""
        return cls(round_half_up(value), currency)

    @property
    def exact(self) -> Fraction:
        """The amount as a fraction, to compute with."""
        return Fraction(self.amount)

    @property
    def minor(self) -> int:
        """The amount in cents or stotinki; ValueError when it is not a whole number of them."""
        cents = self.exact * 100
        if cents.denominator != 1:
            raise ValueError("the amount is not rounded to 0.01")
        return cents.numerator

    def rounded(self) -> Money:
        """The amount rounded half-up to 0.01 (F-01)."""
        return Money(round_half_up(self.amount), self.currency)

    def __add__(self, other: Money) -> Money:
        self._same_currency(other)
        return Money(_EXACT.add(self.amount, other.amount), self.currency)

    def __sub__(self, other: Money) -> Money:
        self._same_currency(other)
        return Money(_EXACT.subtract(self.amount, other.amount), self.currency)

    def __neg__(self) -> Money:
        return Money(self.amount.copy_negate(), self.currency)

    def __lt__(self, other: Money) -> bool:
        self._same_currency(other)
        return self.amount < other.amount

    def __le__(self, other: Money) -> bool:
        self._same_currency(other)
        return self.amount <= other.amount

    def __gt__(self, other: Money) -> bool:
        return other < self

    def __ge__(self, other: Money) -> bool:
        return other <= self

    def __str__(self) -> str:
        return f"{self.amount:f} {self.currency}"

    def _same_currency(self, other: Money) -> None:
        if self.currency is not other.currency:
            raise CurrencyMismatchError(f"{self.currency} and {other.currency}")


def total(amounts: Iterable[Money], currency: Currency) -> Money:
    """Exact sum; 0.00 of `currency` when there is nothing to add."""
    result = Money.zero(currency)
    for amount in amounts:
        result += amount
    return result


def _require(amount: Money, currency: Currency) -> None:
    if amount.currency is not currency:
        raise CurrencyMismatchError(f"{currency} expected, {amount.currency} given")


@decides("F-14")
def fee_to_eur(amount: Money) -> Money:
    """A fee or price in BGN as EUR: by the full rate, half-up on the third decimal (F-14)."""
    return display_in_eur(amount)


@decides("F-15")
def income_to_eur(amount: Money) -> Money:
    """One income in BGN as EUR (F-15): a third decimal above 0 raises the second by one, later digits are ignored.

    Every pension and every supplement converts separately; the converted sum differs. ValueError when negative.
    """
    _require(amount, Currency.BGN)
    if amount.amount < 0:
        raise ValueError("an income is not negative")
    cents, third_decimal = divmod(floor(amount.exact / Fraction(BGN_PER_EUR) * 1000), 10)
    return Money.from_minor(cents + (1 if third_decimal else 0), Currency.EUR)


@decides("F-17")
def display_in_bgn(amount: Money) -> Money:
    """The BGN amount shown beside a EUR amount, half-up (F-17); not legally due."""
    _require(amount, Currency.EUR)
    return Money.from_exact(amount.exact * Fraction(BGN_PER_EUR), Currency.BGN)


def display_in_eur(amount: Money) -> Money:
    """The EUR amount shown beside a BGN amount, half-up (F-17); not legally due."""
    _require(amount, Currency.BGN)
    return Money.from_exact(amount.exact / Fraction(BGN_PER_EUR), Currency.EUR)
