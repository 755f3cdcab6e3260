"""Every published rule case of billing, put through the same mapping as the public methods."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import pytest
from google.type.date_pb2 import Date
from google.type.money_pb2 import Money

from services.billing.api import answers
from services.kernel.money import Currency
from services.kernel.money import Money as Amount
from services.runtime.civil import money_to_proto
from socialcare.billing.v1 import billing_service_pb2 as pb
from socialcare.billing.v1 import resources_pb2 as res
from socialcare.common.v1 import facts_pb2, types_pb2
from tests.stories.rule_cases import ALL_CASES


def money(text: str, currency: str = "EUR") -> Money:
    return money_to_proto(Amount.of(text, Currency(currency)))


def written(message: Money) -> str:
    return f"{message.units + message.nanos / 10**9:.2f}"


def day(text: str) -> Date:
    parsed = date.fromisoformat(text)
    return Date(year=parsed.year, month=parsed.month, day=parsed.day)


def iso(message: Date) -> str:
    return date(message.year, message.month, message.day).isoformat()


def month(text: str) -> types_pb2.YearMonth:
    return types_pb2.YearMonth(year=int(text[:4]), month=int(text[5:]))


def terms_of(case: dict[str, Any]) -> res.FeeTerms:
    currency = case.get("currency", "EUR")
    terms = res.FeeTerms(
        service_code=case["service"],
        income=[facts_pb2.Income(kind=item["kind"], amount=money(item["amount"], currency)) for item in case["income"]],
        percent=case.get("percent", ""),
        care_contract=case.get("care_contract", False),
        war_veteran=case.get("war_veteran", False),
        war_disabled=case.get("war_disabled", False),
    )
    if case["actual_cost"] is not None:
        terms.actual_cost.CopyFrom(money(case["actual_cost"], currency))
    if "savings" in case:
        terms.savings.CopyFrom(money(case["savings"], currency))
    if "property_transfer_date" in case:
        terms.property_transfer_date.CopyFrom(day(case["property_transfer_date"]))
    if "billed_month" in case:
        terms.month.CopyFrom(month(case["billed_month"]))
    if "chargeable_days" in case:
        terms.chargeable_days, terms.days_in_month = case["chargeable_days"], case["days_in_month"]
    if "issued_on" in case:
        terms.issued_date.CopyFrom(day(case["issued_on"]))
    return terms


def fee_month(case: dict[str, Any]) -> dict[str, Any]:
    return {"amount": written(answers.quote(pb.QuoteFeeRequest(terms=terms_of(case))).quote.amount)}


def fee_bgn_month(case: dict[str, Any]) -> dict[str, Any]:
    quote = answers.quote(pb.QuoteFeeRequest(terms=terms_of(case))).quote
    return {
        "amount_bgn": written(quote.computed_amount),
        "document_currency": quote.amount.currency_code,
        "amount": written(quote.amount),
    }


def unit_charge(case: dict[str, Any]) -> dict[str, Any]:
    terms = res.FeeTerms(service_code=case["service"], delivered_units=case["delivered_units"])
    if case.get("unit_price") is not None:
        terms.unit_price.CopyFrom(money(case["unit_price"]))
    return {"amount": written(answers.quote(pb.QuoteFeeRequest(terms=terms)).quote.amount)}


def conversion(rule: pb.ConversionRule, field: str, currency: str) -> Callable[[dict[str, Any]], dict[str, Any]]:
    def ask(case: dict[str, Any]) -> dict[str, Any]:
        answer = answers.convert(pb.ConvertAmountRequest(rule=rule, amounts=[money(case[field], currency)]))
        return {"amount": written(answer.total)}

    return ask


def income_components(case: dict[str, Any]) -> dict[str, Any]:
    amounts = [Amount.of(text, Currency.BGN) for text in case["components_bgn"]]
    rule = pb.CONVERSION_RULE_INCOME_TO_EUR
    answer = answers.convert(pb.ConvertAmountRequest(rule=rule, amounts=[money_to_proto(item) for item in amounts]))
    summed = amounts[0]
    for item in amounts[1:]:
        summed += item
    converted_sum = answers.convert(pb.ConvertAmountRequest(rule=rule, amounts=[money_to_proto(summed)]))
    assert answer.total != converted_sum.total
    return {
        "components_eur": [written(item) for item in answer.converted],
        "total": written(answer.total),
        "not_equal_to_converted_sum": written(converted_sum.total),
    }


def chargeable(case: dict[str, Any]) -> dict[str, Any]:
    request = pb.CountChargeableDaysRequest(
        month=month(case["month"]),
        start_date=day(case["service_start"]) if case.get("service_start") else None,
        end_date=day(case["service_end"]) if case.get("service_end") else None,
        pauses=[types_pb2.DateRange(start_date=day(a), end_date=day(b)) for a, b in case.get("pauses", [])],
    )
    answer = answers.count_chargeable_days(request)
    return {"chargeable_days": answer.chargeable_days, "days_in_month": answer.days_in_month}


def dual_display(case: dict[str, Any]) -> dict[str, Any]:
    request = pb.ExplainDualDisplayRequest(document_date=day(case["document_date"]))
    return {"required": answers.explain_dual_display(request).required}


def percent_config(case: dict[str, Any]) -> dict[str, Any]:
    request = pb.CheckPercentRequest(service_code=case["service"], percent=case["percent"])
    return {"accepted": answers.percent_answer(request).accepted}


def passthrough(case: dict[str, Any]) -> dict[str, Any]:
    answer = answers.settlement(
        pb.SettleCustodyRequest(
            service_code=case["service"],
            advance=money(case["advance"]),
            receipts=[money(text) for text in case["receipts"]],
        )
    )
    return {
        "spent": written(answer.spent),
        "return_to_user": written(answer.return_to_user),
        "fee": written(answer.fee),
    }


def invoice_due(case: dict[str, Any]) -> dict[str, Any]:
    answer = answers.explain_due_date(pb.ExplainDueDateRequest(month=month(case["billed_month"])))
    return {"due_date": iso(answer.due_date)}


def first_termination_day(case: dict[str, Any]) -> dict[str, Any]:
    answer = answers.explain_due_date(pb.ExplainDueDateRequest(due_date=day(case["due_date"])))
    return {"first_day": iso(answer.termination_possible_from_date)}


_ASK: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {
    "fee_month": fee_month,
    "fee_bgn_month": fee_bgn_month,
    "unit_charge": unit_charge,
    "bgn_to_eur_fee": conversion(pb.CONVERSION_RULE_FEE_TO_EUR, "bgn", "BGN"),
    "bgn_to_eur_income": conversion(pb.CONVERSION_RULE_INCOME_TO_EUR, "bgn", "BGN"),
    "bgn_to_eur_income_components": income_components,
    "eur_to_bgn_display": conversion(pb.CONVERSION_RULE_DISPLAY, "eur", "EUR"),
    "chargeable_days": chargeable,
    "dual_display_required": dual_display,
    "fee_percent_config": percent_config,
    "passthrough": passthrough,
    "invoice_due": invoice_due,
    "arrears_first_termination_day": first_termination_day,
}


@pytest.mark.parametrize("case", [case for case in ALL_CASES if case["kind"] in _ASK], ids=lambda case: case["id"])
def test_the_answer_is_the_published_one(case: dict[str, Any]) -> None:
    assert _ASK[case["kind"]](case["input"]) == case["expected"]


def test_every_kind_of_billing_has_cases() -> None:
    assert {case["kind"] for case in ALL_CASES} >= set(_ASK)
