"""The floor of a case: a workflow that makes the same events as a real one, with empty activities.

What it does comes from the histories of a real case: after so many signals and finished activities, these commands with
what they carried. It reads no clock, calls nobody and keeps nothing.
"""

from __future__ import annotations

import asyncio
from datetime import timedelta

from temporalio import activity, workflow
from temporalio.api.enums.v1 import EventType
from temporalio.common import RawValue

with workflow.unsafe.imports_passed_through():
    from bench.bare_script import KEPT, Command
    from socialcare.common.v1.flow_pb2 import CaseCarry, CaseStart

__all__ = ["BARE_TASK_QUEUE", "BareCase", "nothing"]

BARE_TASK_QUEUE = "bench-bare-cases"


@activity.defn(name="Bench.Nothing")
async def nothing(asked: RawValue) -> RawValue:  # noqa: ARG001  # sent because a real one is sent.
    """Do nothing; the answer is that of the real activity."""
    return KEPT.answers[activity.info().activity_id]


@workflow.defn(name="BareCase")
class BareCase:
    """Follows the script, then waits to be thrown away."""

    @workflow.init
    def __init__(self, start: CaseStart, carry: CaseCarry | None = None) -> None:  # noqa: ARG002  # as real ones.
        self._signals = 0
        self._ended = 0
        self._timers: list[asyncio.Task[None]] = []
        self._calls: list[asyncio.Task[None]] = []

    @workflow.run
    async def run(self, start: CaseStart, carry: CaseCarry | None = None) -> None:  # noqa: ARG002  # as real ones.
        """Take the turns of this run."""
        for turn in KEPT.turns[0 if workflow.info().continued_run_id is None else 1]:
            await workflow.wait_condition(
                lambda turn=turn: self._signals >= turn.signals and self._ended >= turn.activities  # type: ignore[misc]  # mypy cannot infer a default.
            )
            for command in turn.commands:
                self._obey(command)
            # The tasks made above send their commands before the next turn is looked at.
            await asyncio.sleep(0)
        await workflow.wait_condition(lambda: False)

    @workflow.signal
    def happened(self, message: RawValue) -> None:  # noqa: ARG002  # as real ones.
        """Count a message."""
        self._signals += 1

    def _obey(self, command: Command) -> None:
        match command.kind:
            case EventType.EVENT_TYPE_ACTIVITY_TASK_SCHEDULED:
                self._calls.append(asyncio.create_task(self._call(command)))
            case EventType.EVENT_TYPE_TIMER_STARTED:
                self._timers.append(asyncio.create_task(workflow.sleep(timedelta(days=7), summary=command.summary)))
            case EventType.EVENT_TYPE_TIMER_CANCELED:
                self._timers.pop(0).cancel()
            case EventType.EVENT_TYPE_UPSERT_WORKFLOW_SEARCH_ATTRIBUTES:
                workflow.upsert_search_attributes(command.updates)
            case EventType.EVENT_TYPE_MARKER_RECORDED:
                workflow.patched(command.patch)
            case EventType.EVENT_TYPE_WORKFLOW_EXECUTION_CONTINUED_AS_NEW:
                workflow.continue_as_new(args=command.arguments)
            case _:
                raise AssertionError(command.kind)

    async def _call(self, command: Command) -> None:
        await workflow.execute_activity(
            nothing,
            args=command.arguments,
            activity_id=command.number,
            start_to_close_timeout=timedelta(seconds=15),
            summary=command.summary,
        )
        self._ended += 1
