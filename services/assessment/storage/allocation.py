"""SQL about who has which visit, and what the chain looks at."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from services.assessment.domain.staff import Assignment, AssignmentCause, SocialWorker
from services.assessment.domain.visits import Assessment
from services.assessment.rules.allocation import Candidate, week_of
from services.assessment.storage.staff import WORKER_COLUMNS, worker_of
from services.kernel.ranges import DateRange, DateSet
from services.runtime.database import ReadTx, WriteTx

__all__ = [
    "WorkerPage",
    "assignments_of",
    "candidates",
    "locked_candidates",
    "note_assignment",
    "workers_with_visits",
]

_WORKERS = f"""
SELECT {WORKER_COLUMNS} FROM social_workers
WHERE municipality_id = :municipality_id ORDER BY social_worker_id
"""  # noqa: S608 constants of this module
_WORKER_PAGE = f"""
SELECT {WORKER_COLUMNS} FROM social_workers
WHERE municipality_id = :municipality_id AND social_worker_id > :after
    AND (:office_code = '' OR office_code = :office_code)
ORDER BY social_worker_id LIMIT :size
"""  # noqa: S608 constants of this module
_AWAY = """
SELECT social_worker_id, lower(days) AS first_day, upper(days) - 1 AS last_day FROM absences
WHERE municipality_id = :municipality_id AND days && daterange(:first_day, :last_day, '[]')
"""
# The day of a visit that is still due: the set day, else the last day of D-01, never one that is over.
_VISITS = """
SELECT a.social_worker_id, count(*) AS visits
FROM assessments a
CROSS JOIN LATERAL (
    SELECT due_date FROM time_limits t
    WHERE t.application_id = a.application_id AND t.kind = 'home_assessment' ORDER BY number DESC LIMIT 1
) d
WHERE a.municipality_id = :municipality_id AND a.social_worker_id = ANY(CAST(:worker_ids AS text[]))
    AND a.state IN ('OPEN', 'VISIT_SCHEDULED') AND a.application_id <> :but
    AND greatest(CASE WHEN a.scheduled_date >= :today THEN a.scheduled_date ELSE d.due_date END, :today)
        BETWEEN :monday AND :sunday
GROUP BY a.social_worker_id
"""
_KNOWN_TO = """
SELECT social_worker_id FROM assessments
WHERE person_id = :person_id AND municipality_id = :municipality_id AND social_worker_id <> ''
"""
_NOTE = """
INSERT INTO assignments (application_id, number, social_worker_id, cause, assigned_at)
SELECT :application_id, coalesce(max(number), 0) + 1, :worker_id, :cause, :at
FROM assignments WHERE application_id = :application_id
"""
_ASSIGNMENTS = """
SELECT social_worker_id, cause, assigned_at FROM assignments WHERE application_id = :application_id ORDER BY number
"""


@dataclass(frozen=True, slots=True)
class WorkerPage:
    """Which social workers to list."""

    municipality_id: str
    office: str
    """Empty: all."""
    after: str
    """Staff id of the last row seen."""
    size: int


async def workers_with_visits(
    tx: ReadTx, page: WorkerPage, on: date, today: date
) -> Sequence[tuple[SocialWorker, int]]:
    """A page of social workers by staff id, each with the visits due in the week of the day."""
    rows = await tx.all(
        _WORKER_PAGE,
        {
            "municipality_id": page.municipality_id,
            "office_code": page.office,
            "after": page.after,
            "size": page.size,
        },
    )
    workers = [worker_of(row) for row in rows]
    visits = await _visits(tx, workers, on, today)
    return [(worker, visits.get(worker.id, 0)) for worker in workers]


async def assignments_of(tx: ReadTx, application_id: str) -> Sequence[Assignment]:
    """To whom the assessment went, oldest first."""
    rows = await tx.all(_ASSIGNMENTS, {"application_id": application_id})
    return [Assignment(row.social_worker_id, AssignmentCause(row.cause), row.assigned_at) for row in rows]


async def candidates(tx: ReadTx, of: Assessment, visit_day: date, today: date) -> tuple[Candidate, ...]:
    """The social workers of the municipality as the chain sees them for this visit."""
    return await _candidates(tx, _WORKERS, of, visit_day, today)


async def locked_candidates(tx: WriteTx, of: Assessment, visit_day: date, today: date) -> tuple[Candidate, ...]:
    """As `candidates`; nobody else allots visits in the municipality before the transaction ends.

    So that two visits do not take the same room under one weekly limit.
    """
    return await _candidates(tx, f"{_WORKERS} FOR NO KEY UPDATE", of, visit_day, today)


async def _candidates(
    tx: ReadTx, statement: str, of: Assessment, visit_day: date, today: date
) -> tuple[Candidate, ...]:
    where = {"municipality_id": of.municipality_id}
    workers = [worker_of(row) for row in await tx.all(statement, where)]
    if not workers:
        return ()
    away: defaultdict[str, list[DateRange]] = defaultdict(list)
    asked = {**where, "first_day": min(today, visit_day), "last_day": max(today, visit_day)}
    for row in await tx.all(_AWAY, asked):
        away[row.social_worker_id].append(DateRange(row.first_day, row.last_day))
    visits = await _visits(tx, workers, visit_day, today, of.application_id)
    known = {row.social_worker_id for row in await tx.all(_KNOWN_TO, {**where, "person_id": of.person_id})}
    known.add(of.social_worker_id)
    return tuple(
        Candidate(worker, DateSet.of(away[worker.id]), visits.get(worker.id, 0), worker.id in known)
        for worker in workers
    )


async def _visits(tx: ReadTx, workers: Sequence[SocialWorker], on: date, today: date, but: str = "") -> dict[str, int]:
    """Visits still due in the week of the day, by worker, one case left out."""
    if not workers:
        return {}
    week = week_of(on)
    rows = await tx.all(
        _VISITS,
        {
            "municipality_id": workers[0].municipality_id,
            "worker_ids": [worker.id for worker in workers],
            "but": but,
            "today": today,
            "monday": week.start,
            "sunday": week.end,
        },
    )
    return {row.social_worker_id: row.visits for row in rows}


async def note_assignment(tx: WriteTx, of: Assessment, cause: AssignmentCause, at: datetime) -> None:
    """Write down to whom the assessment went; its row is locked."""
    await tx.run(
        _NOTE,
        {"application_id": of.application_id, "worker_id": of.social_worker_id, "cause": cause, "at": at},
    )
