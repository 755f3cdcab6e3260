"""Working days of Bulgaria (domain.md T-02, T-06 to T-09; Labour Code art. 154).

The yearly holidays with their moved days come from the `holidays` package; what the Council of Ministers declares
for single days comes as dated data. A calendar has a version, so that a time limit can say by which one it was
counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from enum import StrEnum
from functools import lru_cache
from types import MappingProxyType

from holidays import country_holidays

from services.kernel.dates import Month
from services.kernel.register import decides

__all__ = ["DEFAULT_CALENDAR", "BusinessCalendar", "DayKind", "DayNote", "DayOverride", "public_holidays"]

_ONE_DAY = timedelta(days=1)
_SATURDAY = 5


class DayKind(StrEnum):
    """What a day was declared to be."""

    WORKING = "WORKING"
    NON_WORKING = "NON_WORKING"


@dataclass(frozen=True, slots=True)
class DayOverride:
    """One declared day (T-09) and the act that declares it."""

    kind: DayKind
    source: str


@dataclass(frozen=True, slots=True)
class DayNote:
    """Why a day is not a working day, in words."""

    text_bg: str
    text_en: str


@lru_cache(maxsize=256)
@decides("T-07", "T-08")
def public_holidays(year: int) -> Mapping[date, DayNote]:
    """Official holidays and moved days of a year (T-07, T-08), whatever weekday they fall on; no declared days."""
    english = _statutory_holidays(year, "en_US")
    return MappingProxyType({day: DayNote(name, english[day]) for day, name in _statutory_holidays(year, "bg").items()})


def _statutory_holidays(year: int, language: str) -> dict[date, str]:
    holidays = country_holidays("BG", language=language)
    # The package knows some declared days too and learns more with every release. A calendar with a version must not
    # change with a release, so declared days come from the overrides alone (T-09).
    holidays.has_special_holidays = False
    holidays.get(date(year, 1, 1))
    return {day: name for day, name in sorted(holidays.items()) if day.year == year}


@dataclass(frozen=True, slots=True)
class BusinessCalendar:
    """The public calendar with declared days on top; a declared day beats weekend and holiday alike."""

    version: str
    overrides: Mapping[date, DayOverride] = field(hash=False)

    def is_working_day(self, day: date) -> bool:
        """Whether offices work on the day."""
        declared = self.overrides.get(day)
        if declared is not None:
            return declared.kind is DayKind.WORKING
        return day.weekday() < _SATURDAY and day not in public_holidays(day.year)

    def why_not_working(self, day: date) -> DayNote | None:
        """Why offices do not work on the day; None on a working day."""
        if self.is_working_day(day):
            return None
        declared = self.overrides.get(day)
        if declared is not None:
            return DayNote(f"обявен неприсъствен ден ({declared.source})", f"declared non-working ({declared.source})")
        holiday = public_holidays(day.year).get(day)
        if holiday is not None:
            return holiday
        return DayNote("събота", "Saturday") if day.weekday() == _SATURDAY else DayNote("неделя", "Sunday")

    @decides("T-02")
    def roll_forward(self, day: date) -> date:
        """The day itself when it is a working day, else the first working day after it (T-02)."""
        while not self.is_working_day(day):
            day += _ONE_DAY
        return day

    @decides("T-06")
    def add_working_days(self, day: date, count: int) -> date:
        """The `count`-th working day after the day, which itself is not counted (T-06); ValueError below 1."""
        if count < 1:
            raise ValueError("at least one working day is counted")
        for _ in range(count):
            day = self.roll_forward(day + _ONE_DAY)
        return day

    def working_days(self, month: Month) -> int:
        """Number of working days of the month (R-18)."""
        return sum(1 for _ in self.working_days_of(month))

    def working_days_of(self, month: Month) -> Iterator[date]:
        """The working days of the month, in order."""
        days = (month.first + timedelta(days=offset) for offset in range(month.days))
        return (day for day in days if self.is_working_day(day))

    @decides("T-09")
    def with_overrides(self, version: str, declared: Mapping[date, DayOverride]) -> BusinessCalendar:
        """A new version of this calendar with further declared days; the later declaration of a day wins."""
        return BusinessCalendar(version, MappingProxyType({**self.overrides, **declared}))


_NEW_YEAR_2026 = DayOverride(DayKind.NON_WORKING, "Решение № 808 на МС от 19.11.2025")

DEFAULT_CALENDAR = BusinessCalendar(
    version="bg-1",
    overrides=MappingProxyType({date(2025, 12, 31): _NEW_YEAR_2026, date(2026, 1, 2): _NEW_YEAR_2026}),
)
"""The calendar of domain.md section 8, with which a municipality starts."""
