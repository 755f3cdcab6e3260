"""Arrears of one invoice: where they stand, what moves them, what was agreed (domain.md D-08, L-13)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from types import MappingProxyType

from services.billing.errors import StateNotAllowed
from services.kernel.codes import Role
from services.kernel.dates import Month
from services.kernel.money import Money

__all__ = [
    "AGE_BUCKETS",
    "ARREARS_CLOSED",
    "ARREARS_TRANSITIONS",
    "AgeingLine",
    "ArrearsDecision",
    "ArrearsFile",
    "ArrearsState",
    "ArrearsStep",
    "ArrearsTransition",
    "HardshipFinding",
    "Instalment",
    "StepTaken",
    "SweepFailed",
    "UnsweptCase",
    "WriteOff",
    "arrears_after",
]

AGE_BUCKETS = (30, 60, 90)
"""Last day past the due date of the first three buckets; the fourth has no end."""


class ArrearsState(StrEnum):
    """Where the arrears of an invoice stand. Care goes on in each of them: only a contract's end ends it."""

    OVERDUE = "OVERDUE"
    REMINDED = "REMINDED"
    INSTALMENTS = "INSTALMENTS"
    HARDSHIP = "HARDSHIP"
    TO_DECIDE = "TO_DECIDE"
    """D-08 has come: the office head is asked."""
    CARE_KEPT = "CARE_KEPT"
    END_ADVISED = "END_ADVISED"
    """The office head decided to end the service; placement records the end."""
    WRITTEN_OFF = "WRITTEN_OFF"
    SETTLED = "SETTLED"


ARREARS_CLOSED = frozenset({ArrearsState.SETTLED, ArrearsState.WRITTEN_OFF})
"""States in which nothing is owed; in every other one a workflow runs."""


class ArrearsStep(StrEnum):
    """What moves the arrears of an invoice."""

    REMIND = "REMIND"
    REACH_TERM = "REACH_TERM"
    AGREE_INSTALMENTS = "AGREE_INSTALMENTS"
    MISS_INSTALMENT = "MISS_INSTALMENT"
    OPEN_HARDSHIP = "OPEN_HARDSHIP"
    DECIDE_HARDSHIP = "DECIDE_HARDSHIP"
    KEEP_CARE = "KEEP_CARE"
    END_CARE = "END_CARE"
    WRITE_OFF = "WRITE_OFF"
    SETTLE = "SETTLE"
    REOPEN = "REOPEN"


class SweepFailed(Exception):
    """The sweep failed at a case, or at several together, and nothing of it was kept; `reason` is a name."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class HardshipFinding(StrEnum):
    """What a hardship review ends with; what follows is a step of its own."""

    NO_HARDSHIP = "NO_HARDSHIP"
    INSTALMENTS_ADVISED = "INSTALMENTS_ADVISED"
    WRITE_OFF_ADVISED = "WRITE_OFF_ADVISED"


class ArrearsDecision(StrEnum):
    """Decision of the office head once D-08 has come."""

    KEEP_CARE = "KEEP_CARE"
    END_CARE = "END_CARE"


@dataclass(frozen=True, slots=True)
class ArrearsTransition:
    """One admissible step: where it leads, who takes it, and the rule of domain.md behind it."""

    to: ArrearsState
    actors: frozenset[Role]
    rule: str


_S, _T = ArrearsState, ArrearsStep
_SYSTEM = frozenset({Role.WORKER})
_BILLING = frozenset({Role.BILLING_CLERK, Role.OFFICE_HEAD})
_ANYBODY = frozenset({Role.BILLING_CLERK, Role.OFFICE_HEAD, Role.SOCIAL_WORKER})
_HEAD = frozenset({Role.OFFICE_HEAD})
_UNPAID = (_S.OVERDUE, _S.REMINDED, _S.INSTALMENTS, _S.HARDSHIP, _S.TO_DECIDE, _S.CARE_KEPT, _S.END_ADVISED)

ARREARS_TRANSITIONS: Mapping[tuple[ArrearsState, ArrearsStep], ArrearsTransition] = MappingProxyType(
    {
        **{(at, _T.REMIND): ArrearsTransition(_S.REMINDED, _SYSTEM, "S9") for at in (_S.OVERDUE, _S.REMINDED)},
        **{(at, _T.REACH_TERM): ArrearsTransition(_S.TO_DECIDE, _SYSTEM, "D-08") for at in (_S.OVERDUE, _S.REMINDED)},
        **{
            (at, _T.AGREE_INSTALMENTS): ArrearsTransition(_S.INSTALMENTS, _BILLING, "S9")
            for at in _UNPAID
            if at is not _S.HARDSHIP
        },
        (_S.INSTALMENTS, _T.MISS_INSTALMENT): ArrearsTransition(_S.REMINDED, _SYSTEM, "S9"),
        **{
            (at, _T.OPEN_HARDSHIP): ArrearsTransition(_S.HARDSHIP, _ANYBODY, "S9")
            for at in _UNPAID
            if at is not _S.HARDSHIP
        },
        (_S.HARDSHIP, _T.DECIDE_HARDSHIP): ArrearsTransition(_S.REMINDED, _HEAD, "S9"),
        **{(at, _T.KEEP_CARE): ArrearsTransition(_S.CARE_KEPT, _HEAD, "D-08") for at in (_S.TO_DECIDE, _S.END_ADVISED)},
        **{(at, _T.END_CARE): ArrearsTransition(_S.END_ADVISED, _HEAD, "D-08") for at in (_S.TO_DECIDE, _S.CARE_KEPT)},
        **{(at, _T.WRITE_OFF): ArrearsTransition(_S.WRITTEN_OFF, _HEAD, "S9") for at in _UNPAID},
        **{(at, _T.SETTLE): ArrearsTransition(_S.SETTLED, _SYSTEM, "L-13") for at in _UNPAID},
        # A payment that was taken back, or a debit note.
        **{(at, _T.REOPEN): ArrearsTransition(_S.OVERDUE, _SYSTEM, "L-13") for at in (_S.SETTLED, _S.WRITTEN_OFF)},
    }
)
"""Every step of the arrears of an invoice."""


def arrears_after(state: ArrearsState, step: ArrearsStep) -> ArrearsState:
    """The state after the step; StateNotAllowed for one that the table does not have."""
    transition = ARREARS_TRANSITIONS.get((state, step))
    if transition is None:
        raise StateNotAllowed(metadata={"state": state})
    return transition.to


@dataclass(frozen=True, slots=True)
class Instalment:
    """A part of what is owed and its last day."""

    due_on: date
    amount: Money


@dataclass(frozen=True, slots=True)
class StepTaken:
    """A step that was taken, by whom (opaque id) and why."""

    step: ArrearsStep
    to: ArrearsState
    reason: str
    taken_by: str
    taken_on: date


@dataclass(frozen=True, slots=True)
class WriteOff:
    """A proposal to give an amount up by an order; in force once another person has approved it."""

    write_off_id: str
    invoice_id: str
    amount: Money
    order_number: str
    order_date: date
    proposed_by: str
    approved_by: str = ""


@dataclass(frozen=True, slots=True)
class ArrearsFile:
    """The arrears of one invoice; `open` is what is owed today, not above 0.00 when it is paid.

    `open_euro` is the same in euro: documents of 2025 are in leva, what people are told from 2026 on is in euro (F-13).
    """

    invoice_id: str
    municipality_id: str
    case_id: str
    month: Month
    number: int
    due_on: date
    """Last day to pay what is owed: of the invoice, or of a debt that came after it was paid."""
    termination_from: date
    """First day on which the service may be ended (D-08)."""
    state: ArrearsState
    reminders: int
    open: Money
    open_euro: Money
    version: int
    instalments: tuple[Instalment, ...] = ()
    """Of the plan in force; empty: none."""
    new_debt: Money | None = None
    """What notes, and money of before that was taken back, have added since the plan was agreed, in its currency: the
    plan does not speak of it."""

    @property
    def open_in_plan(self) -> Money:
        """What is owed today of the debt that the plan is about, in its currency: payments are for it first."""
        currency = self.instalments[0].amount.currency if self.instalments else self.open.currency
        owed = self.open if currency is self.open.currency else self.open_euro
        return owed if self.new_debt is None else owed - self.new_debt

    @property
    def is_beyond_plan(self) -> bool:
        """Whether all that is owed came after the plan."""
        return self.new_debt is not None and self.open.amount > 0 and self.open_in_plan.amount <= 0


@dataclass(frozen=True, slots=True)
class UnsweptCase:
    """A case at which the sweep failed: why, as reason of refusal, constraint or fault, since when, and tried when."""

    case_id: str
    reason: str
    since: date
    tried: date


@dataclass(frozen=True, slots=True)
class AgeingLine:
    """What is overdue in one currency and bucket (0 to 3: up to 30, 60, 90 days past the due date, and more)."""

    bucket: int
    total: Money
    invoices: int
