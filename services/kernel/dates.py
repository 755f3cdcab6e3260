"""Civil days of Europe/Sofia, months and ages (domain.md T-04, T-10, T-11, R-41).

Rules work on days; an instant becomes a day here and a day becomes an instant here, nowhere else. Never 24 hours.
"""

from __future__ import annotations

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from services.kernel.register import decides

__all__ = [
    "SOFIA",
    "Month",
    "Weekday",
    "add_months",
    "add_years",
    "age_on",
    "local_date",
    "next_midnight",
    "start_of_day",
]

SOFIA = ZoneInfo("Europe/Sofia")
"""The zone of every civil day in the system (T-10)."""

_MONTH = re.compile(r"([0-9]{4})-(0[1-9]|1[0-2])", re.ASCII)
_ONE_DAY = timedelta(days=1)


class Weekday(StrEnum):
    """Day of the week."""

    MON = "MON"
    TUE = "TUE"
    WED = "WED"
    THU = "THU"
    FRI = "FRI"
    SAT = "SAT"
    SUN = "SUN"

    @classmethod
    def of(cls, day: date) -> Weekday:
        """The weekday of a date."""
        return _WEEKDAYS[day.weekday()]


_WEEKDAYS = tuple(Weekday)


@decides("T-11")
def local_date(instant: datetime, zone: ZoneInfo = SOFIA) -> date:
    """The civil day in which the instant lies (T-11); ValueError when the instant has no zone."""
    if instant.tzinfo is None:
        raise ValueError("an instant has a zone")
    return instant.astimezone(zone).date()


def start_of_day(day: date, zone: ZoneInfo = SOFIA) -> datetime:
    """The first instant of the day, in UTC."""
    return datetime.combine(day, time(), zone).astimezone(UTC)


@decides("T-10")
def next_midnight(day: date, zone: ZoneInfo = SOFIA) -> datetime:
    """The first instant after the day, in UTC: the exclusive end of a limit that ends on it (T-10)."""
    return start_of_day(day + _ONE_DAY, zone)


@decides("T-04")
def add_months(day: date, months: int) -> date:
    """The same day number that many months later (earlier when negative), or the month's last day (T-04)."""
    year, month_index = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month_index + 1, min(day.day, monthrange(year, month_index + 1)[1]))


def add_years(day: date, years: int) -> date:
    """The same day of that year; 29 February becomes 28 February in common years (T-04)."""
    return add_months(day, 12 * years)


@decides("R-41")
def age_on(birth: date, on: date) -> int:
    """Completed years on a day (R-41): who is born on 29 February turns on 28 February in common years.

    ValueError when the day lies before the birth.
    """
    if on < birth:
        raise ValueError("the day lies before the birth")
    years = on.year - birth.year
    return years if add_years(birth, years) <= on else years - 1


@dataclass(frozen=True, slots=True, order=True)
class Month:
    """A calendar month, in order of time; ValueError when there is no such month."""

    year: int
    month: int

    def __post_init__(self) -> None:
        if not (1 <= self.month <= 12 and 1 <= self.year <= 9999):
            raise ValueError("no such month")

    @classmethod
    def of(cls, day: date) -> Month:
        """The month in which the day lies."""
        return cls(day.year, day.month)

    @classmethod
    def parse(cls, text: str) -> Month:
        """The month written as `2026-03`; ValueError when the text is anything else."""
        match = _MONTH.fullmatch(text)
        if match is None:
            raise ValueError("a month is written YYYY-MM")
        return cls(int(match[1]), int(match[2]))

    @property
    def first(self) -> date:
        """First day."""
        return date(self.year, self.month, 1)

    @property
    def last(self) -> date:
        """Last day."""
        return date(self.year, self.month, self.days)

    @property
    def days(self) -> int:
        """Number of calendar days."""
        return monthrange(self.year, self.month)[1]

    def plus(self, months: int) -> Month:
        """The month that many months later, earlier when negative."""
        return Month.of(add_months(self.first, months))

    def next(self) -> Month:
        """The following month."""
        return self.plus(1)

    def contains(self, day: date) -> bool:
        """Whether the day lies in this month."""
        return Month.of(day) == self

    def __str__(self) -> str:
        return f"{self.year:04d}-{self.month:02d}"
