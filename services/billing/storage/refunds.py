"""Refunds, written; how the money of a case came in, read."""

from __future__ import annotations

from collections.abc import Mapping

from services.billing.domain.payments import BankPayment, RefundWay
from services.billing.storage.common_reads import CommonReads
from services.billing.storage.ledger import book_refund
from services.billing.storage.rows import minor, money
from services.billing.usecases.payments import Billed, By
from services.billing.usecases.refunds import MoneyOfCase, Refund
from services.kernel.money import Currency, Money
from services.runtime.ids import new_id

__all__ = ["RefundWrites"]

_REFUND = """
INSERT INTO refunds (refund_id, municipality_id, entry_id, case_id, month, amount_minor, currency, paid_by,
                     paid_minor, paid_currency, reason, refunded_date, refunded_by, refunded_at)
VALUES (:refund_id, :municipality_id, :entry_id, :case_id, :month, :amount_minor, :amount_currency, :paid_by,
        :paid_minor, :paid_currency, :reason, :today, :staff, :now)
"""

_CAME = """
SELECT case_cash_minor(:case_id, :currency) AS cash,
       EXISTS (SELECT FROM allocations a WHERE a.case_id = :case_id
               AND NOT EXISTS (SELECT FROM allocation_reversals r WHERE r.allocation_id = a.allocation_id)) AS by_bank
"""


class RefundWrites(CommonReads):
    """Port of the use cases that pay back."""

    async def money_of_case(self, case_id: str, currency: Currency) -> MoneyOfCase:
        """Cash that was taken for a case less what went back in cash, and whether any of its money came by bank."""
        row = await self._tx.one(_CAME, {"case_id": case_id, "currency": currency.value})
        return MoneyOfCase(money(row.cash, currency.value), row.by_bank)

    async def refund_entry(self, payment: BankPayment, taken: Money, refund: Refund, by: By) -> str:
        """Keep and book that `taken` of a payment went back by bank, in another currency where the refund says so."""
        source = {"municipality_id": payment.municipality_id, "entry_id": payment.entry_id}
        paid = None if taken.currency is refund.amount.currency else refund.amount
        return await self._refund(
            {**source, "case_id": None, "month": None, **minor("amount", taken), **minor("paid", paid)},
            RefundWay.BANK,
            refund.reason,
            by,
        )

    async def refund_case(self, billed: Billed, refund: Refund, way: RefundWay, by: By) -> str:
        """Keep and book that what was paid too much for a month went back."""
        municipality_id = (await self.books(billed.case_id)).municipality_id
        of = {"municipality_id": municipality_id, "case_id": billed.case_id, "month": billed.month.first}
        return await self._refund(
            {**of, "entry_id": None, **minor("amount", refund.amount), **minor("paid", None)}, way, refund.reason, by
        )

    async def _refund(self, source: Mapping[str, object], way: RefundWay, reason: str, by: By) -> str:
        refund_id = new_id()
        when = {"today": by.act.today, "staff": by.staff, "now": by.act.now}
        await self._tx.run(_REFUND, {**source, "refund_id": refund_id, "paid_by": way.value, "reason": reason, **when})
        await book_refund(self._tx, refund_id, by.act.today)
        return refund_id
