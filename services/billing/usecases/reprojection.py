"""A page of drafts is dated by a changed calendar (T-02, T-09, D-07). What is issued never changes (F-18)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Protocol

from services.billing.domain.accounts import Act
from services.billing.rules.parameters import BillingParameters, parameters_of
from services.kernel.calendar import BusinessCalendar
from services.kernel.dates import Month
from services.kernel.limit_moves import MoveReason, judged_anew, why
from services.kernel.local_rules import LocalRules
from services.kernel.register import decides
from services.runtime.commands import Effect

__all__ = ["DraftsStore", "MonthMove", "MonthOfDrafts", "redate", "reproject_due_dates"]


@dataclass(frozen=True, slots=True)
class MonthOfDrafts:
    """Drafts of a month, for invoices of one day, that are dated by the same earlier calendar."""

    month: Month
    issue_date: date
    calendar: BusinessCalendar
    due_date: date


@dataclass(frozen=True, slots=True)
class MonthMove:
    """What such drafts are dated by now; without a reason their due date stays."""

    month: Month
    issue_date: date
    old_calendar_version: str
    new_due: date
    reason: MoveReason | None
    days: tuple[date, ...]


class DraftsStore(Protocol):
    """What the re-projection needs of the database."""

    async def rules(self, municipality_id: str) -> LocalRules: ...
    async def lock_runs(self, municipality_id: str) -> None:
        """Keep the municipality's runs that are not finished from everybody else until the commit."""
        ...

    async def drafts_dated_by_others(self, municipality_id: str, calendar_version: str) -> Sequence[MonthOfDrafts]:
        """Drafts without an invoice that another version dates."""
        ...

    async def redate(
        self, municipality_id: str, calendar_version: str, moves: Sequence[MonthMove], limit: int, act: Act
    ) -> tuple[int, int]:
        """Date the next drafts by the version and write the moves down; how many were dated, how many moved."""
        ...


@decides("T-09")
def redate(drafts: MonthOfDrafts, parameters: BillingParameters) -> MonthMove:
    """The due date of the drafts by the calendar in force, and why it differs."""
    due, calendar = parameters.due_date_of(drafts.issue_date), parameters.calendar
    if due == drafts.due_date:
        return MonthMove(drafts.month, drafts.issue_date, drafts.calendar.version, due, None, ())
    days = judged_anew(drafts.calendar, calendar, drafts.issue_date, max(due, drafts.due_date))
    return MonthMove(drafts.month, drafts.issue_date, drafts.calendar.version, due, why(days[0], calendar), days)


async def reproject_due_dates(municipality_id: str, limit: int, store: DraftsStore, act: Act) -> Effect:
    """Date the next drafts by the calendar kept last; the effect's resource says `MORE` unless these were the last.

    Its version counts the due dates that moved.
    """
    parameters = parameters_of(await store.rules(municipality_id))
    version = parameters.calendar.version
    await store.lock_runs(municipality_id)
    found = await store.drafts_dated_by_others(municipality_id, version)
    if not found:
        return Effect("", 0)
    moves = [redate(drafts, parameters) for drafts in found]
    dated, moved = await store.redate(municipality_id, version, moves, limit, act)
    return Effect("MORE" if dated == limit else "", moved)
