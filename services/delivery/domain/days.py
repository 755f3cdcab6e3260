"""What is known of a day: its units by state, whether it is closed, what is wrong with it; cases that were parked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from services.delivery.domain.units import UnitState

__all__ = ["DayCount", "Defect", "DefectKind", "ParkedCase", "UnitOnDay"]


class DefectKind(StrEnum):
    """How the stored units of a day differ from what plan, pauses and records imply."""

    FORGOTTEN = "FORGOTTEN"
    """Due, and not there or cancelled."""
    NOT_DUE = "NOT_DUE"
    """There, and no plan, contract or authorisation has it."""
    TWICE = "TWICE"
    """More than one of a line and day where one was due."""
    OTHER_STATE = "OTHER_STATE"
    """In another state or quantity than the facts imply."""


@dataclass(frozen=True, slots=True)
class Defect:
    """One unit of a day that should not be so."""

    kind: DefectKind
    application_id: str
    unit_id: str


@dataclass(frozen=True, slots=True)
class DayCount:
    """Units of a day by state; PLANNED units of a closed day are those without a record."""

    by_state: dict[UnitState, int]
    closed_at: datetime | None
    defects: tuple[Defect, ...] = ()


@dataclass(frozen=True, slots=True)
class UnitOnDay:
    """A planned unit and what became of it."""

    id: str
    application_id: str
    code: str
    on: date
    quantity: int
    state: UnitState
    cause: str
    district_code: str


@dataclass(frozen=True, slots=True)
class ParkedCase:
    """A case that the daily run could not plan, for the office to look at; the next run tries again."""

    application_id: str
    reason: str
    """Name of the constraint that was broken, or DATA."""
    plan_from: date
    parked_at: datetime
    tried_at: datetime
    attempts: int
