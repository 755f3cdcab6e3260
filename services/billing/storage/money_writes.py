"""Payments and the user's own money, written."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date

from sqlalchemy.exc import IntegrityError

from services.billing.domain.accounts import Payment
from services.billing.errors import UserFundsMissing
from services.billing.storage.common_reads import CommonReads
from services.billing.storage.ledger import book_payment
from services.billing.storage.rows import minor
from services.kernel.money import Money
from services.runtime.database import violated_constraint

__all__ = ["MoneyWrites"]

_ADD_PAYMENT = """
INSERT INTO payments (payment_id, municipality_id, case_id, month, amount_minor, currency, settled_minor,
                      settled_currency, paid_date, recorded_by)
SELECT :payment_id, municipality_id, case_id, :month, :amount_minor, :amount_currency, :settled_minor,
       :settled_currency, :paid_on, NULLIF(:staff, '')
FROM contracts WHERE case_id = :case_id
"""

_HOLD = """
INSERT INTO custody_accounts AS held (case_id, currency, held_minor) VALUES (:case_id, :amount_currency, :amount_minor)
ON CONFLICT (case_id, currency) DO UPDATE SET held_minor = held.held_minor + EXCLUDED.held_minor
"""

_SPEND = """
UPDATE custody_accounts SET held_minor = held_minor + :amount_minor
WHERE case_id = :case_id AND currency = :amount_currency
"""

_ADD_ENTRY = """
INSERT INTO custody_entries (entry_id, case_id, kind, code, amount_minor, currency, on_date)
VALUES (:entry_id, :case_id, :kind, :code, :amount_minor, :amount_currency, :on_date)
"""


class MoneyWrites(CommonReads):
    """Port of the use cases that record money."""

    async def add_payment(self, case_id: str, payment: Payment, staff: str) -> None:
        """Keep and book a payment that a staff member took."""
        await self._tx.run(
            _ADD_PAYMENT,
            {
                "payment_id": payment.payment_id,
                "case_id": case_id,
                "month": payment.month.first,
                **minor("amount", payment.amount),
                **minor("settled", payment.settled),
                "paid_on": payment.paid_on,
                "staff": staff,
            },
        )
        await book_payment(self._tx, payment.payment_id)

    async def add_custody(self, case_id: str, amount: Money, code: str | None, on: date) -> None:
        """Add to what is held; UserFundsMissing when less than nothing would remain."""
        await self._enter(case_id, "ADVANCE" if code is None else "RECEIPT", amount, code, on)

    async def return_custody(self, case_id: str, amount: Money, on: date) -> None:
        """Give back of what is held; UserFundsMissing when less than nothing would remain."""
        await self._enter(case_id, "RETURN", -amount, None, on)

    async def convert_custody(self, case_id: str, held: Sequence[Money], into: Money, on: date) -> None:
        """Turn what is held in other currencies into one."""
        for amount in held:
            await self._enter(case_id, "CONVERSION", -amount, None, on)
        await self._enter(case_id, "CONVERSION", into, None, on)

    async def _enter(self, case_id: str, kind: str, amount: Money, code: str | None, on: date) -> None:
        row = {"case_id": case_id, **minor("amount", amount)}
        try:
            await self._tx.run(_HOLD if amount.amount > 0 else _SPEND, row)
        except IntegrityError as error:
            if violated_constraint(error) != "custody_is_never_overdrawn":
                raise
            raise UserFundsMissing from error
        await self._tx.run(
            _ADD_ENTRY, {**row, "entry_id": str(uuid.uuid4()), "kind": kind, "code": code, "on_date": on}
        )
