"""One attempt to hand an outbox row to Temporal, and what came of it."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum, auto

from google.protobuf import json_format, symbol_database
from temporalio.client import Client
from temporalio.common import (
    SearchAttributeKey,
    SearchAttributePair,
    TypedSearchAttributes,
    WorkflowIDConflictPolicy,
    WorkflowIDReusePolicy,
)
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from services.kernel.case_flow import HAPPENED_SIGNAL, SearchAttribute
from services.kernel.codes import Event, Stage
from services.runtime.civil import code_to_proto, instant_to_proto
from services.runtime.outbox import OutboxKind
from socialcare.common.v1 import flow_pb2, types_pb2

__all__ = ["Attempt", "Describe", "OutboxRow", "StartDescription", "TemporalTarget", "Verdict", "describe_start"]

_RPC_TIMEOUT = timedelta(seconds=5)

_AWAY = frozenset(
    {
        RPCStatusCode.UNAVAILABLE,
        RPCStatusCode.DEADLINE_EXCEEDED,
        RPCStatusCode.RESOURCE_EXHAUSTED,
        RPCStatusCode.CANCELLED,
        RPCStatusCode.ABORTED,
    }
)

_ALREADY_CLOSED = "ALREADY_CLOSED"
_NOT_FOUND = "WORKFLOW_NOT_FOUND"
_NOT_RUNNING = frozenset({_ALREADY_CLOSED, _NOT_FOUND})
"""Codes of a workflow that has ended; one that ended before the retention is not found any more."""


@dataclass(frozen=True, slots=True)
class OutboxRow:
    """A stored message, as the relay reads it."""

    id: int
    case_id: str
    seq: int
    municipality_id: str
    workflow_id: str
    kind: OutboxKind
    workflow_type: str | None
    task_queue: str | None
    event: str
    instant: datetime
    due: datetime | None
    ref: str | None
    start_type: str | None
    start_input: str | None
    start_attributes: str | None
    attempts: int


@dataclass(frozen=True, slots=True)
class StartDescription:
    """What the Temporal UI shows of a workflow from its start; ids and closed codes only."""

    summary: str
    details: str
    search_attributes: TypedSearchAttributes


Describe = Callable[[OutboxRow], StartDescription]


class Verdict(Enum):
    """What came of an attempt."""

    DELIVERED = auto()
    CLOSED = auto()
    """The workflow has ended: it will never take the message."""
    LATER = auto()
    """This message cannot be delivered now; others may."""
    AWAY = auto()
    """Temporal itself does not answer."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """Verdict and, where it is no yes, a closed code for the row."""

    verdict: Verdict
    error_code: str = ""


def describe_start(row: OutboxRow) -> StartDescription:
    """Search attributes from the row's codes; the worker's first task replaces the summary by sentences."""
    codes: dict[str, str] = json.loads(row.start_attributes or "{}")
    values = {
        SearchAttribute.MUNICIPALITY: row.municipality_id,
        SearchAttribute.SERVICE_CODE: codes.get("service_code", ""),
        SearchAttribute.DISTRICT: codes.get("district_code", ""),
        SearchAttribute.CASE_STAGE: codes.get("case_state", ""),
    }
    shown = " · ".join(filter(None, (values[SearchAttribute.SERVICE_CODE], values[SearchAttribute.DISTRICT])))
    return StartDescription(
        summary=shown or row.municipality_id,
        details="",
        search_attributes=TypedSearchAttributes(
            [
                SearchAttributePair(SearchAttributeKey.for_keyword(name.value), value)
                for name, value in values.items()
                if value
            ]
        ),
    )


class TemporalTarget:
    """Starts and signals workflows on behalf of one stage."""

    def __init__(self, client: Client, stage: Stage, describe: Describe = describe_start) -> None:
        self._client = client
        self._stage = code_to_proto(types_pb2.Stage, stage)
        self._describe = describe

    async def attempt(self, row: OutboxRow) -> Attempt:
        """Deliver the row; delivering it again does no harm."""
        try:
            if row.kind is OutboxKind.START:
                await self._start(row, WorkflowIDReusePolicy.REJECT_DUPLICATE)
            else:
                await self._signal(row)
        except WorkflowAlreadyStartedError:
            return Attempt(Verdict.CLOSED, _ALREADY_CLOSED)
        except RPCError as error:
            attempt = _judged(error)
            if row.kind is OutboxKind.SIGNAL and row.start_input is not None and attempt.error_code in _NOT_RUNNING:
                return await self._reopened(row)
            return attempt
        except (RuntimeError, OSError):
            # What the SDK raises when the lazy client cannot connect.
            return Attempt(Verdict.AWAY, "NO_CONNECTION")
        except (KeyError, ValueError, json_format.ParseError):
            return Attempt(Verdict.LATER, "MALFORMED_ROW")
        return Attempt(Verdict.DELIVERED)

    async def _reopened(self, row: OutboxRow) -> Attempt:
        """Start the workflow anew in the state of its case, then deliver; whoever was faster, one runs."""
        try:
            await self._start(row, WorkflowIDReusePolicy.ALLOW_DUPLICATE)
            await self._signal(row)
        except RPCError as error:
            attempt = _judged(error)
            return Attempt(Verdict.LATER, attempt.error_code) if attempt.verdict is Verdict.CLOSED else attempt
        return Attempt(Verdict.DELIVERED)

    async def _start(self, row: OutboxRow, reuse: WorkflowIDReusePolicy) -> None:
        message = symbol_database.Default().GetSymbol(row.start_type or "")()
        json_format.Parse(row.start_input or "{}", message)
        described = self._describe(row)
        await self._client.start_workflow(
            row.workflow_type or "",
            message,
            id=row.workflow_id,
            task_queue=row.task_queue or "",
            id_reuse_policy=reuse,
            id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            search_attributes=described.search_attributes,
            static_summary=described.summary,
            static_details=described.details or None,
            rpc_timeout=_RPC_TIMEOUT,
        )

    async def _signal(self, row: OutboxRow) -> None:
        message = flow_pb2.Happened(
            stage=self._stage,
            sequence=row.seq,
            event_time=instant_to_proto(row.instant),
            event=code_to_proto(flow_pb2.CaseEvent, Event(row.event)),
            due_time=instant_to_proto(row.due) if row.due is not None else None,
            reference=row.ref or "",
        )
        handle = self._client.get_workflow_handle(row.workflow_id)
        await handle.signal(HAPPENED_SIGNAL, message, rpc_timeout=_RPC_TIMEOUT)


def _judged(error: RPCError) -> Attempt:
    if error.status in _AWAY:
        return Attempt(Verdict.AWAY, error.status.name)
    if error.status is not RPCStatusCode.NOT_FOUND:
        return Attempt(Verdict.LATER, error.status.name)
    # NOT_FOUND has several meanings that differ only in their text.
    text = error.message.lower()
    if "already completed" in text:
        return Attempt(Verdict.CLOSED, _ALREADY_CLOSED)
    if "namespace" in text:
        return Attempt(Verdict.AWAY, "NAMESPACE_NOT_FOUND")
    # The start is still on its way, or Temporal lost its store and `socialcare reconcile` will start the case again.
    return Attempt(Verdict.LATER, _NOT_FOUND)
