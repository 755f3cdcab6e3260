"""Accounts that no run could bill for a month, and those of them that are dismissed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row

from services.billing.domain.parked import Dismissal, DismissalReason, ParkedAccount
from services.billing.domain.runs import ParkReason
from services.billing.storage.common_reads import CommonReads
from services.billing.storage.rows import month
from services.billing.storage.run_review import behind
from services.kernel.dates import Month
from services.runtime.database import ReadTx

__all__ = ["ParkedWrites", "parked_account", "parked_accounts"]

_COLUMNS = """
SELECT u.case_id::text AS case_id, u.month, u.run_id::text AS run_id, c.municipality_id, u.reason, u.dismissed_reason,
       u.dismissed_by, u.dismissed_at
FROM undrafted_months u JOIN contracts c USING (case_id)
"""

_PAGE = f"""
SELECT * FROM ({_COLUMNS} WHERE c.municipality_id = :municipality_id
    UNION ALL
    SELECT case_id::text, month, '', municipality_id, 'NO_FEE_DECISION', NULL, NULL, NULL FROM undecided_accounts a
    WHERE municipality_id = :municipality_id
      AND NOT EXISTS (SELECT FROM undrafted_months u WHERE u.case_id = a.case_id
                        AND (u.dismissed_at IS NULL OR u.month = a.month))) parked
WHERE (month, CAST(case_id AS uuid)) > (CAST(:after_month AS date), CAST(:after_case AS uuid))
ORDER BY month, CAST(case_id AS uuid) LIMIT :size
"""  # noqa: S608 a constant of this module

_ONE = f"{_COLUMNS} WHERE u.case_id = :case_id AND u.month = :month"

_DISMISS = """
UPDATE undrafted_months SET dismissed_reason = :reason, dismissed_by = :by, dismissed_at = CAST(:at AS timestamptz)
WHERE case_id = :case_id AND month = :month
"""


async def parked_accounts(
    tx: ReadTx, municipality_id: str, after: tuple[str, str], size: int
) -> Sequence[ParkedAccount]:
    """A page of accounts that no run could bill, or no tariff decide, by month and case; dismissed ones among them."""
    rows = await tx.all(_PAGE, {"municipality_id": municipality_id, **behind(after, size)})
    return [_parked(row) for row in rows]


async def parked_account(tx: ReadTx, case_id: str, billed: Month) -> ParkedAccount | None:
    """The account as it is parked for a month; None when it is not."""
    row = await tx.one_or_none(_ONE, {"case_id": case_id, "month": billed.first})
    return None if row is None else _parked(row)


class ParkedWrites(CommonReads):
    """Port of the use cases about parked accounts."""

    async def parked_account(self, case_id: str, billed: Month) -> ParkedAccount | None:
        return await parked_account(self._tx, case_id, billed)

    async def keep_dismissal(self, case_id: str, billed: Month, dismissal: Dismissal | None) -> None:
        """Note why the month is not to be billed; None: it is."""
        await self._tx.run(
            _DISMISS,
            {
                "case_id": case_id,
                "month": billed.first,
                "reason": None if dismissal is None else dismissal.reason.value,
                "by": None if dismissal is None else dismissal.by,
                "at": None if dismissal is None else dismissal.at,
            },
        )


def _parked(row: Row[Any]) -> ParkedAccount:
    dismissal = (
        None
        if row.dismissed_at is None
        else Dismissal(DismissalReason(row.dismissed_reason), row.dismissed_by, row.dismissed_at)
    )
    return ParkedAccount(
        row.case_id, month(row.month), row.run_id, row.municipality_id, ParkReason(row.reason), dismissal
    )
