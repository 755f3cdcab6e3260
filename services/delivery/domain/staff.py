"""Assistants and drivers: what they can do, where and when they work, when they are away, and the visits they have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from services.kernel.dates import Weekday
from services.kernel.ranges import DateRange

__all__ = [
    "WHOLE_DAY",
    "Absence",
    "AbsenceReason",
    "AssignedVisit",
    "AssignmentCause",
    "AssignmentStep",
    "Assistant",
    "Skill",
    "Span",
]

_MINUTES = 24 * 60


class Skill(StrEnum):
    """What an assistant is able to do, beside the help that every assistant gives; `socialcare.delivery.v1.Skill`."""

    NURSING = "NURSING"
    REHABILITATION = "REHABILITATION"
    PSYCHOLOGY = "PSYCHOLOGY"
    LEGAL_ADVICE = "LEGAL_ADVICE"
    LIFTING = "LIFTING"
    DEMENTIA_CARE = "DEMENTIA_CARE"
    SIGN_LANGUAGE = "SIGN_LANGUAGE"
    DRIVING = "DRIVING"


class AbsenceReason(StrEnum):
    """Why an assistant is away."""

    SICK_LEAVE = "SICK_LEAVE"
    ANNUAL_LEAVE = "ANNUAL_LEAVE"
    PARENTAL_LEAVE = "PARENTAL_LEAVE"
    TRAINING = "TRAINING"
    OTHER_DUTY = "OTHER_DUTY"


class AssignmentStep(StrEnum):
    """A condition that an assistant has to meet for a visit, in the order in which they are looked at."""

    REGISTERED = "REGISTERED"
    DISTRICT = "DISTRICT"
    SKILL = "SKILL"
    ABSENCE = "ABSENCE"
    HOURS = "HOURS"
    OVERLAP = "OVERLAP"
    SCORE = "SCORE"


class AssignmentCause(StrEnum):
    """Why a visit went to somebody, or away from them."""

    CHOSEN = "CHOSEN"
    """By the rule."""
    NAMED = "NAMED"
    """By a person."""
    RELEASED = "RELEASED"
    """The assistant can no longer go, or the visit is planned no more."""


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Minutes of a local day, from `start` up to `end`, which is not included; ValueError unless start < end <= 1440.

    Written as times of the clock: on the two days a year that have 23 or 25 hours too.
    """

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end <= _MINUTES:
            raise ValueError("a span lies within one day")

    @property
    def minutes(self) -> int:
        """Length in minutes, at least 1."""
        return self.end - self.start

    def overlaps(self, other: Span) -> bool:
        """Whether the two share a minute."""
        return self.start < other.end and other.start < self.end

    def holds(self, other: Span) -> bool:
        """Whether the other lies within."""
        return self.start <= other.start and other.end <= self.end


WHOLE_DAY = Span(0, _MINUTES)


@dataclass(frozen=True, slots=True)
class Assistant:
    """Who goes to people, where and when."""

    municipality_id: str
    id: str
    """Opaque staff id."""
    skills: frozenset[Skill]
    districts: frozenset[str]
    """None: all."""
    hours: Mapping[Weekday, tuple[Span, ...]]
    first_day: date
    last_day: date | None = None
    """Included; None: until further notice."""
    version: int = 1

    def works_on(self, day: date) -> bool:
        """Whether the assistant is registered on the day."""
        return self.first_day <= day and (self.last_day is None or day <= self.last_day)

    def goes_to(self, district: str) -> bool:
        """Whether the assistant goes to the district."""
        return not self.districts or district in self.districts


@dataclass(frozen=True, slots=True)
class Absence:
    """Days on which an assistant is away."""

    id: str
    assistant_id: str
    days: DateRange
    reason: AbsenceReason


@dataclass(frozen=True, slots=True)
class AssignedVisit:
    """A planned visit and who goes there."""

    unit_id: str
    municipality_id: str
    application_id: str
    person_id: str
    code: str
    district: str
    on: date
    window: Span
    assistant_id: str = ""
    """Empty: nobody."""
    slot: Span | None = None
    reason: AssignmentStep | None = None
    """Why nobody goes."""
