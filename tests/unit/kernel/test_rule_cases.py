"""The rule cases that the kernel alone can answer, put straight to its functions."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.kernel.calendar import DEFAULT_CALENDAR
from services.kernel.codes import Sex
from services.kernel.dates import Month, age_on, local_date, next_midnight
from services.kernel.identifiers import (
    IdentifierType,
    InvalidIdentifier,
    ValidIdentifier,
    check_identifier,
    types_accepting,
)
from services.kernel.money import Currency, Money, display_in_bgn, fee_to_eur, income_to_eur, total
from services.kernel.time_limit import LimitUnit, due_date, first_arrears_termination_day, invoice_due_date, was_met
from tests.stories.rule_cases import ALL_CASES

Fields = dict[str, Any]
TODAY = date(2026, 3, 2)
SEX_LETTERS = {Sex.FEMALE: "F", Sex.MALE: "M"}


def _instant(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _bgn(text: str) -> Money:
    return Money.of(text, Currency.BGN)


def _due(event: date, given: Fields) -> str:
    return due_date(event, given["length"], LimitUnit(given["unit"]), DEFAULT_CALENDAR).isoformat()


def _deadline(given: Fields) -> Fields:
    return {"due_date": _due(date.fromisoformat(given["event_date"]), given)}


def _deadline_instant(given: Fields) -> Fields:
    zone = ZoneInfo(given.get("zone", "Europe/Sofia"))
    instant = next_midnight(date.fromisoformat(given["due_date"]), zone).astimezone(UTC)
    return {"expires_at_utc_exclusive": instant.strftime("%Y-%m-%dT%H:%M:%SZ")}


def _deadline_from_instant(given: Fields) -> Fields:
    event = local_date(_instant(given["received_at_utc"]))
    return {"event_date": event.isoformat(), "due_date": _due(event, given)}


def _deadline_met(given: Fields) -> Fields:
    return {"in_time": was_met(date.fromisoformat(given["due_date"]), _instant(given["done_at_utc"]))}


def _working_day(given: Fields) -> Fields:
    return {"working": DEFAULT_CALENDAR.is_working_day(date.fromisoformat(given["date"]))}


def _egn(given: Fields) -> Fields:
    answer = check_identifier(IdentifierType.EGN, given["value"], date.fromisoformat(given["today"]))
    if isinstance(answer, InvalidIdentifier):
        return {"valid": False, "reason": answer.detail.value}
    assert answer.birth_date is not None
    assert answer.sex is not None
    return {"valid": True, "birth_date": answer.birth_date.isoformat(), "sex": SEX_LETTERS[answer.sex]}


def _lnch(given: Fields) -> Fields:
    return {"valid": isinstance(check_identifier(IdentifierType.LNCH, given["value"], TODAY), ValidIdentifier)}


def _identifier_ambiguity(given: Fields) -> Fields:
    return {"valid_as": [type_.value for type_ in types_accepting(given["value"], TODAY)]}


def _age(given: Fields) -> Fields:
    return {"age": age_on(date.fromisoformat(given["birth_date"]), date.fromisoformat(given["on"]))}


def _bgn_to_eur_fee(given: Fields) -> Fields:
    return {"amount": str(fee_to_eur(_bgn(given["bgn"])).amount)}


def _bgn_to_eur_income(given: Fields) -> Fields:
    return {"amount": str(income_to_eur(_bgn(given["bgn"])).amount)}


def _bgn_to_eur_income_components(given: Fields) -> Fields:
    components = [_bgn(text) for text in given["components_bgn"]]
    converted = [income_to_eur(component) for component in components]
    return {
        "components_eur": [str(item.amount) for item in converted],
        "total": str(total(converted, Currency.EUR).amount),
        "not_equal_to_converted_sum": str(income_to_eur(total(components, Currency.BGN)).amount),
    }


def _eur_to_bgn_display(given: Fields) -> Fields:
    return {"amount": str(display_in_bgn(Money.of(given["eur"], Currency.EUR)).amount)}


def _invoice_due(given: Fields) -> Fields:
    return {"due_date": invoice_due_date(Month.parse(given["billed_month"]).last, DEFAULT_CALENDAR).isoformat()}


def _arrears_first_termination_day(given: Fields) -> Fields:
    due = date.fromisoformat(given["due_date"])
    return {"first_day": first_arrears_termination_day(due, DEFAULT_CALENDAR).isoformat()}


ANSWERS: dict[str, Callable[[Fields], Fields]] = {
    "deadline": _deadline,
    "deadline_instant": _deadline_instant,
    "deadline_from_instant": _deadline_from_instant,
    "deadline_met": _deadline_met,
    "working_day": _working_day,
    "egn": _egn,
    "lnch": _lnch,
    "identifier_ambiguity": _identifier_ambiguity,
    "age": _age,
    "bgn_to_eur_fee": _bgn_to_eur_fee,
    "bgn_to_eur_income": _bgn_to_eur_income,
    "bgn_to_eur_income_components": _bgn_to_eur_income_components,
    "eur_to_bgn_display": _eur_to_bgn_display,
    "invoice_due": _invoice_due,
    "arrears_first_termination_day": _arrears_first_termination_day,
}
CASES = [case for case in ALL_CASES if case["kind"] in ANSWERS]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_the_kernel_answers_the_rule_case(case: Fields) -> None:
    assert ANSWERS[case["kind"]](case["input"]) == case["expected"], case["why"]


def test_every_kind_of_the_kernel_has_cases() -> None:
    assert {case["kind"] for case in CASES} == set(ANSWERS)


@pytest.mark.parametrize("case", [case for case in CASES if case["kind"] == "bgn_to_eur_income_components"])
def test_incomes_converted_one_by_one_differ_from_their_converted_sum(case: Fields) -> None:
    assert case["expected"]["total"] != case["expected"]["not_equal_to_converted_sum"]
