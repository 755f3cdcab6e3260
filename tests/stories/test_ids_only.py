"""Design law 4: outside the databases there are opaque ids and closed codes only.

HSP-01 is played, then everything that the system has written elsewhere is searched for its personal data. Before that,
a leak planted at each place must be found: a search that finds nothing proves nothing.
"""

from __future__ import annotations

import asyncio
import urllib.request
from collections.abc import AsyncIterator, Iterator

import pytest
from rich.console import Console
from temporalio.client import Client, WorkflowExecution

from cli.local.stack import LocalStack
from cli.stories.playing import Verdict
from cli.stories.session import connected, play_all
from services.kernel.codes import WorkflowType, case_workflow_id
from tests.stories.history_text import executions, history_fragments
from tests.stories.hsp_01 import HSP_01
from tests.stories.leaks import Fragment, Leak, leaks_in, log_fragments, metric_fragments, secrets_of
from tests.stories.planted import LEAKED, PLANTS, PREFIX, leaking_worker

pytestmark = pytest.mark.stack

SECRETS = secrets_of(HSP_01)
PATIENCE_SECONDS = 30


@pytest.fixture(scope="module")
async def client(stack: LocalStack) -> AsyncIterator[Client]:
    async with connected(stack.state) as (_, client):
        yield client


@pytest.fixture(scope="module")
async def planted(client: Client) -> AsyncIterator[dict[str, list[Leak]]]:
    """What is found in a workflow that leaks at a place, by place."""
    async with leaking_worker(client):
        for number, plant in enumerate(PLANTS.values()):
            await plant(client, f"{PREFIX}{number}")
        found = {place: await leaks_of(client, f"{PREFIX}{number}") for number, place in enumerate(PLANTS)}
    yield found
    async for execution in executions(client, "ExecutionStatus = 'Running'"):
        if execution.id.startswith(PREFIX):
            await client.get_workflow_handle(execution.id).terminate()


async def leaks_of(client: Client, prefix: str) -> list[Leak]:
    """Leaks of the workflow whose id begins so; waits for it to get so far."""
    for _ in range(PATIENCE_SECONDS * 5):
        found = [each async for each in executions(client) if f"{each.id}/".startswith(f"{prefix}/")]
        leaks = [leak for each in found for leak in leaks_in(await history_fragments(client, each), SECRETS)]
        if leaks:
            return leaks
        await asyncio.sleep(0.2)
    return []


@pytest.fixture(scope="module")
async def played(stack: LocalStack) -> Verdict:
    (verdict,) = await play_all([HSP_01], stack.state, Console(quiet=True))
    return verdict


async def own_executions(client: Client) -> list[WorkflowExecution]:
    return [each async for each in executions(client) if not each.id.startswith(PREFIX)]


def logs_of(stack: LocalStack) -> Iterator[Fragment]:
    for file in sorted(stack.state.logs.glob("*.log")):
        yield from log_fragments(file.name, file.read_text(encoding="utf-8", errors="replace"))


def scrapes_of(stack: LocalStack) -> dict[str, str]:
    state = stack.state
    addresses = [*state.service_metrics.values(), state.worker_metrics, state.temporal_metrics]
    scrapes = {}
    for address in filter(None, addresses):
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=10) as answer:
            scrapes[address] = answer.read().decode()
    return scrapes


@pytest.mark.parametrize("place", PLANTS)
async def test_a_leak_planted_in_a_workflow_is_found(place: str, planted: dict[str, list[Leak]]) -> None:
    assert {"given name", "family name", "identifier"} <= {leak.what for leak in planted[place]}


async def test_a_leak_planted_in_a_log_is_found(stack: LocalStack) -> None:
    file = stack.state.logs / "planted.log"
    file.write_text(f'{{"event": "submitted", "person": "{LEAKED}"}}\n', encoding="utf-8")
    try:
        leaks = leaks_in(logs_of(stack), SECRETS)
    finally:
        file.unlink()

    assert {leak.what for leak in leaks if leak.where.startswith("planted.log:1")} >= {"family name", "identifier"}


async def test_a_leak_planted_in_a_scrape_is_found(stack: LocalStack) -> None:
    for address, text in scrapes_of(stack).items():
        planted = f'{text}\nsocialcare_applications{{person="{LEAKED}",income="331.70"}} 1\n'

        leaks = leaks_in(metric_fragments(address, planted), SECRETS)

        assert {leak.what for leak in leaks} == {"given name", "family name", "identifier", "income"}


async def test_no_history_knows_more_than_ids_and_codes(
    planted: dict[str, list[Leak]], played: Verdict, client: Client
) -> None:
    assert all(planted.values())
    assert played.passed, played.findings
    runs = await own_executions(client)
    own_case = case_workflow_id(played.cases["main"])
    assert {run.workflow_type for run in runs if run.id == own_case} == {
        WorkflowType.APPLICATION.value,
        WorkflowType.CARE.value,
    }

    fragments = [fragment for run in runs for fragment in await history_fragments(client, run)]
    assert any(each.where.startswith(own_case) and each.where.endswith("current_details") for each in fragments)

    assert leaks_in(fragments, SECRETS) == []


async def test_no_log_line_knows_more_than_ids_and_codes(played: Verdict, stack: LocalStack) -> None:
    assert played.passed, played.findings
    fragments = list(logs_of(stack))
    assert any("intake.log" in fragment.where for fragment in fragments)

    assert leaks_in(fragments, SECRETS) == []


async def test_no_scrape_knows_more_than_ids_and_codes(played: Verdict, stack: LocalStack) -> None:
    assert played.passed, played.findings
    scrapes = scrapes_of(stack)
    assert "grpc_server_handled_total" in "".join(scrapes.values())

    for address, text in scrapes.items():
        assert leaks_in(metric_fragments(address, text), SECRETS) == []
