"""When a line of a plan is due, and its terms as text."""

from __future__ import annotations

import calendar
from datetime import date, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kernel.plan_terms import EVERY_WEEK, LAST_TURN, LineTerms

MONDAY = date(2026, 5, 4)
DAYS = st.dates(date(2024, 1, 1), date(2030, 12, 31))
TERMS = st.builds(
    LineTerms,
    every_weeks=st.integers(1, 26),
    anchor=st.none() | DAYS,
    turns=st.frozensets(st.sampled_from([LAST_TURN, 1, 2, 3, 4, 5])),
    window=st.none() | st.just((time(8), time(9, 30))),
    skills=st.lists(st.sampled_from(["INSULIN", "LIFT"]), unique=True).map(lambda skills: tuple(sorted(skills))),
    menu=st.sampled_from(["", "DIABETIC"]),
    first=st.none() | DAYS,
    last=st.none() | DAYS,
)


def due(terms: LineTerms, weekday: int, year: int = 2026, month: int = 5) -> list[int]:
    days = [date(year, month, day) for day in range(1, calendar.monthrange(year, month)[1] + 1)]
    return [day.day for day in days if day.weekday() == weekday and terms.holds_on(day, MONDAY)]


def test_every_second_week_counts_from_the_week_of_its_anchor() -> None:
    assert due(LineTerms(every_weeks=2), 1) == [5, 19]
    assert due(LineTerms(every_weeks=2, anchor=date(2026, 5, 17)), 1) == [12, 26]
    assert due(LineTerms(every_weeks=3, anchor=date(2027, 1, 4)), 1, 2027, 1) == [5, 26]


def test_an_anchor_ahead_counts_back_as_well() -> None:
    assert due(LineTerms(every_weeks=2, anchor=date(2026, 5, 31)), 6) == [3, 17, 31]


@pytest.mark.parametrize(
    ("turns", "fridays"),
    [({1}, [1]), ({5}, [29]), ({LAST_TURN}, [29]), ({2, 4}, [8, 22]), ({1, LAST_TURN}, [1, 29])],
)
def test_a_turn_is_that_weekday_of_the_month(turns: set[int], fridays: list[int]) -> None:
    assert due(LineTerms(turns=frozenset(turns)), 4) == fridays


def test_the_last_friday_is_the_fourth_where_there_is_no_fifth() -> None:
    assert due(LineTerms(turns=frozenset({LAST_TURN})), 4, month=6) == [26]
    assert due(LineTerms(turns=frozenset({5})), 4, month=6) == []


def test_a_line_holds_from_its_first_day_to_its_last() -> None:
    assert due(LineTerms(first=date(2026, 5, 6), last=date(2026, 5, 20)), 2) == [6, 13, 20]


@pytest.mark.parametrize(
    ("terms", "problem"),
    [
        (LineTerms(every_weeks=27), "every_weeks"),
        (LineTerms(every_weeks=2, turns=frozenset({1})), "month_turns"),
        (LineTerms(turns=frozenset({6})), "month_turns"),
        (LineTerms(window=(time(9), time(9))), "window_end"),
        (LineTerms(first=MONDAY, last=MONDAY - timedelta(days=1)), "last_date"),
        (LineTerms(every_weeks=2, anchor=MONDAY, window=(time(8), time(9)), first=MONDAY, last=MONDAY), ""),
    ],
)
def test_terms_that_cannot_be_so_are_named(terms: LineTerms, problem: str) -> None:
    assert terms.problem() == problem


@given(TERMS)
def test_terms_come_back_from_their_text(terms: LineTerms) -> None:
    assert LineTerms.of_text(terms.text()) == terms


def test_terms_that_nobody_stated_are_no_text() -> None:
    assert EVERY_WEEK.text() == ""
