"""What a pause takes off the fees: by days, by month, and with the early return (P-10, P-11, F-11)."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from google.type.date_pb2 import Date
from google.type.money_pb2 import Money
from hypothesis import given
from hypothesis import strategies as st

from services.billing.domain.accounts import ChargeKind, MonthlyFee
from services.billing.errors import InvalidFact
from services.billing.rules.pause_effect import Service, effects_of
from services.kernel.dates import Month
from services.kernel.money import Currency
from services.kernel.money import Money as Amount
from services.kernel.ranges import DateRange, DateSet
from services.runtime.errors import InvalidArgument
from socialcare.billing.v1 import billing_service_pb2 as billing
from socialcare.billing.v1 import resources_pb2 as fees
from socialcare.common.v1 import facts_pb2, types_pb2
from socialcare.delivery.v1 import delivery_service_pb2 as delivery
from tests.unit.rules.in_process import Asked

FEE = MonthlyFee(Amount.from_minor(19902, Currency.EUR).exact, Currency.EUR, ChargeKind.INCOME_PERCENT)
days = st.integers(0, 400).map(lambda offset: date(2026, 1, 1) + timedelta(days=offset))
ranges = st.builds(lambda start, length: DateRange(start, start + timedelta(days=length)), days, st.integers(0, 80))


def day(month: int, number: int) -> Date:
    return Date(year=2026, month=month, day=number)


def preview(**more: object) -> delivery.PreviewPauseResponse:
    request = delivery.PreviewPauseRequest(
        service_code="HSP",
        request_date=day(3, 1),
        start_date=day(3, 25),
        end_date=day(4, 10),
        **more,  # type: ignore[arg-type]
    )
    answer = Asked().ask(request)
    assert isinstance(answer, delivery.PreviewPauseResponse)
    return answer


@given(pause=ranges, prior=st.lists(ranges, max_size=3), served=ranges)
def test_a_pause_never_makes_a_month_dearer_and_takes_off_exactly_its_served_days(
    pause: DateRange, prior: list[DateRange], served: DateRange
) -> None:
    effects = effects_of(pause, Service(served.start, served.end, tuple(prior)), lambda _: FEE)
    fresh = DateSet((pause,)).minus(DateSet.of(prior)).within(served).days
    assert sum(effect.days_before - effect.days_after for effect in effects) == fresh
    for effect in effects:
        assert effect.fee_before is not None
        assert effect.fee_after is not None
        assert effect.fee_after.amount <= effect.fee_before.amount
        assert (effect.days_before == effect.days_after) == (effect.fee_before == effect.fee_after)


@given(pause=ranges, prior=st.lists(ranges, max_size=3), kept=st.lists(ranges, max_size=2))
def test_days_that_are_charged_all_the_same_are_not_taken_off(
    pause: DateRange, prior: list[DateRange], kept: list[DateRange]
) -> None:
    charged = DateSet.of(kept)
    effects = effects_of(pause, Service(None, None, tuple(prior)), lambda _: FEE, charged=charged)
    free = DateSet((pause,)).minus(charged).minus(DateSet.of(prior)).days
    assert sum(effect.days_before - effect.days_after for effect in effects) == free


def test_units_have_no_fee_by_days() -> None:
    by_unit = MonthlyFee(FEE.rate, Currency.EUR, ChargeKind.UNITS)
    (effect,) = effects_of(DateRange(date(2026, 3, 1), date(2026, 3, 9)), Service(None, None), lambda _: by_unit)
    assert (effect.month, effect.days_after, effect.fee_before) == (Month(2026, 3), 22, None)


def test_a_pause_over_two_months_is_quoted_by_month() -> None:
    pension = facts_pb2.Income(kind="PENSION", amount=Money(currency_code="EUR", units=331, nanos=700_000_000))
    answer = Asked().ask(
        billing.QuotePauseRequest(
            terms=fees.FeeTerms(service_code="HSP", income=[pension]),
            pause=types_pb2.DateRange(start_date=day(3, 25), end_date=day(4, 10)),
        )
    )
    assert isinstance(answer, billing.QuotePauseResponse)
    said = [
        (one.chargeable_days_after, one.fee_before.units, one.fee_after.units, one.fee_after.nanos)
        for one in answer.months
    ]
    assert said == [(24, 199, 154, 80_000_000), (20, 199, 132, 680_000_000)]
    assert [step.rule for step in answer.trace] == ["P-11", "P-11"]


def test_terms_with_a_month_of_their_own_are_refused() -> None:
    terms = fees.FeeTerms(service_code="HSP", month=types_pb2.YearMonth(year=2026, month=3))
    pause = types_pb2.DateRange(start_date=day(3, 25), end_date=day(4, 10))
    with pytest.raises(InvalidFact) as refusal:
        Asked().ask(billing.QuotePauseRequest(terms=terms, pause=pause))
    assert refusal.value.field == "terms.month"


def test_a_preview_says_the_days_of_each_month_and_what_is_left_of_the_year() -> None:
    answer = preview()
    assert [(one.month.month, one.paused_days, one.days_in_month) for one in answer.months] == [(3, 7, 31), (4, 10, 30)]
    assert [(one.months, one.days, one.months_left, one.days_left) for one in answer.usage] == [(0, 17, 2, 13)]


def test_an_early_return_gives_the_rest_of_the_days_back() -> None:
    answer = preview(return_date=day(4, 1))
    assert [(one.month.month, one.paused_days) for one in answer.months] == [(3, 7)]
    assert [(one.months, one.days) for one in answer.usage] == [(0, 7)]
    assert answer.trace[0].rule == "P-10"


def test_a_return_outside_the_pause_is_refused() -> None:
    for back in (day(3, 25), day(4, 11)):
        with pytest.raises(InvalidArgument) as refusal:
            preview(return_date=back)
        assert refusal.value.field == "return_date"


def test_a_refused_pause_has_no_effect_on_fees() -> None:
    assert not preview(prior_pauses=[types_pb2.DateRange(start_date=day(7, 1), end_date=day(9, 30))]).months
