"""Every rule case that intake answers, put through the functions behind its read-only RPCs."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from google.type.date_pb2 import Date
from google.type.money_pb2 import Money

from services.intake.wire import questions
from socialcare.common.v1 import facts_pb2, types_pb2
from socialcare.intake.v1 import intake_service_pb2 as pb
from socialcare.intake.v1 import resources_pb2
from tests.stories.rule_cases import ALL_CASES

FLAGS = (
    "pension_right",
    "prescription",
    "support_plan",
    "user_funds",
    "community_exhausted",
    "in_residential_care",
    "deinstitutionalised",
    "cares_for_child_under_18",
)
SEX = {"F": types_pb2.SEX_FEMALE, "M": types_pb2.SEX_MALE}
TODAY = date(2026, 11, 22)


def of_kind(*kinds: str) -> list[Any]:
    return [pytest.param(case["input"], case["expected"], id=case["id"]) for case in ALL_CASES if case["kind"] in kinds]


def day(text: str) -> Date:
    parsed = date.fromisoformat(text)
    return Date(year=parsed.year, month=parsed.month, day=parsed.day)


def euro(text: str) -> Money:
    amount = Decimal(text)
    return Money(currency_code="EUR", units=int(amount), nanos=int((amount - int(amount)) * 10**9))


def written(message: Date) -> str:
    return date(message.year, message.month, message.day).isoformat()


def board_decision(given: Mapping[str, Any]) -> facts_pb2.MedicalBoardDecision:
    return facts_pb2.MedicalBoardDecision(
        percent=given["percent"],
        care_by_another=given["care_by_another"],
        issued_date=day(given["issued_on"]),
        valid_until_date=day(given["valid_until"]) if "valid_until" in given else None,
        lifetime=given.get("lifetime", False),
    )


def facts(given: Mapping[str, Any]) -> facts_pb2.Facts:
    message = facts_pb2.Facts(**{name: given[name] for name in FLAGS if name in given})
    if given.get("decision"):
        message.decision.CopyFrom(board_decision(given["decision"]))
    if "unable_self_care" in given:
        message.unable_self_care = {
            True: facts_pb2.TRI_STATE_TRUE,
            False: facts_pb2.TRI_STATE_FALSE,
            "unknown": facts_pb2.TRI_STATE_UNKNOWN,
        }[given["unable_self_care"]]
    for name in ("similar_services", "canteen_grounds"):
        if name in given:
            getattr(message, name).CopyFrom(facts_pb2.CodeList(codes=given[name]))
    for name in ("family_income", "dmi"):
        if name in given:
            getattr(message, name).CopyFrom(euro(given[name]))
    if "assistant" in given:
        assistant = dict(given["assistant"])
        assistant["birth_date"] = day(assistant["birth_date"])
        assistant["sex"] = SEX[assistant["sex"]]
        message.assistant.CopyFrom(facts_pb2.AssistantFacts(**assistant))
    return message


def eligibility_request(given: Mapping[str, Any]) -> pb.CheckEligibilityRequest:
    return pb.CheckEligibilityRequest(
        service_code=given["service"],
        application_date=day(given["application_date"]),
        birth_date=day(given["birth_date"]),
        sex=SEX[given["sex"]],
        district_code=given.get("district", ""),
        facts=facts(given),
        home_visit_done=given.get("home_visit_done", False),
        facility_directorate=given.get("facility_directorate", ""),
        order_directorate=(given.get("order") or {}).get("directorate", ""),
    )


@pytest.mark.parametrize(("given", "expected"), of_kind("eligibility"))
def test_the_decision_table_answers_with_every_failing_reason(given: Any, expected: Any) -> None:
    answer = questions.answer_eligibility(eligibility_request(given))
    outcome = types_pb2.EligibilityOutcome.Name(answer.outcome).removeprefix("ELIGIBILITY_OUTCOME_")
    assert outcome == expected["outcome"]
    if outcome in ("ELIGIBLE", "INELIGIBLE"):
        assert list(answer.reasons) == expected.get("reasons", [])


@pytest.mark.parametrize(("given", "expected"), of_kind("egn"))
def test_an_egn_says_its_birth_date_and_sex_or_why_it_is_none(given: Any, expected: Any) -> None:
    answer = questions.answer_identifier(
        pb.CheckIdentifierRequest(
            identifier_type=resources_pb2.IDENTIFIER_TYPE_EGN, value=given["value"], today_date=day(given["today"])
        ),
        TODAY,
    )
    assert answer.valid is expected["valid"]
    if expected["valid"]:
        assert written(answer.birth_date) == expected["birth_date"]
        assert answer.sex == SEX[expected["sex"]]
        assert answer.detail == ""
    else:
        assert answer.detail == expected["reason"]


@pytest.mark.parametrize(("given", "expected"), of_kind("lnch"))
def test_an_lnch_is_checked_by_its_digits(given: Any, expected: Any) -> None:
    request = pb.CheckIdentifierRequest(identifier_type=resources_pb2.IDENTIFIER_TYPE_LNCH, value=given["value"])
    assert questions.answer_identifier(request, TODAY).valid is expected["valid"]


@pytest.mark.parametrize(("given", "expected"), of_kind("identifier_ambiguity"))
def test_a_number_without_its_type_is_answered_with_every_type_that_takes_it(given: Any, expected: Any) -> None:
    answer = questions.answer_identifier(pb.CheckIdentifierRequest(value=given["value"]), TODAY)
    names = [resources_pb2.IdentifierType.Name(one).removeprefix("IDENTIFIER_TYPE_") for one in answer.valid_as]
    assert names == expected["valid_as"]


@pytest.mark.parametrize(("given", "expected"), of_kind("decision_valid"))
def test_a_board_decision_is_valid_from_its_issue_to_its_last_day(given: Any, expected: Any) -> None:
    request = pb.CheckMedicalBoardDecisionRequest(decision=board_decision(given["decision"]), on_date=day(given["on"]))
    assert questions.answer_decision(request).valid is expected["valid"]


@pytest.mark.parametrize(("given", "expected"), of_kind("age"))
def test_age_is_counted_in_completed_years(given: Any, expected: Any) -> None:
    request = pb.ExplainAgeRequest(birth_date=day(given["birth_date"]), on_date=day(given["on"]))
    assert questions.answer_age(request).age == expected["age"]


@pytest.mark.parametrize(("given", "expected"), of_kind("pension_age_attainment"))
def test_pension_age_is_attained_on_the_first_day_that_meets_the_limit_of_its_year(given: Any, expected: Any) -> None:
    request = pb.ExplainAgeRequest(birth_date=day(given["birth_date"]), sex=SEX[given["sex"]])
    assert written(questions.answer_age(request).pension_age_attained_date) == expected["attained_on"]
