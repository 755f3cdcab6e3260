from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from google.type import date_pb2, money_pb2

from services.kernel.codes import CaseState, Event, LegalBasis, Role, Stage
from services.kernel.dates import Month
from services.kernel.money import Currency, Money
from services.kernel.ranges import DateRange
from services.kernel.trace import Step
from services.runtime import civil
from services.runtime.errors import InvalidArgument
from socialcare.common.v1 import flow_pb2, options_pb2, types_pb2


def test_days_months_and_ranges_come_back_as_they_went() -> None:
    day = date(2028, 2, 29)
    assert civil.date_from_proto(civil.date_to_proto(day), "d") == day
    assert civil.month_from_proto(civil.month_to_proto(Month(2026, 3)), "m") == Month(2026, 3)
    days = DateRange(date(2026, 1, 1), day)
    assert civil.range_from_proto(civil.range_to_proto(days), "r") == days


@pytest.mark.parametrize(
    "wrong", [date_pb2.Date(), date_pb2.Date(year=2026, month=3), date_pb2.Date(year=2026, month=2, day=29)]
)
def test_a_partial_or_impossible_day_is_refused(wrong: date_pb2.Date) -> None:
    with pytest.raises(InvalidArgument) as caught:
        civil.date_from_proto(wrong, "start_date")
    assert caught.value.field == "start_date"


def test_an_absent_day_is_none_where_it_may_be() -> None:
    assert civil.optional_date(date_pb2.Date(), "d") is None


def test_a_range_that_ends_before_it_starts_is_refused() -> None:
    wrong = types_pb2.DateRange(
        start_date=civil.date_to_proto(date(2026, 2, 1)), end_date=civil.date_to_proto(date(2026, 1, 1))
    )
    with pytest.raises(InvalidArgument):
        civil.range_from_proto(wrong, "r")


@pytest.mark.parametrize("amount", ["0", "12.34", "-12.34", "-0.01", "0.003125", "1000000.99"])
def test_money_is_exact_on_the_wire(amount: str) -> None:
    money = Money(Decimal(amount), Currency.EUR)
    assert civil.money_from_proto(civil.money_to_proto(money), "m") == money


@pytest.mark.parametrize(
    "wrong",
    [
        money_pb2.Money(currency_code="USD", units=1),
        money_pb2.Money(currency_code="EUR", units=1, nanos=-1),
        money_pb2.Money(currency_code="EUR", units=1, nanos=1_000_000_000),
    ],
)
def test_malformed_money_is_refused(wrong: money_pb2.Money) -> None:
    with pytest.raises(InvalidArgument):
        civil.money_from_proto(wrong, "m")


def test_instants_are_utc() -> None:
    instant = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert civil.instant_from_proto(civil.instant_to_proto(instant)) == instant


@pytest.mark.parametrize(
    ("wire", "codes"),
    [
        (types_pb2.CaseState, CaseState),
        (types_pb2.LegalBasis, LegalBasis),
        (types_pb2.Stage, Stage),
        (options_pb2.Role, Role),
        (flow_pb2.CaseEvent, Event),
    ],
)
def test_every_code_has_its_number_and_back(wire: type[int], codes: type[CaseState]) -> None:
    for code in codes:
        assert civil.code_from_proto(wire, civil.code_to_proto(wire, code), codes, "f") is code


def test_unspecified_is_none_on_the_way_out_and_refused_on_the_way_in() -> None:
    assert civil.code_to_proto(types_pb2.CaseState, None) == 0
    for number in (0, 999):
        with pytest.raises(InvalidArgument):
            civil.code_from_proto(types_pb2.CaseState, number, CaseState, "state")


def test_an_explanation_keeps_its_steps() -> None:
    (step,) = civil.trace_to_proto((Step("F-05", {"income": "100"}, "30", "чл. 1", "бг", "en"),))
    assert (step.rule, dict(step.inputs), step.outcome, step.text_bg) == ("F-05", {"income": "100"}, "30", "бг")
