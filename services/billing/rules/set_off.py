"""Which credits of a case pay which of its open months (domain.md L-13)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import date

from services.billing.domain.accounts import Books
from services.billing.domain.set_offs import SetOff
from services.billing.rules.accounts import currency_of_month, net_of, open_amount, settled_by, sum_in
from services.kernel.dates import Month
from services.kernel.money import Money
from services.kernel.register import decides

__all__ = ["credits_of", "set_offs"]


def credits_of(books: Books) -> Mapping[Month, Money]:
    """What was paid too much for each month, in the currency of its documents; oldest first."""
    return {month: -open_ for month, open_ in _open(books).items() if open_.amount < 0}


@decides("L-13")
def set_offs(books: Books, received: Mapping[Month, Money], on: date) -> tuple[SetOff, ...]:
    """Set the credits of a case off against its open months, the oldest of both first.

    `received` is the money that came in for each month with a credit, in its currency: only that is set off, what was
    given up by order never was money. Nothing new is taken or given back: the currency of the day does not matter.
    """
    found: list[SetOff] = []
    for month, credit in credits_of(books).items():
        rest = min(credit, received[month])
        for target, open_ in _open(books).items():
            if rest.amount <= 0:
                break
            part = _part(books, rest, target) if open_.amount > 0 else None
            if part is None:
                continue
            found.append(SetOff(month, target, *part, on))
            books = replace(books, set_offs=(*books.set_offs, found[-1]))
            rest -= part[0]
    return tuple(found)


def _part(books: Books, rest: Money, target: Month) -> tuple[Money, Money] | None:
    """What of a credit goes to an open month, in both currencies; None where either is nothing."""
    net, open_ = net_of(books, target), _open(books)[target]
    settled = settled_by(rest, net, open_.currency)
    part = (rest, settled) if settled <= open_ else (sum_in(net, rest.currency), open_)
    return part if all(each.amount > 0 for each in part) else None


def _open(books: Books) -> Mapping[Month, Money]:
    months = sorted({item.month for items in (books.invoices, books.corrections) for item in items})
    currencies = {month: currency_of_month(books, month) for month in months}
    return {
        month: open_amount(books, month, currency) for month, currency in currencies.items() if currency is not None
    }
