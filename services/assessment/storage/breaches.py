"""SQL about limits that were breached: met late, still not met, or ended unmet after the rung BREACH was taken."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from services.kernel.time_limit import LimitKind
from services.runtime.database import ReadTx

__all__ = ["Breach", "BreachFilter", "BreachPage", "breaches", "breaches_without_cause"]

_IS_LATEST = """
NOT EXISTS (
    SELECT FROM time_limits later
    WHERE later.application_id = t.application_id AND later.kind = t.kind AND later.number > t.number
)"""
_MET_LATE = "CAST(t.done_at AT TIME ZONE 'Europe/Sofia' AS date) > t.due_date"
# The day of the rung is compared anew, as the limit may have been moved since.
_RUNG_TAKEN = """
EXISTS (
    SELECT FROM rungs r WHERE r.application_id = t.application_id AND r.limit_number = t.number AND r.rung = 'BREACH'
        AND t.done_at IS NULL AND r.on_date > t.due_date
)"""
_PAGE = f"""
SELECT t.application_id, t.kind, t.number, t.due_date, t.done_at, t.breach_cause, a.office_code, a.social_worker_id
FROM time_limits t JOIN assessments a ON a.application_id = t.application_id
WHERE a.municipality_id = :municipality_id AND (:office_code = '' OR a.office_code = :office_code)
    AND CASE :filter WHEN 'WITHOUT_CAUSE' THEN t.breach_cause = '' WHEN 'WITH_CAUSE' THEN t.breach_cause <> ''
        ELSE true END
    AND (t.due_date, t.application_id, t.number) > (CAST(:after_day AS date), :after_id, CAST(:after_number AS int))
    AND ({_MET_LATE} OR {_RUNG_TAKEN} OR (
        t.done_at IS NULL AND t.due_date < :today AND a.state NOT IN ('COMPLETED', 'CLOSED')))
    AND {_IS_LATEST}
ORDER BY t.due_date, t.application_id, t.number LIMIT :size
"""  # noqa: S608 constants of this module
_WITHOUT_CAUSE = f"""
SELECT t.kind, count(*) AS breaches FROM time_limits t
WHERE t.breach_cause = '' AND (t.application_id, t.number) IN (
    SELECT application_id, number FROM time_limits t WHERE {_MET_LATE}
    UNION ALL SELECT application_id, limit_number FROM rungs WHERE rung = 'BREACH'
) AND ({_MET_LATE} OR {_RUNG_TAKEN}) AND {_IS_LATEST}
GROUP BY t.kind
"""  # noqa: S608 constants of this module


class BreachFilter(StrEnum):
    """Which breaches are asked for; names as in `socialcare.assessment.v1`."""

    WITHOUT_CAUSE = "WITHOUT_CAUSE"
    WITH_CAUSE = "WITH_CAUSE"


@dataclass(frozen=True, slots=True)
class Breach:
    """The latest limit of its kind of a case, whose last day passed before it was met."""

    application_id: str
    kind: LimitKind
    number: int
    due_date: date
    done_at: datetime | None
    cause: str
    office: str
    social_worker_id: str


@dataclass(frozen=True, slots=True)
class BreachPage:
    """Which breaches to list."""

    municipality_id: str
    filter: BreachFilter | None
    """None: all."""
    office: str
    """Empty: all."""
    after: tuple[date, str, int]
    """Last day, application and number of the last row seen."""
    size: int


async def breaches(tx: ReadTx, page: BreachPage, today: date) -> Sequence[Breach]:
    """A page of breaches, the longest overdue first; `today` is the local day of the question."""
    after_day, after_id, after_number = page.after
    rows = await tx.all(
        _PAGE,
        {
            "municipality_id": page.municipality_id,
            "filter": page.filter or "",
            "office_code": page.office,
            "after_day": after_day,
            "after_id": after_id,
            "after_number": after_number,
            "size": page.size,
            "today": today,
        },
    )
    return [
        Breach(
            application_id=row.application_id,
            kind=LimitKind(row.kind),
            number=row.number,
            due_date=row.due_date,
            done_at=row.done_at,
            cause=row.breach_cause,
            office=row.office_code,
            social_worker_id=row.social_worker_id,
        )
        for row in rows
    ]


async def breaches_without_cause(tx: ReadTx) -> Mapping[LimitKind, int]:
    """Breaches on record, by an act that came late or a rung that was taken, for which nobody said why."""
    return {LimitKind(row.kind): row.breaches for row in await tx.all(_WITHOUT_CAUSE)}
