"""SQL about entries that could not be recorded, and how the office settled them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from services.delivery.domain.attendance import AttendanceKind
from services.runtime.database import ReadTx, WriteTx
from services.runtime.errors import NotFound, Refused

__all__ = ["ConflictPage", "ConflictSettlement", "EntryConflict", "conflicts_page", "owner_of", "settle"]

_PAGE = """
SELECT e.id, e.application_id, e.code, e.on_day, e.kind, e.units, e.assistant_id, e.written_at, e.reason,
       e.submitted_by, e.at
FROM attendance_entry e
WHERE e.municipality_id = :municipality AND e.outcome = 'CONFLICT'
  AND (CAST(:day AS date) IS NULL OR e.on_day = :day) AND (e.at, e.id) > (:after_at, CAST(:after AS uuid))
  AND NOT EXISTS (SELECT FROM conflict_settlement s WHERE s.entry_id = e.id)
ORDER BY e.at, e.id LIMIT :size
"""
_SETTLE = """
INSERT INTO conflict_settlement (entry_id, settlement, settled_by, settled_at)
VALUES (:id, :settlement, :by, :now) ON CONFLICT (entry_id) DO NOTHING
"""
_OWNER = "SELECT municipality_id FROM attendance_entry WHERE id = :id AND outcome = 'CONFLICT'"


class ConflictSettlement(StrEnum):
    """How the office settled a conflict; names as in `socialcare.delivery.v1`."""

    RECORDED = "RECORDED"
    """What is true was recorded, or corrected, after all."""
    NOTHING_TO_RECORD = "NOTHING_TO_RECORD"


@dataclass(frozen=True, slots=True)
class EntryConflict:
    """An entry that could not be recorded; the release before kept of it only id, assistant and times."""

    entry_id: str
    application_id: str
    code: str
    on: date | None
    kind: AttendanceKind | None
    units: int
    assistant_id: str
    written_at: datetime | None
    reason: str
    submitted_by: str
    at: datetime


@dataclass(frozen=True, slots=True)
class ConflictPage:
    """Which conflicts to list."""

    municipality_id: str
    on: date | None
    """Only of this day of care; None: of all."""
    after: tuple[datetime, str]
    """Instant of submission and id of the last row seen."""
    size: int


async def conflicts_page(tx: ReadTx, page: ConflictPage) -> Sequence[EntryConflict]:
    """Conflicts that nobody has settled, in the order of submission."""
    after_at, after = page.after
    rows = await tx.all(
        _PAGE,
        {
            "municipality": page.municipality_id,
            "day": page.on,
            "after_at": after_at,
            "after": after,
            "size": page.size,
        },
    )
    return [
        EntryConflict(
            entry_id=str(row.id),
            application_id="" if row.application_id is None else str(row.application_id),
            code=row.code or "",
            on=row.on_day,
            kind=None if row.kind is None else AttendanceKind(row.kind),
            units=row.units or 0,
            assistant_id=row.assistant_id,
            written_at=row.written_at,
            reason=row.reason,
            submitted_by=row.submitted_by,
            at=row.at,
        )
        for row in rows
    ]


async def owner_of(tx: ReadTx, entry_id: str) -> str:
    """Municipality of a conflict; NotFound when no entry of that id is one."""
    found: str | None = await tx.scalar(_OWNER, {"id": entry_id})
    if found is None:
        raise NotFound(resource_type="attendance_entry", resource_id=entry_id)
    return found


async def settle(tx: WriteTx, entry_id: str, settlement: ConflictSettlement, by: str, now: datetime) -> None:
    """Note how a conflict was settled; Refused when it was before."""
    where = {"id": entry_id, "settlement": settlement, "by": by, "now": now}
    if await tx.run(_SETTLE, where) == 0:
        raise Refused(resource_type="attendance_entry", resource_id=entry_id)
