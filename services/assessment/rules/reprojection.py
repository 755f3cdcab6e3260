"""What a changed calendar does to the open limits of an assessment: pure (T-02, T-09, T-14, L-06)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime

from services.assessment.domain.visits import Assessment, Limit
from services.assessment.rules import visits as rules
from services.kernel.calendar import BusinessCalendar
from services.kernel.limit_moves import LimitMove, judged_anew, why
from services.kernel.register import decides

__all__ = ["Recount", "recount"]


@dataclass(frozen=True, slots=True)
class Recount:
    """An assessment whose open limits were counted anew."""

    before: Assessment
    after: Assessment
    recounted: tuple[int, ...]
    """Numbers of the limits that are counted by the new calendar now."""
    moved: tuple[int, ...]
    """Numbers of those that moved."""
    fires_elsewhen: bool
    """Whether the case acts, or its shown limit ends, at another instant than before."""


@decides("T-09")
def recount(assessment: Assessment, calendar: BusinessCalendar, now: datetime) -> Recount:
    """Count every open limit by the calendar; rungs that were taken stay taken (T-14)."""
    open_limits = [
        limit
        for limit in assessment.current_limits
        if limit.done_at is None and limit.calendar.version != calendar.version
    ]
    after, moved = assessment, []
    for limit in open_limits:
        counted = replace(limit, ledger=limit.ledger.under(calendar), calendar=calendar)
        move = _move(assessment, limit, counted, now)
        if move is not None:
            counted = replace(counted, moves=(*limit.moves, move))
            moved.append(limit.number)
        after = after.with_limit(counted)
    return Recount(
        before=assessment,
        after=after,
        recounted=tuple(limit.number for limit in open_limits),
        moved=tuple(moved),
        fires_elsewhen=_instants(assessment, now) != _instants(after, now),
    )


def _move(assessment: Assessment, limit: Limit, counted: Limit, now: datetime) -> LimitMove | None:
    """The move of one limit; None when neither its last day nor its next rung changes."""
    old_due, new_due = limit.ledger.due_date(limit.calendar), counted.ledger.due_date(counted.calendar)
    old_rung, new_rung = _next_rung(assessment, limit, now), _next_rung(assessment, counted, now)
    if old_due == new_due and old_rung == new_rung:
        return None
    last = max(old_due, new_due, old_rung or old_due, new_rung or new_due)
    days = judged_anew(limit.calendar, counted.calendar, limit.ledger.event_date, last)
    return LimitMove(old_due, new_due, counted.calendar.version, why(days[0], counted.calendar), days, now)


def _next_rung(assessment: Assessment, limit: Limit, now: datetime) -> date | None:
    pending = rules.pending_rungs(assessment.with_limit(limit), now)
    return next((rung.on_date for rung in pending if rung.limit_number == limit.number), None)


def _instants(assessment: Assessment, now: datetime) -> tuple[datetime | None, datetime | None]:
    return rules.next_due(assessment, now), rules.running_until(assessment)
