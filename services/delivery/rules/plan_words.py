"""What a plan gives, in words: units of each line and the first day of care (S7, L-11)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from services.delivery.domain.care import PlanLine
from services.kernel.dates import Weekday
from services.kernel.register import decides
from services.kernel.rule_book import RULE_BOOK
from services.kernel.trace import Step, Trace

__all__ = ["explain_plan"]

_DAYS = {
    Weekday.MON: ("пн", "Mon"),
    Weekday.TUE: ("вт", "Tue"),
    Weekday.WED: ("ср", "Wed"),
    Weekday.THU: ("чт", "Thu"),
    Weekday.FRI: ("пт", "Fri"),
    Weekday.SAT: ("сб", "Sat"),
    Weekday.SUN: ("нд", "Sun"),
}


@decides("S7", "L-11")
def explain_plan(start: date, plan: Sequence[PlanLine]) -> Trace:
    """When care begins, then every line with the units of a week or that it is on request."""
    begins = Step(
        rule="S7",
        inputs={"start_date": start.isoformat()},
        outcome=start.isoformat(),
        source=RULE_BOOK["S7"].source,
        text_bg=f"Грижата започва на {start:%d.%m.%Y}; преди този ден нищо не се предоставя.",
        text_en=f"Care begins on {start:%d.%m.%Y}; nothing is delivered before that day.",
    )
    return (begins, *map(_line, plan))


def _line(line: PlanLine) -> Step:
    days = [day for day in Weekday if day in line.weekdays]
    units = line.quantity * len(days)
    bg, en = "по заявка", "on request"
    if days:
        bg = f"{line.quantity} × ({', '.join(_DAYS[day][0] for day in days)}) = {units} седмично"
        en = f"{line.quantity} × ({', '.join(_DAYS[day][1] for day in days)}) = {units} a week"
    return Step(
        rule="L-11",
        inputs={"code": line.code, "quantity": str(line.quantity), "weekdays": ",".join(days)},
        outcome=str(units) if days else "ON_REQUEST",
        source=RULE_BOOK["L-11"].source,
        text_bg=f"{line.code}: {bg}.",
        text_en=f"{line.code}: {en}.",
    )
