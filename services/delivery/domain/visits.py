"""A planned visit as the day goes on: due, late, missed, by its time of day and the grace of its service.

Nothing of this is stored beside the unit: the state follows from what became of the unit, its limits and the instant.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from types import MappingProxyType

from services.delivery.domain.units import UnitState
from services.kernel.codes import Role
from services.kernel.dates import SOFIA, start_of_day
from services.kernel.municipal_settings import MunicipalSettings

__all__ = ["TRANSITIONS", "Graces", "VisitLimits", "VisitState", "VisitStep", "limits_of", "state_at"]


class VisitState(StrEnum):
    """State of a visit at an instant."""

    DUE = "DUE"
    LATE = "LATE"
    MISSED = "MISSED"
    DONE = "DONE"
    CALLED_OFF = "CALLED_OFF"
    """In a pause, or planned no longer."""


class VisitStep(StrEnum):
    """What moves a visit."""

    WINDOW_ENDED = "WINDOW_ENDED"
    GRACE_ENDED = "GRACE_ENDED"
    DELIVERED = "DELIVERED"
    REPORTED = "REPORTED"
    """Recorded as missed."""
    CALL_OFF = "CALL_OFF"


@dataclass(frozen=True, slots=True)
class Transition:
    """One admissible step: where it leads, who takes it, and the rule of domain.md behind it."""

    to: VisitState
    actors: frozenset[Role]
    rule: str


_S, _T = VisitState, VisitStep
_STAFF = frozenset({Role.ASSISTANT, Role.SOCIAL_WORKER, Role.OFFICE_HEAD})
_OFFICE = frozenset({Role.APPLICANT, Role.SOCIAL_WORKER, Role.OFFICE_HEAD})
_CLOCK = frozenset({Role.WORKER})

TRANSITIONS: Mapping[tuple[VisitState, VisitStep], Transition] = MappingProxyType(
    {
        (_S.DUE, _T.WINDOW_ENDED): Transition(_S.LATE, _CLOCK, "S7"),
        (_S.LATE, _T.GRACE_ENDED): Transition(_S.MISSED, _CLOCK, "S7"),
        (_S.DUE, _T.REPORTED): Transition(_S.MISSED, _STAFF, "S7"),
        (_S.LATE, _T.REPORTED): Transition(_S.MISSED, _STAFF, "S7"),
        (_S.DUE, _T.DELIVERED): Transition(_S.DONE, _STAFF, "S7"),
        (_S.LATE, _T.DELIVERED): Transition(_S.DONE, _STAFF, "S7"),
        # From paper, after the fact.
        (_S.MISSED, _T.DELIVERED): Transition(_S.DONE, _STAFF, "S7"),
        (_S.DUE, _T.CALL_OFF): Transition(_S.CALLED_OFF, _OFFICE, "P-11"),
        (_S.LATE, _T.CALL_OFF): Transition(_S.CALLED_OFF, _OFFICE, "P-11"),
        (_S.MISSED, _T.CALL_OFF): Transition(_S.CALLED_OFF, _OFFICE, "P-09"),
    }
)
"""Every step of a visit as time passes."""


@dataclass(frozen=True, slots=True)
class VisitLimits:
    """First instants at which a visit is late, and at which it is missed; equal where there is no grace."""

    late: datetime
    missed: datetime


@dataclass(frozen=True, slots=True)
class Graces:
    """How long a municipality waits for the word of a visit: what holds for any service, and for those with their own.

    The first is for visits with a time of day, which have the rest of their day besides. A visit without one waits
    beyond its day for as long as its own service says, as where paper of a day comes in on the next morning.
    """

    usual: timedelta
    own: Mapping[str, timedelta]

    @classmethod
    def of(cls, settings: MunicipalSettings) -> Graces:
        """What the municipality has set."""
        usual, own = settings.minutes_by_service("visit.grace_minutes")
        return cls(timedelta(minutes=usual), {code: timedelta(minutes=minutes) for code, minutes in own.items()})

    def of_visit(self, service_code: str, window_end: time | None) -> timedelta:
        """The grace of a visit."""
        return self.own.get(service_code, timedelta() if window_end is None else self.usual)


def limits_of(on: date, window_end: time | None, grace: timedelta) -> VisitLimits:
    """Limits of a visit on a day: the end of its window, else of the civil day, and the grace after it."""
    if window_end is None:
        end = start_of_day(on + timedelta(days=1))
    else:
        end = datetime.combine(on, window_end, SOFIA).astimezone(UTC)
    return VisitLimits(end, end + grace)


def state_at(unit: UnitState, limits: VisitLimits, now: datetime) -> VisitState:
    """State of a visit whose unit became this, at an instant."""
    match unit:
        case UnitState.DONE:
            return VisitState.DONE
        case UnitState.PAUSED | UnitState.CANCELLED:
            return VisitState.CALLED_OFF
        case UnitState.MISSED:
            return VisitState.MISSED
        case UnitState.PLANNED:
            if now < limits.late:
                return VisitState.DUE
            return VisitState.LATE if now < limits.missed else VisitState.MISSED
