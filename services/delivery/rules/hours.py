"""Hours of assistant support (R-18): at most 4 on a working day, none on others, 4 times the working days a month."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from services.kernel.calendar import BusinessCalendar
from services.kernel.dates import Month
from services.kernel.register import decides
from services.kernel.trace import NO_TRACE, Recorder, Step

__all__ = ["LIMITED_SERVICE", "MAX_HOURS_A_DAY", "HoursAnswer", "month_ceiling", "within_limits"]

LIMITED_SERVICE = "ASSISTANT_SUPPORT"
"""The only service with a limit of hours."""

MAX_HOURS_A_DAY = 4
_SOURCE = "provider notice on assistant support; Labour Code art. 154"


@dataclass(frozen=True, slots=True)
class HoursAnswer:
    """How many hours a month admits."""

    working_days: int
    max_hours: int


@decides("R-18")
def month_ceiling(month: Month, calendar: BusinessCalendar, trace: Recorder = NO_TRACE) -> HoursAnswer:
    """Working days of the month and the most hours in it."""
    days = calendar.working_days(month)
    answer = HoursAnswer(days, MAX_HOURS_A_DAY * days)
    trace.add(
        Step(
            rule="R-18",
            inputs={"month": str(month), "working_days": str(days), "calendar": calendar.version},
            outcome=f"{answer.max_hours} h",
            source=_SOURCE,
            text_bg=f"{month}: {days} работни дни по {MAX_HOURS_A_DAY} часа са най-много {answer.max_hours} часа.",
            text_en=f"{month}: {days} working days of {MAX_HOURS_A_DAY} hours make at most {answer.max_hours} hours.",
        )
    )
    return answer


@decides("R-18")
def within_limits(
    day: date,
    hours: Fraction,
    month_hours: Fraction,
    calendar: BusinessCalendar,
    trace: Recorder = NO_TRACE,
) -> bool:
    """Whether that many hours may stand on the day.

    Args:
        day: the day.
        hours: all hours of the day together.
        month_hours: all hours of its month together, the day's included.
        calendar: working days.
        trace: where the steps go.
    """
    note = calendar.why_not_working(day)
    working = note is None
    on_day = working and hours <= MAX_HOURS_A_DAY
    if trace.recording:
        why_bg = "работен ден" if note is None else f"неработен ден: {note.text_bg}"
        why_en = "a working day" if note is None else f"not a working day: {note.text_en}"
        trace.add(
            Step(
                rule="R-18",
                inputs={"day": day.isoformat(), "hours": _plain(hours), "calendar": calendar.version},
                outcome="ACCEPTED" if on_day else "HOURS_LIMIT_EXCEEDED",
                source=_SOURCE,
                text_bg=f"{day:%d.%m.%Y} е {why_bg}; поискани {_plain(hours)} от най-много {MAX_HOURS_A_DAY} часа.",
                text_en=f"{day} is {why_en}; {_plain(hours)} hours asked of at most {MAX_HOURS_A_DAY}.",
            )
        )
    return on_day and month_hours <= month_ceiling(Month.of(day), calendar, trace).max_hours


def _plain(hours: Fraction) -> str:
    return f"{hours.numerator / hours.denominator:g}" if hours.denominator != 1 else str(hours.numerator)
