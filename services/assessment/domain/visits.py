"""The assessment of one case: its states, its attempts to visit, its limits and the rungs already taken.

OPEN ──set day──▶ VISIT_SCHEDULED ──visit──▶ VISITED ──assess──▶ COMPLETED
  │                   │                        ▲
  ├──visit────────────┼────────────────────────┘
  └───────────────────┴─────── failed visits, end of the case ──▶ CLOSED
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType

from services.assessment.errors import HomeVisitMissing, StepNotAllowed
from services.kernel.calendar import BusinessCalendar
from services.kernel.codes import Role
from services.kernel.limit_moves import LimitMove
from services.kernel.local_rules import LocalRules
from services.kernel.time_limit import LimitKind, MovePolicy, Shift, TimeLimit

__all__ = [
    "CALLS",
    "LADDERS",
    "TRANSITIONS",
    "Assessment",
    "AssessmentState",
    "Attempt",
    "Limit",
    "Pace",
    "Parameters",
    "Rung",
    "Step",
    "TakenRung",
    "Transition",
    "VisitResult",
    "after",
]


class AssessmentState(StrEnum):
    """State of an assessment; names as in `socialcare.assessment.v1`."""

    OPEN = "OPEN"
    VISIT_SCHEDULED = "VISIT_SCHEDULED"
    VISITED = "VISITED"
    COMPLETED = "COMPLETED"
    CLOSED = "CLOSED"


class VisitResult(StrEnum):
    """What happened at the door."""

    COMPLETED = "COMPLETED"
    ABSENT = "ABSENT"
    REFUSED = "REFUSED"

    @property
    def failed(self) -> bool:
        """Whether the attempt counts as a failed visit (D-10, L-06)."""
        return self is not VisitResult.COMPLETED


class Step(StrEnum):
    """What moves an assessment."""

    SCHEDULE = "SCHEDULE"
    VISIT = "VISIT"
    FAIL_VISIT = "FAIL_VISIT"
    EXHAUST_VISITS = "EXHAUST_VISITS"
    ASSESS = "ASSESS"
    CLOSE = "CLOSE"


@dataclass(frozen=True, slots=True)
class Transition:
    """One admissible step: where it leads, who takes it, and the rule of domain.md behind it."""

    to: AssessmentState
    actors: frozenset[Role]
    rule: str


_S = AssessmentState
_HEAD_OR_WORKER = frozenset({Role.OFFICE_HEAD, Role.SOCIAL_WORKER})
_SOCIAL_WORKER = frozenset({Role.SOCIAL_WORKER})
_SYSTEM = frozenset({Role.WORKER})

TRANSITIONS: Mapping[tuple[AssessmentState, Step], Transition] = MappingProxyType(
    {
        (_S.OPEN, Step.SCHEDULE): Transition(_S.VISIT_SCHEDULED, _HEAD_OR_WORKER, "L-03"),
        # A visit may be paid without a day set for it before.
        (_S.OPEN, Step.VISIT): Transition(_S.VISITED, _HEAD_OR_WORKER, "L-03"),
        (_S.OPEN, Step.FAIL_VISIT): Transition(_S.OPEN, _HEAD_OR_WORKER, "L-06"),
        (_S.OPEN, Step.EXHAUST_VISITS): Transition(_S.CLOSED, _HEAD_OR_WORKER, "D-10"),
        (_S.OPEN, Step.CLOSE): Transition(_S.CLOSED, _SYSTEM, "L-15"),
        (_S.VISIT_SCHEDULED, Step.SCHEDULE): Transition(_S.VISIT_SCHEDULED, _HEAD_OR_WORKER, "L-03"),
        (_S.VISIT_SCHEDULED, Step.VISIT): Transition(_S.VISITED, _HEAD_OR_WORKER, "L-03"),
        (_S.VISIT_SCHEDULED, Step.FAIL_VISIT): Transition(_S.VISIT_SCHEDULED, _HEAD_OR_WORKER, "L-06"),
        (_S.VISIT_SCHEDULED, Step.EXHAUST_VISITS): Transition(_S.CLOSED, _HEAD_OR_WORKER, "D-10"),
        (_S.VISIT_SCHEDULED, Step.CLOSE): Transition(_S.CLOSED, _SYSTEM, "L-15"),
        (_S.VISITED, Step.ASSESS): Transition(_S.COMPLETED, _SOCIAL_WORKER, "L-03"),
        (_S.VISITED, Step.CLOSE): Transition(_S.CLOSED, _SYSTEM, "L-15"),
        (_S.COMPLETED, Step.ASSESS): Transition(_S.COMPLETED, _SOCIAL_WORKER, "L-03"),
        (_S.COMPLETED, Step.CLOSE): Transition(_S.COMPLETED, _SYSTEM, "L-15"),
        (_S.CLOSED, Step.CLOSE): Transition(_S.CLOSED, _SYSTEM, "L-15"),
    }
)
"""Every step that is possible; anything else is refused. A completed assessment stays completed when its case ends."""


def after(state: AssessmentState, step: Step) -> AssessmentState:
    """The state after the step.

    Raises:
        HomeVisitMissing: an assessment was to be completed before the visit.
        StepNotAllowed: any other step that the table does not have.
    """
    transition = TRANSITIONS.get((state, step))
    if transition is not None:
        return transition.to
    if step is Step.ASSESS and state in {AssessmentState.OPEN, AssessmentState.VISIT_SCHEDULED}:
        raise HomeVisitMissing
    raise StepNotAllowed(metadata={"state": state})


class Rung(StrEnum):
    """A step of the ladder of a limit, in the order in which they are taken."""

    REMINDER = "REMINDER"
    BREACH = "BREACH"
    CALL_1 = "CALL_1"
    CALL_2 = "CALL_2"


CALLS: Mapping[Rung, int] = MappingProxyType({Rung.CALL_1: 1, Rung.CALL_2: 2})
"""Rungs that call the office head, with their number (L-06)."""

LADDERS: Mapping[LimitKind, tuple[Rung, ...]] = MappingProxyType(
    {LimitKind.HOME_ASSESSMENT: tuple(Rung), LimitKind.NEEDS_ASSESSMENT_AND_PLAN: (Rung.BREACH,)}
)
"""Rungs of each limit; only the missed visit calls the office head (L-06)."""


@dataclass(frozen=True, slots=True)
class Pace:
    """On which days the rungs of a limit fall, as the municipality had set it when the limit began."""

    reminder_days: int
    """Calendar days before the due date (`reminder.assessment_days_before`); 0: no reminder."""
    first_call: int
    """Working days from the due date to the first call, at least 1 (`escalation.assessment_days`)."""
    second_call: int
    """Working days from the first call to the second, at least 1."""


@dataclass(frozen=True, slots=True)
class Parameters:
    """What the municipality has decided, as far as it matters here (section 12)."""

    calendar: BusinessCalendar
    """The calendar in force, by which limits that begin now are counted."""
    pace: Pace
    shift: Shift
    """`deadline.shift_non_working`: whether the provider's seven days move off a non-working day (C-17)."""
    moves: MovePolicy
    """`deadline.suspend_reasons` and `deadline.extend_max_days`."""
    breach_causes: frozenset[str]
    """`breach.cause_codes`."""

    @classmethod
    def of(cls, rules: LocalRules) -> Parameters:
        """What settings and calendar of the municipality say."""
        settings = rules.settings
        first_call, second_call = settings.wholes("escalation.assessment_days")
        return cls(
            calendar=rules.calendar,
            pace=Pace(settings.whole("reminder.assessment_days_before"), max(first_call, 1), max(second_call, 1)),
            shift=Shift.FORWARD if settings.flag("deadline.shift_non_working") else Shift.NONE,
            moves=MovePolicy(settings.codes("deadline.suspend_reasons"), settings.whole("deadline.extend_max_days")),
            breach_causes=settings.codes("breach.cause_codes"),
        )


@dataclass(frozen=True, slots=True)
class Attempt:
    """One attempt to visit."""

    attempted_at: datetime
    result: VisitResult
    recorded_by: str = ""
    """Opaque id of who recorded it; empty for attempts of an earlier release."""
    evidence_id: str = ""
    """Opaque id of what proves it; empty: none."""


@dataclass(frozen=True, slots=True)
class Limit:
    """One limit of the case; a later one of the same kind replaces it (L-06)."""

    number: int
    """From 1 in the case."""
    ledger: TimeLimit
    calendar: BusinessCalendar
    """The version that the ledger names; an open limit is counted anew by each later one."""
    pace: Pace
    done_at: datetime | None = None
    breach_cause: str = ""
    moves: tuple[LimitMove, ...] = ()
    """How changed calendars moved it, in order."""


@dataclass(frozen=True, slots=True)
class TakenRung:
    """A rung that was taken; it is taken once for its limit (T-14)."""

    limit_number: int
    kind: LimitKind
    rung: Rung
    on_date: date
    """Local day for which it was due."""
    taken_at: datetime
    request_id: str
    """Request that took it."""


@dataclass(frozen=True, slots=True)
class Assessment:
    """The assessment of one case with everything that decides about it."""

    application_id: str
    municipality_id: str
    person_id: str
    state: AssessmentState
    version: int
    opened_at: datetime
    intake_version: int
    """Version of the intake facts from which it was opened."""
    district: str = ""
    """District of the person; empty for assessments of an earlier release."""
    office: str = ""
    """Office of the district; empty: none."""
    scheduled_date: date | None = None
    social_worker_id: str = ""
    assigned_by_chain: bool = False
    """Whether the chain of allocation chose the social worker, so that it may choose anew; nobody named one."""
    close_cause: str = ""
    attempts: tuple[Attempt, ...] = ()
    limits: tuple[Limit, ...] = ()
    rungs: tuple[TakenRung, ...] = ()

    @property
    def failed_visits(self) -> int:
        """Attempts that failed."""
        return sum(attempt.result.failed for attempt in self.attempts)

    @property
    def is_visited(self) -> bool:
        """Whether the visit took place."""
        return any(not attempt.result.failed for attempt in self.attempts)

    @property
    def current_limits(self) -> tuple[Limit, ...]:
        """The latest limit of each kind, in the order of their kinds."""
        latest = {limit.ledger.kind: limit for limit in self.limits}
        return tuple(latest[kind] for kind in LADDERS if kind in latest)

    def current_limit(self, kind: LimitKind) -> Limit | None:
        """The latest limit of the kind."""
        return next((limit for limit in self.current_limits if limit.ledger.kind is kind), None)

    def has_taken(self, limit: Limit, rung: Rung) -> bool:
        """Whether the rung of this limit was taken."""
        return any(taken.limit_number == limit.number and taken.rung is rung for taken in self.rungs)

    def with_limit(self, changed: Limit) -> Assessment:
        """The same with one of its limits changed, or one more."""
        others = (limit for limit in self.limits if limit.number != changed.number)
        return replace(self, limits=tuple(sorted((*others, changed), key=lambda limit: limit.number)))
