"""SQL of drafts that are dated anew: a handful of statements a page, whatever its size (design law 10)."""

from __future__ import annotations

import json
from collections.abc import Sequence

from services.billing.domain.accounts import Act
from services.billing.storage.common_reads import CommonReads
from services.billing.storage.rows import month as month_of
from services.billing.usecases.reprojection import MonthMove, MonthOfDrafts
from services.runtime.local_rules import calendar_from_text

__all__ = ["DraftWrites"]

_LOCK_RUNS = """
SELECT count(*) FROM (SELECT FROM billing_runs WHERE municipality_id = :municipality_id AND state <> 'FINISHED'
                      ORDER BY run_id FOR UPDATE) AS locked
"""
_DRAFTS = """
FROM billed_months b JOIN billing_runs r USING (run_id)
WHERE r.municipality_id = :municipality_id AND r.state IN ('BLOCKED', 'DRAFTING', 'REVIEW')
  AND b.calendar_version <> :calendar_version
  AND NOT EXISTS (SELECT FROM invoices i WHERE i.case_id = b.case_id AND i.month = b.month)
  AND NOT EXISTS (SELECT FROM drafts_outside_care o WHERE o.case_id = b.case_id AND o.month = b.month)
"""
_MONTHS = f"""
SELECT DISTINCT b.month, b.issue_date, b.calendar_version, b.due_date,
       (SELECT c.overrides::text FROM calendars c WHERE c.version = b.calendar_version) AS overrides
{_DRAFTS} ORDER BY 1, 2, 3, 4
"""  # noqa: S608 constants
# The due date of a month is the same for all drafts of one day of issue that one version dates.
_REDATE = f"""
WITH page AS (
    SELECT b.case_id, b.month, b.issue_date, b.calendar_version, b.due_date
    {_DRAFTS} ORDER BY b.month, b.case_id LIMIT :size
), told AS (
    SELECT * FROM json_to_recordset(CAST(:moves AS json))
        AS n (month date, issue_date date, old_version text, new_due date, reason text, days date[])
), dated AS (
    UPDATE billed_months b SET due_date = n.new_due, calendar_version = :calendar_version
    FROM page p JOIN told n ON (n.month, n.issue_date, n.old_version) = (p.month, p.issue_date, p.calendar_version)
    WHERE b.case_id = p.case_id AND b.month = p.month
), moved AS (
    INSERT INTO due_date_moves (case_id, month, old_calendar_version, calendar_version, old_due_date, new_due_date,
                                reason, changed_days, moved_at)
    SELECT p.case_id, p.month, p.calendar_version, :calendar_version, p.due_date, n.new_due, n.reason, n.days, :now
    FROM page p JOIN told n ON (n.month, n.issue_date, n.old_version) = (p.month, p.issue_date, p.calendar_version)
    WHERE n.reason IS NOT NULL
    RETURNING 1
)
SELECT (SELECT count(*) FROM page) AS dated, (SELECT count(*) FROM moved) AS moved
"""  # noqa: S608 constants


class DraftWrites(CommonReads):
    """Port of the re-projection of due dates."""

    async def lock_runs(self, municipality_id: str) -> None:
        """Keep the municipality's runs that are not finished from everybody else until the commit."""
        await self._tx.scalar(_LOCK_RUNS, {"municipality_id": municipality_id})

    async def drafts_dated_by_others(self, municipality_id: str, calendar_version: str) -> Sequence[MonthOfDrafts]:
        """Drafts without an invoice that another version dates."""
        rows = await self._tx.all(_MONTHS, {"municipality_id": municipality_id, "calendar_version": calendar_version})
        return [
            MonthOfDrafts(
                month_of(row.month),
                row.issue_date,
                calendar_from_text(row.calendar_version, row.overrides),
                row.due_date,
            )
            for row in rows
        ]

    async def redate(
        self, municipality_id: str, calendar_version: str, moves: Sequence[MonthMove], limit: int, act: Act
    ) -> tuple[int, int]:
        """Date the next drafts by the version and write the moves down; how many were dated, how many moved."""
        told = [
            {
                "month": move.month.first.isoformat(),
                "issue_date": move.issue_date.isoformat(),
                "old_version": move.old_calendar_version,
                "new_due": move.new_due.isoformat(),
                "reason": move.reason,
                "days": [day.isoformat() for day in move.days],
            }
            for move in moves
        ]
        row = await self._tx.one(
            _REDATE,
            {
                "municipality_id": municipality_id,
                "calendar_version": calendar_version,
                "moves": json.dumps(told),
                "size": limit,
                "now": act.now,
            },
        )
        return int(row.dated), int(row.moved)
