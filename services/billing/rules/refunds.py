"""In which money what was paid too much goes back, and what that takes of a payment (domain.md F-13, F-14)."""

from __future__ import annotations

from datetime import date

from services.billing.rules.accounts import currency_on, in_currency
from services.kernel.money import Currency, Money
from services.kernel.register import decides

__all__ = ["back_in", "goes_back", "taken_by"]

_CENTS = 2
"""A cent of the euro is nearly two stotinki: that many stotinki about its worth, one makes the difference of it."""


@decides("F-13")
def back_in(rest: Money, on: date) -> Currency:
    """The currency in which what is left of a payment goes back on a day: leva go back in euro once euro are paid."""
    return rest.currency if rest.currency is Currency.EUR else currency_on(on)


def goes_back(rest: Money, on: date) -> Money:
    """All that is left of a payment in the money of the day, converted once, half-up (F-14)."""
    return in_currency(rest, back_in(rest, on))


@decides("F-13", "F-14")
def taken_by(paid_out: Money, rest: Money) -> Money:
    """How much of what is left of a payment goes back by an amount that is not above it.

    However many parts it goes back in, together they are what the whole is worth, and nothing remains of it.
    """
    if paid_out.currency is rest.currency:
        return paid_out
    left = in_currency(rest, paid_out.currency) - paid_out
    if left.amount == 0:
        return rest
    near = in_currency(paid_out, rest.currency)
    parts = (min(near + Money.from_minor(minor, rest.currency), rest) for minor in range(-_CENTS, _CENTS + 1))
    return min(parts, key=lambda part: abs(in_currency(rest - part, paid_out.currency).minor - left.minor))
