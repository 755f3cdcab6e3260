"""What delivery keeps: the copied contract with its plan, pauses, deliveries, daily runs; and the state they imply."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from enum import StrEnum
from types import MappingProxyType

from services.kernel.codes import Role
from services.kernel.dates import Month, Weekday, start_of_day
from services.kernel.plan_terms import EVERY_WEEK, LineTerms
from services.kernel.ranges import DateRange, DateSet
from services.kernel.register import decides

__all__ = [
    "TRANSITIONS",
    "Care",
    "CareState",
    "CareStep",
    "ContractCopy",
    "DailyRun",
    "DeliveryRecord",
    "MissFault",
    "Outcome",
    "Pause",
    "PlanLine",
    "Served",
    "Transition",
    "next_transition",
    "state_on",
    "step_on",
]

_ONE_DAY = timedelta(days=1)


class CareState(StrEnum):
    """State of care; the case state of the same name is moved by the workflow."""

    CONTRACTED = "CONTRACTED"
    IN_SERVICE = "IN_SERVICE"
    PAUSED = "PAUSED"
    TERMINATED = "TERMINATED"


class CareStep(StrEnum):
    """What moves care; each falls on a local midnight (L-01)."""

    START = "START"
    PAUSE = "PAUSE"
    RETURN = "RETURN"
    END = "END"


@dataclass(frozen=True, slots=True)
class Transition:
    """One admissible step: where it leads, who takes it, and the rule of domain.md behind it."""

    to: CareState
    actors: frozenset[Role]
    rule: str


_S = CareState
_SYSTEM = frozenset({Role.WORKER})

TRANSITIONS: Mapping[tuple[CareState, CareStep], Transition] = MappingProxyType(
    {
        (_S.CONTRACTED, CareStep.START): Transition(_S.IN_SERVICE, _SYSTEM, "L-01"),
        # The contract may end before its first day of care.
        (_S.CONTRACTED, CareStep.END): Transition(_S.TERMINATED, _SYSTEM, "L-15"),
        (_S.IN_SERVICE, CareStep.PAUSE): Transition(_S.PAUSED, _SYSTEM, "S8"),
        (_S.IN_SERVICE, CareStep.END): Transition(_S.TERMINATED, _SYSTEM, "S11"),
        (_S.PAUSED, CareStep.RETURN): Transition(_S.IN_SERVICE, _SYSTEM, "P-10"),
        (_S.PAUSED, CareStep.END): Transition(_S.TERMINATED, _SYSTEM, "S11"),
    }
)
"""Every step from one day to the next; the state itself follows from contract and pauses."""

_STEPS = {(source, transition.to): step for (source, step), transition in TRANSITIONS.items()}


class MissFault(StrEnum):
    """Whose fault it is that care was not delivered."""

    PROVIDER = "PROVIDER"
    USER = "USER"


class Outcome(StrEnum):
    """What became of planned care."""

    DELIVERED = "DELIVERED"
    MISSED = "MISSED"
    VOID = "VOID"
    """Withdrawn, or recorded for a day that a later recorded end of the contract cut off, until the day is covered
    again; counts nowhere."""


@dataclass(frozen=True, slots=True)
class PlanLine:
    """A line of a plan: `quantity` units of `code` on each of `weekdays`; none means on request."""

    code: str
    quantity: int
    weekdays: frozenset[Weekday] = frozenset()
    terms: LineTerms = EVERY_WEEK

    def offers(self, code: str, on: date) -> bool:
        """Whether the item may be given on the day by this line, planned or on request."""
        terms = self.terms
        held = (terms.first is None or terms.first <= on) and (terms.last is None or on <= terms.last)
        return held and self.code == code


@dataclass(frozen=True, slots=True)
class ContractCopy:
    """Contract, plan and authorisation as placement holds them, with the district; owner placement.

    `end` is the last day of care (None: open) and may lie before `start` when the contract ended before it began.
    `authorised` are the days covered by order or referral; None when none is needed, an open end is None.
    """

    contract_id: str
    application_id: str
    municipality_id: str
    person_id: str
    service_code: str
    district_code: str
    start: date
    end: date | None
    authorised_from: date | None
    authorised_to: date | None
    plan: tuple[PlanLine, ...]
    user_funds: bool
    version: int
    authorised_by: str = ""
    """Number of the order or referral that covers the days, the latest of them; empty where none is needed."""
    deceased: bool = False
    """Whether the contract was ended by the death of the person."""
    districts: tuple[tuple[date, str], ...] = ()
    """Where the person moved: districts with their first days, in order; else none, and `district_code` holds."""
    facility_code: str = ""
    """The facility, that of the last move; empty: none."""
    facilities: tuple[tuple[date, str], ...] = ()
    """Where the person moved: facilities with their first days, as `districts`; else `facility_code` holds."""

    def covers(self, day: date) -> bool:
        """Whether the day lies in the contract, both ends included."""
        return self.start <= day and (self.end is None or day <= self.end)

    def authorises(self, day: date) -> bool:
        """Whether order or referral covers the day; true when none is needed."""
        return (self.authorised_from is None or self.authorised_from <= day) and (
            self.authorised_to is None or day <= self.authorised_to
        )


@dataclass(frozen=True, slots=True)
class Pause:
    """A granted pause."""

    id: str
    days: DateRange
    hospital: bool
    evidence_id: str = ""
    """Opaque number of the paper that proves the hospital stay; empty: the office has seen one and noted none."""


@dataclass(frozen=True, slots=True)
class Care:
    """The care of one case."""

    contract: ContractCopy
    pauses: tuple[Pause, ...] = ()
    version: int = 1
    correction: Month | None = None
    """First month whose served days changed after its end and that was not answered yet."""
    answered: tuple[str, Month] | None = field(default=None)
    """Request id that was answered the latest correction, and that correction."""

    @property
    def id(self) -> str:
        """The application's id: one care a case."""
        return self.contract.application_id

    @property
    def paused(self) -> DateSet:
        """All granted days of pause, past and future."""
        return DateSet.of(pause.days for pause in self.pauses)

    def state_on(self, day: date) -> CareState:
        """State on a day (L-01, L-10, L-15, P-10)."""
        return state_on(self.contract, self.paused, day)


def state_on(contract: ContractCopy, paused: DateSet, day: date) -> CareState:
    """State that contract and pauses imply on a day; the change is due at 00:00 of the day (L-01)."""
    if contract.end is not None and day > contract.end:
        return CareState.TERMINATED
    if day < contract.start:
        return CareState.CONTRACTED
    return CareState.PAUSED if paused.contains(day) else CareState.IN_SERVICE


@decides("L-01")
def next_transition(contract: ContractCopy, paused: DateSet, today: date) -> datetime | None:
    """The first instant after today's local midnight at which the state changes; None when nothing is ahead."""
    return min(
        (
            start_of_day(day)
            for day in _boundaries(contract, paused)
            if day > today and step_on(contract, paused, day) is not None
        ),
        default=None,
    )


def step_on(contract: ContractCopy, paused: DateSet, day: date) -> CareStep | None:
    """The step that care takes at 00:00 of a day; None when its state stays. KeyError for one that the table lacks."""
    before, now = state_on(contract, paused, day - _ONE_DAY), state_on(contract, paused, day)
    return None if before is now else _STEPS[before, now]


def _boundaries(contract: ContractCopy, paused: DateSet) -> Iterable[date]:
    yield contract.start
    if contract.end is not None:
        yield contract.end + _ONE_DAY
    for item in paused.ranges:
        yield item.start
        yield item.end + _ONE_DAY


@dataclass(frozen=True, slots=True)
class DeliveryRecord:
    """One record of care given or missed."""

    id: str
    application_id: str
    code: str
    on: date
    units: int
    outcome: Outcome
    fault: MissFault | None = None


@dataclass(frozen=True, slots=True)
class DailyRun:
    """The run of a municipality and day; plans from `plan_from` to `plan_to`, both included."""

    id: str
    municipality_id: str
    on: date
    plan_from: date
    plan_to: date
    finished: bool
    meals: int = 0
    units: int = 0


@dataclass(frozen=True, slots=True)
class Served:
    """What billing copies of one case and month."""

    application_id: str
    served_days: int
    paused_days: int
    delivered: tuple[tuple[str, int], ...]
    missed: tuple[tuple[str, int], ...]
    version: int
