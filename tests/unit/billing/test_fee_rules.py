"""The worked examples W1 to W14 of domain.md and the laws of section 6, as sentences."""

from __future__ import annotations

from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.billing.domain.accounts import Assets, ChargeKind, FeeFacts, Income, IncomeKind, MonthlyFee, WarStatus
from services.billing.errors import CurrencyNotAllowed, InvalidFact, PercentNotAllowed, UnknownService
from services.billing.rules.currency import also_shown, display, income_in, price_in
from services.billing.rules.fees import monthly_fee
from services.billing.rules.proration import MonthPart, chargeable_days, month_amount
from services.billing.usecases.quotes import QuoteTerms, check_percent, quote_fee
from services.kernel.dates import Month
from services.kernel.money import Currency, Money, total
from services.kernel.ranges import DateRange

EUR, BGN = Currency.EUR, Currency.BGN
MARCH = Month(2026, 3)


def eur(text: str) -> Money:
    return Money.of(text, EUR)


def bgn(text: str) -> Money:
    return Money.of(text, BGN)


def pension(amount: Money, supplement: Money | None = None) -> tuple[Income, ...]:
    income = (Income(IncomeKind.PENSION, amount),)
    return income if supplement is None else (*income, Income(IncomeKind.CARE_SUPPLEMENT, supplement))


def patronage(income: tuple[Income, ...], cost: str = "230.00", **more: object) -> FeeFacts:
    return FeeFacts("HSP", income, eur(cost), **more)  # type: ignore[arg-type]


W1 = patronage(pension(eur("356.40"), eur("88.10")))


def quoted(facts: FeeFacts, days: int | None = None, of: int | None = None) -> Money:
    return quote_fee(QuoteTerms(facts, chargeable_days=days, days_in_month=of)).amount


def test_w1_the_care_supplement_is_left_out_and_the_leva_are_shown_beside() -> None:
    assert quoted(W1) == eur("213.84")
    assert display(eur("213.84")) == bgn("418.23")


def test_w2_the_fee_is_never_above_the_cost() -> None:
    assert quoted(patronage(pension(eur("420.00")))) == eur("230.00")


def test_w3_half_a_cent_goes_up_where_half_even_would_go_down() -> None:
    home = FeeFacts("OLD_PEOPLE_HOME", pension(eur("401.15")), eur("900.00"))
    assert monthly_fee(home, None, EUR).rate == Fraction("280.805")
    assert round(Decimal("280.805"), 2) == Decimal("280.80")
    assert quoted(home) == eur("280.81")


def test_w4_a_service_from_the_17th_of_february_pays_12_of_28_days() -> None:
    assert chargeable_days(Month(2026, 2), date(2026, 2, 17), None, []) == 12
    assert quoted(W1, 12, 28) == eur("91.65")


def test_w5_fifteen_paused_days_of_march_leave_16_of_31() -> None:
    assert chargeable_days(MARCH, None, None, [DateRange(date(2026, 3, 10), date(2026, 3, 24))]) == 16
    assert quoted(W1, 16, 31) == eur("110.37")


@pytest.mark.parametrize(("cost", "due"), [("640", "410.32"), ("400", "400.00")])
def test_w6_a_home_takes_80_percent_up_to_its_cost(cost: str, due: str) -> None:
    assert quoted(FeeFacts("HOME_INTELLECTUAL_DISABILITY", pension(eur("512.90")), eur(cost))) == eur(due)


def test_w7_savings_above_the_threshold_make_an_actual_cost_payer() -> None:
    rich = Assets(savings=eur("300.00"))
    facts = FeeFacts("HOME_INTELLECTUAL_DISABILITY", pension(eur("512.90")), eur("640.00"), assets=rich)
    assert quoted(facts) == eur("640.00")


def test_w8_a_veteran_pays_30_percent_of_the_pension_and_a_war_disabled_person_30_percent_of_the_fee() -> None:
    assert quoted(patronage(pension(eur("480.00")), war=WarStatus(veteran=True))) == eur("144.00")
    disabled = patronage(pension(eur("356.40"), eur("88.10")), war=WarStatus(disabled=True))
    assert quoted(disabled) == eur("64.15")


def test_w9_a_day_centre_takes_30_percent_and_55_cannot_be_configured() -> None:
    assert quoted(FeeFacts("DAY_CENTRE", pension(eur("356.40")))) == eur("106.92")
    with pytest.raises(PercentNotAllowed):
        check_percent("DAY_CENTRE", Decimal(55), date(2026, 1, 1))


def test_w10_a_month_in_leva_that_is_issued_in_2026_is_converted_once_from_its_total() -> None:
    facts = FeeFacts("HSP", pension(bgn("697.05")), bgn("500.00"))
    quote = quote_fee(QuoteTerms(facts, month=Month(2025, 11), issued_on=date(2026, 1, 8)))
    assert (quote.computed, quote.amount) == (bgn("418.23"), eur("213.84"))


def test_w11_nothing_is_rounded_before_the_days_are_counted() -> None:
    facts = FeeFacts("OLD_PEOPLE_HOME", pension(eur("300.02")), eur("900.00"))
    assert quoted(facts, 13, 30) == eur("91.01")


def test_w12_and_w13_an_income_goes_up_by_its_third_digit_only() -> None:
    assert price_in(EUR, bgn("2000.00")) == eur("1022.58")
    assert income_in(EUR, bgn("2000.00")) == eur("1022.59")
    assert income_in(EUR, bgn("100.08")) == eur("51.17")


@pytest.mark.parametrize(("lev", "euro"), [("65.00", "33.23"), ("500.00", "255.65"), ("764.00", "390.63")])
def test_w14_prices_and_thresholds_are_divided_by_the_full_rate(lev: str, euro: str) -> None:
    assert price_in(EUR, bgn(lev)) == eur(euro)


def test_a_quote_explains_itself_line_by_line() -> None:
    steps = quote_fee(QuoteTerms(W1, chargeable_days=12, days_in_month=28)).trace
    assert [step.rule for step in steps] == ["F-04", "F-02", "F-05", "F-03", "F-11", "F-01"]
    assert steps[2].text_en == "60 % of the income: 60 % × 356.40 EUR = 213.84 EUR."
    assert steps[4].text_bg == "12 дни от 28: 213.84 EUR × 12 : 28 = 91.645714… EUR."
    assert steps[5].outcome == "91.65 EUR"


def test_patronage_always_uses_its_60_percent() -> None:
    with pytest.raises(PercentNotAllowed):
        quote_fee(QuoteTerms(FeeFacts("HSP", percent=Decimal(50))))


def test_a_part_of_patronage_is_no_service_of_its_own() -> None:
    with pytest.raises(UnknownService):
        quote_fee(QuoteTerms(FeeFacts("HSP_MEAL_DELIVERY")))


def test_euro_and_leva_do_not_mix_in_a_month_of_the_lev() -> None:
    facts = FeeFacts("HSP", pension(bgn("600.00")), eur("230.00"))
    with pytest.raises(CurrencyNotAllowed):
        quote_fee(QuoteTerms(facts, month=Month(2025, 12)))


def test_chargeable_days_come_with_the_days_of_the_month() -> None:
    with pytest.raises(InvalidFact):
        quoted(W1, days=12)
    with pytest.raises(InvalidFact):
        quoted(W1, days=31, of=30)


def test_both_currencies_are_shown_up_to_the_8th_of_august_2026() -> None:
    assert also_shown(eur("57.29"), date(2026, 8, 8)) == bgn("112.05")
    assert also_shown(eur("57.29"), date(2026, 8, 9)) is None


amounts = st.integers(min_value=0, max_value=2_000_000).map(lambda cents: Money.from_minor(cents, EUR))
rates = st.builds(Fraction, st.integers(min_value=0, max_value=10**12), st.just(10**6))


@given(rate=rates, of_days=st.integers(28, 31), data=st.data())
def test_a_part_of_a_month_never_costs_more_than_the_month(rate: Fraction, of_days: int, data: st.DataObject) -> None:
    days = data.draw(st.integers(0, of_days))
    fee = MonthlyFee(rate, EUR, ChargeKind.INCOME_PERCENT)
    part, whole = month_amount(fee, MonthPart(days, of_days)), month_amount(fee)
    assert eur("0.00") <= part <= whole


@given(rate=rates, of_days=st.integers(28, 31), data=st.data())
def test_a_split_month_sums_up_to_the_month_within_a_cent(rate: Fraction, of_days: int, data: st.DataObject) -> None:
    days = data.draw(st.integers(0, of_days))
    fee = MonthlyFee(rate, EUR, ChargeKind.INCOME_PERCENT)
    split = month_amount(fee, MonthPart(days, of_days)) + month_amount(fee, MonthPart(of_days - days, of_days))
    assert abs(split.minor - month_amount(fee).minor) <= 1


@given(parts=st.lists(st.integers(0, 10**7), min_size=1, max_size=8))
def test_incomes_converted_one_by_one_stay_within_a_cent_each_of_their_converted_sum(parts: list[int]) -> None:
    levs = [Money.from_minor(cents, BGN) for cents in parts]
    one_by_one = total((income_in(EUR, lev) for lev in levs), EUR)
    together = income_in(EUR, total(levs, BGN))
    assert abs(one_by_one.minor - together.minor) <= len(parts)


@given(income=amounts, cost=amounts)
def test_the_fee_lies_between_nothing_and_the_cost(income: Money, cost: Money) -> None:
    fee = month_amount(monthly_fee(FeeFacts("HSP", pension(income), cost), MARCH, EUR))
    assert eur("0.00") <= fee <= cost


@given(income=amounts, cost=amounts, savings=amounts, veteran=st.booleans(), disabled=st.booleans())
def test_every_rate_is_exact_in_billionths(
    income: Money, cost: Money, savings: Money, veteran: bool, disabled: bool
) -> None:
    facts = FeeFacts("HSP", pension(income), cost, assets=Assets(savings=savings), war=WarStatus(veteran, disabled))
    fee = monthly_fee(facts, MARCH, EUR)
    assert Fraction(fee.nanos, 10**9) == fee.rate


@given(
    start=st.dates(date(2026, 2, 1), date(2026, 3, 31)),
    length=st.integers(0, 60),
    pauses=st.lists(st.tuples(st.dates(date(2026, 2, 1), date(2026, 4, 30)), st.integers(0, 40)), max_size=4),
)
def test_chargeable_days_are_the_days_one_can_count_on_a_calendar(
    start: date, length: int, pauses: list[tuple[date, int]]
) -> None:
    end = start + timedelta(days=length)
    ranges = [DateRange(first, first + timedelta(days=more)) for first, more in pauses]
    march = [date(2026, 3, number) for number in range(1, 32)]
    counted = [day for day in march if start <= day <= end and not any(item.contains(day) for item in ranges)]
    assert chargeable_days(MARCH, start, end, ranges) == len(counted)
