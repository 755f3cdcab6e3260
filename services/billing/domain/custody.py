"""The user's own money in the municipality's hands (domain.md F-16): never mixed with fees."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from types import MappingProxyType

from services.billing.errors import StateNotAllowed
from services.kernel.codes import Role
from services.kernel.money import Money

__all__ = [
    "RECEIPT_TRANSITIONS",
    "CustodyAccount",
    "CustodyCount",
    "PendingReceipt",
    "ReceiptState",
    "ReceiptStep",
    "ReceiptTransition",
    "receipt_after",
]


class ReceiptState(StrEnum):
    """Where a receipt stands of which the municipality wants two signatures."""

    WAITING = "WAITING"
    CONFIRMED = "CONFIRMED"
    """Its amount was taken out."""
    WITHDRAWN = "WITHDRAWN"
    """It never took anything out."""


class ReceiptStep(StrEnum):
    """What ends the waiting of a receipt."""

    CONFIRM = "CONFIRM"
    WITHDRAW = "WITHDRAW"


@dataclass(frozen=True, slots=True)
class ReceiptTransition:
    """One admissible step: where it leads, who takes it, and the rule of domain.md behind it."""

    to: ReceiptState
    actors: frozenset[Role]
    rule: str


_OFFICE = frozenset({Role.SOCIAL_WORKER, Role.OFFICE_HEAD, Role.BILLING_CLERK})

RECEIPT_TRANSITIONS: Mapping[tuple[ReceiptState, ReceiptStep], ReceiptTransition] = MappingProxyType(
    {
        (ReceiptState.WAITING, ReceiptStep.CONFIRM): ReceiptTransition(ReceiptState.CONFIRMED, _OFFICE, "F-16"),
        (ReceiptState.WAITING, ReceiptStep.WITHDRAW): ReceiptTransition(ReceiptState.WITHDRAWN, _OFFICE, "F-16"),
    }
)
"""Every step of a receipt; the one who confirms is never the one who recorded."""


def receipt_after(state: ReceiptState, step: ReceiptStep) -> ReceiptState:
    """The state after the step; StateNotAllowed for one that the table does not have."""
    transition = RECEIPT_TRANSITIONS.get((state, step))
    if transition is None:
        raise StateNotAllowed(metadata={"state": state})
    return transition.to


@dataclass(frozen=True, slots=True)
class CustodyAccount:
    """What is held for a case in one currency."""

    case_id: str
    held: Money


@dataclass(frozen=True, slots=True)
class PendingReceipt:
    """A receipt or return that waits, or waited, for a second person; who ended that is an opaque id, empty until then.

    A return has no `code`: it is for no errand.
    """

    receipt_id: str
    municipality_id: str
    case_id: str
    code: str
    amount: Money
    on: date
    recorded_by: str
    confirmed_by: str = ""
    withdrawn_by: str = ""

    @property
    def is_return(self) -> bool:
        """Whether the money goes back to whom it belongs."""
        return not self.code

    @property
    def state(self) -> ReceiptState:
        """Where it stands."""
        if self.withdrawn_by:
            return ReceiptState.WITHDRAWN
        return ReceiptState.CONFIRMED if self.confirmed_by else ReceiptState.WAITING


@dataclass(frozen=True, slots=True)
class CustodyCount:
    """What the books held on a day and what was counted."""

    on: date
    held: Money
    counted: Money
    counted_by: str
