"""The append-only record of who did, read or was refused what (design section 4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from services.runtime import outbox
from services.runtime.database import AuditNote, WriteTx
from services.runtime.statements import columns_of

if TYPE_CHECKING:
    from services.runtime.commands import Call

__all__ = ["DONE", "AuditEntry", "entry", "record", "record_all", "settle"]

DONE = "DONE"
"""Outcome of a command that was carried out or a read that was answered; a refusal has its reason instead."""

_INSERT = """
INSERT INTO audit (at, principal, role, rpc, purpose, object_id, municipality_id, outcome, via, on_behalf_of,
                   evidence_id)
VALUES (:at, :principal, :role, :rpc, :purpose, :object_id, :municipality_id, :outcome, :via, :on_behalf_of,
        :evidence_id)
"""

_INSERT_ALL = """
INSERT INTO audit (at, principal, role, rpc, purpose, object_id, municipality_id, outcome, via, on_behalf_of)
SELECT * FROM unnest(CAST(:at AS timestamptz[]), CAST(:principal AS text[]), CAST(:role AS text[]),
                     CAST(:rpc AS text[]), CAST(:purpose AS text[]), CAST(:object_id AS text[]),
                     CAST(:municipality_id AS text[]), CAST(:outcome AS text[]), CAST(:via AS text[]),
                     CAST(:on_behalf_of AS text[]))
"""

_SETTLED = """
settled AS (
    UPDATE idempotency SET resource = :resource, version = :version
    WHERE principal = :principal AND rpc = :rpc AND request_id = :request_id
)
"""

# One statement for the rows that end every command: it saves round trips.
_SETTLE = f"WITH {_SETTLED} {_INSERT}"
_SETTLE_AND_EMIT = f"WITH {_SETTLED}, audited AS ({_INSERT}), {outbox.COUNT} {outbox.STORE}"


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One audit row."""

    at: datetime
    principal: str
    role: str
    rpc: str
    request_id: str
    purpose: str
    object_id: str
    municipality_id: str
    outcome: str
    via: str
    on_behalf_of: str
    """Person id of whoever was represented; empty: nobody."""
    evidence_id: str = ""
    """Opaque id of what proves an act of an operator; empty: nobody said."""


def entry(call: Call, note: AuditNote, outcome: str) -> AuditEntry:
    """The row that says how the call ended."""
    return AuditEntry(
        at=call.now,
        principal=call.caller.subject,
        role=call.role,
        rpc=call.rpc,
        request_id=call.request_id,
        purpose=note.purpose,
        object_id=note.object_id,
        municipality_id=note.municipality_id,
        outcome=outcome,
        via=call.via,
        on_behalf_of=note.on_behalf_of,
        evidence_id=call.evidence_id,
    )


async def record(tx: WriteTx, row: AuditEntry) -> None:
    """Append the row."""
    parameters = asdict(row)
    del parameters["request_id"]
    await tx.run(_INSERT, parameters)


async def record_all(tx: WriteTx, rows: Sequence[AuditEntry]) -> None:
    """Append rows, of one call that concerned many objects, by one statement."""
    if rows:
        await tx.run(_INSERT_ALL, columns_of([asdict(row) for row in rows]))


async def settle(tx: WriteTx, row: AuditEntry, resource: str, version: int) -> None:
    """Append the row of a command, keep its result under its request id, and store what it emitted."""
    parameters: dict[str, object] = asdict(row)
    parameters |= {"object_id": row.object_id or resource, "resource": resource, "version": version}
    await tx.store_emissions(kept_back=1)
    if tx.emissions:
        _, emission = tx.emissions.pop().statement()
        await tx.run(_SETTLE_AND_EMIT, {**parameters, **emission})
    else:
        await tx.run(_SETTLE, parameters)
