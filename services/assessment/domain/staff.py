"""Social workers of a municipality, when they are away, and to whom an assessment went."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from services.kernel.ranges import DateRange

__all__ = [
    "Absence",
    "AbsenceReason",
    "AllocationStep",
    "Assignment",
    "AssignmentCause",
    "Reassignment",
    "ReassignmentOutcome",
    "SocialWorker",
]


class AbsenceReason(StrEnum):
    """Why a social worker is away; names as in `socialcare.assessment.v1`."""

    SICK_LEAVE = "SICK_LEAVE"
    ANNUAL_LEAVE = "ANNUAL_LEAVE"
    PARENTAL_LEAVE = "PARENTAL_LEAVE"
    TRAINING = "TRAINING"
    OTHER_DUTY = "OTHER_DUTY"


class AssignmentCause(StrEnum):
    """Why an assessment went to a social worker."""

    OPENED = "OPENED"
    DAY_SET = "DAY_SET"
    NAMED = "NAMED"
    REASSIGNED = "REASSIGNED"
    ABSENCE = "ABSENCE"

    @property
    def by_chain(self) -> bool:
        """Whether the chain chose, so that it may choose anew when the day of the visit is set."""
        return self in {AssignmentCause.OPENED, AssignmentCause.DAY_SET, AssignmentCause.ABSENCE}


class AllocationStep(StrEnum):
    """A step of the chain, in the order in which they are taken."""

    REGISTERED = "REGISTERED"
    DISTRICT = "DISTRICT"
    ABSENCE = "ABSENCE"
    LOAD = "LOAD"
    CONTINUITY = "CONTINUITY"
    RANK = "RANK"


class ReassignmentOutcome(StrEnum):
    """What a reassignment did to one assessment."""

    MOVED = "MOVED"
    KEPT = "KEPT"
    NOBODY = "NOBODY"


@dataclass(frozen=True, slots=True)
class SocialWorker:
    """Who may visit where, how often, and when."""

    municipality_id: str
    id: str
    """Opaque staff id."""
    weekly_limit: int
    """Most visits in a week from Monday to Sunday, at least 1."""
    first_day: date
    last_day: date | None = None
    """Included; None: until further notice."""
    office: str = ""
    districts: frozenset[str] = frozenset()
    """None: all."""
    languages: frozenset[str] = frozenset()
    """ISO 639-1, beside Bulgarian; for people who look for somebody, not for the chain."""
    version: int = 1

    def works_on(self, day: date) -> bool:
        """Whether the worker is registered on the day."""
        return self.first_day <= day and (self.last_day is None or day <= self.last_day)

    def serves(self, district: str) -> bool:
        """Whether the worker goes to the district."""
        return not self.districts or district in self.districts


@dataclass(frozen=True, slots=True)
class Absence:
    """Days on which a worker is away."""

    id: str
    social_worker_id: str
    days: DateRange
    reason: AbsenceReason


@dataclass(frozen=True, slots=True)
class Assignment:
    """One time at which an assessment went to somebody."""

    social_worker_id: str
    """Empty: to nobody."""
    cause: AssignmentCause
    assigned_at: datetime


@dataclass(frozen=True, slots=True)
class Reassignment:
    """What the absence of a worker did to one assessment."""

    application_id: str
    outcome: ReassignmentOutcome
    social_worker_id: str
    """Who has it now."""
    visit_day: date
