"""What the office does with its social workers: register, note absences, hand over the visits of who is away."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Protocol

from services.assessment.domain.staff import (
    Absence,
    AssignmentCause,
    Reassignment,
    ReassignmentOutcome,
    SocialWorker,
)
from services.assessment.domain.visits import Assessment
from services.assessment.errors import AbsenceOver, WorkerNotAbsent
from services.assessment.rules import visits as rules
from services.assessment.rules.allocation import AllocationQuestion, allocate
from services.assessment.usecases.visits import AssessmentStore
from services.kernel.dates import local_date
from services.runtime.commands import Effect, check_etag

__all__ = ["ReassignAbsent", "StaffStore", "end_absence", "reassign_absent", "record_absence", "register_worker"]

_ONE_DAY = timedelta(days=1)


class StaffStore(Protocol):
    """What the use cases need of the database."""

    async def find_worker(self, municipality_id: str, worker_id: str) -> SocialWorker | None:
        """The social worker, locked until the transaction ends; None when none of that id is registered."""
        ...

    async def load_worker(self, municipality_id: str, worker_id: str) -> SocialWorker:
        """As `find_worker`; raises NotFound when there is none."""
        ...

    async def put_worker(self, worker: SocialWorker) -> None:
        """Store the worker as it is now."""
        ...

    async def add_absence(self, municipality_id: str, absence: Absence) -> None:
        """Store an absence; raises AbsenceOverlaps."""
        ...

    async def load_absence(self, municipality_id: str, absence_id: str) -> Absence:
        """The absence, locked until the transaction ends; raises NotFound."""
        ...

    async def shorten_absence(self, absence: Absence, last_day: date) -> None:
        """Let the absence end on the day; before its first day it falls away."""
        ...

    async def is_absent_from(self, municipality_id: str, worker_id: str, today: date) -> bool:
        """Whether the worker is away today or on a later day."""
        ...

    async def open_cases_of(self, municipality_id: str, worker_id: str) -> Sequence[str]:
        """Applications whose open assessment the worker has, locked until the transaction ends."""
        ...

    async def keep_reassignments(
        self, run_id: str, of: SocialWorker, rows: Sequence[Reassignment], at: datetime
    ) -> None:
        """Keep what a reassignment did, for its answer."""
        ...


async def register_worker(worker: SocialWorker, etag: str, store: StaffStore) -> Effect:
    """Register a social worker, or change what is known of one. Raises EtagMismatch."""
    before = await store.find_worker(worker.municipality_id, worker.id)
    version = 0 if before is None else before.version
    check_etag(etag, version)
    changed = replace(worker, version=version + 1)
    await store.put_worker(changed)
    return Effect(changed.id, changed.version)


async def record_absence(municipality_id: str, absence: Absence, store: StaffStore) -> Effect:
    """Note that a social worker is away. Raises NotFound, AbsenceOverlaps."""
    await store.load_worker(municipality_id, absence.social_worker_id)
    await store.add_absence(municipality_id, absence)
    return Effect(absence.id)


async def end_absence(municipality_id: str, absence_id: str, back_on: date, store: StaffStore) -> Effect:
    """Let an absence end the day before `back_on`. Raises NotFound, AbsenceOver for a day outside of it."""
    absence = await store.load_absence(municipality_id, absence_id)
    if not absence.days.contains(back_on):
        days = absence.days
        raise AbsenceOver(
            metadata={
                "first_day": days.start.isoformat(),
                "last_day": days.end.isoformat(),
                "back_day": back_on.isoformat(),
            }
        )
    await store.shorten_absence(absence, back_on - _ONE_DAY)
    return Effect(absence.id)


@dataclass(frozen=True, slots=True)
class ReassignAbsent:
    """The command to hand over what an absent worker has."""

    run_id: str
    municipality_id: str
    social_worker_id: str
    now: datetime


async def reassign_absent(
    command: ReassignAbsent, staff: StaffStore, store: AssessmentStore
) -> tuple[Effect, Sequence[Reassignment]]:
    """Hand every open assessment of an absent worker to whom the chain chooses, each one's visit counted at once.

    Assessments are taken by day of the visit, then by id. Raises NotFound, WorkerNotAbsent.
    """
    today = local_date(command.now)
    # Assessments are locked before workers, as everywhere.
    cases = await staff.open_cases_of(command.municipality_id, command.social_worker_id)
    worker = await staff.load_worker(command.municipality_id, command.social_worker_id)
    if not await staff.is_absent_from(command.municipality_id, command.social_worker_id, today):
        raise WorkerNotAbsent
    assessments = [await store.load(case) for case in cases]
    assessments.sort(key=lambda each: (rules.visit_day(each, today), each.application_id))
    rows = [await _hand_over(each, store, command.now, today) for each in assessments]
    await staff.keep_reassignments(command.run_id, worker, rows, command.now)
    return Effect(command.run_id), rows


async def _hand_over(assessment: Assessment, store: AssessmentStore, now: datetime, today: date) -> Reassignment:
    day = rules.visit_day(assessment, today)
    candidates = await store.candidates(assessment, day, today)
    chosen = allocate(AllocationQuestion(assessment.district, day, today), candidates).chosen
    if chosen in {"", assessment.social_worker_id}:
        outcome = ReassignmentOutcome.KEPT if chosen else ReassignmentOutcome.NOBODY
        return Reassignment(assessment.application_id, outcome, assessment.social_worker_id, day)
    changed = await store.save(assessment, rules.allot(assessment, chosen))
    await store.note_assignment(changed, AssignmentCause.ABSENCE, now)
    return Reassignment(assessment.application_id, ReassignmentOutcome.MOVED, chosen, day)
