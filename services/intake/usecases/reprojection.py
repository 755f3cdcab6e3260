"""A page of open limits, D-02 and D-05, is counted by a changed calendar (T-02, T-09)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

from services.intake.usecases.messages import limit_moved
from services.intake.usecases.ports import OpenLimit, OpenLimitsStore
from services.kernel.calendar import BusinessCalendar
from services.kernel.limit_moves import LimitMove, judged_anew, why
from services.kernel.register import decides
from services.runtime.commands import Effect

__all__ = ["Page", "recount", "reproject_limits"]


@dataclass(frozen=True, slots=True)
class Page:
    """Which cases: at most `size` of the municipality behind the id `after`; empty: the first ones."""

    municipality_id: str
    after: str
    size: int


@decides("T-09")
def recount(found: OpenLimit, calendar: BusinessCalendar, now: datetime) -> OpenLimit:
    """The same limit counted by the calendar; a last day that changes is one more move."""
    kept, ledger = found.kept, found.kept.limit.under(calendar)
    due = ledger.due_date(calendar)
    moves = kept.moves
    if due != kept.due_date:
        days = judged_anew(found.calendar, calendar, ledger.event_date, max(due, kept.due_date))
        moves = (*moves, LimitMove(kept.due_date, due, calendar.version, why(days[0], calendar), days, now))
    return replace(found, kept=replace(kept, limit=ledger, due_date=due, moves=moves))


async def reproject_limits(page: Page, store: OpenLimitsStore, now: datetime) -> Effect:
    """Count the page by the calendar in force and tell each case whose instant moved; NotFound.

    The effect's resource is the id behind which the next page begins, empty after the last one; its version counts the
    limits that moved.
    """
    calendar = (await store.rules(page.municipality_id)).calendar
    found, last = await store.lock_page(page.municipality_id, calendar.version, page.after, page.size)
    recounts = [recount(each, calendar, now) for each in found]
    await store.save_page(found, recounts)
    moved = [
        after for before, after in zip(found, recounts, strict=True) if after.kept.due_date != before.kept.due_date
    ]
    for each in moved:
        await store.emit(limit_moved(each.application, now, each.kept.expires_at))
    return Effect(last, len(moved))
