"""SQL about social workers, their absences and the handing over of their visits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row
from sqlalchemy.exc import IntegrityError

from services.assessment.domain.staff import (
    Absence,
    AbsenceReason,
    Reassignment,
    ReassignmentOutcome,
    SocialWorker,
)
from services.assessment.errors import AbsenceOverlaps
from services.kernel.ranges import DateRange
from services.runtime.database import ReadTx, WriteTx, violated_constraint
from services.runtime.errors import NotFound

__all__ = [
    "WORKER_COLUMNS",
    "AbsencePage",
    "StaffStore",
    "absence",
    "absences_of",
    "is_social_worker",
    "reassignments_of",
    "social_worker",
    "worker_of",
]

WORKER_COLUMNS = """
municipality_id, social_worker_id, office_code, district_codes, language_codes, weekly_limit, lower(valid) AS first_day,
CASE WHEN upper_inf(valid) THEN NULL ELSE upper(valid) - 1 END AS last_day, version
"""
"""Columns of `social_workers` that `worker_of` reads."""

_ONE_WORKER = f"""
SELECT {WORKER_COLUMNS} FROM social_workers WHERE municipality_id = :municipality_id AND social_worker_id = :worker_id
"""  # noqa: S608 constants of this module
_PUT_WORKER = """
INSERT INTO social_workers (municipality_id, social_worker_id, office_code, district_codes, language_codes,
                            weekly_limit, valid, version)
VALUES (:municipality_id, :worker_id, :office_code, CAST(:district_codes AS text[]), CAST(:language_codes AS text[]),
        :weekly_limit, daterange(:first_day, :last_day, '[]'), :version)
ON CONFLICT (municipality_id, social_worker_id) DO UPDATE
SET office_code = excluded.office_code, district_codes = excluded.district_codes,
    language_codes = excluded.language_codes, weekly_limit = excluded.weekly_limit, valid = excluded.valid,
    version = excluded.version
"""
_ABSENCE = "id, social_worker_id, lower(days) AS first_day, upper(days) - 1 AS last_day, reason"
_ABSENCE_PAGE = f"""
SELECT {_ABSENCE} FROM absences
WHERE municipality_id = :municipality_id AND (:worker_id = '' OR social_worker_id = :worker_id)
    AND days && daterange(:first_day, CAST(:last_day AS date), '[]')
    AND (lower(days), id) > (CAST(:after_day AS date), :after_id)
ORDER BY lower(days), id LIMIT :size
"""  # noqa: S608 constants of this module
_ONE_ABSENCE = f"""
SELECT {_ABSENCE} FROM absences
WHERE municipality_id = :municipality_id AND id = :id
"""  # noqa: S608 constants of this module
_OPEN_CASES = """
SELECT application_id FROM assessments
WHERE municipality_id = :municipality_id AND social_worker_id = :worker_id
    AND state IN ('OPEN', 'VISIT_SCHEDULED', 'VISITED')
ORDER BY application_id FOR UPDATE
"""
_KEEP_RUN = """
INSERT INTO reassignment_runs (id, municipality_id, social_worker_id, ran_at)
VALUES (:id, :municipality_id, :worker_id, :at)
"""
_KEEP_REASSIGNMENT = """
INSERT INTO reassignments (run_id, application_id, outcome, social_worker_id, visit_day)
VALUES (:run_id, :application_id, :outcome, :worker_id, :visit_day)
"""
_REASSIGNMENTS = """
SELECT application_id, outcome, social_worker_id, visit_day FROM reassignments WHERE run_id = :run_id
ORDER BY visit_day, application_id
"""


@dataclass(frozen=True, slots=True)
class AbsencePage:
    """Which absences to list: those that touch the days."""

    municipality_id: str
    worker_id: str
    """Empty: of all workers."""
    first_day: date
    last_day: date | None = None
    """Included; None: open."""
    after: tuple[date, str] = (date.min, "")
    """First day and id of the last row seen."""
    size: int = 50


def worker_of(row: Row[Any]) -> SocialWorker:
    """A social worker from a row of WORKER_COLUMNS."""
    return SocialWorker(
        municipality_id=row.municipality_id,
        id=row.social_worker_id,
        weekly_limit=row.weekly_limit,
        first_day=row.first_day,
        last_day=row.last_day,
        office=row.office_code,
        districts=frozenset(row.district_codes),
        languages=frozenset(row.language_codes),
        version=row.version,
    )


def _absence(row: Row[Any]) -> Absence:
    return Absence(row.id, row.social_worker_id, DateRange(row.first_day, row.last_day), AbsenceReason(row.reason))


async def social_worker(tx: ReadTx, municipality_id: str, worker_id: str) -> SocialWorker | None:
    """One social worker; None when none of that id is registered."""
    row = await tx.one_or_none(_ONE_WORKER, {"municipality_id": municipality_id, "worker_id": worker_id})
    return None if row is None else worker_of(row)


async def absences_of(tx: ReadTx, page: AbsencePage) -> Sequence[Absence]:
    """A page of absences by first day, then by id."""
    after_day, after_id = page.after
    rows = await tx.all(
        _ABSENCE_PAGE,
        {
            "municipality_id": page.municipality_id,
            "worker_id": page.worker_id,
            "first_day": page.first_day,
            "last_day": page.last_day,
            "after_day": after_day,
            "after_id": after_id,
            "size": page.size,
        },
    )
    return [_absence(row) for row in rows]


async def absence(tx: ReadTx, municipality_id: str, absence_id: str) -> Absence | None:
    """One absence; None when there is none."""
    row = await tx.one_or_none(_ONE_ABSENCE, {"municipality_id": municipality_id, "id": absence_id})
    return None if row is None else _absence(row)


async def reassignments_of(tx: ReadTx, run_id: str) -> Sequence[Reassignment]:
    """What a reassignment did, by day of the visit."""
    return [
        Reassignment(row.application_id, ReassignmentOutcome(row.outcome), row.social_worker_id, row.visit_day)
        for row in await tx.all(_REASSIGNMENTS, {"run_id": run_id})
    ]


class StaffStore:
    """Port of the use cases about staff on one write transaction."""

    def __init__(self, tx: WriteTx) -> None:
        self._tx = tx

    async def find_worker(self, municipality_id: str, worker_id: str) -> SocialWorker | None:
        """The social worker, locked until the transaction ends; None when none of that id is registered."""
        row = await self._tx.one_or_none(
            f"{_ONE_WORKER} FOR UPDATE", {"municipality_id": municipality_id, "worker_id": worker_id}
        )
        return None if row is None else worker_of(row)

    async def load_worker(self, municipality_id: str, worker_id: str) -> SocialWorker:
        """As `find_worker`; raises NotFound when there is none."""
        found = await self.find_worker(municipality_id, worker_id)
        if found is None:
            raise NotFound(resource_type="social_worker", resource_id=worker_id)
        return found

    async def put_worker(self, worker: SocialWorker) -> None:
        """Store the worker as it is now."""
        await self._tx.run(
            _PUT_WORKER,
            {
                "municipality_id": worker.municipality_id,
                "worker_id": worker.id,
                "office_code": worker.office,
                "district_codes": sorted(worker.districts),
                "language_codes": sorted(worker.languages),
                "weekly_limit": worker.weekly_limit,
                "first_day": worker.first_day,
                "last_day": worker.last_day,
                "version": worker.version,
            },
        )

    async def add_absence(self, municipality_id: str, absence: Absence) -> None:
        """Store an absence; raises AbsenceOverlaps when the worker is away on one of the days already."""
        try:
            await self._tx.run(
                "INSERT INTO absences (id, municipality_id, social_worker_id, days, reason) "
                "VALUES (:id, :municipality_id, :worker_id, daterange(:first_day, :last_day, '[]'), :reason)",
                {
                    "id": absence.id,
                    "municipality_id": municipality_id,
                    "worker_id": absence.social_worker_id,
                    "first_day": absence.days.start,
                    "last_day": absence.days.end,
                    "reason": absence.reason,
                },
            )
        except IntegrityError as error:
            if violated_constraint(error) != "absence_once":
                raise
            raise AbsenceOverlaps(
                field="days", resource_type="absence", resource_id=absence.social_worker_id
            ) from error

    async def load_absence(self, municipality_id: str, absence_id: str) -> Absence:
        """The absence, locked until the transaction ends; raises NotFound."""
        row = await self._tx.one_or_none(
            f"{_ONE_ABSENCE} FOR UPDATE", {"municipality_id": municipality_id, "id": absence_id}
        )
        if row is None:
            raise NotFound(resource_type="absence", resource_id=absence_id)
        return _absence(row)

    async def shorten_absence(self, absence: Absence, last_day: date) -> None:
        """Let the absence end on the day; before its first day it falls away."""
        if last_day < absence.days.start:
            await self._tx.run("DELETE FROM absences WHERE id = :id", {"id": absence.id})
            return
        await self._tx.run(
            "UPDATE absences SET days = daterange(lower(days), :last_day, '[]') WHERE id = :id",
            {"id": absence.id, "last_day": last_day},
        )

    async def is_absent_from(self, municipality_id: str, worker_id: str, today: date) -> bool:
        """Whether the worker is away today or on a later day."""
        return bool(await absences_of(self._tx, AbsencePage(municipality_id, worker_id, today, size=1)))

    async def open_cases_of(self, municipality_id: str, worker_id: str) -> Sequence[str]:
        """Applications whose open assessment the worker has, locked until the transaction ends."""
        rows = await self._tx.all(_OPEN_CASES, {"municipality_id": municipality_id, "worker_id": worker_id})
        return [row.application_id for row in rows]

    async def keep_reassignments(
        self, run_id: str, of: SocialWorker, rows: Sequence[Reassignment], at: datetime
    ) -> None:
        """Keep what a reassignment did, for its answer."""
        await self._tx.run(
            _KEEP_RUN, {"id": run_id, "municipality_id": of.municipality_id, "worker_id": of.id, "at": at}
        )
        await self._tx.run(
            _KEEP_REASSIGNMENT,
            [
                {
                    "run_id": run_id,
                    "application_id": row.application_id,
                    "outcome": row.outcome,
                    "worker_id": row.social_worker_id,
                    "visit_day": row.visit_day,
                }
                for row in rows
            ],
        )


async def is_social_worker(tx: ReadTx, municipality_id: str, staff_id: str, on: date) -> bool:
    """Whether the staff member is registered as a social worker of the municipality on the day, by one statement."""
    found = await tx.scalar(
        "SELECT 1 FROM social_workers WHERE municipality_id = :municipality_id AND social_worker_id = :staff_id "
        "AND valid @> CAST(:on AS date)",
        {"municipality_id": municipality_id, "staff_id": staff_id, "on": on},
    )
    return found is not None
