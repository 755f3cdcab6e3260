"""Money that was paid too much goes back, by the way that it came (domain.md F-13, L-13)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from services.billing.domain.accounts import Books
from services.billing.domain.payments import BankPayment, RefundWay
from services.billing.errors import CurrencyNotAllowed, NoInvoice, NotOverpaid, NotTakenInCash
from services.billing.rules.accounts import currency_of_month, currency_on, open_amount
from services.billing.rules.refunds import back_in, goes_back, taken_by
from services.billing.usecases.payments import Billed, By
from services.kernel.dates import Month
from services.kernel.money import Currency, Money
from services.kernel.register import decides
from services.runtime.commands import Effect

__all__ = ["MoneyOfCase", "Refund", "RefundStore", "refund_month", "refund_payment"]


@dataclass(frozen=True, slots=True)
class Refund:
    """What goes back, why, and how; None: as it came."""

    amount: Money
    reason: str
    way: RefundWay | None = None


@dataclass(frozen=True, slots=True)
class MoneyOfCase:
    """How the money of a case came in: cash that was taken less what went back in cash, and whether any by bank."""

    cash: Money
    is_any_by_bank: bool


class RefundStore(Protocol):
    """What refunds need of the database."""

    async def lock_case(self, case_id: str) -> None: ...
    async def lock_payment(self, entry_id: str) -> BankPayment: ...
    async def books(self, case_id: str) -> Books: ...
    async def received_for(self, case_id: str, month_: Month, currency: Currency) -> Money:
        """The money that came in for a month minus what went back; what was given up is none."""
        ...

    async def money_of_case(self, case_id: str, currency: Currency) -> MoneyOfCase: ...
    async def refund_entry(self, payment: BankPayment, taken: Money, refund: Refund, by: By) -> str:
        """Keep and book that `taken` of a payment went back by bank; gives the refund's id."""
        ...

    async def refund_case(self, billed: Billed, refund: Refund, way: RefundWay, by: By) -> str:
        """Keep and book that money of a month went back; gives the refund's id."""
        ...


async def refund_payment(entry_id: str, refund: Refund, store: RefundStore, by: By) -> Effect:
    """Record that the rest of a payment, or a part of it, went back by bank, as it came.

    Raises CurrencyNotAllowed for leva from 2026 on, NotOverpaid when less is left, NotTakenInCash for the counter.
    """
    payment = await store.lock_payment(entry_id)
    amount, currency = refund.amount, back_in(payment.rest, by.act.today)
    if amount.currency is not currency:
        raise CurrencyNotAllowed(field="amount")
    if refund.way is RefundWay.COUNTER:
        raise NotTakenInCash(metadata={"cash": str(Money.zero(currency))})
    left = goes_back(payment.rest, by.act.today)
    if amount > left:
        raise NotOverpaid(metadata={"overpaid": str(left)})
    return Effect(await store.refund_entry(payment, taken_by(amount, payment.rest), refund, by))


async def refund_month(billed: Billed, refund: Refund, store: RefundStore, by: By) -> Effect:
    """Record that money that was paid too much for a month went back.

    Raises NotOverpaid when it was less, or what is too much was given up and never paid; NotTakenInCash; NoInvoice;
    CurrencyNotAllowed for another currency than that of the day (F-13).
    """
    amount, currency = refund.amount, currency_on(by.act.today)
    if amount.currency is not currency:
        raise CurrencyNotAllowed(field="amount")
    await store.lock_case(billed.case_id)
    books = await store.books(billed.case_id)
    if currency_of_month(books, billed.month) is None:
        raise NoInvoice(metadata={"month": str(billed.month)})
    open_ = open_amount(books, billed.month, currency)
    overpaid = min(-open_, await store.received_for(billed.case_id, billed.month, currency))
    if amount > overpaid:
        raise NotOverpaid(metadata={"overpaid": str(max(overpaid, Money.zero(currency)))})
    way = way_back(refund, await store.money_of_case(billed.case_id, currency))
    return Effect(await store.refund_case(billed, refund, way, by))


@decides("L-13")
def way_back(refund: Refund, came: MoneyOfCase) -> RefundWay:
    """How a refund goes back: as was asked, else in cash where all the money of the case came in cash.

    Raises NotTakenInCash when more would go back at the counter than the case paid there: what a set-off brought from
    another month of the case counts.
    """
    way = refund.way
    if way is None:
        way = RefundWay.COUNTER if refund.amount <= came.cash and not came.is_any_by_bank else RefundWay.BANK
    if way is RefundWay.COUNTER and refund.amount > came.cash:
        raise NotTakenInCash(metadata={"cash": str(max(came.cash, Money.zero(came.cash.currency)))})
    return way
