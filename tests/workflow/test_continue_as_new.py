"""A long history goes on anew and forgets nothing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from temporalio.testing import TimeSkipper, TimeSkippingConfig, WorkflowEnvironment

from services.kernel.codes import CaseState, Event, Stage
from tests.workflow.cases import CaseDriver, day
from tests.workflow.conftest import dev_server_arguments, temporal_binary, worker_settings
from tests.workflow.known import Town
from tests.workflow.test_home_patronage import assess, sign
from tests.workflow.town import serving
from workflows.channels import open_channels
from workflows.search_attributes import REGISTRY
from workflows.worker import workers

pytestmark = pytest.mark.temporal


@pytest.fixture
async def short_runs(tmp_path: Path) -> AsyncIterator[CaseDriver]:
    """A case on a server that suggests a new run after a few events."""
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
            yield CaseDriver(TimeSkipper(environment.client, config=TimeSkippingConfig(enabled=False)), town)
        for channel in channels.values():
            await channel.close()
    await environment.shutdown()


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
