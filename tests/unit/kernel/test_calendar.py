"""The business calendar against the table of domain.md section 8 and against the rules T-07 and T-08 done by hand."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kernel.calendar import DEFAULT_CALENDAR, BusinessCalendar, DayKind, DayOverride
from services.kernel.dates import Month

PLAIN = BusinessCalendar("plain", {})
DAYS = st.dates(date(2017, 1, 1), date(2040, 12, 31))
FIXED = ((1, 1), (3, 3), (5, 1), (5, 6), (5, 24), (9, 6), (9, 22), (12, 24), (12, 25), (12, 26))
EASTER_SUNDAYS = {
    2022: date(2022, 4, 24),
    2023: date(2023, 4, 16),
    2024: date(2024, 5, 5),
    2025: date(2025, 4, 20),
    2026: date(2026, 4, 12),
    2027: date(2027, 5, 2),
    2028: date(2028, 4, 16),
    2029: date(2029, 4, 8),
    2030: date(2030, 4, 28),
}
MOVED = {
    2022: {(1, 3), (5, 2), (12, 27), (12, 28)},
    2023: {(1, 2), (5, 8), (12, 27)},
    2024: {(3, 4), (9, 23)},
    2025: {(5, 26), (9, 8)},
    2026: {(5, 25), (9, 7), (12, 28)},
    2027: {(5, 4), (12, 27), (12, 28)},
    2028: {(1, 3), (5, 8), (12, 27)},
    2029: {(3, 5), (5, 7), (9, 24)},
    2030: {(3, 4), (9, 23)},
}


def _days_of(year: int) -> list[date]:
    return [
        date(year, 1, 1) + timedelta(days=offset) for offset in range((date(year + 1, 1, 1) - date(year, 1, 1)).days)
    ]


def _easter_sunday(year: int) -> date:
    lunar = (19 * (year % 19) + 15) % 30
    weekday = (2 * (year % 4) + 4 * (year % 7) - lunar + 34) % 7
    month, day = divmod(lunar + weekday + 114, 31)
    return date(year, month, day + 1) + timedelta(days=13)


def _non_working_by_the_rules(year: int) -> set[date]:
    weekend = {day for day in _days_of(year) if day.weekday() >= 5}
    easter = {_easter_sunday(year) + timedelta(days=offset) for offset in (-2, -1, 0, 1)}
    fixed = [date(year, month, day) for month, day in FIXED]
    taken = weekend | easter | set(fixed)
    for holiday in fixed:
        if holiday.weekday() >= 5:
            moved = next(day for day in _days_of(year) if day > holiday and day not in taken)
            taken.add(moved)
    return taken


@pytest.mark.parametrize("year", EASTER_SUNDAYS)
def test_a_year_has_exactly_the_non_working_weekdays_of_the_reference(year: int) -> None:
    easter = EASTER_SUNDAYS[year]
    expected = {date(year, month, day) for month, day in FIXED}
    expected |= {easter - timedelta(days=2), easter + timedelta(days=1)}
    expected |= {date(year, month, day) for month, day in MOVED[year]}
    got = {day for day in _days_of(year) if day.weekday() < 5 and not PLAIN.is_working_day(day)}
    assert got == {day for day in expected if day.weekday() < 5}


@pytest.mark.parametrize("year", range(2017, 2041))
def test_a_year_follows_the_rules_of_the_labour_code(year: int) -> None:
    got = {day for day in _days_of(year) if not PLAIN.is_working_day(day)}
    assert got == _non_working_by_the_rules(year)


def test_the_first_of_november_is_a_working_day() -> None:
    assert DEFAULT_CALENDAR.is_working_day(date(2022, 11, 1))


@pytest.mark.parametrize("day", [date(2025, 12, 31), date(2026, 1, 2)])
def test_the_days_declared_around_new_year_2026_do_not_work(day: date) -> None:
    assert PLAIN.is_working_day(day)
    assert not DEFAULT_CALENDAR.is_working_day(day)
    note = DEFAULT_CALENDAR.why_not_working(day)
    assert note is not None
    assert "19.11.2025" in note.text_bg


def test_a_saturday_declared_working_works() -> None:
    saturday = date(2026, 6, 13)
    edited = DEFAULT_CALENDAR.with_overrides("bg-2", {saturday: DayOverride(DayKind.WORKING, "МС 1/2026")})
    assert edited.is_working_day(saturday)
    assert edited.why_not_working(saturday) is None
    assert not edited.is_working_day(date(2026, 1, 2))
    assert edited.version == "bg-2"


def test_a_calendar_says_why_a_day_does_not_work() -> None:
    notes = {
        day: DEFAULT_CALENDAR.why_not_working(day) for day in (date(2026, 3, 3), date(2026, 2, 21), date(2026, 2, 22))
    }
    assert [note.text_en if note else None for note in notes.values()] == ["Liberation Day", "Saturday", "Sunday"]
    assert DEFAULT_CALENDAR.why_not_working(date(2026, 2, 20)) is None


def test_a_month_counts_its_working_days() -> None:
    assert DEFAULT_CALENDAR.working_days(Month(2026, 2)) == 20
    assert DEFAULT_CALENDAR.working_days(Month(2026, 5)) == 18


def test_no_working_day_is_no_count() -> None:
    with pytest.raises(ValueError, match="at least one"):
        DEFAULT_CALENDAR.add_working_days(date(2026, 2, 2), 0)


@given(DAYS)
def test_rolling_forward_stops_at_the_first_working_day(day: date) -> None:
    rolled = DEFAULT_CALENDAR.roll_forward(day)
    passed = (day + timedelta(days=offset) for offset in range((rolled - day).days))
    assert DEFAULT_CALENDAR.is_working_day(rolled)
    assert not any(DEFAULT_CALENDAR.is_working_day(skipped) for skipped in passed)
    assert DEFAULT_CALENDAR.roll_forward(rolled) == rolled


@given(DAYS, st.integers(1, 15), st.integers(1, 15))
def test_working_days_add_up(day: date, first: int, second: int) -> None:
    in_two_steps = DEFAULT_CALENDAR.add_working_days(DEFAULT_CALENDAR.add_working_days(day, first), second)
    assert DEFAULT_CALENDAR.add_working_days(day, first + second) == in_two_steps


@given(DAYS)
def test_a_day_either_works_or_has_a_reason(day: date) -> None:
    assert DEFAULT_CALENDAR.is_working_day(day) == (DEFAULT_CALENDAR.why_not_working(day) is None)
