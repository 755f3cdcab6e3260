"""Laws over all lives: parts of a month, pauses however they are asked for, limits, conversions, served days."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import date, timedelta
from fractions import Fraction

from hypothesis import given, settings
from hypothesis import strategies as st

from services.billing.domain.accounts import ChargeKind, MonthlyFee
from services.billing.rules.currency import in_document_currency, income_in
from services.billing.rules.proration import MonthPart, chargeable_days, month_amount
from services.delivery.rules.pauses import PauseQuestion, chargeable, decide
from services.kernel.calendar import DEFAULT_CALENDAR
from services.kernel.dates import Month
from services.kernel.money import BGN_PER_EUR, Currency, Money, total
from services.kernel.municipal_settings import MunicipalSettings
from services.kernel.ranges import DateRange, DateSet
from services.kernel.terms import terms_under
from services.kernel.time_limit import begin

EUR, BGN = Currency.EUR, Currency.BGN
months = st.integers(0, 30).map(lambda more: Month(2025, 6).plus(more))
days = st.integers(0, 700).map(lambda offset: date(2025, 11, 1) + timedelta(days=offset))
ranges = st.builds(lambda start, length: DateRange(start, start + timedelta(days=length)), days, st.integers(0, 60))
rates = st.builds(Fraction, st.integers(0, 10**12), st.just(10**6))
terms = terms_under(MunicipalSettings.of({}))


def cut(pauses: Sequence[DateRange], chance: random.Random) -> list[DateRange]:
    """The same days in other pieces, which may overlap, in another order."""
    pieces = []
    for pause in pauses:
        at = pause.start + timedelta(days=chance.randrange(pause.days))
        pieces.append(DateRange(pause.start, at))
        pieces.append(DateRange(at if chance.random() < 0.5 else min(at + timedelta(days=1), pause.end), pause.end))
    chance.shuffle(pieces)
    return pieces


@given(rate=rates, month=months, parts=st.integers(1, 6), chance=st.randoms(use_true_random=False))
def test_a_month_in_any_number_of_parts_costs_the_month_to_half_a_cent_a_part(
    rate: Fraction, month: Month, parts: int, chance: random.Random
) -> None:
    borders = sorted(chance.randint(0, month.days) for _ in range(parts - 1))
    lengths = [end - start for start, end in zip([0, *borders], [*borders, month.days], strict=True)]
    fee = MonthlyFee(rate, EUR, ChargeKind.INCOME_PERCENT)
    charged = [month_amount(fee, MonthPart(length, month.days)) for length in lengths]
    assert all(part <= month_amount(fee) for part in charged)
    assert sum(Fraction(length, month.days) for length in lengths) == 1
    assert abs(total(charged, EUR).exact - rate) <= Fraction(len(lengths), 200)


@given(prior=st.lists(ranges, max_size=4), asked=ranges, chance=st.randoms(use_true_random=False))
@settings(max_examples=50, deadline=None)
def test_a_decision_on_a_pause_depends_on_days_alone(
    prior: list[DateRange], asked: DateRange, chance: random.Random
) -> None:
    def answer(earlier: Sequence[DateRange]) -> object:
        return decide(PauseQuestion("HSP", date(2025, 10, 1), asked.start, asked.end, DateSet.of(earlier)))

    assert answer(cut(prior, chance)) == answer(prior)


@given(month=months, served=ranges, paused=st.lists(ranges, max_size=4), chance=st.randoms(use_true_random=False))
def test_chargeable_and_paused_days_make_the_served_days_in_delivery_and_in_billing(
    month: Month, served: DateRange, paused: list[DateRange], chance: random.Random
) -> None:
    inside = DateSet((served,)).within(DateRange(month.first, month.last))
    stood_still = inside.intersection(DateSet.of(paused)).days
    billed = chargeable_days(month, served.start, served.end, cut(paused, chance))
    assert billed + stood_still == inside.days
    by_delivery = chargeable(served, DateSet.of(paused)).within(DateRange(month.first, month.last)).days
    assert by_delivery == billed


@given(rule=st.sampled_from(sorted(terms)), event=st.dates(date(2022, 1, 1), date(2030, 6, 30)))
def test_every_deadline_ends_on_a_working_day_and_not_before_its_nominal_end(rule: str, event: date) -> None:
    limit = begin(terms[rule], event, DEFAULT_CALENDAR)
    due = limit.due_date(DEFAULT_CALENDAR)
    assert DEFAULT_CALENDAR.is_working_day(due)
    assert due >= limit.nominal_end(DEFAULT_CALENDAR) > event
    between = (limit.nominal_end(DEFAULT_CALENDAR) + timedelta(days=more) for more in range(30))
    assert due == next(day for day in between if DEFAULT_CALENDAR.is_working_day(day))


@given(parts=st.lists(st.integers(0, 10**7), min_size=1, max_size=8))
def test_incomes_convert_one_by_one_and_up_while_a_total_converts_once_and_half_up(parts: list[int]) -> None:
    levs = [Money.from_minor(stotinki, BGN) for stotinki in parts]
    one_by_one = [income_in(EUR, lev) for lev in levs]
    for lev, euro in zip(levs, one_by_one, strict=True):
        exact = lev.exact / Fraction(BGN_PER_EUR)
        assert euro.exact > exact - Fraction(1, 1000)
        assert euro.exact < exact + Fraction(1, 100)
    once = in_document_currency(total(levs, BGN), EUR)
    assert abs(once.exact - total(levs, BGN).exact / Fraction(BGN_PER_EUR)) <= Fraction(1, 200)
    assert total(one_by_one, EUR).exact > once.exact - Fraction(len(parts) + 5, 1000)
