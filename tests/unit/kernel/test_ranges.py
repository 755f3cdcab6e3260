"""Ranges and sets of days, held against plain Python sets."""

from __future__ import annotations

from datetime import date, timedelta
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kernel.ranges import DateRange, DateSet, InvalidRangeError


def _range(start: date, length: int) -> DateRange:
    return DateRange(start, start + timedelta(days=length - 1))


RANGES = st.builds(_range, st.dates(date(2025, 11, 1), date(2027, 2, 28)), st.integers(1, 40))
SETS = st.lists(RANGES, max_size=6).map(DateSet.of)


def _plain(days: DateSet) -> set[date]:
    return set(days)


def test_a_range_that_ends_before_it_starts_is_refused() -> None:
    with pytest.raises(InvalidRangeError):
        DateRange(date(2026, 7, 2), date(2026, 7, 1))


def test_a_range_of_one_day_has_one_day() -> None:
    assert DateRange(date(2026, 7, 1), date(2026, 7, 1)).days == 1


def test_ranges_that_overlap_or_touch_become_one() -> None:
    overlapping = DateSet.of(
        [DateRange(date(2026, 7, 15), date(2026, 8, 5)), DateRange(date(2026, 7, 1), date(2026, 7, 20))]
    )
    touching = DateSet.of(
        [DateRange(date(2026, 7, 1), date(2026, 7, 20)), DateRange(date(2026, 7, 21), date(2026, 8, 5))]
    )
    assert overlapping == touching == DateSet((DateRange(date(2026, 7, 1), date(2026, 8, 5)),))
    assert overlapping.days == 36


def test_a_set_is_not_built_from_ranges_that_touch() -> None:
    with pytest.raises(ValueError, match="normalised"):
        DateSet((DateRange(date(2026, 7, 1), date(2026, 7, 2)), DateRange(date(2026, 7, 3), date(2026, 7, 4))))


def test_a_range_to_the_end_of_time_is_a_range() -> None:
    assert DateSet.of([DateRange(date(2026, 1, 1), date.max)]).contains(date.max)


def test_a_pause_over_new_year_is_split_by_year() -> None:
    pause = DateSet.of([DateRange(date(2025, 11, 15), date(2026, 3, 14))])
    assert {year: days.days for year, days in pause.by_year().items()} == {2025: 47, 2026: 73}


def test_ranges_are_written_as_iso_dates() -> None:
    assert str(DateRange(date(2026, 7, 1), date(2026, 7, 20))) == "2026-07-01/2026-07-20"


@given(SETS, SETS)
def test_set_operations_agree_with_plain_sets(one: DateSet, other: DateSet) -> None:
    assert _plain(one.union(other)) == _plain(one) | _plain(other)
    assert _plain(one.intersection(other)) == _plain(one) & _plain(other)
    assert _plain(one.minus(other)) == _plain(one) - _plain(other)


@given(st.lists(RANGES, max_size=6), st.randoms())
def test_the_order_of_the_ranges_does_not_matter(ranges: list[DateRange], random: Random) -> None:
    shuffled = list(ranges)
    random.shuffle(shuffled)
    assert DateSet.of(shuffled) == DateSet.of(ranges)


@given(SETS)
def test_a_day_counts_once_and_in_order(days: DateSet) -> None:
    listed = list(days)
    assert days.days == len(listed) == len(set(listed))
    assert listed == sorted(listed)
    assert bool(days) == bool(listed)


@given(SETS, RANGES)
def test_what_is_within_a_range_lies_in_both(days: DateSet, bounds: DateRange) -> None:
    assert _plain(days.within(bounds)) == {day for day in days if bounds.contains(day)}


@given(SETS)
def test_the_years_of_a_set_make_the_set(days: DateSet) -> None:
    by_year = days.by_year()
    assert DateSet.of(item for part in by_year.values() for item in part.ranges) == days
    assert set(by_year) == {day.year for day in days}


@given(SETS, st.dates(date(2025, 10, 1), date(2027, 5, 1)))
def test_containing_is_being_listed(days: DateSet, day: date) -> None:
    assert days.contains(day) == (day in _plain(days))
