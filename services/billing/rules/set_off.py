"""Which credits of a case pay which of its open months (domain.md L-13)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from services.billing.domain.accounts import Books
from services.billing.domain.set_offs import SetOff
from services.billing.rules.accounts import (
    currency_of_month,
    currency_on,
    in_currency,
    months_of,
    net_of,
    open_amount,
    received_for,
    sum_in,
)
from services.kernel.dates import Month
from services.kernel.money import Currency, Money
from services.kernel.register import decides

__all__ = ["set_offs"]

_CENTS = 2
"""A cent of the euro is nearly two stotinki: that many stotinki about its worth, one makes the difference of it."""


@decides("L-13")
def set_offs(books: Books, on: date) -> tuple[SetOff, ...]:
    """Set the credits of a case off against its open months, the oldest of both first.

    Only money that came in is set off, what was given up by order never was any. The balance stays what it is: what a
    credit pays counts for both months as much as they state it on the day.
    """
    found: list[SetOff] = []
    told = currency_on(on)
    stated = {month: open_amount(books, month, told).amount for month in sorted(months_of(books))}
    for month in (month for month, amount in stated.items() if amount < 0):
        for target in (month for month, amount in stated.items() if amount > 0):
            part = _part(books, month, target, told)
            if part is not None:
                found.append(SetOff(month, target, *part, on))
                books = replace(books, set_offs=(*books.set_offs, found[-1]))
    return tuple(found)


def _part(books: Books, month: Month, target: Month, told: Currency) -> tuple[Money, Money] | None:
    """What of the credit of a month goes to an open one, each in the currency of its documents; None: nothing."""
    documents, others = currency_of_month(books, month), currency_of_month(books, target)
    if documents is None or others is None:
        return None
    credit, debt = _less_than_nothing(net_of(books, month)), net_of(books, target)
    whole, open_ = min(sum_in(credit, documents), received_for(books, month, documents)), sum_in(debt, others)
    counts = min(sum_in(credit, told), received_for(books, month, told), sum_in(debt, told))
    if any(amount.amount <= 0 for amount in (whole, open_, counts)):
        return None
    return _counting(counts, credit, whole), _counting(counts, debt, open_)


def _less_than_nothing(net: Sequence[Money]) -> Sequence[Money]:
    return tuple(-amount for amount in net)


def _counting(counts: Money, net: Sequence[Money], whole: Money) -> Money:
    """How much of what is left of a month, in the currency of `whole`, makes what it states less by an amount."""
    left = sum_in(net, counts.currency) - counts
    if whole.currency is counts.currency:
        return counts
    cents = (Money.from_minor(minor, whole.currency) for minor in range(-_CENTS, _CENTS + 1))
    near = (min(in_currency(counts, whole.currency) + cent, whole) for cent in cents)
    return min((whole, *near), key=lambda part: abs(sum_in((*net, -part), counts.currency).minor - left.minor))
