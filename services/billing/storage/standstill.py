"""What stands still until somebody acts, by municipality: for the gauges that alerts are made of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from services.billing.domain.runs import Invariant, ParkReason
from services.runtime.database import ReadTx

__all__ = ["Standstill", "standstill"]

_BLOCKED = """
SELECT municipality_id, invariant, count(*) AS runs FROM red_invariants JOIN billing_runs USING (run_id)
WHERE state = 'BLOCKED' GROUP BY 1, 2
"""
_IN_REVIEW = "SELECT municipality_id, min(state_since) AS since FROM billing_runs WHERE state = 'REVIEW' GROUP BY 1"
_PARKED = """
SELECT municipality_id, reason, count(*) AS accounts FROM (
    SELECT c.municipality_id, u.reason FROM undrafted_months u JOIN contracts c USING (case_id)
    WHERE u.dismissed_at IS NULL
    UNION ALL
    SELECT municipality_id, 'NO_FEE_DECISION' FROM undecided_accounts a
    WHERE NOT EXISTS (SELECT FROM undrafted_months u WHERE u.case_id = a.case_id
                        AND (u.dismissed_at IS NULL OR u.month = a.month))) parked
GROUP BY 1, 2
"""
_LETTERS = """
SELECT municipality_id, count(*) AS letters, min(written_at) AS since FROM letters WHERE delivered_at IS NULL GROUP BY 1
"""
# A month is billed when it is over in Sofia.
_NEXT_MONTHS = """
SELECT c.municipality_id,
       (min(greatest(date_trunc('month', lower(c.care)::timestamp), l.following)) + interval '1 month')
           AT TIME ZONE 'Europe/Sofia' AS over_at
FROM contracts c
LEFT JOIN (SELECT municipality_id, max(month)::timestamp + interval '1 month' AS following
           FROM billing_runs WHERE state = 'FINISHED' GROUP BY 1) l USING (municipality_id)
WHERE NOT isempty(c.care) AND (l.following IS NULL OR upper(c.care) IS NULL OR upper(c.care) > l.following::date)
GROUP BY 1
"""
# A count that found an empty box empty says nothing of what came in afterwards.
_UNCOUNTED = """
SELECT municipality_id, CASE WHEN agreed.held_minor > 0 THEN agreed.counted_at ELSE coalesce(
           (SELECT min(e.on_date)::timestamp AT TIME ZONE 'Europe/Sofia'
            FROM custody_entries e JOIN contracts c USING (case_id)
            WHERE c.municipality_id = holding.municipality_id
              AND (agreed.on_date IS NULL OR e.on_date > agreed.on_date)), agreed.counted_at) END AS since
FROM (SELECT DISTINCT municipality_id FROM custody_accounts JOIN contracts USING (case_id) WHERE held_minor > 0) holding
LEFT JOIN LATERAL (
    SELECT on_date, held_minor, counted_at FROM custody_counts k
    WHERE k.municipality_id = holding.municipality_id AND held_minor = counted_minor ORDER BY id DESC LIMIT 1
) agreed ON true
"""


@dataclass(frozen=True, slots=True)
class Standstill:
    """What billing cannot or may not do alone; a municipality without any is absent."""

    blocked: Mapping[tuple[str, Invariant], int]
    """Runs that wait, by municipality and what is red."""
    in_review: Mapping[str, datetime]
    """Since when the run that waits longest has been with the billing clerk."""
    parked: Mapping[tuple[str, ParkReason], int]
    """Accounts and months that no run could bill and that nobody dismissed."""
    letters: Mapping[str, tuple[int, datetime]]
    """Letters that nobody delivered, and when the oldest was written."""
    next_months: Mapping[str, datetime]
    """When the first month with care whose run, and whose followers' runs, are not finished is over, also in future."""
    uncounted: Mapping[str, datetime]
    """Where clients' own money is held: when a count last agreed with the books, or it began to come in (F-16)."""


async def standstill(tx: ReadTx) -> Standstill:
    """What stands still now, in every municipality."""
    return Standstill(
        {(row.municipality_id, Invariant(row.invariant)): row.runs for row in await tx.all(_BLOCKED)},
        {row.municipality_id: row.since for row in await tx.all(_IN_REVIEW)},
        {(row.municipality_id, ParkReason(row.reason)): row.accounts for row in await tx.all(_PARKED)},
        {row.municipality_id: (row.letters, row.since) for row in await tx.all(_LETTERS)},
        {row.municipality_id: row.over_at for row in await tx.all(_NEXT_MONTHS)},
        {row.municipality_id: row.since for row in await tx.all(_UNCOUNTED)},
    )
