"""The daily and the monthly run: page by page, once, with a review gate."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import grpc
import pytest
from google.type.date_pb2 import Date
from temporalio.client import Client, WorkflowFailureError, WorkflowHandle
from temporalio.exceptions import ApplicationError

from services.kernel.codes import BATCH_TASK_QUEUE, WorkflowType
from socialcare.common.v1.flow_pb2 import BillingRunStart, DailyRunStart, Happened, NextDue
from socialcare.common.v1.types_pb2 import YearMonth
from tests.workflow.cases import PATIENCE_SECONDS, SUBMITTED, eventually
from tests.workflow.known import Town
from workflows.wire import timestamp

pytestmark = pytest.mark.temporal


async def start_daily(client: Client) -> WorkflowHandle[Any, Any]:
    return await client.start_workflow(
        WorkflowType.DAILY_DELIVERY.value,
        DailyRunStart(municipality_id="TEST-TOWN", on_date=Date(year=2026, month=2, day=10)),
        id=f"daily/{uuid.uuid4()}",
        task_queue=BATCH_TASK_QUEUE,
        result_type=str,
    )


async def start_billing(client: Client) -> WorkflowHandle[Any, Any]:
    return await client.start_workflow(
        WorkflowType.BILLING_RUN.value,
        BillingRunStart(municipality_id="TEST-TOWN", month=YearMonth(year=2026, month=2)),
        id=f"billing-run/{uuid.uuid4()}",
        task_queue=BATCH_TASK_QUEUE,
        result_type=str,
    )


def approval() -> Happened:
    return Happened(stage="STAGE_BILLING", sequence=1, event="CASE_EVENT_RUN_APPROVED", event_time=timestamp(SUBMITTED))


async def test_a_daily_run_plans_every_page_once(worker: None, temporal: Client, town: Town) -> None:
    handle = await start_daily(temporal)
    assert await asyncio.wait_for(handle.result(), PATIENCE_SECONDS) == "FINISHED"
    assert [name for name, about, _ in town.calls if about == "2026-02-10"] == [
        "OpenDailyRun",
        "PlanPage",
        "PlanPage",
        "CloseDailyRun",
    ]


async def test_a_day_that_is_done_is_not_planned_again(worker: None, temporal: Client, town: Town) -> None:
    town.finished = True
    handle = await start_daily(temporal)
    assert await asyncio.wait_for(handle.result(), PATIENCE_SECONDS) == "FINISHED_BEFORE"
    assert town.calls_of("PlanPage", "2026-02-10") == 0


async def test_a_billing_run_waits_for_approval(worker: None, temporal: Client, town: Town) -> None:
    town.auto_approve = False
    handle = await start_billing(temporal)

    async def at_the_gate() -> bool:
        return bool((await handle.query("next_due", result_type=NextDue)).settled)

    await eventually(at_the_gate)
    assert town.calls_of("DraftPage", "2026-02") == 2
    assert town.calls_of("IssuePage", "2026-02") == 0
    assert (await handle.describe()).search_attributes["WaitingFor"] == ["BILLING_CLERK"]
    await handle.signal("happened", approval())
    await handle.signal("happened", approval())
    assert await asyncio.wait_for(handle.result(), PATIENCE_SECONDS) == "FINISHED"
    assert town.calls_of("IssuePage", "2026-02") == 2


async def test_a_month_approved_by_setting_is_issued_at_once(worker: None, temporal: Client, town: Town) -> None:
    handle = await start_billing(temporal)
    assert await asyncio.wait_for(handle.result(), PATIENCE_SECONDS) == "FINISHED"
    described = await handle.describe()
    assert described.search_attributes["BillingMonth"] == ["2026-02"]
    assert described.search_attributes["Outcome"] == ["FINISHED"]


async def test_a_red_invariant_fails_the_run_under_its_reason(worker: None, temporal: Client, town: Town) -> None:
    town.failures["OpenBillingRun"] = [(grpc.StatusCode.FAILED_PRECONDITION, "INVARIANT_VIOLATED")]
    handle = await start_billing(temporal)
    with pytest.raises(WorkflowFailureError) as failure:
        await asyncio.wait_for(handle.result(), PATIENCE_SECONDS)
    assert isinstance(failure.value.cause, ApplicationError)
    assert failure.value.cause.type == "INVARIANT_VIOLATED"
