"""Who goes to which visit of a day (S7): hard conditions first, then continuity of carer, then the lighter day.

No source says who goes; the conditions and the score are an assumption. The rule is a function of the day: the order in
which visits and assistants are given does not matter.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from functools import reduce
from types import MappingProxyType

from services.delivery.domain.staff import AssignmentStep, Assistant, Skill, Span
from services.kernel.dates import Weekday
from services.kernel.register import decides

__all__ = [
    "CONTINUITY_POINTS",
    "Placement",
    "Verdict",
    "Visit",
    "Workday",
    "assign",
    "judge",
    "length_of_visit",
    "skills_for",
    "still_fits",
]

CONTINUITY_POINTS = 2000
"""More than the minutes of a day, so that no load outweighs continuity."""

_HOUR = 60
_SKILLS = MappingProxyType(
    {
        "HSP_PRE_PHYSICIAN_CARE": frozenset({Skill.NURSING}),
        "HSP_MEDICAL_REHAB": frozenset({Skill.REHABILITATION}),
        "HSP_PSYCH_INTERVENTION": frozenset({Skill.PSYCHOLOGY}),
        "HSP_LEGAL_ADVICE": frozenset({Skill.LEGAL_ADVICE}),
    }
)


def skills_for(code: str, asked: Iterable[str] = ()) -> frozenset[str]:
    """What a visit needs: what its plan line asks for, and what the item itself needs."""
    return frozenset(asked) | _SKILLS.get(code, frozenset())


def length_of_visit(unit: str, quantity: int, window: Span) -> int:
    """Minutes of a visit: an hour for each hour planned, an hour for any other visit, never more than its window."""
    return min(_HOUR * quantity if unit == "HOUR" else _HOUR, window.minutes)


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit of the day."""

    unit_id: str
    district: str
    window: Span
    """Within which the visit lies."""
    minutes: int
    skills: frozenset[str] = frozenset()
    """Codes; one that is no `Skill` is nobody's."""
    last_assistant: str = ""
    """Who came for the plan line last, else for the item, else to the person; empty: nobody."""
    person: str = ""
    """Whose visits of the day follow each other whoever makes them; empty: nobody's."""
    beside: tuple[Span, ...] = ()
    """When the person's other visits are."""


@dataclass(frozen=True, slots=True)
class Workday:
    """An assistant on the day, with the visits that stay where they are."""

    assistant: Assistant
    absent: bool = False
    taken: tuple[Span, ...] = ()

    @property
    def load(self) -> int:
        """Minutes of visits."""
        return sum(span.minutes for span in self.taken)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the rule says of one assistant for one visit; `slot` is the earliest that fits."""

    assistant_id: str
    fell_out_at: AssignmentStep | None
    """None: nothing ruled the assistant out."""
    slot: Span | None = None
    continuity: int = 0
    load: int = 0

    @property
    def score(self) -> int:
        """The highest is chosen."""
        return self.continuity - self.load


@dataclass(frozen=True, slots=True)
class Placement:
    """Where a visit went."""

    unit_id: str
    assistant_id: str
    """Empty: to nobody."""
    slot: Span | None
    reason: AssignmentStep | None
    """Why to nobody: the condition at which the last assistant fell out."""


@decides("S7")
def judge(visit: Visit, on: date, workday: Workday) -> Verdict:
    """How one assistant comes out for one visit."""
    step, slot = _first_obstacle(visit, on, workday)
    continuity = CONTINUITY_POINTS if workday.assistant.id == visit.last_assistant else 0
    return Verdict(workday.assistant.id, step, slot, continuity, workday.load)


def still_fits(visit: Visit, on: date, workday: Workday, slot: Span) -> bool:
    """Whether a visit that somebody has may stay where it is; `workday` does not count the visit itself."""
    step, _ = _first_obstacle(visit, on, replace(workday, taken=()))
    hours = workday.assistant.hours.get(Weekday.of(on), ())
    return (
        step is None
        and visit.window.holds(slot)
        and slot.minutes == visit.minutes
        and any(span.holds(slot) for span in hours)
        and not any(slot.overlaps(other) for other in (*workday.taken, *visit.beside))
    )


def assign(visits: Iterable[Visit], on: date, workdays: Iterable[Workday]) -> tuple[Placement, ...]:
    """Place every visit, people with a known carer first, then those whose time window ends first.

    The visits of a person never lie side by side; `beside` of each says where those lie that stay where they are.
    """
    days = {workday.assistant.id: _Day(workday, list(workday.taken)) for workday in workdays}
    able = _Able(on, [days[assistant] for assistant in sorted(days)])
    placed, of_person = [], defaultdict[str, list[Span]](list)
    for visit in sorted(visits, key=_turn):
        place = _place(replace(visit, beside=(*visit.beside, *of_person[visit.person])), on, able)
        if visit.person and place.slot is not None:
            of_person[visit.person].append(place.slot)
        placed.append(place)
    return tuple(placed)


def _turn(visit: Visit) -> tuple[bool, int, int, str]:
    return not visit.last_assistant, visit.window.end, visit.window.start, visit.unit_id


@dataclass(slots=True)
class _Day:
    """A workday that fills up."""

    workday: Workday
    taken: list[Span]

    def now(self) -> Workday:
        return replace(self.workday, taken=tuple(self.taken))


@dataclass(slots=True)
class _Able:
    """The assistants of the day by what does not change while it fills: who may go to a district with these skills."""

    on: date
    days: Sequence[_Day]
    known: dict[tuple[str, frozenset[str]], list[_Day]] = field(default_factory=dict)

    def of(self, visit: Visit) -> list[_Day]:
        key = visit.district, visit.skills
        if key not in self.known:
            self.known[key] = [day for day in self.days if _own_obstacle(visit, self.on, day.workday) is None]
        return self.known[key]


def _place(visit: Visit, on: date, able: _Able) -> Placement:
    candidates = able.of(visit)
    known = [day for day in candidates if day.workday.assistant.id == visit.last_assistant]
    verdicts: list[tuple[Verdict, _Day]] = []
    # No load outweighs continuity: where the known carer can go, nobody else is looked at.
    for days in (known, candidates):
        verdicts = [(judge(visit, on, day.now()), day) for day in days]
        fitting = [
            (-verdict.score, verdict.slot, verdict.assistant_id, day)
            for verdict, day in verdicts
            if verdict.slot is not None
        ]
        if fitting:
            _, slot, assistant_id, day = min(fitting, key=_rank)
            day.taken.append(slot)
            return Placement(visit.unit_id, assistant_id, slot, None)
    fell_out = [verdict.fell_out_at for verdict, _ in verdicts] or [
        _own_obstacle(visit, on, day.workday) for day in able.days
    ]
    return Placement(visit.unit_id, "", None, reduce(_later, fell_out, AssignmentStep.REGISTERED))


def _rank(fitting: tuple[int, Span, str, _Day]) -> tuple[int, int, str]:
    score, slot, assistant_id, _ = fitting
    return score, slot.start, assistant_id


_ORDER = {step: number for number, step in enumerate(AssignmentStep)}


def _later(one: AssignmentStep, other: AssignmentStep | None) -> AssignmentStep:
    return one if other is None or _ORDER[other] < _ORDER[one] else other


def _own_obstacle(visit: Visit, on: date, workday: Workday) -> AssignmentStep | None:
    """The first condition that the assistant does not meet whatever else happens on the day."""
    assistant = workday.assistant
    if not assistant.works_on(on):
        return AssignmentStep.REGISTERED
    if not assistant.goes_to(visit.district):
        return AssignmentStep.DISTRICT
    if not visit.skills <= assistant.skills:
        return AssignmentStep.SKILL
    return AssignmentStep.ABSENCE if workday.absent else None


def _first_obstacle(visit: Visit, on: date, workday: Workday) -> tuple[AssignmentStep | None, Span | None]:
    own = _own_obstacle(visit, on, workday)
    if own is not None:
        return own, None
    hours = workday.assistant.hours.get(Weekday.of(on), ())
    if _earliest(visit, hours, ()) is None:
        return AssignmentStep.HOURS, None
    slot = _earliest(visit, hours, (*workday.taken, *visit.beside))
    return (AssignmentStep.OVERLAP, None) if slot is None else (None, slot)


def _earliest(visit: Visit, hours: Sequence[Span], taken: Sequence[Span]) -> Span | None:
    """The earliest stretch of the visit's length within window and hours that nothing takes."""
    begins = (begin for span in sorted(hours) for begin in _begins(visit, span, taken))
    return next((Span(begin, begin + visit.minutes) for begin in begins), None)


def _begins(visit: Visit, hours: Span, taken: Sequence[Span]) -> Iterator[int]:
    begin, end = max(visit.window.start, hours.start), min(visit.window.end, hours.end)
    for other in sorted(taken):
        if begin + visit.minutes <= min(other.start, end):
            break
        begin = max(begin, other.end)
    if begin + visit.minutes <= end:
        yield begin
