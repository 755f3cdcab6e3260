"""When an opinion may be asked for, and until when it is taken (S4a, D-09)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

from services.kernel.calendar import BusinessCalendar
from services.kernel.dates import local_date, start_of_day
from services.kernel.register import decides
from services.kernel.time_limit import TERMS, LimitKind, begin
from services.placement.domain.cases import Limit, Placement, PlacementState
from services.placement.errors import StepNotAllowed
from services.runtime.errors import InvalidArgument

__all__ = ["ask_opinion", "awaited_opinion", "running_opinion", "take_opinion"]


def awaited_opinion(placement: Placement) -> Limit | None:
    """The limit D-09 of an opinion that nobody has given while the directorate decides, passed or not."""
    limit = placement.current_limit(LimitKind.ORDER_OPINION)
    waits = placement.state is PlacementState.ORDER_AWAITED and limit is not None and limit.done_at is None
    return limit if waits else None


@decides("D-09")
def running_opinion(placement: Placement, now: datetime) -> date | None:
    """Last day of the opinion that is awaited; None when none is: after that day silence was consent."""
    awaited = awaited_opinion(placement)
    due = None if awaited is None else awaited.ledger.due_date(awaited.calendar)
    return due if due is not None and local_date(now) <= due else None


@decides("D-09")
def ask_opinion(placement: Placement, days: int, now: datetime, calendar: BusinessCalendar) -> Placement:
    """The placement with a D-09 that begins today; `days` is its length, 0 for the whole term.

    Raises:
        StepNotAllowed: the directorate is not deciding, or another opinion is awaited.
    """
    today = local_date(now)
    if placement.state is not PlacementState.ORDER_AWAITED or running_opinion(placement, now) is not None:
        raise StepNotAllowed(metadata={"state": placement.state})
    term = TERMS[LimitKind.ORDER_OPINION]
    ledger = begin(replace(term, length=days or term.length), today, calendar)
    return placement.with_limit(Limit(len(placement.limits) + 1, ledger, calendar))


@decides("D-09", "T-03")
def take_opinion(placement: Placement, given_on: date, now: datetime) -> Placement:
    """The placement with its D-09 met; posting on the last day is in time.

    Raises:
        StepNotAllowed: none is awaited, or the term was over: silence was consent.
        InvalidArgument: the day lies before the one on which the opinion was asked for.
    """
    limit = awaited_opinion(placement)
    if limit is None or given_on > limit.ledger.due_date(limit.calendar):
        raise StepNotAllowed(metadata={"state": placement.state})
    if given_on < limit.ledger.event_date:
        raise InvalidArgument(field="given_date")
    done_at = min(now, start_of_day(given_on + timedelta(days=1)) - timedelta(seconds=1))
    return placement.with_limit(replace(limit, done_at=done_at))
