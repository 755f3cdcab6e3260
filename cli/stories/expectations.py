"""What the checks of an acceptance story compare (tests/stories/README.md section 4): only the fields that are set."""

from __future__ import annotations

import datetime as dt
from typing import Literal

from pydantic import AwareDatetime

from cli.stories.parts import Amount, Code, Money, Month, Part


class ExpectedEligibility(Part):
    """The decision S3."""

    outcome: Code
    reasons: list[Code] | None = None
    route: Code | None = None


class ExpectedDeadline(Part):
    """The latest term of a kind."""

    kind: str
    due_date: dt.date
    status: Code | None = None


class ExpectedEscalation(Part):
    """A call on the office head."""

    kind: str
    rung: int
    role: Literal["OFFICE_HEAD"]
    on: dt.date


class ExpectedWaiting(Part):
    """A place on the waiting list and an open offer."""

    position: int | None = None
    offer: str | None = None


class ExpectedYear(Part):
    """Use of the pause allowance in a year."""

    months: int
    days: int


class ExpectedPlanned(Part):
    """Units planned on a day."""

    on: dt.date
    units: dict[Code, int]


class ExpectedKitchen(Part):
    """Meals of a district on a day."""

    on: dt.date
    district: Code
    meals: int


class ExpectedDelivered(Part):
    """Units delivered in a month."""

    month: Month
    units: dict[Code, int]


class ExpectedInvoice(Part):
    """An invoice with the fields named."""

    month: Month
    amount: Amount
    currency: Code
    due_date: dt.date | None = None
    issued_on: dt.date | None = None
    also_shown: Money | None = None
    status: Code | None = None


class ExpectedCorrection(Part):
    """A credit or debit note."""

    month: Month
    amount: Amount
    currency: Code
    issued_on: dt.date | None = None


class ExpectedArrears(Part):
    """Arrears."""

    status: Code
    termination_possible_from: dt.date | None = None


class Check(Part):
    """What is compared; only the fields that are set."""

    state: Code | None = None
    missing_documents: list[Code] | None = None
    eligibility: ExpectedEligibility | None = None
    legal_basis: Code | None = None
    deadlines: list[ExpectedDeadline] | None = None
    escalations: list[ExpectedEscalation] | None = None
    waiting: ExpectedWaiting | None = None
    pause_usage: dict[str, ExpectedYear] | None = None
    planned: ExpectedPlanned | None = None
    kitchen: ExpectedKitchen | None = None
    delivered: ExpectedDelivered | None = None
    invoices: list[ExpectedInvoice] | None = None
    corrections: list[ExpectedCorrection] | None = None
    balance: Money | None = None
    arrears: ExpectedArrears | None = None
    custody: Money | None = None


class FinalCheck(Check):
    """The last check, with its own instant."""

    at: AwareDatetime
