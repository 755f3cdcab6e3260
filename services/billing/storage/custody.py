"""The user's own money: what is held, receipts that wait, daily counts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row

from services.billing.domain.custody import CustodyAccount, CustodyCount, PendingReceipt
from services.billing.storage.common_reads import CommonReads
from services.billing.storage.rows import minor, money
from services.billing.usecases.payments import By
from services.kernel.money import Currency, Money
from services.runtime.database import ReadTx
from services.runtime.errors import NotFound

__all__ = [
    "CustodyWrites",
    "custody_accounts",
    "custody_count",
    "custody_counts",
    "is_pending",
    "pending_receipt",
    "pending_receipts",
]

_ADD_PENDING = """
INSERT INTO pending_receipts (receipt_id, municipality_id, case_id, code, amount_minor, currency, on_date, recorded_by)
VALUES (:receipt_id, :municipality_id, :case_id, nullif(:code, ''), :amount_minor, :amount_currency, :on_date,
        :recorded_by)
"""

_COLUMNS = """
receipt_id::text AS receipt_id, municipality_id, case_id::text AS case_id, coalesce(code, '') AS code, amount_minor,
currency, on_date,
recorded_by, coalesce(confirmed_by, '') AS confirmed_by, coalesce(withdrawn_by, '') AS withdrawn_by
"""

_PENDING = f"SELECT {_COLUMNS} FROM pending_receipts WHERE receipt_id = :receipt_id"  # noqa: S608 a constant of this module

_LOCK_PENDING = f"{_PENDING} FOR UPDATE"

_WAITING = f"""
SELECT {_COLUMNS} FROM pending_receipts
WHERE municipality_id = :municipality_id AND confirmed_at IS NULL AND withdrawn_at IS NULL
  AND receipt_id > CAST(:after AS uuid)
ORDER BY receipt_id LIMIT :size
"""  # noqa: S608 a constant of this module

_CONFIRM = "UPDATE pending_receipts SET confirmed_by = :staff, confirmed_at = :now WHERE receipt_id = :receipt_id"

_WITHDRAW = """
UPDATE pending_receipts SET withdrawn_by = :staff, withdrawn_at = :now, withdrawn_reason = :reason
WHERE receipt_id = :receipt_id
"""

# What was taken in leva lies in the same box; it is turned into euro account by account, as it will be when it moves.
_HELD = """
SELECT coalesce(sum(CASE WHEN currency = :currency THEN held_minor ELSE euro_minor(held_minor) END), 0)::bigint
FROM custody_accounts JOIN contracts USING (case_id)
WHERE municipality_id = :municipality_id AND (currency = :currency OR :currency = 'EUR')
"""

_ADD_COUNT = """
INSERT INTO custody_counts (municipality_id, on_date, currency, held_minor, counted_minor, counted_by, counted_at)
VALUES (:municipality_id, :today, :currency, :held, :counted, :staff, :now) RETURNING id
"""

_ACCOUNTS = """
SELECT case_id::text AS case_id, held_minor, currency FROM custody_accounts JOIN contracts USING (case_id)
WHERE municipality_id = :municipality_id AND held_minor > 0
  AND (custody_accounts.case_id, currency) > (CAST(:after_case AS uuid), :after_currency)
ORDER BY custody_accounts.case_id, currency LIMIT :size
"""

_COUNT = """
SELECT on_date, held_minor, counted_minor, currency, counted_by FROM custody_counts WHERE id = :id
"""

_COUNTS = """
SELECT on_date, held_minor, counted_minor, currency, counted_by FROM custody_counts
WHERE municipality_id = :municipality_id ORDER BY id DESC LIMIT 100
"""


class CustodyWrites(CommonReads):
    """Port of the use cases of custody, beside `MoneyWrites`."""

    async def add_pending_receipt(self, receipt: PendingReceipt) -> None:
        """Keep a receipt that waits for a second person."""
        await self._tx.run(
            _ADD_PENDING,
            {
                "receipt_id": receipt.receipt_id,
                "municipality_id": receipt.municipality_id,
                "case_id": receipt.case_id,
                "code": receipt.code,
                **minor("amount", receipt.amount),
                "on_date": receipt.on,
                "recorded_by": receipt.recorded_by,
            },
        )

    async def lock_pending_receipt(self, receipt_id: str) -> PendingReceipt:
        """The receipt, kept from everybody else until the commit; NotFound when there is none."""
        return _pending_from(await self._tx.one_or_none(_LOCK_PENDING, {"receipt_id": receipt_id}), receipt_id)

    async def mark_confirmed(self, receipt_id: str, by: By) -> None:
        """Keep who confirmed a receipt."""
        await self._tx.run(_CONFIRM, {"receipt_id": receipt_id, "staff": by.staff, "now": by.act.now})

    async def mark_withdrawn(self, receipt_id: str, reason: str, by: By) -> None:
        """Keep who withdrew a receipt, and why."""
        key = {"receipt_id": receipt_id, "reason": reason}
        await self._tx.run(_WITHDRAW, {**key, "staff": by.staff, "now": by.act.now})

    async def held_in_all(self, municipality_id: str, currency: Currency) -> Money:
        """What is held for all cases of a municipality."""
        key = {"municipality_id": municipality_id, "currency": currency.value}
        return Money.from_minor(int(await self._tx.scalar(_HELD, key)), currency)

    async def add_count(self, municipality_id: str, held: Money, counted: Money, by: By) -> str:
        """Keep what was counted on a day; gives its id."""
        added = await self._tx.scalar(
            _ADD_COUNT,
            {
                "municipality_id": municipality_id,
                "today": by.act.today,
                "currency": held.currency.value,
                "held": held.minor,
                "counted": counted.minor,
                "staff": by.staff,
                "now": by.act.now,
            },
        )
        return str(added)


async def pending_receipt(tx: ReadTx, receipt_id: str) -> PendingReceipt:
    """A receipt that waits or waited; NotFound when there is none."""
    return _pending_from(await tx.one_or_none(_PENDING, {"receipt_id": receipt_id}), receipt_id)


async def is_pending(tx: ReadTx, receipt_id: str) -> bool:
    """Whether the request behind the id had a receipt wait."""
    return await tx.one_or_none(_PENDING, {"receipt_id": receipt_id}) is not None


async def pending_receipts(tx: ReadTx, municipality_id: str, after: str, size: int) -> Sequence[PendingReceipt]:
    """A page of the receipts that wait in a municipality."""
    key = {"municipality_id": municipality_id, "after": after, "size": size}
    return [_pending_from(row, "") for row in await tx.all(_WAITING, key)]


async def custody_accounts(
    tx: ReadTx, municipality_id: str, after: tuple[str, str], size: int
) -> Sequence[CustodyAccount]:
    """A page of what is held in a municipality, by case and currency."""
    key = {"municipality_id": municipality_id, "after_case": after[0], "after_currency": after[1], "size": size}
    return [CustodyAccount(row.case_id, money(row.held_minor, row.currency)) for row in await tx.all(_ACCOUNTS, key)]


async def custody_count(tx: ReadTx, count_id: str) -> CustodyCount:
    """One count."""
    return _count_from(await tx.one(_COUNT, {"id": int(count_id)}))


async def custody_counts(tx: ReadTx, municipality_id: str) -> Sequence[CustodyCount]:
    """The latest counts, the newest first."""
    return [_count_from(row) for row in await tx.all(_COUNTS, {"municipality_id": municipality_id})]


def _count_from(row: Row[Any]) -> CustodyCount:
    held, counted = money(row.held_minor, row.currency), money(row.counted_minor, row.currency)
    return CustodyCount(row.on_date, held, counted, row.counted_by)


def _pending_from(row: Row[Any] | None, receipt_id: str) -> PendingReceipt:
    if row is None:
        raise NotFound(resource_type="receipt", resource_id=receipt_id)
    return PendingReceipt(
        row.receipt_id,
        row.municipality_id,
        row.case_id,
        row.code,
        money(row.amount_minor, row.currency),
        row.on_date,
        row.recorded_by,
        row.confirmed_by,
        row.withdrawn_by,
    )
