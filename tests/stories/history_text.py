"""Every text of every history of a namespace: payloads of each encoding, headers, memos, summaries, failures, names."""

from __future__ import annotations

import asyncio
import base64
import binascii
import json
from collections.abc import AsyncIterator, Iterator
from typing import Any

from google.protobuf import json_format, symbol_database
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from temporalio.api.common.v1 import Payload
from temporalio.api.failure.v1 import Failure
from temporalio.api.sdk.v1 import WorkflowMetadata
from temporalio.client import Client, WorkflowExecution, WorkflowExecutionStatus, WorkflowHandle
from temporalio.service import RPCError

from tests.stories.leaks import Fragment

METADATA_QUERY = "__temporal_workflow_metadata"


async def history_fragments(client: Client, execution: WorkflowExecution) -> list[Fragment]:
    """Texts of one run: its history, what visibility keeps of it, and the details that it shows now."""
    place = f"{execution.id} {execution.run_id[:8]}"
    handle = client.get_workflow_handle(execution.id, run_id=execution.run_id)
    history = await handle.fetch_history()
    fragments = list(texts_of(f"{place} visibility", execution.raw_info))
    for event in history.events:
        fragments += texts_of(f"{place} event {event.event_id}", event)
    described = await handle.describe()
    fragments += texts_of(f"{place} description", described.raw_description)
    if execution.status is WorkflowExecutionStatus.RUNNING:
        fragments += texts_of(f"{place} now", await _shown_now(handle), figures=True)
    return fragments


async def _shown_now(handle: WorkflowHandle[Any, Any]) -> WorkflowMetadata:
    """What the UI asks a running workflow for; nothing when no worker runs it."""
    try:
        async with asyncio.timeout(10):
            shown: WorkflowMetadata = await handle.query(METADATA_QUERY, result_type=WorkflowMetadata)
    except (RPCError, TimeoutError):
        return WorkflowMetadata()
    return shown


async def executions(client: Client, query: str = "") -> AsyncIterator[WorkflowExecution]:
    """Every run of every workflow."""
    async for execution in client.list_workflows(query):
        yield execution


def texts_of(where: str, message: Message, *, figures: bool = False) -> Iterator[Fragment]:
    """Every string and every bytes of a message, payloads decoded."""
    if isinstance(message, Payload):
        yield from _payload_texts(where, message)
        return
    figures = figures or isinstance(message, Failure)
    for field, value in message.ListFields():
        yield from _field_texts(f"{where} {field.name}", field, value, figures=figures)


def _field_texts(where: str, field: FieldDescriptor, value: Any, *, figures: bool) -> Iterator[Fragment]:
    for inner in _values(field, value):
        if isinstance(inner, Message):
            yield from texts_of(where, inner, figures=figures)
        elif isinstance(inner, str):
            yield Fragment(where, inner, figures)
        elif isinstance(inner, bytes):
            yield from _bytes_texts(where, inner)


def _values(field: FieldDescriptor, value: Any) -> Iterator[Any]:
    if not field.is_repeated:
        yield value
    elif field.message_type is not None and field.message_type.GetOptions().map_entry:
        yield from value.keys()
        yield from value.values()
    else:
        yield from value


def _payload_texts(where: str, payload: Payload) -> Iterator[Fragment]:
    encoding = payload.metadata.get("encoding", b"").decode()
    place = f"{where} {encoding}"
    for name, content in payload.metadata.items():
        yield Fragment(f"{where} metadata {name}", content.decode(errors="replace"))
    if encoding == "binary/protobuf":
        kind = symbol_database.Default().GetSymbol(payload.metadata["messageType"].decode())
        yield Fragment(place, json_format.MessageToJson(kind.FromString(payload.data), ensure_ascii=False), True)
    elif encoding.startswith("json/"):
        yield Fragment(place, payload.data.decode(errors="replace"), True)
        yield from _json_texts(place, json.loads(payload.data))
    yield from _bytes_texts(place, payload.data)


def _json_texts(where: str, value: Any) -> Iterator[Fragment]:
    """Strings and numbers after JSON's own escapes; what is itself base64 or JSON is looked into."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield Fragment(where, key)
            yield from _json_texts(f"{where}.{key}", inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _json_texts(where, inner)
    elif isinstance(value, str):
        yield Fragment(where, value, True)
        yield from _hidden(where, value)
    elif value is not None:
        yield Fragment(where, str(value), True)


def _hidden(where: str, text: str) -> Iterator[Fragment]:
    try:
        yield from _bytes_texts(f"{where} in base64", base64.b64decode(text, validate=True))
    except (binascii.Error, ValueError):
        return


def _bytes_texts(where: str, content: bytes) -> Iterator[Fragment]:
    yield Fragment(where, content.decode(errors="replace"), True)
    yield Fragment(f"{where} UTF-16", content.decode("utf-16-le", errors="replace"))
    yield Fragment(f"{where} in base64", base64.b64encode(content).decode())
