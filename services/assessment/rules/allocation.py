"""Who visits: district, absence, load, continuity, in this order; of those left, who has least to do (S2).

The chain is an assumption, as no source says who visits. Each step rules candidates out by facts of that step alone;
the order in which candidates are given does not matter.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

from services.assessment.domain.staff import AllocationStep, SocialWorker
from services.kernel.ranges import DateRange, DateSet
from services.kernel.register import decides
from services.kernel.trace import Step, Trace

__all__ = ["Allocation", "AllocationQuestion", "Candidate", "Verdict", "allocate", "week_of"]

_SOURCE = "assumption"


def week_of(day: date) -> DateRange:
    """The week of the day, Monday to Sunday."""
    monday = day - timedelta(days=day.weekday())
    return DateRange(monday, monday + timedelta(days=6))


@dataclass(frozen=True, slots=True)
class AllocationQuestion:
    """For which visit somebody is sought."""

    district: str
    """District of the person; empty: unknown, which only who serves all districts does."""
    visit_day: date
    today: date


@dataclass(frozen=True, slots=True)
class Candidate:
    """A social worker with what the chain looks at."""

    worker: SocialWorker
    absent: DateSet
    load: int
    """Other visits in the week of the visit day."""
    knows_person: bool
    """Has this case, or had another assessment of the same person."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the chain says of one candidate."""

    social_worker_id: str
    fell_out_at: AllocationStep | None
    """None: won."""
    trace: Trace


@dataclass(frozen=True, slots=True)
class Allocation:
    """Who should visit and why."""

    chosen: str
    """Staff id; empty when nobody can."""
    verdicts: tuple[Verdict, ...]
    """Of every candidate, by staff id."""


@dataclass(slots=True)
class _Course:
    """How far one candidate has come."""

    candidate: Candidate
    steps: list[Step] = field(default_factory=list)
    fell_out_at: AllocationStep | None = None

    def take(self, step: AllocationStep, *, passed: bool, inputs: dict[str, str], outcome: str) -> None:
        text_bg, text_en = _TEXTS[outcome]
        words = {"worker": self.candidate.worker.id, **inputs}
        self.steps.append(
            Step("S2", inputs, outcome, _SOURCE, text_bg.format_map(words), text_en.format_map(words)),
        )
        if not passed:
            self.fell_out_at = step

    def verdict(self) -> Verdict:
        return Verdict(self.candidate.worker.id, self.fell_out_at, tuple(self.steps))


@decides("S2")
def allocate(question: AllocationQuestion, candidates: Iterable[Candidate]) -> Allocation:
    """Who should have the visit, with the way of every candidate through the chain.

    Of those whom no step ruled out the one with fewest visits in the week wins, of equals the smallest staff id.
    """
    courses = sorted((_Course(each) for each in candidates), key=lambda course: course.candidate.worker.id)
    for course in courses:
        _take_own_steps(question, course)
    _prefer_who_knows(_left(courses))
    winner = min(_left(courses), key=lambda course: (course.candidate.load, course.candidate.worker.id), default=None)
    for course in _left(courses):
        _rank(course, won=course is winner)
    return Allocation(
        "" if winner is None else winner.candidate.worker.id, tuple(course.verdict() for course in courses)
    )


def _left(courses: Sequence[_Course]) -> list[_Course]:
    return [course for course in courses if course.fell_out_at is None]


def _take_own_steps(question: AllocationQuestion, course: _Course) -> None:
    """The steps that look at the candidate alone; the first that fails ends the course."""
    for step, passed, inputs, outcome in _own_steps(question, course.candidate):
        course.take(step, passed=passed, inputs=inputs, outcome=outcome)
        if not passed:
            return


def _own_steps(
    question: AllocationQuestion, candidate: Candidate
) -> Iterator[tuple[AllocationStep, bool, dict[str, str], str]]:
    worker, day = candidate.worker, question.visit_day
    visit = {"visit_day": day.isoformat()}
    last = "" if worker.last_day is None else worker.last_day.isoformat()
    registered = worker.works_on(day)
    days = {**visit, "first_day": worker.first_day.isoformat(), "last_day": last}
    yield AllocationStep.REGISTERED, registered, days, "REGISTERED" if registered else "NOT_REGISTERED"
    serves = worker.serves(question.district)
    where = {"district": question.district, "serves": ",".join(sorted(worker.districts)) or "ALL"}
    yield AllocationStep.DISTRICT, serves, where, "DISTRICT_SERVED" if serves else "DISTRICT_NOT_SERVED"
    asked = sorted({question.today, day})
    away = [each.isoformat() for each in asked if candidate.absent.contains(each)]
    asked_on = {**visit, "today": question.today.isoformat(), "absent_on": ",".join(away)}
    yield AllocationStep.ABSENCE, not away, asked_on, "ABSENT" if away else "PRESENT"
    room = candidate.load < worker.weekly_limit
    loads = {"week": str(week_of(day)), "load": str(candidate.load), "limit": str(worker.weekly_limit)}
    yield AllocationStep.LOAD, room, loads, "WEEK_HAS_ROOM" if room else "WEEK_IS_FULL"


def _prefer_who_knows(left: Sequence[_Course]) -> None:
    anybody = any(course.candidate.knows_person for course in left)
    for course in left:
        knows = course.candidate.knows_person
        outcome = "KNOWS_PERSON" if knows else "OTHERS_KNOW_PERSON" if anybody else "NOBODY_KNOWS_PERSON"
        inputs = {"knows_person": str(knows).lower()}
        course.take(AllocationStep.CONTINUITY, passed=knows or not anybody, inputs=inputs, outcome=outcome)


def _rank(course: _Course, *, won: bool) -> None:
    inputs = {"load": str(course.candidate.load), "staff_id": course.candidate.worker.id}
    course.take(AllocationStep.RANK, passed=won, inputs=inputs, outcome="CHOSEN" if won else "OTHER_COMES_FIRST")


_TEXTS = {
    "REGISTERED": ("{worker} работи на {visit_day}.", "{worker} works on {visit_day}."),
    "NOT_REGISTERED": ("{worker} не работи на {visit_day}.", "{worker} does not work on {visit_day}."),
    "DISTRICT_SERVED": ("{worker} обслужва {district}.", "{worker} serves {district}."),
    "DISTRICT_NOT_SERVED": (
        "{worker} не обслужва {district}, а {serves}.",
        "{worker} serves {serves} and not {district}.",
    ),
    "PRESENT": (
        "{worker} не отсъства нито на {today}, нито на {visit_day}.",
        "{worker} is away neither on {today} nor on {visit_day}.",
    ),
    "ABSENT": ("{worker} отсъства на {absent_on}.", "{worker} is away on {absent_on}."),
    "WEEK_HAS_ROOM": (
        "{worker} има {load} посещения от най-много {limit} за седмицата {week}.",
        "{worker} has {load} visits of at most {limit} in the week {week}.",
    ),
    "WEEK_IS_FULL": (
        "{worker} има вече {load} посещения от най-много {limit} за седмицата {week}.",
        "{worker} has {load} visits already, of at most {limit} in the week {week}.",
    ),
    "KNOWS_PERSON": ("{worker} познава лицето.", "{worker} knows the person."),
    "OTHERS_KNOW_PERSON": (
        "{worker} не познава лицето, друг го познава.",
        "{worker} does not know the person, another one does.",
    ),
    "NOBODY_KNOWS_PERSON": ("Никой от останалите не познава лицето.", "Nobody of those left knows the person."),
    "CHOSEN": (
        "{worker} е с най-малко посещения ({load}); при равенство решава номерът.",
        "{worker} has fewest visits ({load}); between equals the id decides.",
    ),
    "OTHER_COMES_FIRST": (
        "Друг има по-малко посещения от {load}, или толкова и по-малък номер от {worker}.",
        "Another one has fewer visits than {load}, or as many and a smaller id than {worker}.",
    ),
}
