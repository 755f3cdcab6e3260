"""What the office does with its assistants: register them, note absences, decide who goes where."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Protocol

from services.delivery.domain.staff import Absence, AssignedVisit, AssignmentCause, Assistant, Span
from services.delivery.errors import AbsenceOver, AssignmentNotPossible
from services.delivery.rules.assignment import Placement, Visit, Workday, assign, judge, still_fits
from services.delivery.usecases.care import Moment
from services.runtime.commands import Effect, check_etag
from services.runtime.errors import NotFound, Refused

__all__ = [
    "AssignedDay",
    "Assignments",
    "DayOfVisits",
    "Given",
    "PlannedVisit",
    "Staff",
    "assign_day",
    "assign_visit",
    "beside_others",
    "end_absence",
    "register_assistant",
    "set_absence",
    "workdays",
]

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class PlannedVisit:
    """A visit as it stands, with what the rule looks at."""

    visit: Visit
    standing: AssignedVisit
    open: bool
    """Whether it is still ahead: neither done nor missed."""
    named: bool
    """Whether a person chose who goes."""


@dataclass(frozen=True, slots=True)
class DayOfVisits:
    """A municipality's day: its visits and who could go."""

    visits: tuple[PlannedVisit, ...]
    assistants: tuple[Assistant, ...]
    absent: frozenset[str]
    services: tuple[str, ...] = ()
    """Codes of the services whose visits these are."""


@dataclass(frozen=True, slots=True)
class Given:
    """What became of visits that were to be given to assistants."""

    units: frozenset[str]
    """Given; the others were planned no more by then, or refused."""
    refused: Mapping[str, str]
    """Applications of which the database took no visit, with the constraint that was broken."""


@dataclass(frozen=True, slots=True)
class AssignedDay:
    """A day that was assigned: how many visits somebody goes to and nobody, and what the database refused."""

    assigned: int
    nobody: int
    refused: Mapping[str, str]
    """As of `Given`; their visits are among those that nobody goes to."""


class Staff(Protocol):
    """What the use cases need of the tables of assistants."""

    async def lock(self, municipality_id: str) -> None: ...
    async def find(self, municipality_id: str, assistant_id: str) -> Assistant | None: ...
    async def put(self, changed: Assistant) -> None: ...
    async def add_absence(self, municipality_id: str, added: Absence) -> None: ...
    async def load_absence(self, municipality_id: str, absence_id: str) -> Absence: ...
    async def shorten_absence(self, shortened: Absence, last_day: date) -> None: ...
    async def days_with_visits(
        self, municipality_id: str, assistant_id: str, first: date, last: date | None = None
    ) -> Sequence[date]: ...


class Assignments(Protocol):
    """What the use cases need of the tables of assignments."""

    async def day(self, municipality_id: str, on: date) -> DayOfVisits: ...
    async def release(self, unit_ids: Sequence[str], moment: Moment) -> None: ...
    async def give(
        self, placed: Sequence[tuple[PlannedVisit, Placement]], cause: AssignmentCause, moment: Moment
    ) -> Given: ...
    async def keep_reasons(self, municipality_id: str, on: date, placed: Sequence[Placement]) -> None: ...
    async def note_day(self, municipality_id: str, on: date, services: Sequence[str]) -> None: ...


async def register_assistant(
    assistant: Assistant, etag: str, staff: Staff, assignments: Assignments, moment: Moment
) -> Effect:
    """Register an assistant, or change what is known of one; visits that no longer fit go to others. EtagMismatch."""
    await staff.lock(assistant.municipality_id)
    before = await staff.find(assistant.municipality_id, assistant.id)
    version = 0 if before is None else before.version
    check_etag(etag, version)
    changed = replace(assistant, version=version + 1)
    await staff.put(changed)
    for day in await staff.days_with_visits(assistant.municipality_id, assistant.id, moment.today):
        await assign_day(assistant.municipality_id, day, assignments, moment)
    return Effect(changed.id, changed.version)


async def set_absence(
    municipality_id: str, absence: Absence, staff: Staff, assignments: Assignments, moment: Moment
) -> Effect:
    """Note that an assistant is away and have others go from today on.

    Raises:
        NotFound: no such assistant.
        AssistantAbsenceOverlaps: away on one of the days already.
    """
    await staff.lock(municipality_id)
    if await staff.find(municipality_id, absence.assistant_id) is None:
        raise NotFound(resource_type="assistant", resource_id=absence.assistant_id)
    days = await staff.days_with_visits(municipality_id, absence.assistant_id, absence.days.start, absence.days.end)
    await staff.add_absence(municipality_id, absence)
    for day in days:
        if day >= moment.today:
            await assign_day(municipality_id, day, assignments, moment)
        else:
            await _release_of(absence.assistant_id, await assignments.day(municipality_id, day), assignments, moment)
    return Effect(absence.id)


async def end_absence(municipality_id: str, absence_id: str, back_on: date, staff: Staff) -> Effect:
    """Let an absence end the day before `back_on`; NotFound, AbsenceOver for a day outside of it."""
    await staff.lock(municipality_id)
    found = await staff.load_absence(municipality_id, absence_id)
    if not found.days.contains(back_on):
        raise AbsenceOver(field="back_date")
    await staff.shorten_absence(found, back_on - _ONE_DAY)
    return Effect(found.id)


async def assign_day(municipality_id: str, on: date, assignments: Assignments, moment: Moment) -> AssignedDay:
    """Have somebody go to every open visit of the day; a case that the database refuses does not stop the others.

    Whoever can still go keeps the visit. The caller holds the lock on the assistants.
    """
    day = await assignments.day(municipality_id, on)
    if not day.assistants:
        return AssignedDay(0, 0, {})
    kept = _kept(day, on)
    staying = {each.visit.unit_id for each in kept}
    free = {each.visit.unit_id: each for each in day.visits if each.open and each.visit.unit_id not in staying}
    await assignments.release([unit for unit, each in free.items() if each.standing.slot is not None], moment)
    placed = assign(_beside(free.values(), kept), on, workdays(day, kept))
    given = await assignments.give([(free[place.unit_id], place) for place in placed], AssignmentCause.CHOSEN, moment)
    await assignments.keep_reasons(municipality_id, on, placed)
    await assignments.note_day(municipality_id, on, day.services)
    nobody = len(free) - len(given.units)
    return AssignedDay(len(day.visits) - nobody, nobody, given.refused)


async def assign_visit(
    visit: AssignedVisit, assistant_id: str, staff: Staff, assignments: Assignments, moment: Moment
) -> Effect:
    """Have the named assistant go.

    Raises:
        NotFound: no such assistant.
        Refused: the visit is planned no more, or the database does not take it.
        AssignmentNotPossible: a hard condition is not met.
    """
    await staff.lock(visit.municipality_id)
    day = await assignments.day(visit.municipality_id, visit.on)
    asked = next((each for each in day.visits if each.visit.unit_id == visit.unit_id and each.open), None)
    if asked is None:
        raise Refused(resource_type="unit", resource_id=visit.unit_id)
    others = [each for each in day.visits if each is not asked and each.standing.slot is not None]
    named = next((each for each in workdays(day, others) if each.assistant.id == assistant_id), None)
    if named is None:
        raise NotFound(resource_type="assistant", resource_id=assistant_id)
    verdict = judge(beside_others(asked, others), visit.on, named)
    if verdict.fell_out_at is not None:
        raise AssignmentNotPossible(metadata={"step": verdict.fell_out_at})
    await assignments.release([visit.unit_id], moment)
    place = Placement(visit.unit_id, assistant_id, verdict.slot, None)
    given = await assignments.give([(asked, place)], AssignmentCause.NAMED, moment)
    if visit.unit_id not in given.units:
        raise Refused(resource_type="unit", resource_id=visit.unit_id)
    return Effect(visit.unit_id)


def workdays(day: DayOfVisits, visits: Iterable[PlannedVisit]) -> tuple[Workday, ...]:
    """The assistants of the day with these visits."""
    taken: defaultdict[str, list[Span]] = defaultdict(list)
    for each in visits:
        if each.standing.slot is not None:
            taken[each.standing.assistant_id].append(each.standing.slot)
    return tuple(
        Workday(assistant, assistant.id in day.absent, tuple(sorted(taken[assistant.id])))
        for assistant in day.assistants
    )


def beside_others(asked: PlannedVisit, others: Iterable[PlannedVisit]) -> Visit:
    """A visit beside these of its person, so that two of them are never made at once."""
    slots = (each.standing.slot for each in others if each.visit.person == asked.visit.person)
    return replace(asked.visit, beside=tuple(sorted(slot for slot in slots if slot is not None)))


def _beside(free: Iterable[PlannedVisit], kept: Iterable[PlannedVisit]) -> Iterator[Visit]:
    of_person: defaultdict[str, list[PlannedVisit]] = defaultdict(list)
    for each in kept:
        of_person[each.visit.person].append(each)
    return (beside_others(each, of_person[each.visit.person]) for each in free)


def _kept(day: DayOfVisits, on: date) -> list[PlannedVisit]:
    """Visits that stay with who has them: they took place, or the assistant can still go and nobody else is there."""
    people = {each.id: Workday(each, each.id in day.absent) for each in day.assistants}
    kept: list[PlannedVisit] = []
    of_person: defaultdict[str, list[Span]] = defaultdict(list)
    for each in sorted(day.visits, key=lambda each: (each.open, not each.named, each.visit.unit_id)):
        slot, workday = each.standing.slot, people.get(each.standing.assistant_id)
        if slot is None:
            continue
        beside = replace(each.visit, beside=tuple(of_person[each.visit.person]))
        if not each.open or (workday is not None and still_fits(beside, on, workday, slot)):
            kept.append(each)
            of_person[each.visit.person].append(slot)
    return kept


async def _release_of(assistant_id: str, day: DayOfVisits, assignments: Assignments, moment: Moment) -> None:
    """Take the visits from the assistant that were neither made nor missed on a day that is over."""
    gone = [each.visit.unit_id for each in day.visits if each.open and each.standing.assistant_id == assistant_id]
    await assignments.release(gone, moment)
