"""Planned units and what becomes of them: every one is in exactly one state, which follows from what is recorded."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from services.kernel.codes import Role
from services.kernel.service_entry import Unit

__all__ = ["EXPECTED", "ONE_BY_ONE", "TRANSITIONS", "UnitCause", "UnitState", "UnitStep"]

ONE_BY_ONE = frozenset({Unit.VISIT, Unit.MEAL})
"""Of these each unit of a line is planned and comes to its end by itself; the hours of a visit are planned as one."""


class UnitState(StrEnum):
    """State of a planned unit."""

    PLANNED = "PLANNED"
    """Nothing was recorded yet."""
    DONE = "DONE"
    MISSED = "MISSED"
    CANCELLED = "CANCELLED"
    """Was planned and is no longer: care ended, the plan changed, or the day became a day off."""
    PAUSED = "PAUSED"
    """Its day is paused, whatever was recorded on it (P-11)."""


class UnitCause(StrEnum):
    """The fact behind a unit's state, as stored beside it."""

    PLAN = "PLAN"
    DELIVERED = "DELIVERED"
    MISSED_BY_PROVIDER = "MISSED_BY_PROVIDER"
    MISSED_BY_USER = "MISSED_BY_USER"
    PAUSE = "PAUSE"
    HOSPITAL = "HOSPITAL"
    CARE_ENDED = "CARE_ENDED"
    PLAN_CHANGED = "PLAN_CHANGED"
    DAY_OFF = "DAY_OFF"


@dataclass(frozen=True, slots=True)
class UnitStep:
    """Where a fact leads: the state, who causes it, and the rule of domain.md behind it."""

    to: UnitState
    actors: frozenset[Role]
    rule: str


_S, _C = UnitState, UnitCause
_SYSTEM = frozenset({Role.WORKER})
_STAFF = frozenset({Role.ASSISTANT, Role.SOCIAL_WORKER, Role.OFFICE_HEAD})
_OFFICE = frozenset({Role.APPLICANT, Role.SOCIAL_WORKER, Role.OFFICE_HEAD})

_LEADS_TO = {
    # Planned first, or again: a pause ended early, a record was withdrawn, an end was moved.
    _C.PLAN: UnitStep(_S.PLANNED, _SYSTEM, "L-11"),
    _C.DELIVERED: UnitStep(_S.DONE, _STAFF, "S7"),
    _C.MISSED_BY_PROVIDER: UnitStep(_S.MISSED, _STAFF, "S7"),
    _C.MISSED_BY_USER: UnitStep(_S.MISSED, _STAFF, "S7"),
    _C.PAUSE: UnitStep(_S.PAUSED, _OFFICE, "P-11"),
    _C.HOSPITAL: UnitStep(_S.PAUSED, _OFFICE, "P-09"),
    _C.CARE_ENDED: UnitStep(_S.CANCELLED, _SYSTEM, "S11"),
    _C.PLAN_CHANGED: UnitStep(_S.CANCELLED, _SYSTEM, "L-11"),
    _C.DAY_OFF: UnitStep(_S.CANCELLED, _SYSTEM, "L-11"),
}

TRANSITIONS: Mapping[tuple[UnitState, UnitCause], UnitStep] = MappingProxyType(
    {(source, cause): step for source in UnitState for cause, step in _LEADS_TO.items() if source is not step.to}
)
"""Every move of a unit. A fact leads to its state from wherever the unit stands: days are corrected after the fact."""

EXPECTED = frozenset({_S.PLANNED, _S.DONE, _S.MISSED})
"""States of units that somebody waits for on their day: what kitchens cook and ListPlannedUnits answers (L-11)."""
