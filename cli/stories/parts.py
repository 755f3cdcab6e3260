"""The words that acts and checks of a story share."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints

Month = Annotated[str, StringConstraints(pattern=r"^\d{4}-(0[1-9]|1[0-2])$")]
Code = Annotated[str, StringConstraints(pattern=r"^[A-Z][A-Z0-9_]*$")]
Amount = Annotated[str, StringConstraints(pattern=r"^-?(0|[1-9]\d*)\.\d{2}$")]
MAIN_CASE = "main"


class Part(BaseModel):
    """A part of a story: strict and unchangeable."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Money(Part):
    """An amount with two decimals in a currency."""

    amount: Amount
    currency: Literal["EUR", "BGN"]

    @property
    def value(self) -> Decimal:
        """The exact amount."""
        return Decimal(self.amount)


class Name(Part):
    """A Bulgarian name of three parts."""

    given: str
    father: str
    family: str


class Identifier(Part):
    """A personal number as typed at the counter."""

    type: Literal["EGN", "LNCH"]
    value: str


class Person(Part):
    """Somebody who applies."""

    name: Name
    identifier: Identifier
    birth_date: dt.date
    sex: Literal["F", "M"]
    district: Code
    address: str


class Facility(Part):
    """A facility that exists before the first step."""

    code: str
    service: Code
    directorate: str
    capacity: int


class Setup(Part):
    """What exists before the first step."""

    facilities: list[Facility] = []


class Decision(Part):
    """A medical board decision; exactly one of `valid_until` and `lifetime`."""

    percent: int
    care_by_another: bool
    issued_on: dt.date
    valid_until: dt.date | None = None
    lifetime: Literal[True] | None = None


class Assistant(Part):
    """The future personal assistant."""

    birth_date: dt.date
    sex: Literal["F", "M"]
    relation: Code
    registered_unemployed: bool
    benefit_conditions: bool
    same_settlement: bool
    receives_pension: bool
    placed_child: bool


class Facts(Part):
    """Declared or found facts; what is absent was not stated."""

    decision: Decision | None = None
    unable_self_care: bool | Literal["unknown"] | None = None
    living_alone: bool | None = None
    pension_right: bool | None = None
    war_veteran: bool | None = None
    war_disabled: bool | None = None
    prescription: bool | None = None
    support_plan: bool | None = None
    community_exhausted: bool | None = None
    in_residential_care: bool | None = None
    deinstitutionalised: bool | None = None
    similar_services: list[Code] | None = None
    canteen_grounds: list[Code] | None = None
    assistant: Assistant | None = None
    cares_for_child_under_18: bool | None = None
    family_income: Amount | None = None
    dmi: Amount | None = None


class PlanLine(Part):
    """A line of the plan; without weekdays it is on request."""

    code: Code
    quantity: int
    weekdays: list[Literal["MON", "TUE", "WED", "THU", "FRI", "SAT", "SUN"]] = []


class Income(Part):
    """One income of a month."""

    kind: Code
    amount: Amount
    currency: Literal["EUR", "BGN"]


class Expect(Part):
    """What an act answers when it is refused."""

    refused: Code
    detail: Code | None = None
    last_admissible_end: dt.date | None = None
