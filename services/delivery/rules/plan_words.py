"""What a plan gives, in words: units of each line and the first day of care (S7, L-11)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date

from services.delivery.domain.care import PlanLine
from services.kernel.dates import Weekday
from services.kernel.plan_terms import LAST_TURN, LineTerms
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
        for said_bg, said_en in _terms(line.terms):
            bg, en = f"{bg}, {said_bg}", f"{en}, {said_en}"
    inputs = {"code": line.code, "quantity": str(line.quantity), "weekdays": ",".join(days)}
    terms = line.terms.text()
    return Step(
        rule="L-11",
        inputs=inputs | {"terms": terms} if terms else inputs,
        outcome=str(units) if days else "ON_REQUEST",
        source=RULE_BOOK["L-11"].source,
        text_bg=f"{line.code}: {bg}.",
        text_en=f"{line.code}: {en}.",
    )


def _terms(terms: LineTerms) -> Iterator[tuple[str, str]]:
    """What restricts the weekdays of a line, in both languages."""
    if terms.every_weeks > 1:
        yield f"през {terms.every_weeks} седмици", f"every {terms.every_weeks} weeks"
    if terms.turns:
        numbers = ", ".join(map(str, sorted(terms.turns - {LAST_TURN})))
        last = LAST_TURN in terms.turns
        yield (
            f"само поредните в месеца: {', '.join(filter(None, [numbers, 'последен' if last else '']))}",
            f"only these of a month: {', '.join(filter(None, [numbers, 'last' if last else '']))}",
        )
    if terms.window is not None:
        starts, ends = terms.window
        yield f"от {starts:%H:%M} до {ends:%H:%M} ч.", f"from {starts:%H:%M} to {ends:%H:%M}"
    if terms.first is not None:
        yield f"от {terms.first:%d.%m.%Y}", f"from {terms.first}"
    if terms.last is not None:
        yield f"до {terms.last:%d.%m.%Y}", f"to {terms.last}"
