"""Arrears in the Temporal UI: reminded by their days, woken by payments and decisions, ended by people only."""

from __future__ import annotations

import asyncio
import uuid

import pytest
from temporalio.client import Client
from temporalio.testing import TimeSkipper

from services.kernel.codes import BATCH_TASK_QUEUE, CASE_TASK_QUEUE, Event, Stage, WorkflowType, arrears_workflow_id
from socialcare.billing.v1.arrears_pb2 import ArrearsStart, ArrearsSweepStart
from tests.workflow.cases import PATIENCE_SECONDS, CaseDriver, day
from tests.workflow.known import Town
from workflows.wire import timestamp

pytestmark = pytest.mark.temporal


class ArrearsDriver(CaseDriver):
    """The arrears of one invoice, seen from outside."""

    async def begin(self) -> None:
        """As billing's outbox does on the day after the due date."""
        self.town.arrears = [
            (day("2026-03-26"), "REMINDED", 1),
            (day("2026-04-09"), "REMINDED", 2),
            (day("2026-05-27"), "TO_DECIDE", 2),
        ]
        start = ArrearsStart(
            invoice_id=self.id, municipality_id="TEST-TOWN", business_start_time=timestamp(day("2026-03-26"))
        )
        workflow_id = arrears_workflow_id(self.id)
        await self.skipper.client.start_workflow(
            WorkflowType.ARREARS.value, start, id=workflow_id, task_queue=CASE_TASK_QUEUE
        )
        self.handle = self.skipper.client.get_workflow_handle(workflow_id)
        await self.settled()


@pytest.fixture
async def arrears(worker: None, skipper: TimeSkipper, town: Town) -> ArrearsDriver:
    driver = ArrearsDriver(skipper, town)
    await driver.begin()
    return driver


async def test_each_day_of_the_ladder_asks_billing_once_and_then_the_office_head_is_waited_for(
    arrears: ArrearsDriver, town: Town
) -> None:
    assert town.calls_of("AdvanceArrears", arrears.id) == 1
    assert (await arrears.attribute("LimitKind"), await arrears.attribute("WaitingFor")) == (
        "ARREARS_TERMINATION",
        None,
    )
    await arrears.move_to(day("2026-04-10"))
    assert await arrears.attribute("EscalationRung") == 2
    await arrears.move_to(day("2026-05-28"))
    assert town.calls_of("AdvanceArrears", arrears.id) == 3
    assert await arrears.attribute("WaitingFor") == "OFFICE_HEAD"
    assert "решение продължава ли обслужването" in await arrears.details()
    assert not (await arrears.next_due()).HasField("due_time")


async def test_a_payment_ends_it_however_often_it_is_told(arrears: ArrearsDriver, town: Town) -> None:
    town.arrears = [(day("2026-03-26"), "SETTLED", 1)]
    message = await arrears.say(Stage.BILLING, Event.ARREARS_CHANGED, day("2026-03-30"))
    assert await arrears.end() == "SETTLED"
    assert message.sequence == 1
    assert (await arrears.handle.describe()).search_attributes["Outcome"] == ["SETTLED"]


async def test_news_that_change_nothing_leave_the_timer_where_it_stands(arrears: ArrearsDriver, town: Town) -> None:
    due = (await arrears.next_due()).due_time
    for _ in range(2):
        await arrears.say(Stage.BILLING, Event.ARREARS_CHANGED, day("2026-03-27"))
    assert (await arrears.next_due()).due_time == due
    assert town.calls_of("AdvanceArrears", arrears.id) == 3


async def test_a_sweep_looks_at_every_page(worker: None, temporal: Client, town: Town) -> None:
    handle = await temporal.start_workflow(
        WorkflowType.ARREARS_SWEEP.value,
        ArrearsSweepStart(municipality_id="TEST-TOWN", business_start_time=timestamp(day("2026-03-26"))),
        id=f"arrears-sweep/{uuid.uuid4()}",
        task_queue=BATCH_TASK_QUEUE,
        result_type=str,
    )
    assert await asyncio.wait_for(handle.result(), PATIENCE_SECONDS) == "FINISHED"
    assert town.calls_of("SweepArrears", "TEST-TOWN") == 2
