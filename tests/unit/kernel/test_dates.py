"""Days, months and ages."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kernel.dates import (
    Month,
    Weekday,
    add_months,
    add_years,
    age_on,
    local_date,
    next_midnight,
    start_of_day,
)

DAYS = st.dates(date(1950, 1, 1), date(2090, 12, 31))


def test_an_instant_without_a_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="zone"):
        local_date(datetime(2026, 1, 1, 12))  # noqa: DTZ001 - the naive instant is the point


def test_late_evening_in_utc_is_the_next_day_in_sofia() -> None:
    assert local_date(datetime(2026, 3, 30, 22, 30, tzinfo=UTC)) == date(2026, 3, 31)


@pytest.mark.parametrize(("day", "hours"), [(date(2026, 3, 29), 23), (date(2026, 10, 25), 25), (date(2026, 6, 1), 24)])
def test_a_day_is_as_long_as_the_clock_says(day: date, hours: int) -> None:
    assert next_midnight(day) - start_of_day(day) == timedelta(hours=hours)


def test_months_clamp_to_the_last_day() -> None:
    assert add_months(date(2026, 1, 31), 1) == date(2026, 2, 28)
    assert add_months(date(2026, 1, 31), -2) == date(2025, 11, 30)
    assert add_years(date(2028, 2, 29), 1) == date(2029, 2, 28)


def test_nobody_has_an_age_before_birth() -> None:
    with pytest.raises(ValueError, match="before the birth"):
        age_on(date(2026, 1, 2), date(2026, 1, 1))


@pytest.mark.parametrize("text", ["2026-3", "2026-13", "2026-00", "26-03", "2026-03-01", "٢٠٢٦-03"])
def test_a_month_is_written_with_four_and_two_digits(text: str) -> None:
    with pytest.raises(ValueError, match="YYYY-MM"):
        Month.parse(text)


def test_there_is_no_thirteenth_month() -> None:
    with pytest.raises(ValueError, match="no such month"):
        Month(2026, 13)


def test_a_month_knows_its_days_and_its_neighbours() -> None:
    february = Month.parse("2028-02")
    assert (february.first, february.last, february.days) == (date(2028, 2, 1), date(2028, 2, 29), 29)
    assert (february.next(), february.plus(-2)) == (Month(2028, 3), Month(2027, 12))
    assert february.contains(date(2028, 2, 29))
    assert not february.contains(date(2027, 2, 1))


def test_the_first_of_march_2026_is_a_sunday() -> None:
    assert Weekday.of(date(2026, 3, 1)) is Weekday.SUN


@given(DAYS)
def test_a_day_survives_the_way_to_an_instant_and_back(day: date) -> None:
    assert local_date(start_of_day(day)) == day
    assert local_date(next_midnight(day) - timedelta(microseconds=1)) == day


@given(DAYS)
def test_a_month_survives_being_written(day: date) -> None:
    assert Month.parse(str(Month.of(day))).contains(day)


@given(DAYS, st.integers(0, 100), st.integers(0, 400))
def test_age_grows_by_one_on_the_birthday_only(birth: date, years: int, days: int) -> None:
    birthday = add_years(birth, years)
    assert age_on(birth, birthday) == years
    assert age_on(birth, birthday + timedelta(days=days)) in {years, years + 1}
    if years:
        assert age_on(birth, birthday - timedelta(days=1)) == years - 1
