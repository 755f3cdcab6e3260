"""The stored histories: one file a distinct way through a workflow, and what a history says of the way it took."""

from __future__ import annotations

import gzip
import json
import re
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from google.protobuf import json_format, symbol_database
from google.protobuf.message import Message
from temporalio.api.common.v1 import Payload, Payloads
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowHistory

from services.kernel.codes import CaseState, Event, WorkflowType
from socialcare.common.v1.flow_pb2 import CaseStart, Happened
from socialcare.intake.v1.intake_service_pb2 import AdvanceCaseRequest, DecideEligibilityResponse
from workflows.wire import case_event, case_state

HISTORIES = Path(__file__).parent / "histories"
SUFFIX = ".json.gz"


def names() -> list[str]:
    """Names of the stored histories: where each was lived, then its workflow type."""
    return sorted(file.name.removesuffix(SUFFIX) for file in HISTORIES.glob(f"*{SUFFIX}"))


def read(name: str) -> WorkflowHistory:
    text = gzip.decompress((HISTORIES / f"{name}{SUFFIX}").read_bytes()).decode()
    return WorkflowHistory.from_json(f"recorded/{name}", text)


def write(name: str, history: WorkflowHistory) -> None:
    text = json.dumps(_without_machine(history.to_json_dict()), ensure_ascii=False, separators=(",", ":"))
    (HISTORIES / f"{name}{SUFFIX}").write_bytes(gzip.compress(text.encode(), mtime=0))


def _without_machine(value: Any) -> Any:
    """The history without process and host names of the machine that recorded it."""
    if isinstance(value, dict):
        return {key: "recorder" if key == "identity" else _without_machine(inner) for key, inner in value.items()}
    if isinstance(value, str):
        return re.sub(rf"^\d+@{re.escape(socket.gethostname())}", "recorder", value)
    if isinstance(value, list):
        return [_without_machine(inner) for inner in value]
    return value


def type_of(history: WorkflowHistory) -> WorkflowType:
    return WorkflowType(history.events[0].workflow_execution_started_event_attributes.workflow_type.name)


def way_of(history: WorkflowHistory) -> tuple[str, ...]:
    """The commands of the workflow and the messages between them, without instants and ids."""
    return (type_of(history).value, *(step for event in history.events if (step := _step(event))))


def _step(event: HistoryEvent) -> str:
    if event.HasField("activity_task_scheduled_event_attributes"):
        return event.activity_task_scheduled_event_attributes.activity_type.name
    if event.HasField("workflow_execution_signaled_event_attributes"):
        return " ".join(f"<- {said.event}" for said in messages(event, Happened))
    if event.HasField("workflow_execution_continued_as_new_event_attributes"):
        return "-> " + event.workflow_execution_continued_as_new_event_attributes.workflow_type.name
    for kind in (
        "timer_started",
        "timer_canceled",
        "upsert_workflow_search_attributes",
        "workflow_execution_completed",
        "workflow_execution_failed",
        "workflow_execution_update_accepted",
        "workflow_execution_update_completed",
    ):
        if event.HasField(f"{kind}_event_attributes"):  # type: ignore[arg-type]  # names are made up from the kinds.
            return kind
    return ""


def events_in(history: WorkflowHistory) -> set[Event]:
    """Everything that was said to the workflow."""
    return {case_event(said.event) for event in history.events for said in messages(event, Happened)}


def states_in(history: WorkflowHistory) -> set[CaseState]:
    """Every state in which the case started, to which the flow moved it, or into which a decision brought it."""
    states = {case_state(start.state) for start in messages(history.events[0], CaseStart)}
    for event in history.events:
        states |= {case_state(move.to_state) for move in messages(event, AdvanceCaseRequest)}
        states |= {case_state(answer.state) for answer in messages(event, DecideEligibilityResponse)}
    return states


def end_of(history: WorkflowHistory) -> str:
    """What the run ended with: its result, the workflow type that goes on, or nothing."""
    last = history.events[-1]
    if last.HasField("workflow_execution_continued_as_new_event_attributes"):
        return last.workflow_execution_continued_as_new_event_attributes.workflow_type.name
    payloads = last.workflow_execution_completed_event_attributes.result.payloads
    return str(json.loads(payloads[0].data)) if payloads else ""


def messages(message: Message, kind: type[Message]) -> Iterator[Any]:
    """Messages of a kind in the payloads of an event."""
    for field, value in message.ListFields():
        if isinstance(value, Payloads):
            for payload in value.payloads:
                found = _decoded(payload)
                if isinstance(found, kind):
                    yield found
        elif field.message_type is not None and not field.is_repeated:
            yield from messages(value, kind)


def _decoded(payload: Payload) -> Message | None:
    if payload.metadata.get("encoding") != b"json/protobuf":
        return None
    kind = symbol_database.Default().GetSymbol(payload.metadata["messageType"].decode())
    return json_format.Parse(payload.data, kind())
