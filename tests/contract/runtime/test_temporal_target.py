from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from temporalio.client import Client, WorkflowExecutionStatus

from cli.local.ports import free_port
from cli.local.temporal import LocalTemporal
from services.kernel.case_flow import SearchAttribute
from services.kernel.codes import Stage
from services.runtime.outbox import OutboxKind
from services.runtime.temporal_target import Attempt, OutboxRow, TemporalTarget, Verdict
from socialcare.common.v1 import flow_pb2

pytestmark = pytest.mark.temporal

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
CODES = '{"service_code": "HSP", "district_code": "SERDIKA", "case_state": "REGISTERED"}'


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalTemporal]:
    local = LocalTemporal(tmp_path_factory.mktemp("temporal") / "t.db", free_port(), free_port())
    attributes = (SearchAttribute.MUNICIPALITY, SearchAttribute.SERVICE_CODE, SearchAttribute.DISTRICT)
    options = [f"--search-attribute={name}=Keyword" for name in (*attributes, SearchAttribute.CASE_STAGE)]
    with subprocess.Popen([*local.command(), *options]) as process:
        yield local
        process.terminate()


@pytest.fixture(scope="module")
async def client(server: LocalTemporal) -> AsyncIterator[Client]:
    for _ in range(100):
        try:
            connected = await Client.connect(server.address, namespace=server.namespace)
            break
        except RuntimeError:
            await asyncio.sleep(0.1)
    yield connected
    await asyncio.sleep(0.5)


def row(seq: int, *, kind: OutboxKind, workflow_id: str) -> OutboxRow:
    starts = kind is OutboxKind.START
    return OutboxRow(
        id=seq,
        case_id="a",
        seq=seq,
        municipality_id="SOF",
        workflow_id=workflow_id,
        kind=kind,
        workflow_type="ApplicationWorkflow" if starts else None,
        task_queue="nobody-listens" if starts else None,
        event="" if starts else "REGISTERED",
        instant=NOW,
        due=None,
        ref=None,
        start_type="socialcare.common.v1.CaseStart" if starts else None,
        start_input='{"applicationId": "a"}' if starts else None,
        start_attributes=CODES if starts else None,
        attempts=0,
    )


async def test_a_start_shows_its_codes_and_may_be_repeated(client: Client) -> None:
    target = TemporalTarget(client, Stage.INTAKE)
    start = row(1, kind=OutboxKind.START, workflow_id="case/1")
    assert [(await target.attempt(start)).verdict for _ in range(2)] == [Verdict.DELIVERED] * 2
    described = await client.get_workflow_handle("case/1").describe()
    assert described.status is WorkflowExecutionStatus.RUNNING
    assert described.workflow_type == "ApplicationWorkflow"
    shown = {pair.key.name: pair.value for pair in described.typed_search_attributes}
    assert shown == {"Municipality": "SOF", "ServiceCode": "HSP", "District": "SERDIKA", "CaseStage": "REGISTERED"}
    assert await described.static_summary() == "HSP · SERDIKA"


async def test_a_signal_carries_its_typed_message(client: Client) -> None:
    target = TemporalTarget(client, Stage.INTAKE)
    await target.attempt(row(1, kind=OutboxKind.START, workflow_id="case/2"))
    await target.attempt(row(2, kind=OutboxKind.SIGNAL, workflow_id="case/2"))
    history = await client.get_workflow_handle("case/2").fetch_history()
    (event,) = (one for one in history.events if one.HasField("workflow_execution_signaled_event_attributes"))
    signaled = event.workflow_execution_signaled_event_attributes
    (happened,) = await client.data_converter.decode(signaled.input.payloads, [flow_pb2.Happened])
    assert signaled.signal_name == "happened"
    assert (happened.sequence, happened.event) == (2, flow_pb2.CASE_EVENT_REGISTERED)


async def test_a_signal_to_an_unknown_workflow_waits(client: Client) -> None:
    attempt = await TemporalTarget(client, Stage.INTAKE).attempt(row(2, kind=OutboxKind.SIGNAL, workflow_id="case/no"))
    assert attempt == Attempt(Verdict.LATER, "WORKFLOW_NOT_FOUND")


@pytest.mark.parametrize("kind", list(OutboxKind))
async def test_nothing_can_be_delivered_to_a_closed_workflow(client: Client, kind: OutboxKind) -> None:
    target = TemporalTarget(client, Stage.INTAKE)
    await target.attempt(row(1, kind=OutboxKind.START, workflow_id=f"case/closed-{kind}"))
    await client.get_workflow_handle(f"case/closed-{kind}").terminate()
    attempt = await target.attempt(row(2, kind=kind, workflow_id=f"case/closed-{kind}"))
    assert attempt == Attempt(Verdict.CLOSED, "ALREADY_CLOSED")


@pytest.mark.parametrize("ended", [True, False])
async def test_a_signal_that_says_how_starts_an_ended_workflow_anew(client: Client, *, ended: bool) -> None:
    workflow_id = f"case/reopened-{ended}"
    target = TemporalTarget(client, Stage.INTAKE)
    if ended:
        await target.attempt(row(1, kind=OutboxKind.START, workflow_id=workflow_id))
        await client.get_workflow_handle(workflow_id).terminate()
    start = row(2, kind=OutboxKind.START, workflow_id=workflow_id)
    letter = replace(start, kind=OutboxKind.SIGNAL, event="APPEAL_FILED")
    assert [(await target.attempt(letter)).verdict for _ in range(2)] == [Verdict.DELIVERED] * 2
    described = await client.get_workflow_handle(workflow_id).describe()
    assert described.status is WorkflowExecutionStatus.RUNNING
    history = await client.get_workflow_handle(workflow_id).fetch_history()
    assert sum(one.HasField("workflow_execution_signaled_event_attributes") for one in history.events) == 2


async def test_a_missing_namespace_and_an_absent_server_are_away(server: LocalTemporal, client: Client) -> None:
    elsewhere = await Client.connect(server.address, namespace="none", lazy=True)
    signal = row(2, kind=OutboxKind.SIGNAL, workflow_id="case/1")
    assert (await TemporalTarget(elsewhere, Stage.INTAKE).attempt(signal)).verdict is Verdict.AWAY
    nowhere = await Client.connect("127.0.0.1:1", lazy=True)
    assert (await TemporalTarget(nowhere, Stage.INTAKE).attempt(signal)).verdict is Verdict.AWAY
