"""Messages to Temporal, stored in the transaction of the change that they tell of (design section 5).

A use case calls `tx.emit(Signal(...))` or `tx.emit(Start(...))`; the relay delivers the rows of one case in the order
of their sequence, at least once.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from google.protobuf import json_format
from google.protobuf.message import Message

from services.kernel.codes import CaseState, Event, WorkflowType
from services.runtime.database import Parameters, WriteTx
from services.runtime.statements import columns_of

__all__ = [
    "CHANNEL",
    "COUNT",
    "STORE",
    "OutboxKind",
    "OutboxState",
    "Reopening",
    "Signal",
    "Start",
    "StartAttributes",
    "store_starts",
]

CHANNEL = "outbox"
"""PostgreSQL notification channel that wakes the relays of a stage."""


class OutboxKind(StrEnum):
    """What the relay does with a row."""

    START = "START"
    SIGNAL = "SIGNAL"


class OutboxState(StrEnum):
    """How far a row has come."""

    PENDING = "PENDING"
    DELIVERED = "DELIVERED"
    UNDELIVERABLE = "UNDELIVERABLE"


# The row lock on the case's counter is held until the commit, so that sequences of one case become visible in order and
# without gaps: the relay can never deliver 5 before a still uncommitted 4.
COUNT = """
counter AS (
    INSERT INTO outbox_sequence (case_id, last_seq) VALUES (:case_id, 1)
    ON CONFLICT (case_id) DO UPDATE SET last_seq = outbox_sequence.last_seq + 1
    RETURNING last_seq
)
"""
STORE = """
INSERT INTO outbox (case_id, seq, municipality_id, workflow_id, kind, workflow_type, task_queue, event, instant, due,
                    ref, start_type, start_input, start_attributes)
SELECT :case_id, last_seq, :case_municipality_id, :workflow_id, :kind, :workflow_type, :task_queue, :event, :instant,
       :due, :ref, :start_type, CAST(CAST(:start_input AS text) AS jsonb),
       CAST(CAST(:start_attributes AS text) AS jsonb)
FROM counter
"""

_EMIT = f"WITH {COUNT} {STORE}"

_EMIT_STARTS = """
WITH counter AS (
    INSERT INTO outbox_sequence (case_id, last_seq) SELECT case_id, 1 FROM unnest(CAST(:case_id AS text[])) AS case_id
)
INSERT INTO outbox (case_id, seq, municipality_id, workflow_id, kind, workflow_type, task_queue, event, instant, due,
                    ref, start_type, start_input, start_attributes)
SELECT n.case_id, 1, n.municipality_id, n.workflow_id, n.kind, n.workflow_type, n.task_queue, n.event, n.instant, n.due,
       n.ref, n.start_type, CAST(n.start_input AS jsonb), CAST(n.start_attributes AS jsonb)
FROM unnest(CAST(:case_id AS text[]), CAST(:case_municipality_id AS text[]), CAST(:workflow_id AS text[]),
            CAST(:kind AS text[]), CAST(:workflow_type AS text[]), CAST(:task_queue AS text[]), CAST(:event AS text[]),
            CAST(:instant AS timestamptz[]), CAST(:due AS timestamptz[]), CAST(:ref AS text[]),
            CAST(:start_type AS text[]), CAST(:start_input AS text[]), CAST(:start_attributes AS text[]))
    AS n (case_id, municipality_id, workflow_id, kind, workflow_type, task_queue, event, instant, due, ref, start_type,
          start_input, start_attributes)
"""


@dataclass(frozen=True, slots=True)
class StartAttributes:
    """What the Temporal UI shows of a workflow before its first task has run; closed codes only."""

    service_code: str = ""
    district_code: str = ""
    case_state: CaseState | None = None


@dataclass(frozen=True, slots=True)
class Reopening:
    """How to start the workflow of a case anew where it has ended already: the case goes on after all."""

    workflow_type: WorkflowType
    task_queue: str
    input: Message
    """The workflow's one argument in the state in which the case stands; ids, instants and closed codes only."""
    attributes: StartAttributes = field(default_factory=StartAttributes)


@dataclass(frozen=True, slots=True)
class Signal:
    """Tell the workflow of a case that something happened."""

    case_id: str
    """Whose order counts: messages with the same id arrive in the order of their emission."""
    municipality_id: str
    workflow_id: str
    event: Event
    instant: datetime
    """Business instant of the event, aware."""
    due: datetime | None = None
    """The next instant at which something is due because of the event, aware."""
    reference: str = ""
    """Opaque id of the record that says so."""
    reopening: Reopening | None = None
    """What leads the case on when its workflow has ended; None: then the message is undeliverable."""

    def statement(self) -> tuple[str, Parameters]:
        """SQL that stores the row, with its parameters."""
        return _EMIT, {
            "case_id": self.case_id,
            "case_municipality_id": self.municipality_id,
            "workflow_id": self.workflow_id,
            "kind": OutboxKind.SIGNAL,
            "event": self.event,
            "instant": self.instant,
            "due": self.due,
            "ref": self.reference or None,
            **_start_columns(self.reopening),
        }


@dataclass(frozen=True, slots=True)
class Start:
    """Start the workflow of a case, once for its whole life."""

    case_id: str
    municipality_id: str
    workflow_id: str
    workflow_type: WorkflowType
    task_queue: str
    input: Message
    """The workflow's one argument, for example `CaseStart`; ids, instants and closed codes only."""
    instant: datetime
    """Business instant of the start, aware."""
    attributes: StartAttributes = field(default_factory=StartAttributes)

    def statement(self) -> tuple[str, Parameters]:
        """SQL that stores the row, with its parameters."""
        return _EMIT, {
            "case_id": self.case_id,
            "case_municipality_id": self.municipality_id,
            "workflow_id": self.workflow_id,
            "kind": OutboxKind.START,
            "event": "",
            "instant": self.instant,
            "due": None,
            "ref": None,
            **_start_columns(self),
        }


def _start_columns(start: Start | Reopening | None) -> Parameters:
    if start is None:
        return dict.fromkeys(("workflow_type", "task_queue", "start_type", "start_input", "start_attributes"))
    return {
        "workflow_type": start.workflow_type,
        "task_queue": start.task_queue,
        "start_type": start.input.DESCRIPTOR.full_name,
        "start_input": json_format.MessageToJson(start.input, indent=None),
        "start_attributes": _attributes_json(start.attributes),
    }


def _attributes_json(attributes: StartAttributes) -> str:
    return json.dumps(
        {
            "service_code": attributes.service_code,
            "district_code": attributes.district_code,
            "case_state": attributes.case_state or "",
        }
    )


async def store_starts(tx: WriteTx, starts: Sequence[Start]) -> None:
    """Store the first messages of as many new cases by one statement; IntegrityError for a case that has spoken."""
    if not starts:
        return
    parameters = [start.statement()[1] for start in starts]
    await tx.run(_EMIT_STARTS, columns_of(parameters))
    tx.emitted = True
