"""The floor of a case: a workflow that makes the same events as a real one, with empty activities.

What it does comes from the history of a real case: after so many signals and finished activities, these commands. It
reads no clock, calls nobody and keeps nothing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent

from workflows.search_attributes import CASE_STAGE

__all__ = ["BARE_TASK_QUEUE", "BareCase", "Script", "Turn", "nothing", "turns_of"]

BARE_TASK_QUEUE = "bench-bare-cases"

ACTIVITY, TIMER, CANCEL, ATTRIBUTES, NEXT_RUN = "ACTIVITY", "TIMER", "CANCEL", "ATTRIBUTES", "NEXT_RUN"
_COMMANDS = {
    EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED: ACTIVITY,
    EventType.EVENT_TYPE_TIMER_STARTED: TIMER,
    EventType.EVENT_TYPE_TIMER_CANCELED: CANCEL,
    EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES: ATTRIBUTES,
    EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW: NEXT_RUN,
}


@dataclass(frozen=True, slots=True)
class Turn:
    """Commands that follow once so many signals have come and activities have ended in this run."""

    signals: int
    activities: int
    commands: list[str]


@dataclass(frozen=True, slots=True)
class Script:
    """The turns of each run, in order."""

    runs: list[list[Turn]] = field(default_factory=list)


def turns_of(events: Iterable[HistoryEvent]) -> list[Turn]:
    """The turns of one run as its history has them."""
    turns: list[Turn] = []
    signals = activities = 0
    for event in events:
        match event.event_type:
            case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_SIGNALED:
                signals += 1
            case EventType.EVENT_TYPE_ACTIVITY_TASK_COMPLETED:
                activities += 1
            case EventType.EVENT_TYPE_WORKFLOW_TASK_COMPLETED:
                turns.append(Turn(signals, activities, []))
            case kind if kind in _COMMANDS:
                turns[-1].commands.append(_COMMANDS[kind])
            case _:
                pass
    return [turn for turn in turns if turn.commands]


@activity.defn(name="Bench.Nothing")
async def nothing() -> None:
    """Do nothing."""


@workflow.defn(name="BareCase")
class BareCase:
    """Follows a script, then waits to be thrown away."""

    @workflow.init
    def __init__(self, script: Script) -> None:
        self._script = script
        self._signals = 0
        self._ended = 0
        self._timers: list[asyncio.Task[None]] = []
        self._calls: list[asyncio.Task[None]] = []

    @workflow.run
    async def run(self, script: Script) -> None:
        """Take the turns of this run."""
        for turn in script.runs[0]:
            await workflow.wait_condition(
                lambda turn=turn: self._signals >= turn.signals and self._ended >= turn.activities  # type: ignore[misc]  # mypy cannot infer a default.
            )
            for command in turn.commands:
                self._obey(command)
            # The tasks made above send their commands before the next turn is looked at.
            await asyncio.sleep(0)
        await workflow.wait_condition(lambda: False)

    @workflow.signal
    def happened(self) -> None:
        """Count a message."""
        self._signals += 1

    def _obey(self, command: str) -> None:
        match command:
            case "ACTIVITY":
                self._calls.append(asyncio.create_task(self._call()))
            case "TIMER":
                self._timers.append(asyncio.create_task(workflow.sleep(timedelta(days=7))))
            case "CANCEL":
                self._timers.pop(0).cancel()
            case "ATTRIBUTES":
                workflow.upsert_search_attributes([CASE_STAGE.value_set("BARE")])
            case "NEXT_RUN":
                workflow.continue_as_new(Script(self._script.runs[1:]))
            case _:
                raise AssertionError(command)

    async def _call(self) -> None:
        await workflow.execute_activity(nothing, start_to_close_timeout=timedelta(seconds=15))
        self._ended += 1
