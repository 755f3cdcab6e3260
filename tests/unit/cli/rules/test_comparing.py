from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from cli.rules import answers
from cli.rules.comparing import differences
from cli.rules.kinds import KINDS


def expect(kind: str, **fields: Any) -> answers.Answer:
    return KINDS[kind].answer.model_validate(fields)


def fields_that_differ(expected: answers.Answer, got: answers.Answer) -> list[str]:
    return [difference.field for difference in differences(expected, got)]


def eligible(outcome: str, *reasons: str) -> answers.Answer:
    return answers.EligibilityAnswer.model_construct(outcome=outcome, reasons=list(reasons))


def test_a_field_that_is_not_expected_is_not_compared() -> None:
    got = answers.EventAndDueDate.model_validate({"event_date": "2026-03-31", "due_date": "2026-04-07"})
    assert fields_that_differ(expect("deadline_from_instant", due_date="2026-04-07"), got) == []


def test_a_difference_names_field_and_both_values_as_the_file_writes_them() -> None:
    got = answers.DueDate.model_validate({"due_date": "2026-04-15"})
    (difference,) = differences(expect("deadline", due_date="2026-04-14"), got)
    assert (difference.field, difference.expected, difference.got) == ("due_date", '"2026-04-14"', '"2026-04-15"')


def test_eligible_without_reasons_demands_that_there_are_none() -> None:
    expected = expect("eligibility", outcome="ELIGIBLE")
    assert fields_that_differ(expected, eligible("ELIGIBLE")) == []
    assert fields_that_differ(expected, eligible("ELIGIBLE", "NO_TARGET_GROUP")) == ["reasons"]


def test_reasons_are_compared_in_order() -> None:
    expected = expect("eligibility", outcome="INELIGIBLE", reasons=["A", "B"])
    assert fields_that_differ(expected, eligible("INELIGIBLE", "A", "B")) == []
    assert fields_that_differ(expected, eligible("INELIGIBLE", "B", "A")) == ["reasons"]


@pytest.mark.parametrize("outcome", ["PENDING_ASSESSMENT", "EXCEPTION_REVIEW"])
def test_an_open_outcome_is_compared_without_reasons(outcome: str) -> None:
    assert fields_that_differ(expect("eligibility", outcome=outcome), eligible(outcome, "A")) == []
    assert fields_that_differ(expect("eligibility", outcome=outcome, reasons=["B"]), eligible(outcome)) == []


@pytest.mark.parametrize(
    ("kind", "field"), [("pause_request", "granted"), ("ap_plan_check", "accepted"), ("egn", "valid")]
)
def test_a_yes_without_reason_demands_that_there_is_none(kind: str, field: str) -> None:
    answer = KINDS[kind].answer
    expected = expect(kind, **{field: True})
    assert fields_that_differ(expected, answer.model_validate({field: True})) == []
    assert fields_that_differ(expected, answer.model_validate({field: True, "reason": "A"})) == ["reason"]


def test_a_no_without_reason_leaves_the_reason_open() -> None:
    got = answers.PauseAnswer.model_validate({"granted": False, "reason": "PAUSE_START_TOO_EARLY"})
    assert fields_that_differ(expect("pause_request", granted=False), got) == []


def test_a_named_null_end_demands_that_no_end_is_possible() -> None:
    no_end = answers.PauseAnswer.model_validate({"granted": False})
    some_end = answers.PauseAnswer.model_validate({"granted": False, "last_admissible_end": "2026-08-31"})
    expected = expect("pause_request", granted=False, last_admissible_end=None)
    assert fields_that_differ(expected, no_end) == []
    assert fields_that_differ(expected, some_end) == ["last_admissible_end"]
    assert fields_that_differ(expect("pause_request", granted=False), some_end) == []


def test_the_reason_of_an_invalid_lnch_is_not_compared() -> None:
    got = answers.LNCHAnswer.model_validate({"valid": False, "reason": "INVALID_LENGTH"})
    assert fields_that_differ(expect("lnch", valid=False, reason="INVALID_FORMAT"), got) == []


def test_exactly_the_years_touched_are_answered() -> None:
    expected = expect("pause_usage", per_year={"2026": {"months": 3, "days": 0}})
    usage = answers.YearUsage.model_construct
    right = answers.Usage.model_construct(per_year={"2026": usage(months=3, days=0)})
    a_year_more = answers.Usage.model_construct(
        per_year={"2026": usage(months=3, days=0), "2027": usage(months=0, days=0)}
    )
    assert fields_that_differ(expected, right) == []
    assert fields_that_differ(expected, a_year_more) == ["per_year"]


def test_a_fraction_of_a_cent_is_a_difference() -> None:
    expected = expect("fee_month", amount="213.84")
    assert fields_that_differ(expected, answers.AmountAnswer.model_construct(amount=Decimal("213.840"))) == []
    (difference,) = differences(expected, answers.AmountAnswer.model_construct(amount=Decimal("213.844")))
    assert difference.got == '"213.844"'


def components(total: str, of_the_sum: str) -> answers.Answer:
    return answers.Components.model_construct(
        components_eur=[Decimal("1.00")], total=Decimal(total), not_equal_to_converted_sum=Decimal(of_the_sum)
    )


def test_the_converted_sum_must_differ_from_the_sum_of_the_converted() -> None:
    expected = expect("bgn_to_eur_income_components", total="433.15", not_equal_to_converted_sum="433.14")
    assert fields_that_differ(expected, components("433.15", "433.14")) == []
    equal = expect("bgn_to_eur_income_components", total="433.15", not_equal_to_converted_sum="433.15")
    assert fields_that_differ(equal, components("433.15", "433.15")) == ["not_equal_to_converted_sum"]
    unasked = expect("bgn_to_eur_income_components", total="433.15")
    assert fields_that_differ(unasked, components("433.15", "433.15")) == []
