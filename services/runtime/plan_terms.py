"""Terms of a plan line <-> the message of the contract."""

from __future__ import annotations

from datetime import time

from google.type import timeofday_pb2

from services.kernel.plan_terms import LineTerms
from services.runtime.civil import date_to_proto, optional_date
from services.runtime.errors import InvalidArgument
from socialcare.common.v1 import facts_pb2

__all__ = ["fill_terms", "terms_from_proto"]


def terms_from_proto(line: facts_pb2.PlanLine, field: str = "plan") -> LineTerms:
    """The terms of a line; those of every week where none are stated.

    Raises:
        InvalidArgument: a term that cannot be so, or one that contradicts another.
    """
    terms = LineTerms(
        every_weeks=line.every_weeks or 1,
        anchor=optional_date(line.anchor_date, f"{field}.anchor_date"),
        turns=frozenset(line.month_turns),
        window=_window(line, field),
        skills=tuple(sorted(line.skill_codes)),
        menu=line.menu_code,
        first=optional_date(line.first_date, f"{field}.first_date"),
        last=optional_date(line.last_date, f"{field}.last_date"),
    )
    wrong = terms.problem()
    if not wrong and not line.weekdays and (terms.every_weeks > 1 or terms.turns):
        wrong = "weekdays"
    if wrong:
        raise InvalidArgument(field=f"{field}.{wrong}")
    return terms


def fill_terms(line: facts_pb2.PlanLine, terms: LineTerms) -> facts_pb2.PlanLine:
    """The line with what its terms state; it is handed back."""
    if terms.every_weeks > 1:
        line.every_weeks = terms.every_weeks
    line.month_turns.extend(sorted(terms.turns))
    line.skill_codes.extend(terms.skills)
    line.menu_code = terms.menu
    if terms.window is not None:
        line.window_start.CopyFrom(_to_proto(terms.window[0]))
        line.window_end.CopyFrom(_to_proto(terms.window[1]))
    for name, day in (("anchor_date", terms.anchor), ("first_date", terms.first), ("last_date", terms.last)):
        if day is not None:
            getattr(line, name).CopyFrom(date_to_proto(day))
    return line


def _window(line: facts_pb2.PlanLine, field: str) -> tuple[time, time] | None:
    if not line.HasField("window_start") and not line.HasField("window_end"):
        return None
    return _from_proto(line.window_start, f"{field}.window_start"), _from_proto(line.window_end, f"{field}.window_end")


def _from_proto(moment: timeofday_pb2.TimeOfDay, field: str) -> time:
    if moment.seconds or moment.nanos:
        raise InvalidArgument(field=field)
    try:
        return time(moment.hours, moment.minutes)
    except ValueError:
        raise InvalidArgument(field=field) from None


def _to_proto(moment: time) -> timeofday_pb2.TimeOfDay:
    return timeofday_pb2.TimeOfDay(hours=moment.hour, minutes=moment.minute)
