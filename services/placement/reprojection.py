"""A page of open limits of placements is counted by a changed calendar (T-02, T-09)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from services.kernel.calendar import BusinessCalendar
from services.kernel.codes import Event, case_workflow_id
from services.kernel.limit_moves import LimitMove, judged_anew, why
from services.kernel.register import decides
from services.kernel.time_limit import LimitKind
from services.placement.domain.cases import Limit, Parameters, Placement, PlacementState
from services.placement.messages import reopening
from services.placement.rules import cases as rules
from services.placement.rules.opinions import awaited_opinion
from services.runtime.commands import Effect
from services.runtime.outbox import Signal

__all__ = ["OpenLimitsStore", "Page", "Recount", "recount", "recounts_of", "reproject_limits"]


@dataclass(frozen=True, slots=True)
class Page:
    """Which cases: at most `size` of the municipality behind the id `after`; empty: the first ones."""

    municipality_id: str
    after: str
    size: int


@dataclass(frozen=True, slots=True)
class Recount:
    """A placement and its limit that runs, counted anew."""

    placement: Placement
    before: Limit
    after: Limit

    @property
    def move(self) -> LimitMove | None:
        """How the last day moved; None when it stays."""
        return self.after.moves[-1] if len(self.after.moves) > len(self.before.moves) else None


class OpenLimitsStore(Protocol):
    """What the re-projection needs of the database; docstrings are in `storage.reprojection.OpenLimits`."""

    async def parameters(self, municipality_id: str) -> Parameters: ...
    async def lock_page(
        self, municipality_id: str, calendar_version: str, after: str, size: int
    ) -> list[Placement]: ...
    async def save_page(self, recounts: Sequence[Recount]) -> None: ...
    async def emit(self, emission: Signal) -> None: ...


def recounts_of(placement: Placement, calendar: BusinessCalendar, now: datetime) -> list[Recount]:
    """Every limit that runs and is not counted by the calendar already, counted by it."""
    running = (_running(placement), awaited_opinion(placement))
    return [
        recount(placement, limit, calendar, now)
        for limit in running
        if limit is not None and limit.done_at is None and limit.calendar.version != calendar.version
    ]


@decides("T-09")
def recount(placement: Placement, limit: Limit, calendar: BusinessCalendar, now: datetime) -> Recount:
    """Count an open limit of the placement by the calendar."""
    counted = replace(limit, ledger=limit.ledger.under(calendar), calendar=calendar)
    old_due, new_due = limit.ledger.due_date(limit.calendar), counted.ledger.due_date(calendar)
    if old_due != new_due:
        days = judged_anew(limit.calendar, calendar, limit.ledger.event_date, max(old_due, new_due))
        move = LimitMove(old_due, new_due, calendar.version, why(days[0], calendar), days, now)
        counted = replace(counted, moves=(*limit.moves, move))
    return Recount(placement, limit, counted)


def _running(placement: Placement) -> Limit | None:
    match placement.state:
        case PlacementState.READY:
            return placement.current_limit(LimitKind.CONTRACT_SIGNATURE)
        case PlacementState.OFFERED:
            return rules.offer_limit(placement)
        case PlacementState.ORDER_AWAITED:
            return rules.tacit_refusal(placement) or placement.current_limit(LimitKind.ORDER_DECISION)
        case PlacementState.ORDER_REFUSED if placement.pending_appeal is None:
            return placement.current_limit(LimitKind.APPEAL)
        case _:
            return None


async def reproject_limits(page: Page, store: OpenLimitsStore, now: datetime) -> Effect:
    """Count the page by the calendar kept last and tell each case whose instant moved.

    The effect's resource is the id behind which the next page begins, empty after the last one; its version counts the
    limits that moved.
    """
    calendar = (await store.parameters(page.municipality_id)).calendar
    found = await store.lock_page(page.municipality_id, calendar.version, page.after, page.size)
    recounts = [each for placement in found for each in recounts_of(placement, calendar, now)]
    await store.save_page(recounts)
    for each in recounts:
        due = rules.next_due(each.placement.with_limit(each.after), now)
        if due != rules.next_due(each.placement, now):
            await store.emit(_moved(each.placement, now, due))
    last = found[-1].application_id if len(found) == page.size else ""
    return Effect(last, sum(each.move is not None for each in recounts))


def _moved(placement: Placement, now: datetime, due: datetime | None) -> Signal:
    return Signal(
        case_id=placement.application_id,
        municipality_id=placement.municipality_id,
        workflow_id=case_workflow_id(placement.application_id),
        event=Event.LIMIT_MOVED,
        instant=now,
        due=due,
        reopening=reopening(placement, Event.LIMIT_MOVED, now),
    )
