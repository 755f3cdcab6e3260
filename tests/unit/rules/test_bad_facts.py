"""Bad facts are refused with a reason and the field, by the contract's own rules or by the mapping behind them."""

from __future__ import annotations

import protovalidate
import pytest
from google.protobuf.message import Message
from google.type.date_pb2 import Date
from google.type.money_pb2 import Money

from services.intake.errors import UnknownDocument
from services.intake.usecases.submit import check_documents
from services.runtime.errors import InvalidArgument
from socialcare.assessment.v1 import assessment_service_pb2 as assessment
from socialcare.billing.v1 import billing_service_pb2 as billing
from socialcare.billing.v1 import resources_pb2 as fees
from socialcare.common.v1 import facts_pb2, types_pb2
from socialcare.delivery.v1 import delivery_service_pb2 as delivery
from socialcare.intake.v1 import intake_service_pb2 as intake
from tests.unit.rules.in_process import Asked

ON = Date(year=2026, month=4, day=14)
EARLIER = Date(year=2026, month=4, day=1)
LATER = Date(year=2027, month=1, day=1)
LEV = Money(currency_code="BGN", units=1)
DAYS = ("INVALID_FACT", "terms.chargeable_days")
BACKWARDS = types_pb2.DateRange(start_date=ON, end_date=EARLIER)


def money(units: int, nanos: int = 0, currency: str = "EUR") -> Money:
    return Money(currency_code=currency, units=units, nanos=nanos)


def eligibility(service: str = "HSP", **more: object) -> intake.CheckEligibilityRequest:
    asked = {
        "application_date": ON,
        "birth_date": Date(year=1950, month=10, day=30),
        "sex": types_pb2.SEX_FEMALE,
        "district_code": "LYULIN",
        **more,
    }
    return intake.CheckEligibilityRequest(service_code=service, **asked)


def decided(**more: object) -> intake.CheckEligibilityRequest:
    decision = {"percent": 75, "issued_date": ON, "lifetime": True, **more}
    return eligibility(facts=facts_pb2.Facts(decision=facts_pb2.MedicalBoardDecision(**decision)))


def assisted(**more: object) -> intake.CheckEligibilityRequest:
    assistant = {
        "birth_date": Date(year=1985, month=1, day=1),
        "sex": types_pb2.SEX_MALE,
        "relation": "CHILD",
        **more,
    }
    facts = facts_pb2.Facts(assistant=facts_pb2.AssistantFacts(**assistant))
    return eligibility("PERSONAL_ASSISTANT", facts=facts)


def listed(name: str, *codes: str) -> intake.CheckEligibilityRequest:
    return eligibility(facts=facts_pb2.Facts(**{name: facts_pb2.CodeList(codes=codes)}))  # type: ignore[arg-type]


def fee(service: str = "HSP", **terms: object) -> billing.QuoteFeeRequest:
    return billing.QuoteFeeRequest(terms=fees.FeeTerms(service_code=service, **terms))  # type: ignore[arg-type]


def pension(amount: Money) -> list[facts_pb2.Income]:
    return [facts_pb2.Income(kind="PENSION", amount=amount)]


REFUSED = [
    ("a negative income", fee(income=pension(money(-1))), "INVALID_FACT", "terms.income[0].amount"),
    ("more than two decimals", fee(income=pension(money(1, 5_000_000))), "INVALID_FACT", "terms.income[0].amount"),
    ("a negative cost", fee(actual_cost=money(-1)), "INVALID_FACT", "terms.actual_cost"),
    ("negative savings", fee(savings=money(-1)), "INVALID_FACT", "terms.savings"),
    ("an unknown currency", fee(actual_cost=money(1, 0, "USD")), "INVALID_FIELD", "terms.actual_cost"),
    (
        "two currencies in no month",
        fee(income=pension(money(1)), actual_cost=money(1, 0, "BGN")),
        "CURRENCY_NOT_ALLOWED",
        "terms.month",
    ),
    ("percent 101", fee("DAY_CENTRE", percent="101"), "PERCENT_NOT_ALLOWED", "terms.percent"),
    (
        "more days than the month has",
        fee(chargeable_days=31, days_in_month=28),
        "INVALID_FACT",
        "terms.chargeable_days",
    ),
    ("a decision of 101 percent", decided(percent=101), "INVALID_FACT", "facts.decision.percent"),
    (
        "a decision that ends before it was issued",
        decided(valid_until_date=EARLIER, lifetime=False),
        "INVALID_FACT",
        "facts.decision.valid_until_date",
    ),
    (
        "a decision that ends on the day of its issue",
        decided(valid_until_date=ON, lifetime=False),
        "INVALID_FACT",
        "facts.decision.valid_until_date",
    ),
    (
        "a decision both for life and to a day",
        decided(valid_until_date=LATER),
        "INVALID_FACT",
        "facts.decision.valid_until_date",
    ),
    ("a district of no register", eligibility(district_code="NARNIA"), "UNKNOWN_DISTRICT", "district_code"),
    (
        "a birth after the application",
        eligibility(birth_date=LATER),
        "INVALID_FACT",
        "birth_date",
    ),
    ("a day that is none", eligibility(birth_date=Date(year=1950, month=2, day=30)), "INVALID_FIELD", "birth_date"),
    ("a service of no catalogue", eligibility("BUTLER"), "UNKNOWN_SERVICE", "service_code"),
    ("an unknown relation", assisted(relation="NEIGHBOUR"), "INVALID_FACT", "facts.assistant.relation"),
    (
        "an assistant born after the application",
        assisted(birth_date=LATER),
        "INVALID_FACT",
        "facts.assistant.birth_date",
    ),
    ("no assistant", eligibility("PERSONAL_ASSISTANT"), "INVALID_FACT", "facts.assistant"),
    ("an unknown similar service", listed("similar_services", "GARDENER"), "INVALID_FACT", "facts.similar_services"),
    ("an unknown ground", listed("canteen_grounds", "HUNGRY"), "INVALID_FACT", "facts.canteen_grounds"),
    (
        "a negative family income",
        eligibility(facts=facts_pb2.Facts(family_income=money(-1))),
        "INVALID_FACT",
        "facts.family_income",
    ),
    (
        "a family income in leva",
        eligibility(facts=facts_pb2.Facts(dmi=money(1, 0, "BGN"))),
        "INVALID_FACT",
        "facts.dmi",
    ),
    ("a status without amount", eligibility(minimum_income_status="LONE"), "INVALID_FACT", "minimum_income_status"),
    ("an institution without its directorate", eligibility("OLD_PEOPLE_HOME"), "INVALID_FACT", "facility_directorate"),
    (
        "pauses that end before they start",
        delivery.ExplainPauseUsageRequest(pauses=[BACKWARDS]),
        "INVALID_FIELD",
        "pauses",
    ),
    (
        "a service that ends before it starts",
        billing.CountChargeableDaysRequest(
            month=types_pb2.YearMonth(year=2026, month=4), start_date=ON, end_date=EARLIER
        ),
        "INVALID_FACT",
        "end_date",
    ),
    ("a deadline of no rule", assessment.ExplainTimeLimitRequest(event_date=ON, rule="D-99"), "INVALID_FIELD", "rule"),
    (
        "a rule and a length",
        assessment.ExplainTimeLimitRequest(event_date=ON, rule="D-01", length=3),
        "INVALID_FIELD",
        "length",
    ),
]


@pytest.mark.parametrize(("request_", "reason", "field"), [pytest.param(*row[1:], id=row[0]) for row in REFUSED])
def test_a_bad_fact_is_refused_with_reason_and_field(request_: Message, reason: str, field: str) -> None:
    with pytest.raises(InvalidArgument) as refusal:
        Asked().ask(request_)
    assert (refusal.value.reason, refusal.value.field) == (reason, field)
    assert refusal.value.text_bg
    assert refusal.value.text_en


def test_a_place_outside_sofia_is_known_and_not_served() -> None:
    outside = Asked().ask(eligibility(district_code="PERNIK"))
    assert list(outside.reasons) == ["OUT_OF_TERRITORY"]  # type: ignore[attr-defined]


def test_an_unknown_paper_is_refused() -> None:
    with pytest.raises(UnknownDocument) as refusal:
        check_documents(frozenset({"APPLICATION_FORM", "PASSPORT_SCAN"}))
    assert (refusal.value.reason, refusal.value.field) == ("UNKNOWN_DOCUMENT", "document_codes")


def test_the_contract_itself_refuses_a_percent_of_101() -> None:
    violations = protovalidate.collect_violations(decided(percent=101))
    fields = [
        [element.field_name for element in path.elements] for path in (one.proto.field for one in violations) if path
    ]
    assert ["facts", "decision", "percent"] in fields
