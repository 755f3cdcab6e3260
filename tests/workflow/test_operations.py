"""Registration, Schedules, reconcile."""

from __future__ import annotations

import asyncio
import uuid
from pathlib import Path

import grpc
import pytest
from temporalio.client import Client, ScheduleOverlapPolicy, WorkflowExecutionStatus

from services.delivery.domain.welfare import MissedVisit, opened
from services.kernel.codes import (
    CASE_TASK_QUEUE,
    CaseState,
    Stage,
    WorkflowType,
    arrears_workflow_id,
    case_workflow_id,
    welfare_workflow_id,
)
from socialcare.assessment.v1.resources_pb2 import AssessmentState
from socialcare.billing.v1.arrears_pb2 import ArrearsStart
from socialcare.common.v1.flow_pb2 import WelfareStart
from socialcare.common.v1.types_pb2 import YearMonth
from tests.workflow.cases import PATIENCE_SECONDS, CaseDriver, day, eventually
from tests.workflow.conftest import worker_settings
from tests.workflow.known import MINUTES, TOKEN, Town
from tests.workflow.town import live_case
from workflows.channels import TokenFile, open_channels
from workflows.reconcile import Repair, RepairKind, Stages, reconcile
from workflows.schedule_keeping import ScheduleKeeper
from workflows.schedules import register_schedules
from workflows.search_attributes import REGISTRY, register_search_attributes
from workflows.wire import timestamp

pytestmark = pytest.mark.temporal


async def repairs(client: Client, town: Town, directory: Path) -> list[Repair]:
    channels = open_channels(worker_settings(town, directory))
    stages = Stages(channels, [("authorization", f"Bearer {TOKEN}"), ("x-business-time", "2026-02-01T00:00:00Z")])
    found = [repair async for repair in reconcile(client, stages)]
    for channel in channels.values():
        await channel.close()
    return found


async def test_search_attributes_are_registered_once_and_fit_the_limits(temporal: Client) -> None:
    assert await register_search_attributes(temporal) == []
    kinds = [key.indexed_value_type for key in REGISTRY]
    assert kinds.count(2) <= 10
    assert all(kinds.count(kind) <= 3 for kind in set(kinds) - {2})


async def test_a_municipality_has_two_daily_and_a_monthly_schedule(temporal: Client) -> None:
    ids = [f"{kind}/PLAN-TOWN" for kind in ("daily", "billing-run", "arrears-sweep")]
    assert await register_schedules(temporal, ["PLAN-TOWN"]) == ids
    assert await register_schedules(temporal, ["PLAN-TOWN"]) == []
    described = await temporal.get_schedule_handle("billing-run/PLAN-TOWN").describe()
    assert described.schedule.policy.overlap is ScheduleOverlapPolicy.BUFFER_ALL
    assert described.schedule.spec.time_zone_name == "Europe/Sofia"
    assert all(
        time.astimezone(described.info.next_action_times[0].tzinfo).minute < 3
        for time in described.info.next_action_times
    )
    for schedule_id in ids:
        await temporal.get_schedule_handle(schedule_id).delete()


async def test_a_municipality_set_up_later_gets_its_schedules_from_a_running_worker(
    temporal: Client, town: Town, tmp_path: Path
) -> None:
    town.simulated = False
    town.municipalities = ["KEPT-1", "KEPT-2"]
    town.failures["ListMunicipalities"] = [(grpc.StatusCode.UNAVAILABLE, "TRY_AGAIN")]
    settings = worker_settings(town, tmp_path, clock="system")
    channels = open_channels(settings)
    keeper = ScheduleKeeper(temporal, channels[Stage.INTAKE], TokenFile(settings.token_file), settings.language)
    keeping = asyncio.create_task(keeper.keep(0.05))
    try:
        await eventually(lambda: _scheduled(temporal, {"daily/KEPT-1", "billing-run/KEPT-2"}))
        town.municipalities.append("KEPT-3")
        await eventually(lambda: _scheduled(temporal, {"daily/KEPT-3", "billing-run/KEPT-3"}))
        assert await keeper.register_all() == 0
    finally:
        keeping.cancel()
        await asyncio.gather(*(channel.close() for channel in channels.values()))
        for number in (1, 2, 3):
            for kind in ("daily", "billing-run", "arrears-sweep"):
                await temporal.get_schedule_handle(f"{kind}/KEPT-{number}").delete()


async def _scheduled(client: Client, wanted: set[str]) -> bool:
    return wanted <= {entry.id async for entry in await client.list_schedules()}


async def test_a_lost_case_is_rebuilt_in_its_present_state(
    worker: None, temporal: Client, town: Town, tmp_path: Path
) -> None:
    application = str(uuid.uuid4())
    town.cases[application].state = CaseState.REGISTERED
    town.cases[application].assessment = AssessmentState.ASSESSMENT_STATE_VISIT_SCHEDULED
    town.live = [live_case(application, CaseState.REGISTERED, intake=1)]
    town.sequences = {application: 1}
    (repair,) = await repairs(temporal, town, tmp_path)
    assert (repair.kind, repair.state) == (RepairKind.MISSING, CaseState.REGISTERED)

    async def caught_up() -> bool:
        return town.cases[application].state is CaseState.ASSESSMENT_SCHEDULED

    await eventually(caught_up)
    assert await repairs(temporal, town, tmp_path) == []


async def test_a_case_in_care_is_rebuilt_as_care(worker: None, temporal: Client, town: Town, tmp_path: Path) -> None:
    application = str(uuid.uuid4())
    town.cases[application].state = CaseState.CONTRACTED
    town.cases[application].care = [(day("2026-01-01"), CaseState.IN_SERVICE)]
    town.live = [live_case(application, CaseState.CONTRACTED, intake=1)]
    assert len(await repairs(temporal, town, tmp_path)) == 1

    async def in_service() -> bool:
        return town.cases[application].state is CaseState.IN_SERVICE

    await eventually(in_service)
    described = await temporal.get_workflow_handle(case_workflow_id(application)).describe()
    assert described.workflow_type == WorkflowType.CARE
    assert town.calls_of("Billing.CopyContract", application) == 1


async def test_a_correction_after_the_end_of_care_begins_the_case_anew_for_its_bill_only(
    worker: None, temporal: Client, town: Town
) -> None:
    application = str(uuid.uuid4())
    record = town.cases[application]
    record.state, record.care_state, record.corrected = (
        *(CaseState.TERMINATED, CaseState.TERMINATED),
        YearMonth(year=2026, month=3),
    )
    run = await temporal.start_workflow(
        WorkflowType.CARE.value,
        live_case(application, CaseState.TERMINATED),
        id=case_workflow_id(application),
        task_queue=CASE_TASK_QUEUE,
        result_type=str,
    )
    assert await asyncio.wait_for(run.result(), PATIENCE_SECONDS) == CaseState.TERMINATED
    assert [name for name, about, _ in town.calls if about == application] == [
        *("AdvanceCare", "RefreshServedDays", "ClosePlacement"),
    ]
    assert record.corrected is None


async def test_a_live_case_whose_workflow_ended_is_started_again(
    worker: None, temporal: Client, town: Town, tmp_path: Path
) -> None:
    application = str(uuid.uuid4())
    start = live_case(application, CaseState.REGISTERED, intake=1)
    handle = await temporal.start_workflow(
        WorkflowType.APPLICATION.value, start, id=case_workflow_id(application), task_queue=CASE_TASK_QUEUE
    )
    await handle.terminate()
    town.live = [start]
    (repair,) = await repairs(temporal, town, tmp_path)
    assert repair.kind is RepairKind.CLOSED


async def test_a_case_held_after_a_refusal_is_woken_and_goes_on(
    case: CaseDriver, temporal: Client, town: Town, tmp_path: Path
) -> None:
    town.failures["OpenPlacement"] = [(grpc.StatusCode.UNIMPLEMENTED, "NOT_SUPPORTED_YET")]
    case.record.assessment = AssessmentState.ASSESSMENT_STATE_COMPLETED
    await case.start()
    assert await case.attribute("WaitingFor") == "OPERATOR"
    town.live = [live_case(case.id, CaseState.ELIGIBLE, intake=1)]
    (repair,) = await repairs(temporal, town, tmp_path)
    assert repair.kind is RepairKind.HELD
    await case.settled()
    assert (await case.attribute("WaitingFor"), await case.attribute("Outcome")) == ("APPLICANT", None)
    assert await repairs(temporal, town, tmp_path) == []


async def test_a_lost_welfare_check_and_lost_arrears_are_started_from_what_their_services_know(
    worker: None, temporal: Client, town: Town, tmp_path: Path
) -> None:
    check, invoice = str(uuid.uuid4()), str(uuid.uuid4())
    begun = day("2026-02-01")
    visit = MissedVisit(check, str(uuid.uuid4()), "TOWN", "ISKAR", "HSP", "MAIN", "HSP_MEAL_DELIVERY", begun.date())
    town.checks[check] = opened(visit, MINUTES, begun)
    town.arrears = [(begun, "REMINDED", 1), (day("2026-04-09"), "REMINDED", 2)]
    town.live_checks = [WelfareStart(check_id=check, municipality_id="TOWN", business_start_time=timestamp(begun))]
    town.live_arrears = [ArrearsStart(invoice_id=invoice, municipality_id="TOWN", business_start_time=timestamp(begun))]
    found = await repairs(temporal, town, tmp_path)
    assert {(repair.workflow_id, repair.workflow_type, repair.kind) for repair in found} == {
        (welfare_workflow_id(check), WorkflowType.WELFARE_CHECK, RepairKind.MISSING),
        (arrears_workflow_id(invoice), WorkflowType.ARREARS, RepairKind.MISSING),
    }
    for repair in found:
        described = await temporal.get_workflow_handle(repair.workflow_id).describe()
        assert described.status is WorkflowExecutionStatus.RUNNING
    assert await repairs(temporal, town, tmp_path) == []
    await temporal.get_workflow_handle(welfare_workflow_id(check)).terminate()
    (again,) = await repairs(temporal, town, tmp_path)
    assert (again.workflow_id, again.kind) == (welfare_workflow_id(check), RepairKind.CLOSED)


async def test_arrears_that_are_open_though_their_workflow_ended_are_led_on(
    worker: None, temporal: Client, town: Town, tmp_path: Path
) -> None:
    invoice, begun = str(uuid.uuid4()), day("2026-02-01")
    start = ArrearsStart(invoice_id=invoice, municipality_id="TOWN", business_start_time=timestamp(begun))
    town.arrears = [(begun, "SETTLED", 1)]
    workflow_id = arrears_workflow_id(invoice)
    ended = await temporal.start_workflow(
        WorkflowType.ARREARS.value, start, id=workflow_id, task_queue=CASE_TASK_QUEUE, result_type=str
    )
    assert await ended.result() == "SETTLED"
    town.arrears, town.live_arrears = [(begun, "TO_DECIDE", 3)], [start]
    (repair,) = await repairs(temporal, town, tmp_path)
    assert (repair.workflow_id, repair.kind) == (workflow_id, RepairKind.CLOSED)
    described = await temporal.get_workflow_handle(workflow_id).describe()
    assert described.status is WorkflowExecutionStatus.RUNNING
    assert await repairs(temporal, town, tmp_path) == []
