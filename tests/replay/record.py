"""Records the committed histories anew: `make histories`, after a change that no running workflow may meet.

A history of every workflow type, from the fake town of the workflow tests, on skipped time.
"""

from __future__ import annotations

import asyncio
import json
import re
import socket
import tempfile
from pathlib import Path
from typing import Any

from google.type.date_pb2 import Date
from temporalio.client import Client, WorkflowHistory
from temporalio.testing import TimeSkipper, TimeSkippingConfig, WorkflowEnvironment

from services.kernel.codes import BATCH_TASK_QUEUE, CaseState, Event, Stage, WorkflowType
from socialcare.common.v1.flow_pb2 import BillingRunStart, DailyRunStart, Happened
from socialcare.common.v1.types_pb2 import YearMonth
from tests.workflow.cases import SUBMITTED, CaseDriver, day, eventually
from tests.workflow.conftest import dev_server_arguments, temporal_binary, worker_settings
from tests.workflow.test_home_patronage import assess, sign
from tests.workflow.town import Town, serving
from workflows.channels import open_channels
from workflows.search_attributes import REGISTRY
from workflows.wire import timestamp
from workflows.worker import workers

HISTORIES = Path(__file__).parent / "histories"


async def _case(skipper: TimeSkipper, town: Town) -> list[WorkflowHistory]:
    case = CaseDriver(skipper, town)
    await case.start(CaseState.DOCS_PENDING, day("2026-01-23"))
    await case.say(Stage.INTAKE, Event.REGISTERED, day("2026-01-20"))
    await case.move_to(day("2026-01-20"))
    await assess(case)
    await sign(case)
    await case.move_to(day("2026-02-09"))
    case.record.care = [(day("2026-03-02"), CaseState.PAUSED), (day("2026-03-09"), CaseState.IN_SERVICE)]
    await case.say(Stage.DELIVERY, Event.PAUSE_CHANGED, day("2026-02-20"), day("2026-03-02"))
    await case.move_to(day("2026-03-09"))
    case.record.care = [(day("2026-03-16"), CaseState.TERMINATED)]
    await case.say(Stage.PLACEMENT, Event.TERMINATION_RECORDED, day("2026-03-10"), day("2026-03-16"))
    await case.move_to(day("2026-03-16"))
    await case.end()
    return await case.runs()


async def _run(client: Client, kind: WorkflowType, start: Any) -> WorkflowHistory:
    handle = await client.start_workflow(
        kind.value,
        start,
        id=f"{'daily' if kind is WorkflowType.DAILY_DELIVERY else 'billing-run'}/RECORDED",
        task_queue=BATCH_TASK_QUEUE,
    )
    if kind is WorkflowType.BILLING_RUN:

        async def at_the_gate() -> bool:
            return (await handle.describe()).search_attributes.get("WaitingFor") == ["BILLING_CLERK"]

        await eventually(at_the_gate)
        await handle.signal(
            "happened",
            Happened(
                stage="STAGE_BILLING", sequence=1, event="CASE_EVENT_RUN_APPROVED", event_time=timestamp(SUBMITTED)
            ),
        )
    await handle.result()
    return await handle.fetch_history()


async def _found(client: Client, town: Town, directory: Path) -> dict[WorkflowType, WorkflowHistory]:
    settings = worker_settings(town, directory)
    channels = open_channels(settings)
    cases, batches = workers(client, settings, channels)
    async with cases, batches:
        application, care = await _case(TimeSkipper(client, config=TimeSkippingConfig(enabled=False)), town)
        daily = DailyRunStart(municipality_id="TEST-TOWN", on_date=Date(year=2026, month=2, day=10))
        month = BillingRunStart(municipality_id="TEST-TOWN", month=YearMonth(year=2026, month=2))
        found = {
            WorkflowType.APPLICATION: application,
            WorkflowType.CARE: care,
            WorkflowType.DAILY_DELIVERY: await _run(client, WorkflowType.DAILY_DELIVERY, daily),
            WorkflowType.BILLING_RUN: await _run(client, WorkflowType.BILLING_RUN, month),
        }
    for channel in channels.values():
        await channel.close()
    return found


def _without_machine(value: Any) -> Any:
    """The history without process and host names of the machine that recorded it."""
    if isinstance(value, dict):
        return {key: "recorder" if key == "identity" else _without_machine(inner) for key, inner in value.items()}
    if isinstance(value, str):
        return re.sub(rf"^\d+@{re.escape(socket.gethostname())}", "recorder", value)
    if isinstance(value, list):
        return [_without_machine(inner) for inner in value]
    return value


async def record() -> None:
    """Write every history."""
    environment = await WorkflowEnvironment.start_local(
        dev_server_existing_path=temporal_binary(),
        search_attributes=list(REGISTRY),
        dev_server_extra_args=dev_server_arguments(),
        dev_server_log_level="error",
    )
    async with serving(Town(auto_approve=False)) as town:
        with tempfile.TemporaryDirectory() as directory:
            found = await _found(environment.client, town, Path(directory))
    await environment.shutdown()
    for kind, history in found.items():
        text = json.dumps(_without_machine(history.to_json_dict()), ensure_ascii=False, indent=1)
        (HISTORIES / f"{kind.value}.json").write_text(text + "\n", encoding="utf-8")
    await asyncio.sleep(0.5)


if __name__ == "__main__":
    asyncio.run(record())
