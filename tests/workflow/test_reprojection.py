"""The recount of limits by a changed calendar: every owner, page by page, and what the cases make of it."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import grpc
import pytest
from temporalio.client import Client, WorkflowHandle

from services.kernel.codes import BATCH_TASK_QUEUE, CaseState, Event, Stage, WorkflowType, reprojection_workflow_id
from socialcare.assessment.v1.resources_pb2 import AssessmentState, Rung
from socialcare.common.v1.flow_pb2 import ReprojectionStart
from tests.workflow.cases import PATIENCE_SECONDS, SUBMITTED, CaseDriver, day
from tests.workflow.known import Town
from workflows.wire import timestamp

pytestmark = pytest.mark.temporal


async def start(client: Client, version: str) -> WorkflowHandle[Any, Any]:
    return await client.start_workflow(
        WorkflowType.REPROJECTION.value,
        ReprojectionStart(
            municipality_id="TEST-TOWN", calendar_version=version, business_start_time=timestamp(SUBMITTED)
        ),
        id=reprojection_workflow_id(version),
        task_queue=BATCH_TASK_QUEUE,
        result_type=str,
    )


async def test_every_owner_counts_every_page_in_turn(worker: None, temporal: Client, town: Town) -> None:
    version = f"TEST-{uuid.uuid4()}"
    handle = await start(temporal, version)
    assert await asyncio.wait_for(handle.result(), PATIENCE_SECONDS) == "FINISHED"
    asked = [name for name, about, _ in town.calls if about == version]
    owners = ("Intake", "Assessment", "Placement", "Billing")
    assert asked == [f"{owner}.ReprojectLimits" for owner in owners for _ in town.moved]
    details = str((await handle.query("__temporal_workflow_metadata")).current_details)
    assert "услуги 4 от 4, страници 8, преместени срокове 12" in details
    described = await handle.describe()
    assert described.search_attributes["CaseStage"] == ["REPROJECTION"]
    assert described.search_attributes["Municipality"] == ["TEST-TOWN"]


async def test_an_owner_that_is_away_is_asked_again_and_nobody_else_twice(
    worker: None, temporal: Client, town: Town
) -> None:
    version = f"TEST-{uuid.uuid4()}"
    town.moved = [1]
    town.failures["Placement.ReprojectLimits"] = [(grpc.StatusCode.UNAVAILABLE, "PEER_UNAVAILABLE")]
    handle = await start(temporal, version)
    assert await asyncio.wait_for(handle.result(), PATIENCE_SECONDS) == "FINISHED"
    asked = [(name, request) for name, about, request in town.calls if about == version]
    assert len(asked) == 5
    assert len(set(asked)) == 4


async def test_a_term_for_papers_that_moved_ends_at_its_new_instant(case: CaseDriver) -> None:
    await case.start(CaseState.DOCS_PENDING, due=day("2026-01-23"))
    await case.say(Stage.INTAKE, Event.LIMIT_MOVED, day("2026-01-21"), due=day("2026-01-24"))
    assert await case.attribute("DueAt") == day("2026-01-24")
    await case.move_to(day("2026-01-23"))
    assert await case.attribute("Overdue") is False
    await case.move_to(day("2026-01-24"))
    assert (await case.attribute("Overdue"), await case.attribute("WaitingFor")) == (True, "OFFICE_HEAD")


async def test_a_term_that_moves_after_its_end_runs_again(case: CaseDriver) -> None:
    await case.start(CaseState.DOCS_PENDING, due=day("2026-01-23"))
    await case.move_to(day("2026-01-23"))
    await case.say(Stage.INTAKE, Event.LIMIT_MOVED, day("2026-01-23"), due=day("2026-01-24"))
    assert (await case.attribute("Overdue"), await case.attribute("WaitingFor")) == (False, "APPLICANT")


async def test_a_window_of_appeal_that_moved_closes_the_case_at_its_new_end(case: CaseDriver) -> None:
    case.record.assessment = AssessmentState.ASSESSMENT_STATE_COMPLETED
    case.record.outcome = CaseState.INELIGIBLE
    case.record.appeal_end = day("2026-02-03")
    await case.start()
    await case.say(Stage.INTAKE, Event.LIMIT_MOVED, day("2026-01-25"), due=day("2026-02-04"))
    assert await case.attribute("DueAt") == day("2026-02-04")
    await case.move_to(day("2026-02-03"))
    assert await case.attribute("LimitKind") == "APPEAL"
    await case.move_to(day("2026-02-04"))
    assert await case.end() == "INELIGIBLE"


async def test_a_visit_whose_limit_moved_is_reminded_of_and_breached_at_the_new_instants(case: CaseDriver) -> None:
    await case.start()
    case.record.ladder = [(day("2026-01-25"), Rung.RUNG_REMINDER), (day("2026-01-28"), Rung.RUNG_BREACH)]
    case.record.limit_end = day("2026-01-28")
    await case.say(Stage.ASSESSMENT, Event.LIMIT_MOVED, day("2026-01-21"), due=day("2026-01-25"))
    assert await case.attribute("DueAt") == day("2026-01-28")
    await case.move_to(day("2026-01-27"))
    assert await case.attribute("Overdue") is False
    await case.move_to(day("2026-01-28"))
    assert await case.attribute("Overdue") is True
    assert [rung for rung, _ in case.record.claimed] == [Rung.RUNG_REMINDER, Rung.RUNG_BREACH]
