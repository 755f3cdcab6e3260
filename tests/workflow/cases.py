"""Drives one case workflow as relay and player do: messages in order, time by skipping."""

from __future__ import annotations

import asyncio
import uuid
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

from temporalio.api.enums.v1 import EventType
from temporalio.client import WorkflowHandle, WorkflowHistory
from temporalio.service import RPCError, RPCStatusCode
from temporalio.testing import TimeSkipper

from services.kernel.codes import CASE_TASK_QUEUE, CaseState, Event, Stage, WorkflowType, case_workflow_id
from services.kernel.dates import SOFIA, start_of_day
from socialcare.assessment.v1.resources_pb2 import Rung
from socialcare.common.v1.flow_pb2 import CaseStart, Happened, NextDue
from tests.workflow.known import Record, Town
from workflows.wire import event_on_wire, instant, optional_instant, stage_on_wire, timestamp

PATIENCE_SECONDS = 60.0
SUBMITTED = datetime(2026, 1, 19, 10, 15, tzinfo=SOFIA)


def day(text: str) -> datetime:
    """00:00 in Sofia of the day."""
    return start_of_day(date.fromisoformat(text))


def seven_days() -> list[tuple[datetime, Rung]]:
    """The ladder of a visit due on Monday 26 January 2026: calls on the 27th and the 30th (L-06)."""
    return [
        (day("2026-01-24"), Rung.RUNG_REMINDER),
        (day("2026-01-27"), Rung.RUNG_BREACH),
        (day("2026-01-27"), Rung.RUNG_CALL_1),
        (day("2026-01-30"), Rung.RUNG_CALL_2),
    ]


class CaseDriver:
    """One case, seen from outside."""

    def __init__(self, skipper: TimeSkipper, town: Town) -> None:
        self.skipper = skipper
        self.town = town
        self.id = str(uuid.uuid4())
        self.record: Record = town.cases[self.id]
        self.record.ladder = seven_days()
        self.record.limit_end = day("2026-01-27")
        self._sequences: Counter[Stage] = Counter()
        self.handle: WorkflowHandle[Any, Any]

    async def start(
        self, state: CaseState = CaseState.REGISTERED, due: datetime | None = None, at: datetime = SUBMITTED
    ) -> None:
        """As intake's outbox does."""
        self.record.state = state
        start = CaseStart(
            application_id=self.id,
            municipality_id="TEST-TOWN",
            service_code="HSP",
            district_code="ISKAR",
            business_start_time=timestamp(at),
            state=f"CASE_STATE_{state}",
            due_time=timestamp(due),
        )
        self._sequences[Stage.INTAKE] += 1
        workflow_id = case_workflow_id(self.id)
        start.sequences.add(stage="STAGE_INTAKE", sequence=self._sequences[Stage.INTAKE])
        await self.skipper.client.start_workflow(
            WorkflowType.APPLICATION.value, start, id=workflow_id, task_queue=CASE_TASK_QUEUE
        )
        self.handle = self.skipper.client.get_workflow_handle(workflow_id)
        await self.settled()

    async def say(self, stage: Stage, event: Event, at: datetime, due: datetime | None = None) -> Happened:
        """Move time to the event, deliver its message, let the workflow settle."""
        await self.move_to(at)
        message = self.message(stage, event, at, due)
        await self.deliver(message)
        return message

    def message(self, stage: Stage, event: Event, at: datetime, due: datetime | None = None) -> Happened:
        """The next message of a stage, not delivered yet."""
        self._sequences[stage] += 1
        return Happened(
            stage=stage_on_wire(stage),
            sequence=self._sequences[stage],
            event_time=timestamp(at),
            event=event_on_wire(event),
            due_time=timestamp(due),
        )

    async def deliver(self, message: Happened) -> None:
        """Deliver a message, for the first time or again."""
        await self.handle.signal("happened", message)
        await self.settled()

    async def move_to(self, at: datetime) -> None:
        """Move the case's clock as the player does: from due instant to due instant."""
        while True:
            due = optional_instant((await self.next_due()).due_time)
            target = at if due is None else min(due, at)
            ahead = target - await self.now()
            if ahead > timedelta() and not await self.skipper.fast_forward(self.handle, ahead):
                return
            if due is not None and due <= target:
                await self._acted_upon(due)
            await self.settled()
            if target == at and (due is None or due > at):
                return

    async def _acted_upon(self, due: datetime) -> None:
        """Wait until the timer has fired and the workflow has done what was due."""

        async def moved_on() -> bool:
            if (await self.handle.describe()).close_time is not None:
                return True
            return optional_instant((await self.next_due()).due_time) != due

        await eventually(moved_on)

    async def now(self) -> datetime:
        """Present business instant of the case."""
        offset = (await self.next_due()).clock_offset.ToTimedelta()
        return await self.skipper.get_current_time(self.handle) + offset

    async def next_due(self) -> NextDue:
        """Answer of the query; a run that has just begun cannot answer yet."""
        while True:
            try:
                return await self.handle.query("next_due", result_type=NextDue)
            except RPCError as error:
                if error.status is not RPCStatusCode.FAILED_PRECONDITION:
                    raise
                await asyncio.sleep(0.02)

    async def settled(self) -> None:
        """Wait until the workflow waits, or has ended."""

        async def still() -> bool:
            described = await self.handle.describe()
            if described.close_time is not None:
                return True
            return (await self.next_due()).settled and not described.raw_description.pending_activities

        await eventually(still)

    async def attribute(self, name: str) -> object:
        """A search attribute as visibility has it now."""
        found = (await self.handle.describe()).search_attributes.get(name)
        return found[0] if found else None

    async def details(self) -> str:
        """What operators read in the Temporal UI."""
        metadata = await self.handle.query("__temporal_workflow_metadata")
        return str(metadata.current_details)

    async def end(self) -> str:
        """How the case ended."""
        return str(await asyncio.wait_for(self.handle.result(), PATIENCE_SECONDS))

    async def runs(self) -> list[WorkflowHistory]:
        """Histories of all runs, oldest first."""
        found: list[WorkflowHistory] = []
        run_id: str | None = (await self.handle.describe()).run_id
        while run_id:
            handle = self.skipper.client.get_workflow_handle(self.handle.id, run_id=run_id)
            history = await handle.fetch_history()
            found.insert(0, history)
            run_id = history.events[0].workflow_execution_started_event_attributes.continued_execution_run_id
        return found


def event_count(history: WorkflowHistory) -> int:
    """Events without those of skipped time (design section 10)."""
    return sum("TIME_SKIPPING" not in EventType.Name(event.event_type) for event in history.events)


async def eventually(condition: Callable[[], Any], seconds: float = PATIENCE_SECONDS) -> None:
    """Wait until the condition holds."""
    deadline = asyncio.get_running_loop().time() + seconds
    while not await condition():
        assert asyncio.get_running_loop().time() < deadline, "nothing settled"
        await asyncio.sleep(0.02)


def business(moment: Any) -> datetime:
    """A wire instant."""
    return instant(moment).astimezone(UTC)
