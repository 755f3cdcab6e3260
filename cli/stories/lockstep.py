"""Simulated time of one municipality: all its workflows move together, from one due instant to the next.

The real Temporal server skips time per workflow. A step of the clock is: everything settles, the earliest due instant
among the workflows is found, all of them are forwarded to it, and so on until the wished instant is reached.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from google.protobuf.timestamp_pb2 import Timestamp
from temporalio.client import Client, WorkflowExecutionStatus, WorkflowHandle
from temporalio.service import RPCError
from temporalio.testing import TimeSkipper, TimeSkippingConfig

from cli.gateway import Gateway
from cli.stories.batch import BatchRuns
from cli.stories.patience import NotSettled, is_away, patiently
from cli.stories.recounts import Recounts
from services.kernel.codes import Role, Stage, case_workflow_id
from services.kernel.dates import start_of_day
from socialcare.common.v1 import flow_pb2, outbox_service_pb2

SETTLE_PAUSE_SECONDS = 0.02
SETTLE_PATIENCE = 6000
EARLY = dt.timedelta(milliseconds=50)
"""How long before a due instant a skip ends; the timer then fires by itself. A skip that passes a timer does not end
when its target comes while the workflow is at work: the server then skips on to the next timer, a year away."""
MOST_ROUNDS = 500


@dataclass(frozen=True, slots=True)
class CaseClock:
    """Business time of a workflow, and the instant at which it acts next by itself."""

    present: dt.datetime
    due: dt.datetime | None


@dataclass(slots=True)
class Lockstep:
    """The business clock of one municipality."""

    client: Client
    gateway: Gateway
    municipality_id: str
    batch: BatchRuns
    now: dt.datetime
    progress: Callable[[dt.datetime], None]
    applications: list[str] = field(default_factory=list)
    _recounts: Recounts = field(init=False)

    def __post_init__(self) -> None:
        self._recounts = Recounts(self.client, self.gateway, self.municipality_id)

    def _skipper(self) -> TimeSkipper:
        return TimeSkipper(self.client, config=TimeSkippingConfig(enabled=False))

    def _handles(self) -> Iterable[WorkflowHandle[object, object]]:
        return [self.client.get_workflow_handle(case_workflow_id(each)) for each in self.applications]

    async def advance_to(self, at: dt.datetime) -> None:
        """Move every workflow to `at`; what is due up to then, batch runs included, is done and settled.

        Raises:
            NotSettled: something due never happened.
        """
        await self.settle()
        for _ in range(MOST_ROUNDS):
            due = await self._earliest_due()
            batch_due = self.batch.next_due()
            if batch_due is not None and batch_due <= at and (due is None or batch_due < due):
                await self._forward_all(batch_due)
                await self.batch.run(batch_due)
                self._reached(batch_due)
            elif due is not None and due <= at:
                await self._forward_all(due - EARLY)
                await asyncio.sleep(EARLY.total_seconds())
                self._reached(due)
            else:
                await self._forward_all(at)
                self._reached(at)
                return
            await self.settle()
        raise NotSettled(f"{self.municipality_id}: something due by {at.isoformat()} never happened")

    async def present(self) -> dt.datetime | None:
        """Where the farthest clock of the municipality stands; None when no case of it runs."""
        clocks = await asyncio.gather(*(self._clock(handle) for handle in self._handles()))
        return max((clock.present for clock in clocks if clock is not None), default=None)

    async def due_of(self, application_id: str) -> dt.datetime | None:
        """When a case acts next by itself; None when it waits for people only or has ended."""
        clock = await self._clock(self.client.get_workflow_handle(case_workflow_id(application_id)))
        return None if clock is None else clock.due

    async def plan_day(self, day: dt.date) -> None:
        """Let the daily run of a day happen, once."""
        await self.batch.plan_day(day, max(self.now, start_of_day(day)))
        await self.settle()

    def _reached(self, instant: dt.datetime) -> None:
        self.now = max(self.now, instant)
        self.progress(self.now)

    async def settle(self) -> None:
        """Wait until no outbox row, workflow task or activity of the municipality is pending, seen twice alike.

        A recount by a changed calendar is waited for too: its last page leaves messages for the cases.
        """
        before: list[int] | None = None
        recounted = False
        for _ in range(SETTLE_PATIENCE):
            seen: list[int] | None = None
            if await self._outboxes_empty():
                if recounted:
                    seen = await self._quiet_lengths()
                else:
                    recounted = await self._recounts.are_over(self.now)
            if seen is not None and seen == before:
                return
            before = seen
            await asyncio.sleep(SETTLE_PAUSE_SECONDS)
        raise NotSettled(f"{self.municipality_id} did not settle")

    async def _outboxes_empty(self) -> bool:
        request = outbox_service_pb2.CountPendingRequest(municipality_id=self.municipality_id)
        answers = await asyncio.gather(
            *(
                self.gateway.patient_call(
                    self.gateway.outbox(stage).CountPending,
                    request,
                    outbox_service_pb2.CountPendingResponse,
                    role=Role.OPERATOR,
                )
                for stage in Stage
            )
        )
        return all(answer.pending == 0 for answer in answers)

    async def _quiet_lengths(self) -> list[int] | None:
        """History lengths of the workflows, or None when one of them still has something to do."""
        lengths = await asyncio.gather(*(self._quiet_length(handle) for handle in self._handles()))
        return None if None in lengths else [length for length in lengths if length is not None]

    async def _quiet_length(self, handle: WorkflowHandle[object, object]) -> int | None:
        try:
            described = await handle.describe()
        except RPCError as error:
            if is_away(error):
                return None
            raise
        raw = described.raw_description
        busy = bool(raw.pending_activities) or raw.HasField("pending_workflow_task")
        return None if busy else described.history_length

    async def _earliest_due(self) -> dt.datetime | None:
        clocks = await asyncio.gather(*(self._clock(handle) for handle in self._handles()))
        return min((clock.due for clock in clocks if clock is not None and clock.due is not None), default=None)

    async def _forward_all(self, to: dt.datetime) -> None:
        await asyncio.gather(*(self._forward(handle, to) for handle in self._handles()))

    async def _forward(self, handle: WorkflowHandle[object, object], to: dt.datetime) -> None:
        async def forward() -> None:
            clock = await self._clock(handle)
            if clock is not None and clock.present < to:
                await self._skipper().fast_forward(handle, to - clock.present)

        await patiently(forward)

    async def _clock(self, handle: WorkflowHandle[object, object]) -> CaseClock | None:
        """The workflow's own clock; None when the case's workflow has ended."""

        async def ask() -> CaseClock | None:
            described = await handle.describe()
            if described.status is not WorkflowExecutionStatus.RUNNING:
                return None
            answer: flow_pb2.NextDue = await handle.query("next_due", result_type=flow_pb2.NextDue)
            # A query runs in the time of the workflow's last step; the server knows how far it has been forwarded.
            server_time = await self._skipper().get_current_time(handle)
            return CaseClock(
                present=server_time + answer.clock_offset.ToTimedelta(),
                due=_instant(answer.due_time) if answer.HasField("due_time") else None,
            )

        return await patiently(ask)


def _instant(stamp: Timestamp) -> dt.datetime:
    return stamp.ToDatetime(tzinfo=dt.UTC)
