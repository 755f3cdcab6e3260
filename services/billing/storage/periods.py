"""Sums of the ledger and its closed months."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from services.billing.domain.ledger import (
    LedgerAccount,
    PeriodChange,
    PeriodChangeKind,
    Periods,
    TrialBalanceLine,
)
from services.billing.storage.common_reads import CommonReads
from services.billing.storage.rows import money, month
from services.kernel.dates import Month
from services.runtime.database import ReadTx

__all__ = ["PeriodWrites", "periods", "trial_balance"]

_TRIAL_BALANCE = """
SELECT account, currency, coalesce(sum(amount_minor) FILTER (WHERE amount_minor > 0), 0)::bigint AS debit,
       coalesce(-sum(amount_minor) FILTER (WHERE amount_minor < 0), 0)::bigint AS credit
FROM ledger_entries WHERE municipality_id = :municipality_id AND booked_date <= :on_date
GROUP BY account, currency ORDER BY currency, account
"""

_OPEN_FROM = "SELECT open_from FROM ledger_periods WHERE municipality_id = :municipality_id"

_CHANGES = """
SELECT month, change, reason, changed_by, changed_at FROM period_changes
WHERE municipality_id = :municipality_id ORDER BY id DESC LIMIT 100
"""

# A month of care is billed on the first of the next one, or by a later run (L-01).
_IS_BILLED = """
SELECT NOT EXISTS (SELECT FROM billing_runs
                   WHERE municipality_id = :municipality_id AND month < :month AND state <> 'FINISHED')
   AND (NOT EXISTS (SELECT FROM contracts
                    WHERE municipality_id = :municipality_id AND NOT isempty(care) AND lower(care) < :month)
        OR EXISTS (SELECT FROM billing_runs
                   WHERE municipality_id = :municipality_id AND month >= :month_before AND state = 'FINISHED'))
"""

_MOVE = "UPDATE ledger_periods SET open_from = :open_from WHERE municipality_id = :municipality_id"

_ADD_CHANGE = """
INSERT INTO period_changes (municipality_id, month, change, reason, changed_by, changed_at)
VALUES (:municipality_id, :month, :change, :reason, :changed_by, :changed_at)
"""


class PeriodWrites(CommonReads):
    """Port of the use cases of closing the books."""

    async def lock_periods(self, municipality_id: str) -> Month | None:
        """The first open month, kept from whoever books until the commit; None when none was ever closed."""
        first = await self._tx.scalar(f"{_OPEN_FROM} FOR UPDATE", {"municipality_id": municipality_id})
        return None if first is None else month(first)

    async def is_billed_before(self, municipality_id: str, closing: Month) -> bool:
        """Whether every bill that is dated in the month or before is issued."""
        key = {"municipality_id": municipality_id, "month": closing.first, "month_before": closing.plus(-1).first}
        return bool(await self._tx.scalar(_IS_BILLED, key))

    async def open_from(self, municipality_id: str, first: Month, change: PeriodChange) -> None:
        """Let nothing be booked before a month, and keep who said so."""
        await self._tx.run(_MOVE, {"municipality_id": municipality_id, "open_from": first.first})
        await self._tx.run(
            _ADD_CHANGE,
            {
                "municipality_id": municipality_id,
                "month": change.month.first,
                "change": change.kind.value,
                "reason": change.reason,
                "changed_by": change.changed_by,
                "changed_at": change.changed_at,
            },
        )


async def trial_balance(tx: ReadTx, municipality_id: str, on: date) -> Sequence[TrialBalanceLine]:
    """Sums of every account that was booked up to a day, included, by currency."""
    rows = await tx.all(_TRIAL_BALANCE, {"municipality_id": municipality_id, "on_date": on})
    return [
        TrialBalanceLine(LedgerAccount(row.account), money(row.debit, row.currency), money(row.credit, row.currency))
        for row in rows
    ]


async def periods(tx: ReadTx, municipality_id: str) -> Periods:
    """The closed months of a municipality."""
    key = {"municipality_id": municipality_id}
    first = await tx.scalar(_OPEN_FROM, key)
    return Periods(
        None if first is None else month(first),
        tuple(
            PeriodChange(month(row.month), PeriodChangeKind(row.change), row.reason, row.changed_by, row.changed_at)
            for row in await tx.all(_CHANGES, key)
        ),
    )
