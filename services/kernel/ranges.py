"""Ranges of days, both ends included, and sets of days made of them (domain.md P-04, P-05, F-11)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

__all__ = ["DateRange", "DateSet", "InvalidRangeError"]


class InvalidRangeError(ValueError):
    """A range ends before it starts."""


@dataclass(frozen=True, slots=True, order=True)
class DateRange:
    """Days from `start` to `end`, both included, at least one; InvalidRangeError when `end` is earlier.

    Ranges sort by start, then by end.
    """

    start: date
    end: date

    def __post_init__(self) -> None:
        if self.end < self.start:
            raise InvalidRangeError("the range ends before it starts")

    @property
    def days(self) -> int:
        """Number of days, at least 1."""
        return self.end.toordinal() - self.start.toordinal() + 1

    def contains(self, day: date) -> bool:
        """Whether the day lies in the range."""
        return self.start <= day <= self.end

    def overlaps(self, other: DateRange) -> bool:
        """Whether the two share a day."""
        return self.start <= other.end and other.start <= self.end

    def intersection(self, other: DateRange) -> DateRange | None:
        """The shared days, None when there are none."""
        if not self.overlaps(other):
            return None
        return DateRange(max(self.start, other.start), min(self.end, other.end))

    def __iter__(self) -> Iterator[date]:
        """Every day in order."""
        return (date.fromordinal(day) for day in range(self.start.toordinal(), self.end.toordinal() + 1))

    def __str__(self) -> str:
        return f"{self.start.isoformat()}/{self.end.isoformat()}"


@dataclass(frozen=True, slots=True)
class DateSet:
    """A set of days as sorted ranges that neither overlap nor touch; build it with `DateSet.of`.

    Two sets of the same days are equal, however they were put together (P-05). ValueError when the ranges given to
    the constructor are not in that form.
    """

    ranges: tuple[DateRange, ...] = ()

    def __post_init__(self) -> None:
        for earlier, later in pairwise(self.ranges):
            if later.start.toordinal() <= earlier.end.toordinal() + 1:
                raise ValueError("the ranges are not normalised")

    @classmethod
    def of(cls, ranges: Iterable[DateRange]) -> DateSet:
        """The days of all ranges, given in any order; overlapping and adjacent ones are merged."""
        merged: list[DateRange] = []
        for item in sorted(ranges):
            if merged and item.start.toordinal() <= merged[-1].end.toordinal() + 1:
                merged[-1] = DateRange(merged[-1].start, max(merged[-1].end, item.end))
            else:
                merged.append(item)
        return cls(tuple(merged))

    @property
    def days(self) -> int:
        """Number of days; each counts once."""
        return sum(item.days for item in self.ranges)

    def contains(self, day: date) -> bool:
        """Whether the day is in the set."""
        return any(item.contains(day) for item in self.ranges)

    def union(self, other: DateSet) -> DateSet:
        """Days in either set."""
        return DateSet.of((*self.ranges, *other.ranges))

    def intersection(self, other: DateSet) -> DateSet:
        """Days in both sets."""
        shared = (mine.intersection(theirs) for mine in self.ranges for theirs in other.ranges)
        return DateSet.of(item for item in shared if item is not None)

    def minus(self, other: DateSet) -> DateSet:
        """Days of this set that are not in the other."""
        left = self.ranges
        for taken in other.ranges:
            left = tuple(piece for item in left for piece in _without(item, taken))
        return DateSet.of(left)

    def within(self, bounds: DateRange) -> DateSet:
        """Days of this set that lie in the range."""
        return self.intersection(DateSet((bounds,)))

    def by_year(self) -> dict[int, DateSet]:
        """The set split at New Year, in order; exactly the calendar years it touches (P-02)."""
        years = sorted({year for item in self.ranges for year in range(item.start.year, item.end.year + 1)})
        return {year: self.within(DateRange(date(year, 1, 1), date(year, 12, 31))) for year in years}

    def __bool__(self) -> bool:
        return bool(self.ranges)

    def __iter__(self) -> Iterator[date]:
        """Every day in order."""
        return (day for item in self.ranges for day in item)


def _without(item: DateRange, taken: DateRange) -> Iterator[DateRange]:
    if not item.overlaps(taken):
        yield item
        return
    if item.start < taken.start:
        yield DateRange(item.start, date.fromordinal(taken.start.toordinal() - 1))
    if taken.end < item.end:
        yield DateRange(date.fromordinal(taken.end.toordinal() + 1), item.end)
