"""A long history goes on anew and forgets nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from temporalio.client import Client
from temporalio.testing import TimeSkipper, TimeSkippingConfig, WorkflowEnvironment

from services.kernel.codes import CaseState, Event, Stage
from tests.workflow.cases import CaseDriver, day, eventually
from tests.workflow.conftest import dev_server_arguments, temporal_binary, worker_settings
from tests.workflow.known import Town
from tests.workflow.test_home_patronage import assess, sign
from tests.workflow.test_month_gate import CLERK, ask, details, ended, hours_pass, start, waits
from tests.workflow.town import serving
from workflows.channels import open_channels
from workflows.search_attributes import REGISTRY
from workflows.worker import workers

pytestmark = pytest.mark.temporal


@pytest.fixture
async def short_world(tmp_path: Path) -> AsyncIterator[tuple[Client, Town]]:
    """A town on a server that suggests a new run after a few events."""
    environment = await WorkflowEnvironment.start_local(
        dev_server_existing_path=temporal_binary(),
        search_attributes=list(REGISTRY),
        dev_server_extra_args=dev_server_arguments("limit.historyCount.suggestContinueAsNew=20"),
        dev_server_log_level="error",
    )
    async with serving(Town()) as town:
        settings = worker_settings(town, tmp_path)
        channels = open_channels(settings)
        cases, batches = workers(environment.client, settings, channels)
        async with cases, batches:
            yield environment.client, town
        for channel in channels.values():
            await channel.close()
    await environment.shutdown()


@pytest.fixture
async def short_client(short_world: tuple[Client, Town]) -> Client:
    return short_world[0]


@pytest.fixture
async def short_town(short_world: tuple[Client, Town]) -> Town:
    return short_world[1]


@pytest.fixture
async def short_runs(short_client: Client, short_town: Town) -> CaseDriver:
    """A case there."""
    return CaseDriver(TimeSkipper(short_client, config=TimeSkippingConfig(enabled=False)), short_town)


async def test_a_month_that_goes_on_anew_at_its_gate_shows_its_review_again(
    short_client: Client, short_town: Town
) -> None:
    client, town = short_client, short_town
    town.auto_approve = False
    run = await start(client)
    await waits(run)
    town.drafts = "b" * 64
    await hours_pass(client, run)
    run = client.get_workflow_handle(run.id, result_type=str)

    async def shows() -> bool:
        return "b" * 64 in await details(run)

    await eventually(shows)
    assert (await run.describe()).raw_description.workflow_execution_info.first_run_id != (await run.describe()).run_id
    assert await ask(run, "approve", {**CLERK, "reason_code": "REVIEWED"}) == {"state": "APPROVED"}
    assert await ended(run) == "FINISHED"
    assert town.read == ["b" * 64]


async def test_a_case_cut_into_short_runs_takes_the_same_way(short_runs: CaseDriver) -> None:
    case = short_runs
    await case.start()
    scheduled = await case.say(Stage.ASSESSMENT, Event.VISIT_SCHEDULED, day("2026-01-19"), day("2026-01-24"))
    await assess(case)
    await case.deliver(scheduled)
    await sign(case)
    await case.move_to(day("2026-02-09"))
    assert len(await case.runs()) > 2
    assert case.record.way == [
        CaseState.ASSESSMENT_SCHEDULED,
        CaseState.ELIGIBLE,
        CaseState.CONTRACTED,
        CaseState.IN_SERVICE,
    ]
    requests = [request for _, about, request in case.town.calls if about == case.id]
    assert len(requests) == len(set(requests))
    assert await case.attribute("Municipality") == "TEST-TOWN"
