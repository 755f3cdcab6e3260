"""Accounts that could not be billed for a month: billed by themselves later, or dismissed (F-18)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

from services.billing.domain.runs import ParkReason
from services.billing.errors import StateNotAllowed
from services.kernel.codes import Role
from services.kernel.dates import Month

__all__ = [
    "PARK_TRANSITIONS",
    "Dismissal",
    "DismissalReason",
    "ParkState",
    "ParkStep",
    "ParkTransition",
    "ParkedAccount",
    "parked_after",
]


class DismissalReason(StrEnum):
    """Why the month of a parked account is not to be billed."""

    WRONG_ENTRY = "WRONG_ENTRY"
    """The contract should not have been there in the month."""
    NOT_SERVED = "NOT_SERVED"
    """There was a contract, and no care."""
    BILLED_OTHERWISE = "BILLED_OTHERWISE"
    """It was billed outside of this system."""


class ParkState(StrEnum):
    """Where an account stands that could not be billed for a month."""

    PARKED = "PARKED"
    DISMISSED = "DISMISSED"
    BILLED = "BILLED"


class ParkStep(StrEnum):
    """What moves it."""

    DISMISS = "DISMISS"
    TAKE_UP = "TAKE_UP"
    BILL = "BILL"


@dataclass(frozen=True, slots=True)
class ParkTransition:
    """One admissible step: where it leads, who takes it, and the rule of domain.md behind it."""

    to: ParkState
    actors: frozenset[Role]
    rule: str


_HEAD = frozenset({Role.OFFICE_HEAD})
_REVIEWER = frozenset({Role.BILLING_CLERK, Role.OFFICE_HEAD})

PARK_TRANSITIONS: Mapping[tuple[ParkState, ParkStep], ParkTransition] = MappingProxyType(
    {
        (ParkState.PARKED, ParkStep.BILL): ParkTransition(ParkState.BILLED, _REVIEWER | {Role.WORKER}, "F-18"),
        (ParkState.PARKED, ParkStep.DISMISS): ParkTransition(ParkState.DISMISSED, _HEAD, "S9"),
        (ParkState.DISMISSED, ParkStep.DISMISS): ParkTransition(ParkState.DISMISSED, _HEAD, "S9"),
        (ParkState.DISMISSED, ParkStep.TAKE_UP): ParkTransition(ParkState.PARKED, _REVIEWER, "S9"),
        (ParkState.PARKED, ParkStep.TAKE_UP): ParkTransition(ParkState.PARKED, _REVIEWER, "S9"),
    }
)
"""Every step of a parked account; repetitions find the work done."""


def parked_after(state: ParkState, step: ParkStep) -> ParkState:
    """The state after the step; StateNotAllowed for one that the table does not have."""
    transition = PARK_TRANSITIONS.get((state, step))
    if transition is None:
        raise StateNotAllowed(metadata={"state": state})
    return transition.to


@dataclass(frozen=True, slots=True)
class Dismissal:
    """Who said when, and why, that a month is not to be billed; `by` is a staff id."""

    reason: DismissalReason
    by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ParkedAccount:
    """An account that could not be billed for a month, and the run that tried last.

    `run_id` is empty for one that a tariff could not decide before any run came to the month.
    """

    case_id: str
    month: Month
    run_id: str
    municipality_id: str
    reason: ParkReason
    dismissal: Dismissal | None = None

    @property
    def state(self) -> ParkState:
        """Where it stands."""
        return ParkState.PARKED if self.dismissal is None else ParkState.DISMISSED
