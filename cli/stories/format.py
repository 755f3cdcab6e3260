"""The format of acceptance stories, one JSON line each (tests/stories/README.md), as strict types.

A verb, check or field that this module does not know fails the story by name; nothing is skipped.
"""

from __future__ import annotations

import datetime as dt
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from cli.stories.expectations import Check, FinalCheck
from cli.stories.parts import (
    MAIN_CASE,
    Amount,
    Code,
    Expect,
    Facts,
    Income,
    Money,
    Month,
    Part,
    Person,
    PlanLine,
    Setup,
)


class _Act(Part):
    at: AwareDatetime
    case: str = MAIN_CASE
    expect: Expect | None = None


class SubmitApplication(_Act):
    """The applicant hands in papers and declares facts."""

    do: Literal["submit_application"]
    service: Code
    channel: Literal["IN_PERSON", "PHONE", "ONLINE", "POST"]
    documents: list[Code]
    facts: Facts = Facts()
    facility: str | None = None
    person: str | None = None


class AttachDocuments(_Act):
    """The applicant brings further papers."""

    do: Literal["attach_documents"]
    documents: list[Code]
    posted_on: dt.date | None = None


class ConfirmExpiry(_Act):
    """The office head ends a case whose notice was not answered."""

    do: Literal["confirm_expiry"]


class ScheduleVisit(_Act):
    """The office head sets the day of the home visit."""

    do: Literal["schedule_visit"]
    on: dt.date


class RecordVisitAttempt(_Act):
    """The social worker at the door."""

    do: Literal["record_visit_attempt"]
    result: Literal["COMPLETED", "ABSENT", "REFUSED"]


class CompleteAssessment(_Act):
    """The social worker records the facts found."""

    do: Literal["complete_assessment"]
    facts: Facts = Facts()


class DecideException(_Act):
    """The office head decides by exception."""

    do: Literal["decide_exception"]
    decision: Literal["APPROVED", "REFUSED"]


class RecordOrder(_Act):
    """The directorate's order or refusal arrives."""

    do: Literal["record_order"]
    decision: Literal["ISSUED", "REFUSED"]
    number: str
    date: dt.date
    directorate: str
    facility: str | None = None


class RecordCourtDecision(_Act):
    """The court confirms a child's placement."""

    do: Literal["record_court_decision"]
    number: str
    date: dt.date


class RecordReferral(_Act):
    """The municipality refers to assistant support."""

    do: Literal["record_referral"]
    number: str
    date: dt.date


class FileAppeal(_Act):
    """The applicant appeals."""

    do: Literal["file_appeal"]
    against: Literal["REFUSAL", "SILENCE"]
    posted_on: dt.date | None = None


class DecideAppeal(_Act):
    """The outcome of an appeal is recorded."""

    do: Literal["decide_appeal"]
    decision: Literal["GRANTED", "DISMISSED"]


class SetCapacity(_Act):
    """The provider has more or fewer places."""

    do: Literal["set_capacity"]
    facility: str
    capacity: int


class AnswerOffer(_Act):
    """A waiting person answers an offered place."""

    do: Literal["answer_offer"]
    answer: Literal["ACCEPTED", "DECLINED"]


class SignContract(_Act):
    """Both sides sign."""

    do: Literal["sign_contract"]
    start_date: dt.date
    plan: list[PlanLine]
    actual_cost: Money | None = None
    unit_price: Money | None = None


class DeclareIncome(_Act):
    """The user declares all incomes from a month on."""

    do: Literal["declare_income"]
    from_month: Month
    income: list[Income]


class DeclareAssets(_Act):
    """The user declares grounds of F-04 from a month on."""

    do: Literal["declare_assets"]
    from_month: Month
    savings: Money | None = None
    care_contract: bool = False
    property_transferred_on: dt.date | None = None


class SetActualCost(_Act):
    """The billing clerk sets the monthly cost from a month on."""

    do: Literal["set_actual_cost"]
    from_month: Month
    amount: Amount
    currency: Literal["EUR", "BGN"]


class RequestPause(_Act):
    """The user asks for a pause."""

    do: Literal["request_pause"]
    start: dt.date
    end: dt.date
    hospital_proof: Literal[True] | None = None


class EndPauseEarly(_Act):
    """The user comes back early."""

    do: Literal["end_pause_early"]
    return_date: dt.date


class RecordDelivery(_Act):
    """Care was delivered."""

    do: Literal["record_delivery"]
    code: Code
    on: dt.date
    units: int


class RecordMissed(_Act):
    """Planned care was not delivered."""

    do: Literal["record_missed"]
    code: Code
    on: dt.date
    units: int
    fault: Literal["PROVIDER", "USER"]


class RecordCustodyAdvance(_Act):
    """The user hands money over for errands."""

    do: Literal["record_custody_advance"]
    amount: Amount
    currency: Literal["EUR", "BGN"]


class RecordCustodyReceipt(_Act):
    """Money was spent, with a receipt."""

    do: Literal["record_custody_receipt"]
    amount: Amount
    currency: Literal["EUR", "BGN"]
    code: Code


class RecordPayment(_Act):
    """The user pays a month's invoice."""

    do: Literal["record_payment"]
    month: Month
    amount: Amount
    currency: Literal["EUR", "BGN"]


class Withdraw(_Act):
    """The applicant withdraws before the contract."""

    do: Literal["withdraw"]


class Terminate(_Act):
    """The service ends; `date` is its last day."""

    do: Literal["terminate"]
    date: dt.date
    ground: Code


Act = Annotated[
    SubmitApplication
    | AttachDocuments
    | ConfirmExpiry
    | ScheduleVisit
    | RecordVisitAttempt
    | CompleteAssessment
    | DecideException
    | RecordOrder
    | RecordCourtDecision
    | RecordReferral
    | FileAppeal
    | DecideAppeal
    | SetCapacity
    | AnswerOffer
    | SignContract
    | DeclareIncome
    | DeclareAssets
    | SetActualCost
    | RequestPause
    | EndPauseEarly
    | RecordDelivery
    | RecordMissed
    | RecordCustodyAdvance
    | RecordCustodyReceipt
    | RecordPayment
    | Withdraw
    | Terminate,
    Field(discriminator="do"),
]


class CheckStep(Part):
    """A check in the timeline."""

    at: AwareDatetime
    case: str = MAIN_CASE
    check: Check


class Story(Part):
    """One case's life."""

    id: str
    title: str
    rules: list[str]
    setup: Setup = Setup()
    person: Person
    others: dict[str, Person] = Field(default_factory=dict)
    timeline: list[Act | CheckStep]
    final: FinalCheck

    @property
    def steps(self) -> list[Act | CheckStep]:
        """Every step in order of the line, the final check last."""
        return [*self.timeline, CheckStep(at=self.final.at, case=MAIN_CASE, check=self.final)]
