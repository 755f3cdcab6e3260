"""How many events the history of a plain case has: to its contract, at its yearly review, and in a month of care."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent

from bench.histories import events_of, runs_of
from bench.plain_case import plain_story
from bench.result import Budget, Figure, Limit, Result
from bench.stand import Stand
from bench.town import FIRST_DAY, Town, plan_through, settle
from cli.stories.batch import BatchRuns
from cli.stories.expectations import FinalCheck
from cli.stories.playing import Telling, play_story
from services.delivery.storage.planning import HORIZON
from services.kernel.codes import case_workflow_id
from services.kernel.dates import Month, start_of_day

__all__ = ["between", "from_the_last_timer", "measure_history_events"]

PLAIN = Budget(Limit.AT_MOST, 90)
REVIEW = Budget(Limit.AT_MOST, 30)
STEADY = Budget(Limit.AT_MOST, 0.1)

_AFTER_THE_REVIEW = start_of_day(dt.date(2027, 2, 15))
"""Care of HSP-01 begins on 9 February 2026."""
_DAYS_OF_A_MONTH = 365.25 / 12
_FIRED = EventType.EVENT_TYPE_TIMER_FIRED


class StoryDiffersError(Exception):
    """The story could not be played to its end; what differed is the argument."""


async def measure_history_events(stand: Stand) -> list[Result]:
    """Play HSP-01 beyond its first review and count; then a day and a month of a whole town."""
    application, *years = await _runs_of_a_year(stand)
    first_year, second_year = years
    review = from_the_last_timer(first_year) + len(second_year)
    town = await settle(stand, stand.size.registered)
    batch = await _events_of_batches(stand, town)
    own = len(between(first_year)) / 12
    return [
        _count("history of a plain case, submission to signed contract", len(application), PLAIN),
        _count(
            f"history a person-month in steady care, batch runs of {town.people} people included",
            own + batch / town.people,
            STEADY,
        ),
        _count("history of a yearly review", review, REVIEW),
    ]


def _count(work: str, events: float, budget: Budget) -> Result:
    figure = Figure((float(events),), "events")
    return Result(work, figure, None, figure, budget)


async def _runs_of_a_year(stand: Stand) -> list[list[HistoryEvent]]:
    """The runs of one case: to the contract, to the review, after it."""
    told = plain_story()
    told = told.model_copy(update={"final": FinalCheck(at=_AFTER_THE_REVIEW, state="IN_SERVICE")})
    quiet = Telling(step=lambda _, __, ___: None, clock=lambda _, __: None)
    verdict = await play_story(told, stand.gateway, stand.client, quiet)
    if not verdict.passed:
        raise StoryDiffersError("; ".join(f"{each.step}: {each.difference}" for each in verdict.findings))
    (application_id,) = verdict.cases.values()
    runs = await runs_of(stand.client, case_workflow_id(application_id))
    assert len(runs) == 3, "the contract and one review begin a run each"
    return runs


def from_the_last_timer(run: Sequence[HistoryEvent]) -> int:
    """Events of the last timer that fired and of all after it."""
    return len(run) - max(number for number, event in enumerate(run) if event.event_type == _FIRED)


def between(run: Sequence[HistoryEvent]) -> list[HistoryEvent]:
    """What happened after the day on which care began and before the review."""
    fired = [event.event_time.ToDatetime() for event in run if event.event_type == _FIRED]
    begun, reviewed = fired[0] + dt.timedelta(days=1), fired[-1]
    return [event for event in run if begun < event.event_time.ToDatetime() < reviewed]


async def _events_of_batches(stand: Stand, town: Town) -> float:
    """Events of a month: as many daily runs as it has days, all alike, and its billing run."""
    month = Month.of(FIRST_DAY)
    await plan_through(stand, town, FIRST_DAY + HORIZON - dt.timedelta(days=1))
    batch = BatchRuns(stand.client, town.municipality_id)
    await batch.plan_day(FIRST_DAY, start_of_day(FIRST_DAY))
    await batch.run(start_of_day(month.first))
    daily = await events_of(stand.client, f"daily/{town.municipality_id}/{FIRST_DAY}")
    monthly = await events_of(stand.client, f"billing-run/{town.municipality_id}/{month.plus(-1)}")
    return daily * _DAYS_OF_A_MONTH + monthly
