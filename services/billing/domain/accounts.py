"""The vocabulary of billing: what is declared, what is decided from it, what is billed and paid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from types import MappingProxyType

from services.billing.domain.causes import UNKNOWN_CAUSE, Cause
from services.billing.domain.set_offs import SetOff
from services.billing.errors import StateNotAllowed
from services.kernel.calendar import BusinessCalendar
from services.kernel.codes import Role
from services.kernel.dates import Month
from services.kernel.money import Currency, Money
from services.kernel.ranges import DateRange

__all__ = [
    "NANOS",
    "NO_ASSETS",
    "NO_WAR_STATUS",
    "RUN_TRANSITIONS",
    "Act",
    "ArrearsStatus",
    "ArrearsTerm",
    "Assets",
    "BilledRow",
    "Books",
    "ChargeKind",
    "Contract",
    "Correction",
    "FeeFacts",
    "Income",
    "IncomeKind",
    "Invoice",
    "InvoiceStatus",
    "MonthlyFee",
    "Payment",
    "Run",
    "RunState",
    "RunStep",
    "RunTransition",
    "ServedMonth",
    "WarStatus",
    "run_after",
]

NANOS = 1_000_000_000
"""A stored rate counts billionths of its currency, fine enough to be exact: whole cents times a percent with four
decimals times 30 % (F-07)."""


class ChargeKind(StrEnum):
    """How a service is charged."""

    INCOME_PERCENT = "INCOME_PERCENT"
    UNITS = "UNITS"
    FREE = "FREE"


class IncomeKind(StrEnum):
    """Kind of an income (F-02)."""

    PENSION = "PENSION"
    BENEFIT = "BENEFIT"
    WAGE = "WAGE"
    RENT = "RENT"
    OTHER = "OTHER"
    CARE_SUPPLEMENT = "CARE_SUPPLEMENT"
    ONE_OFF_PENSION_SUM = "ONE_OFF_PENSION_SUM"
    ONE_OFF_AID = "ONE_OFF_AID"


class InvoiceStatus(StrEnum):
    """Where an invoice stands on a day."""

    OPEN = "OPEN"
    PAID = "PAID"
    OVERDUE = "OVERDUE"


class ArrearsStatus(StrEnum):
    """Where the arrears of a case stand on a day."""

    NONE = "NONE"
    OVERDUE = "OVERDUE"
    TERMINATION_POSSIBLE = "TERMINATION_POSSIBLE"


class RunState(StrEnum):
    """Where a month's billing run stands."""

    BLOCKED = "BLOCKED"
    DRAFTING = "DRAFTING"
    REVIEW = "REVIEW"
    APPROVED = "APPROVED"
    FINISHED = "FINISHED"


class RunStep(StrEnum):
    """What moves a billing run."""

    BLOCK = "BLOCK"
    RELEASE = "RELEASE"
    DRAFT = "DRAFT"
    SUBMIT = "SUBMIT"
    SKIP_REVIEW = "SKIP_REVIEW"
    APPROVE = "APPROVE"
    REJECT = "REJECT"
    REDRAFT = "REDRAFT"
    ISSUE = "ISSUE"
    FINISH = "FINISH"
    RERUN = "RERUN"


@dataclass(frozen=True, slots=True)
class RunTransition:
    """One admissible step: where it leads, who takes it, and the rule of domain.md behind it."""

    to: RunState
    actors: frozenset[Role]
    rule: str


_R = RunState
_SYSTEM = frozenset({Role.WORKER})
_REVIEWER = frozenset({Role.BILLING_CLERK, Role.OFFICE_HEAD})

RUN_TRANSITIONS: Mapping[tuple[RunState, RunStep], RunTransition] = MappingProxyType(
    {
        # A red invariant keeps the run from drafting; opening it again checks again.
        (_R.BLOCKED, RunStep.BLOCK): RunTransition(_R.BLOCKED, _SYSTEM, "S9"),
        (_R.BLOCKED, RunStep.RELEASE): RunTransition(_R.DRAFTING, _SYSTEM, "S9"),
        (_R.DRAFTING, RunStep.BLOCK): RunTransition(_R.BLOCKED, _SYSTEM, "S9"),
        (_R.DRAFTING, RunStep.RELEASE): RunTransition(_R.DRAFTING, _SYSTEM, "S9"),
        (_R.DRAFTING, RunStep.DRAFT): RunTransition(_R.DRAFTING, _SYSTEM, "S9"),
        (_R.DRAFTING, RunStep.SUBMIT): RunTransition(_R.REVIEW, _SYSTEM, "S9"),
        (_R.DRAFTING, RunStep.SKIP_REVIEW): RunTransition(_R.APPROVED, _SYSTEM, "S9"),
        (_R.REVIEW, RunStep.APPROVE): RunTransition(_R.APPROVED, _REVIEWER, "S9"),
        (_R.REVIEW, RunStep.REJECT): RunTransition(_R.DRAFTING, _REVIEWER, "S9"),
        (_R.REVIEW, RunStep.REDRAFT): RunTransition(_R.REVIEW, _REVIEWER, "S9"),
        (_R.APPROVED, RunStep.APPROVE): RunTransition(_R.APPROVED, _REVIEWER, "S9"),
        (_R.APPROVED, RunStep.ISSUE): RunTransition(_R.APPROVED, _SYSTEM, "L-01"),
        (_R.APPROVED, RunStep.FINISH): RunTransition(_R.FINISHED, _SYSTEM, "S9"),
        (_R.FINISHED, RunStep.RERUN): RunTransition(_R.FINISHED, _REVIEWER, "S9"),
        # Repetitions find the work done.
        (_R.FINISHED, RunStep.APPROVE): RunTransition(_R.FINISHED, _REVIEWER, "S9"),
        (_R.FINISHED, RunStep.ISSUE): RunTransition(_R.FINISHED, _SYSTEM, "L-01"),
        (_R.FINISHED, RunStep.FINISH): RunTransition(_R.FINISHED, _SYSTEM, "S9"),
    }
)
"""Every step of a billing run; a page that comes after the drafting is answered and changes nothing."""


def run_after(state: RunState, step: RunStep) -> RunState:
    """The state after the step; StateNotAllowed for one that the table does not have."""
    transition = RUN_TRANSITIONS.get((state, step))
    if transition is None:
        raise StateNotAllowed(metadata={"state": state})
    return transition.to


@dataclass(frozen=True, slots=True)
class Act:
    """When something is recorded, and by which request; `today` is the local day of `now`."""

    now: datetime
    today: date
    request_id: str


@dataclass(frozen=True, slots=True)
class Income:
    """One income of a month; not negative."""

    kind: IncomeKind
    amount: Money


@dataclass(frozen=True, slots=True)
class Assets:
    """Grounds on which a person pays the cost in full (F-04)."""

    savings: Money | None = None
    care_contract: bool = False
    property_transferred_on: date | None = None


NO_ASSETS = Assets()


@dataclass(frozen=True, slots=True)
class WarStatus:
    """Statuses of F-06 and F-07."""

    veteran: bool = False
    disabled: bool = False


NO_WAR_STATUS = WarStatus()


@dataclass(frozen=True, slots=True)
class FeeFacts:
    """What the fee of a month is computed from; amounts in the currency in which they were declared.

    `percent` is the configured percent, None for the service's default; `actual_cost` None means that none is
    published, `unit_price` None means 0.
    """

    service_code: str
    income: tuple[Income, ...] = ()
    actual_cost: Money | None = None
    unit_price: Money | None = None
    percent: Decimal | None = None
    assets: Assets = NO_ASSETS
    war: WarStatus = NO_WAR_STATUS


@dataclass(frozen=True, slots=True)
class MonthlyFee:
    """The fee of a full month, or the price of one unit when `charge` is UNITS; exact, not rounded (F-01)."""

    rate: Fraction
    currency: Currency
    charge: ChargeKind
    actual_cost_payer: bool = False

    @property
    def nanos(self) -> int:
        """The rate in billionths; ValueError when it is finer than that."""
        scaled = self.rate * NANOS
        if scaled.denominator != 1:
            raise ValueError("the rate is finer than a billionth")
        return scaled.numerator


@dataclass(frozen=True, slots=True)
class Contract:
    """Copy of a signed contract, owned by placement; `version` is the owner's.

    `authorisation` is the range of the order or referral, None where the service needs none.
    """

    case_id: str
    contract_id: str
    municipality_id: str
    person_id: str
    service_code: str
    start: date
    end: date | None
    authorisation: DateRange | None
    actual_cost: Money | None
    unit_price: Money | None
    version: int
    authorised_by: str = ""
    """Number of that order or referral, the latest of them; empty where none is needed."""


@dataclass(frozen=True, slots=True)
class ServedMonth:
    """Copy of what delivery says about a case and month: days in service, of these paused, chargeable units."""

    case_id: str
    month: Month
    served_days: int
    paused_days: int
    units: int
    version: int

    @property
    def chargeable_days(self) -> int:
        """Days that are charged (F-11)."""
        return self.served_days - self.paused_days


@dataclass(frozen=True, slots=True)
class ArrearsTerm:
    """When the debt that the arrears of an invoice are about was due, and from when the service may be ended (D-08)."""

    due_on: date
    termination_from: date
    is_closed: bool
    """Whether they were settled or written off: what is owed again is reopened by the next sweep."""


@dataclass(frozen=True, slots=True)
class Invoice:
    """An issued invoice; never changed."""

    invoice_id: str
    number: int
    month: Month
    amount: Money
    issued_on: date
    due_date: date
    calendar: BusinessCalendar
    """By which its due date was counted, and the end of its arrears' term is (D-07, D-08)."""
    arrears: ArrearsTerm | None = None
    """What its arrears say today; None: they never began."""
    cause: Cause | None = None
    """The fact that it follows, where its run had billed 0.00; None for an invoice of a run."""
    request_id: str | None = None
    """By which request that fact was recorded; None for an invoice of a run."""


@dataclass(frozen=True, slots=True)
class Correction:
    """A credit (negative) or debit note; `computed` is the same difference in the month's currency.

    `number` has no gap within the municipality: notes are counted apart from invoices. `cause` is the fact that it
    follows.
    """

    correction_id: str
    number: int
    month: Month
    amount: Money
    computed: Money
    issued_on: date
    request_id: str
    cause: Cause = UNKNOWN_CAUSE


@dataclass(frozen=True, slots=True)
class Payment:
    """A payment for a month; `settled` is what it counts for in the currency of the month's documents.

    Negative: what was paid too much and went back.
    """

    payment_id: str
    month: Month
    amount: Money
    settled: Money
    paid_on: date
    is_given_up: bool = False
    """Given up by order: no money came in."""


@dataclass(frozen=True, slots=True)
class CounterPayment:
    """A payment at the counter; one with a reason of its reversal counts no longer."""

    payment: Payment
    reversed_reason: str = ""
    reversed_by: str = ""
    """Staff id; empty while it counts."""
    recorded_by: str = ""
    """Staff id of who took it; empty: nobody kept it."""


@dataclass(frozen=True, slots=True)
class Books:
    """Everything issued, paid and held for one case."""

    case_id: str
    municipality_id: str
    invoices: tuple[Invoice, ...] = ()
    corrections: tuple[Correction, ...] = ()
    payments: tuple[Payment, ...] = ()
    set_offs: tuple[SetOff, ...] = ()
    custody: tuple[Money, ...] = ()


@dataclass(frozen=True, slots=True)
class BilledRow:
    """A month as its run computed it, or the invoice that came later; a draft until its run is approved."""

    month: Month
    computed: Money
    amount: Money
    issue_date: date
    is_draft: bool
    is_invoiced: bool
    is_approved: bool
    """Approved with an amount above 0.00 and not issued yet."""


@dataclass(frozen=True, slots=True)
class Run:
    """A month's run of a municipality; it bills every month from `from_month` to `month` that is not billed yet.

    `workflow_id` is who waits for the approval; empty: nobody. `rerun` counts invoices of accounts that were parked and
    billed by themselves later; `documents_hash` is empty until the run is closed.
    """

    run_id: str
    municipality_id: str
    month: Month
    from_month: Month
    state: RunState
    auto_approve: bool
    workflow_id: str = ""
    drafted: int = 0
    issued: int = 0
    rerun: int = 0
    documents_hash: str = ""
