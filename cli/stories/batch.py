"""The daily and the monthly run of a simulated municipality, started when its time needs them and by nobody else."""

from __future__ import annotations

import asyncio
import datetime as dt
from dataclasses import dataclass, field

from google.protobuf.message import Message
from temporalio.client import Client, WorkflowHandle
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy

from cli.stories.patience import patiently
from services.kernel.codes import BATCH_TASK_QUEUE, WorkflowType
from services.kernel.dates import Month, local_date, start_of_day
from services.runtime.civil import date_to_proto, instant_to_proto, month_to_proto
from socialcare.common.v1 import flow_pb2

GATE_SECONDS = 1.0
"""How often a run that takes long is asked whether it waits for a person."""


@dataclass(slots=True)
class BatchRuns:
    """Which runs a municipality has had. `billed_from` is the first month whose run may be due."""

    client: Client
    municipality_id: str
    billed_from: Month | None = None
    billed: list[Month] = field(default_factory=list)
    """Months whose run took place here, in order."""
    unapproved: list[Month] = field(default_factory=list)
    """Those of them whose drafts wait for the billing clerk."""
    _planned: set[dt.date] = field(default_factory=set)

    def next_due(self) -> dt.datetime | None:
        """When the next billing run is due: 00:00 on the 1st after the month (L-01); in the past when it was missed."""
        return None if self.billed_from is None else start_of_day(self.billed_from.next().first)

    def contract_signed(self, start: dt.date) -> None:
        """Bills may be due from the month in which care starts."""
        month = Month.of(start)
        self.billed_from = month if self.billed_from is None else min(self.billed_from, month)

    async def run(self, due: dt.datetime) -> None:
        """Run the billing of the month that ends at `due` and wait for its end or for its review gate."""
        month = Month.of(local_date(due) - dt.timedelta(days=1))
        finished = await self._finish(
            WorkflowType.BILLING_RUN,
            f"billing-run/{self.municipality_id}/{month}",
            flow_pb2.BillingRunStart(
                municipality_id=self.municipality_id,
                month=month_to_proto(month),
                business_start_time=instant_to_proto(due),
            ),
        )
        self.billed_from = month.next()
        self.billed.append(month)
        if not finished:
            self.unapproved.append(month)

    async def plan_day(self, day: dt.date, at: dt.datetime) -> None:
        """Run the planning of a day once and wait for it."""
        if day in self._planned:
            return
        await self._finish(
            WorkflowType.DAILY_DELIVERY,
            f"daily/{self.municipality_id}/{day}",
            flow_pb2.DailyRunStart(
                municipality_id=self.municipality_id,
                on_date=date_to_proto(day),
                business_start_time=instant_to_proto(at),
            ),
        )
        self._planned.add(day)

    async def _finish(self, workflow: WorkflowType, workflow_id: str, start: Message) -> bool:
        """Whether the run has ended; False when it waits for a person."""

        async def finish() -> bool:
            handle = await self.client.start_workflow(
                workflow.value,
                start,
                id=workflow_id,
                task_queue=BATCH_TASK_QUEUE,
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            )
            return await _ended(handle)

        return await patiently(finish)


async def _ended(handle: WorkflowHandle[object, object]) -> bool:
    result = asyncio.ensure_future(handle.result())
    try:
        while not result.done():
            await asyncio.wait({result}, timeout=GATE_SECONDS)
            if not result.done():
                waits: flow_pb2.NextDue = await handle.query("next_due", result_type=flow_pb2.NextDue)
                if waits.settled:
                    return False
        await result
    finally:
        result.cancel()
    return True
