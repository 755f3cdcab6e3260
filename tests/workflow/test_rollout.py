"""Two builds of the worker side by side on a real Temporal server: a rolling upgrade, and a rollback in its middle."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from temporalio import workflow
from temporalio.api.deployment.v1 import WorkerDeploymentVersion
from temporalio.api.workflow.v1 import VersioningOverride, WorkflowExecutionOptions
from temporalio.api.workflowservice.v1 import UpdateWorkflowExecutionOptionsRequest
from temporalio.client import Client, WorkflowHandle
from temporalio.common import VersioningBehavior
from temporalio.testing import TimeSkipper, TimeSkippingConfig
from temporalio.worker import UnsandboxedWorkflowRunner

from cli.local.rollout import BuildUnknown, builds, roll_out
from cli.registration import register
from services.kernel.codes import CaseState, Event, Stage, WorkflowType
from services.runtime.temporal_connection import TemporalConnection
from socialcare.assessment.v1.resources_pb2 import AssessmentState
from socialcare.common.v1.flow_pb2 import CaseCarry, CaseStart, NextDue
from tests.workflow.cases import PATIENCE_SECONDS, CaseDriver, day, eventually
from tests.workflow.conftest import worker_settings
from tests.workflow.known import Town
from tests.workflow.test_runs import approval, start_billing
from workflows import worker as worker_module
from workflows.case.application import ApplicationWorkflow
from workflows.case.care import CareWorkflow
from workflows.channels import open_channels
from workflows.worker import workers

pytestmark = pytest.mark.temporal

DEPLOYMENT = "socialcare"
WAY = [
    CaseState.ASSESSMENT_SCHEDULED,
    CaseState.ELIGIBLE,
    CaseState.CONTRACTED,
    CaseState.IN_SERVICE,
    CaseState.TERMINATED,
]


@workflow.defn(name=WorkflowType.APPLICATION.value)
class ChangedWorkflow(ApplicationWorkflow):
    """A later release: cases that begin with it leave a mark that earlier code does not know."""

    @workflow.init
    def __init__(self, start: CaseStart, carry: CaseCarry | None = None) -> None:
        super().__init__(start, carry)

    @workflow.run
    async def run(self, start: CaseStart, carry: CaseCarry | None = None) -> str:
        workflow.patched("a-later-release")
        return await super().run(start, carry)


@pytest.fixture
async def elsewhere(temporal: Client) -> Client:
    """A namespace of its own: what one deployment does must not reach the workers of other tests."""
    connection = TemporalConnection(
        temporal_address=temporal.service_client.config.target_host,
        temporal_namespace=f"rollout-{uuid.uuid4().hex[:8]}",
    )
    await register(connection)
    return await connection.connect_temporal()


@pytest.fixture
def makes_case(elsewhere: Client, town: Town) -> Any:
    skipper = TimeSkipper(elsewhere, config=TimeSkippingConfig(enabled=False))
    return lambda: CaseDriver(skipper, town)


@asynccontextmanager
async def build(client: Client, town: Town, directory: Path, build_id: str) -> AsyncIterator[None]:
    """A worker of the build, until the end of the block."""
    settings = worker_settings(town, directory).model_copy(update={"worker_build_id": build_id})
    channels = open_channels(settings)
    cases, batches = workers(client, settings, channels)
    async with cases, batches:
        yield
    for channel in channels.values():
        await channel.close()


@asynccontextmanager
async def later_build(client: Client, town: Town, directory: Path) -> AsyncIterator[None]:
    """Build 2, whose code differs."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(worker_module, "CASE_WORKFLOWS", (ChangedWorkflow, CareWorkflow))
        patch.setattr(worker_module, "workflow_runner", UnsandboxedWorkflowRunner)
        context = build(client, town, directory, "2")
        await context.__aenter__()
    try:
        yield
    finally:
        await context.__aexit__(None, None, None)


async def take_over(client: Client, build_id: str) -> None:
    await roll_out(client, DEPLOYMENT, build_id, 100, 30)


async def build_of(handle: WorkflowHandle[Any, Any]) -> str:
    """Build that did the last workflow task."""
    info = (await handle.describe()).raw_description.workflow_execution_info.versioning_info
    return str(info.deployment_version.build_id)


async def assess(case: CaseDriver) -> None:
    case.record.assessment = AssessmentState.ASSESSMENT_STATE_VISIT_SCHEDULED
    await case.say(Stage.ASSESSMENT, Event.VISIT_SCHEDULED, day("2026-01-20"), day("2026-01-24"))
    await case.say(Stage.ASSESSMENT, Event.VISIT_COMPLETED, day("2026-01-22"), day("2026-02-10"))
    case.record.placement_end = day("2026-02-24")
    await case.say(Stage.ASSESSMENT, Event.ASSESSMENT_COMPLETED, day("2026-01-23"))


async def sign_and_end(case: CaseDriver) -> None:
    case.record.care = [(day("2026-02-09"), CaseState.IN_SERVICE)]
    await case.say(Stage.PLACEMENT, Event.CONTRACT_SIGNED, day("2026-01-28"), day("2026-02-09"))
    await case.move_to(day("2026-02-09"))
    case.record.care = [(day("2026-03-16"), CaseState.TERMINATED)]
    await case.say(Stage.PLACEMENT, Event.TERMINATION_RECORDED, day("2026-03-10"), day("2026-03-16"))
    await case.move_to(day("2026-03-16"))
    assert await case.end() == "TERMINATED"


def assert_nothing_lost_or_doubled(cases: Sequence[CaseDriver]) -> None:
    for case in cases:
        assert case.record.way == WAY
        assert case.town.calls_of("ClosePlacement", case.id) == 1


async def test_cases_of_build_1_finish_while_build_2_takes_new_ones(
    elsewhere: Client, town: Town, makes_case: Any, tmp_path: Path
) -> None:
    async with build(elsewhere, town, tmp_path, "1"):
        await take_over(elsewhere, "1")
        begun_before, town.auto_approve = makes_case(), False
        await begun_before.start()
        await assess(begun_before)
        run = await start_billing(elsewhere)
        await eventually(lambda: _at_the_gate(run))
        async with later_build(elsewhere, town, tmp_path):
            await take_over(elsewhere, "2")
            begun_after = makes_case()
            await begun_after.start()
            await assess(begun_after)
            assert await build_of(begun_after.handle) == "2"
            await sign_and_end(begun_before)
            await sign_and_end(begun_after)
            await run.signal("happened", approval())
            assert await asyncio.wait_for(run.result(), PATIENCE_SECONDS) == "FINISHED"
            # A case goes on with the current build, a run ends with the one that began it.
            assert await build_of(begun_before.handle) == "2"
            assert await build_of(run) == "1"
            assert (await builds(elsewhere, DEPLOYMENT))[0] == "2  current"
    assert_nothing_lost_or_doubled([begun_before, begun_after])


async def test_a_rollback_in_the_middle_loses_nothing(
    elsewhere: Client, town: Town, makes_case: Any, tmp_path: Path
) -> None:
    async with build(elsewhere, town, tmp_path, "1"):
        await take_over(elsewhere, "1")
        begun_before = makes_case()
        await begun_before.start()
        async with later_build(elsewhere, town, tmp_path):
            await take_over(elsewhere, "2")
            begun_after = makes_case()
            await begun_after.start()
            await assess(begun_before)
            await assess(begun_after)
            assert [await build_of(case.handle) for case in (begun_before, begun_after)] == ["2", "2"]

            # What build 2 began has its mark, which build 1 does not know.
            await _pin(begun_after.handle, "2")
            await take_over(elsewhere, "1")
            started_again = makes_case()
            await started_again.start()
            await assess(started_again)
            await sign_and_end(begun_before)
            await sign_and_end(begun_after)
            await sign_and_end(started_again)
            assert await build_of(begun_before.handle) == "1"
            assert await build_of(started_again.handle) == "1"
    assert_nothing_lost_or_doubled([begun_before, begun_after, started_again])


async def test_a_build_without_a_worker_does_not_take_over(elsewhere: Client, town: Town, tmp_path: Path) -> None:
    async with build(elsewhere, town, tmp_path, "1"):
        await take_over(elsewhere, "1")
        with pytest.raises(BuildUnknown, match="SOCIALCARE_WORKER_BUILD_ID=2"):
            await roll_out(elsewhere, DEPLOYMENT, "2", 100, 0)
        assert await builds(elsewhere, DEPLOYMENT) == ["1  current"]


async def test_a_share_of_the_work_goes_to_a_build_on_trial(elsewhere: Client, town: Town, tmp_path: Path) -> None:
    async with build(elsewhere, town, tmp_path, "1"), later_build(elsewhere, town, tmp_path):
        await take_over(elsewhere, "1")
        await roll_out(elsewhere, DEPLOYMENT, "2", 10, 30)
        assert sorted(await builds(elsewhere, DEPLOYMENT)) == ["1  current", "2  ramping, 10 percent"]


async def test_cases_begun_without_versioning_go_on_under_the_first_build(
    elsewhere: Client, town: Town, makes_case: Any, tmp_path: Path
) -> None:
    async with build(elsewhere, town, tmp_path, ""):
        case = makes_case()
        await case.start()
        assert await build_of(case.handle) == ""
    async with build(elsewhere, town, tmp_path, "1"):
        await take_over(elsewhere, "1")
        await assess(case)
        await sign_and_end(case)
        assert await build_of(case.handle) == "1"
    assert_nothing_lost_or_doubled([case])


async def _at_the_gate(run: WorkflowHandle[Any, Any]) -> bool:
    return bool((await run.query("next_due", result_type=NextDue)).settled)


async def _pin(handle: WorkflowHandle[Any, Any], build_id: str) -> None:
    """As `temporal workflow update-options --versioning-override-behavior pinned` does."""
    version = WorkerDeploymentVersion(deployment_name=DEPLOYMENT, build_id=build_id)
    pinned = VersioningOverride.PinnedOverride(
        behavior=VersioningOverride.PINNED_OVERRIDE_BEHAVIOR_PINNED, version=version
    )
    client = handle._client
    request = UpdateWorkflowExecutionOptionsRequest(
        namespace=client.namespace,
        workflow_execution_options=WorkflowExecutionOptions(versioning_override=VersioningOverride(pinned=pinned)),
    )
    request.workflow_execution.workflow_id = handle.id
    request.update_mask.paths.append("versioning_override")
    await client.workflow_service.update_workflow_execution_options(request)


def test_cases_upgrade_and_runs_stay() -> None:
    assert worker_module.CASE_BEHAVIOR is VersioningBehavior.AUTO_UPGRADE
    assert worker_module.BATCH_BEHAVIOR is VersioningBehavior.PINNED
