"""Payments at the counter, read and taken back."""

from __future__ import annotations

from collections.abc import Sequence

from services.billing.domain.accounts import CounterPayment, Payment
from services.billing.storage.common_reads import CommonReads
from services.billing.storage.ledger import book_payment_reversal
from services.billing.storage.rows import money, month
from services.billing.usecases.payments import By
from services.runtime.database import ReadTx
from services.runtime.errors import NotFound
from services.runtime.ids import new_id

__all__ = ["CounterWrites", "counter_payments"]

_PAYMENTS = """
SELECT p.payment_id::text AS payment_id, p.month, p.amount_minor, p.currency, p.settled_minor, p.settled_currency,
       p.paid_date, coalesce(r.reason, '') AS reversed_reason, coalesce(r.reversed_by, '') AS reversed_by,
       coalesce(p.recorded_by, '') AS recorded_by
FROM payments p LEFT JOIN payment_reversals r USING (payment_id)
WHERE p.case_id = :case_id ORDER BY p.paid_date, p.month, p.payment_id
"""

_REVERSE = """
INSERT INTO payment_reversals (payment_id, reason, reversed_date, reversed_by, reversed_at, needs_other)
VALUES (:payment_id, :reason, :today, :staff, :now, :needs_other)
"""


class CounterWrites(CommonReads):
    """Port of the use case that takes a payment at the counter back."""

    async def counter_payment(self, case_id: str, payment_id: str) -> CounterPayment:
        """A payment of the case; NotFound when there is none such."""
        for found in await counter_payments(self._tx, case_id):
            if found.payment.payment_id == payment_id:
                return found
        raise NotFound(resource_type="payment", resource_id=payment_id)

    async def reverse_payment(self, payment_id: str, reason: str, by: By, *, needs_other: bool) -> None:
        """Keep and book that the payment never was; `needs_other`: not by who took it."""
        when = {"today": by.act.today, "staff": by.staff, "now": by.act.now}
        await self._tx.run(_REVERSE, {"payment_id": payment_id, "reason": reason, "needs_other": needs_other, **when})
        await book_payment_reversal(self._tx, new_id(), payment_id, by.act.today)


async def counter_payments(tx: ReadTx, case_id: str) -> Sequence[CounterPayment]:
    """Payments of a case at the counter by day, those that were taken back too."""
    return [
        CounterPayment(
            Payment(
                row.payment_id,
                month(row.month),
                money(row.amount_minor, row.currency),
                money(row.settled_minor, row.settled_currency),
                row.paid_date,
            ),
            row.reversed_reason,
            row.reversed_by,
            row.recorded_by,
        )
        for row in await tx.all(_PAYMENTS, {"case_id": case_id})
    ]
