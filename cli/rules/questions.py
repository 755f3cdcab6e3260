"""Questions of rule cases, one model a kind (`RULE_CASES.md` sections 4 to 7); defaults as its tables say."""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from cli.rules.values import (
    Amount,
    Code,
    Count,
    Day,
    DistrictCode,
    Hours,
    Instant,
    Month,
    Part,
    Percent,
    RangeOfDays,
    ServiceCode,
    SexLetter,
)

Length = Annotated[int, Field(ge=1, le=2**31 - 1)]
Unit = Literal["days", "weeks", "months", "years", "working_days"]
IncomeKind = Literal[
    "PENSION", "BENEFIT", "WAGE", "RENT", "OTHER", "CARE_SUPPLEMENT", "ONE_OFF_PENSION_SUM", "ONE_OFF_AID"
]
SimilarService = Literal[
    "PERSONAL_ASSISTANCE_MECHANISM", "PERSONAL_ASSISTANT", "ASSISTANT_SUPPORT_OTHER", "HOME_CARE_BENEFIT"
]
CanteenGround = Literal["MONTHLY_BENEFIT", "NO_INCOME_NO_RELATIVES", "LONE_MINIMUM_PENSION", "HOMELESS"]
Relation = Literal[
    "MOTHER",
    "FATHER",
    "GRANDMOTHER",
    "GRANDFATHER",
    "GREAT_GRANDMOTHER",
    "GREAT_GRANDFATHER",
    "CHILD",
    "GRANDCHILD",
    "GREAT_GRANDCHILD",
    "SPOUSE",
    "SIBLING",
    "COUSIN",
    "IN_LAW",
    "DAUGHTER_IN_LAW",
    "SON_IN_LAW",
    "OTHER",
]


class Question(Part):
    """What a case asks. `null` in a field that may be absent means that it is."""

    @model_validator(mode="before")
    @classmethod
    def _null_is_absent(cls, given: Any) -> Any:  # noqa: ANN401  # Whatever stands in the file.
        if not isinstance(given, dict):
            return given
        fields = cls.model_fields
        return {
            name: value
            for name, value in given.items()
            if value is not None or name not in fields or fields[name].is_required()
        }

    def _require_both_or_neither(self, first: str, second: str) -> None:
        if (getattr(self, first) is None) != (getattr(self, second) is None):
            raise ValueError(f"{first} and {second} come together")


class Deadline(Question):
    """The day on which a time limit ends."""

    event_date: Day
    length: Length
    unit: Unit


class DeadlineInstant(Question):
    """The first instant after a due date."""

    due_date: Day
    zone: str = "Europe/Sofia"


class DeadlineFromInstant(Question):
    """A time limit that starts with a receipt."""

    received_at_utc: Instant
    length: Length
    unit: Unit


class DeadlineMet(Question):
    """Whether an act was in time."""

    due_date: Day
    done_at_utc: Instant
    event_date: Day | None = None


class WorkingDay(Question):
    """Whether a day is a working day."""

    date: Day


class PauseUsage(Question):
    """Use of the pause allowance."""

    pauses: list[RangeOfDays]


class PauseRequest(Question):
    """Whether a pause is granted."""

    service: ServiceCode
    request_date: Day
    prior_pauses: list[RangeOfDays] = Field(default_factory=list)
    request: RangeOfDays


class MonthCeiling(Question):
    """Most hours of assistant support in a month."""

    month: Month


class PlanCheck(Question):
    """Whether hours of assistant support may be planned on a day."""

    date: Day
    hours: Hours


class Decision(Question):
    """A medical board decision; exactly one of `valid_until` and `lifetime`."""

    percent: int
    care_by_another: bool
    issued_on: Day
    valid_until: Day | None = None
    lifetime: Literal[True] | None = None

    @model_validator(mode="after")
    def _one_validity(self) -> Self:
        if (self.valid_until is None) == (self.lifetime is None):
            raise ValueError("exactly one of valid_until and lifetime is present")
        return self


class Assistant(Question):
    """The future personal assistant."""

    birth_date: Day
    sex: SexLetter
    relation: Relation
    registered_unemployed: bool
    benefit_conditions: bool
    same_settlement: bool
    receives_pension: bool
    placed_child: bool


class Order(Question):
    """The directorate's order."""

    directorate: Code


class Eligibility(Question):
    """One evaluation of the decision table; the fields are the union over all services."""

    service: ServiceCode
    application_date: Day
    birth_date: Day
    sex: SexLetter
    district: DistrictCode | None = None
    decision: Decision | None = None
    unable_self_care: bool | Literal["unknown"] = "unknown"
    similar_services: list[SimilarService] = Field(default_factory=list)
    in_residential_care: bool = False
    home_visit_done: bool = False
    prescription: bool = False
    support_plan: bool = False
    user_funds: bool = False
    deinstitutionalised: bool = False
    assistant: Assistant | None = None
    cares_for_child_under_18: bool = False
    family_income: Amount | None = None
    dmi: Amount | None = None
    pension_right: bool = False
    community_exhausted: bool = False
    facility_directorate: Code | None = None
    order: Order | None = None
    canteen_grounds: list[CanteenGround] = Field(default_factory=list)


class EGN(Question):
    """Whether an EGN is valid on a day."""

    value: str
    today: Day


class Number(Question):
    """A personal number whose type is said by the kind, or asked."""

    value: str


class DecisionValid(Question):
    """Whether a medical board decision is valid on a day."""

    decision: Decision
    on: Day


class Age(Question):
    """Completed years on a day."""

    birth_date: Day
    on: Day


class PensionAge(Question):
    """The day on which pension age is attained."""

    birth_date: Day
    sex: SexLetter


class InvoiceDue(Question):
    """Due date of a month's invoice."""

    billed_month: Month


class Arrears(Question):
    """From when arrears allow to end the service."""

    due_date: Day


class Income(Question):
    """An income of the month."""

    kind: IncomeKind
    amount: Amount


class FeeMonth(Question):
    """The fee of a month in EUR."""

    service: ServiceCode
    income: list[Income]
    actual_cost: Amount | None
    currency: Literal["EUR"]
    percent: Percent | None = None
    savings: Amount | None = None
    care_contract: bool = False
    property_transfer_date: Day | None = None
    property_transfer_kind: Literal["SALE", "GIFT"] | None = None
    billed_month: Month | None = None
    war_veteran: bool = False
    war_disabled: bool = False
    chargeable_days: Count | None = None
    days_in_month: Count | None = None

    @model_validator(mode="after")
    def _pairs(self) -> Self:
        self._require_both_or_neither("property_transfer_date", "property_transfer_kind")
        self._require_both_or_neither("chargeable_days", "days_in_month")
        return self


class ChargeableDays(Question):
    """Chargeable days of a month."""

    month: Month
    service_start: Day | None = None
    service_end: Day | None = None
    pauses: list[RangeOfDays] = Field(default_factory=list)


class LevAmount(Question):
    """An amount in BGN."""

    bgn: Amount


class EuroAmount(Question):
    """An amount in EUR."""

    eur: Amount


class LevComponents(Question):
    """Several incomes in BGN."""

    components_bgn: Annotated[list[Amount], Field(min_length=1)]


class LevFeeMonth(Question):
    """The fee of a month up to 2025-12."""

    service: ServiceCode
    billed_month: Month
    income: list[Income]
    actual_cost: Amount | None
    currency: Literal["BGN"]
    issued_on: Day


class DualDisplay(Question):
    """Whether a document shows both currencies."""

    document_date: Day


class FeePercent(Question):
    """Whether a percent may be configured."""

    service: ServiceCode
    percent: Percent


class UnitCharge(Question):
    """Charge for delivered units."""

    service: ServiceCode
    delivered_units: Count
    unit_price: Amount | None = None


class Passthrough(Question):
    """Settlement of the user's own money."""

    service: ServiceCode
    advance: Amount
    receipts: list[Amount]
