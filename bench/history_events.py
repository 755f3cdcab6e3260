"""How many events the history of a plain case has when its contract is signed."""

from __future__ import annotations

import datetime as dt

from bench.histories import SKIPPING, runs_of
from bench.plain_case import plain_story, steps_to_contract
from bench.result import Budget, Figure, Limit, Result
from bench.stand import Stand
from cli.stories import format as story
from cli.stories.expectations import FinalCheck
from cli.stories.playing import Telling, play_story
from services.kernel.codes import case_workflow_id

__all__ = ["measure_history_events"]

BUDGET = Budget(Limit.AT_MOST, 90)


class StoryDiffersError(Exception):
    """The story could not be played to its contract; what differed is the argument."""


async def measure_history_events(stand: Stand) -> Result:
    """Play HSP-01 to the contract and count what its first run holds; skips of simulated time are left out."""
    told = _until_the_contract(plain_story())
    quiet = Telling(step=lambda _, __, ___: None, clock=lambda _, __: None)
    verdict = await play_story(told, stand.gateway, stand.client, quiet)
    if not verdict.passed:
        raise StoryDiffersError("; ".join(f"{each.step}: {each.difference}" for each in verdict.findings))
    (application_id,) = verdict.cases.values()
    run, *_ = await runs_of(stand.client, case_workflow_id(application_id))
    count = Figure((float(sum(event.event_type != SKIPPING for event in run)),), "events")
    return Result("history of a plain case, submission to signed contract", count, None, count, BUDGET)


def _until_the_contract(told: story.Story) -> story.Story:
    last = told.timeline.index(steps_to_contract(told)[-1])
    end = FinalCheck(at=told.timeline[last].at + dt.timedelta(minutes=5), state="CONTRACTED")
    return told.model_copy(update={"timeline": told.timeline[: last + 1], "final": end})
