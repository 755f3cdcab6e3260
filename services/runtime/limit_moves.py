"""Moves of time limits as rows and on the wire: append-only, one a limit and calendar version."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from services.kernel.limit_moves import LimitMove, MoveReason
from services.kernel.time_limit import LimitKind
from services.runtime.civil import code_to_proto, date_to_proto, instant_to_proto
from services.runtime.database import WriteTx
from socialcare.common.v1 import types_pb2

__all__ = ["PAGE_OF_LIMITS", "KeptMove", "move_to_proto", "moves_from_text", "moves_within", "store_moves"]

PAGE_OF_LIMITS = 500
"""Cases, or drafts, that one call of ReprojectLimits looks at unless it asks for another number."""

_STORE = """
INSERT INTO limit_moves (application_id, kind, number, old_calendar_version, calendar_version, old_due_date,
                         new_due_date, reason, changed_days, moved_at)
VALUES (:application_id, :kind, :number, :old_calendar_version, :calendar_version, :old_due_date, :new_due_date,
        :reason, CAST(:changed_days AS date[]), :moved_at)
"""


@dataclass(frozen=True, slots=True)
class KeptMove:
    """A move and the limit that it moved."""

    application_id: str
    kind: LimitKind
    number: int
    """Which limit of the case."""
    old_calendar_version: str
    move: LimitMove


def moves_within(limit: str, number: str) -> str:
    """SQL of the moves, as text, of the limit in the row `limit`, whose number is its column `number`."""
    return (
        "(SELECT coalesce(json_agg(m ORDER BY m.moved_at, m.calendar_version), '[]')::text FROM limit_moves m "  # noqa: S608 names of columns
        f"WHERE m.application_id = {limit}.application_id AND m.kind = {limit}.kind AND m.number = {limit}.{number})"
    )


def moves_from_text(text: str) -> tuple[LimitMove, ...]:
    """The moves in a column of `moves_within`."""
    return tuple(
        LimitMove(
            old_due=date.fromisoformat(item["old_due_date"]),
            new_due=date.fromisoformat(item["new_due_date"]),
            calendar_version=item["calendar_version"],
            reason=MoveReason(item["reason"]),
            days=tuple(date.fromisoformat(day) for day in item["changed_days"]),
            moved_at=datetime.fromisoformat(item["moved_at"]),
        )
        for item in json.loads(text)
    )


async def store_moves(tx: WriteTx, moves: Sequence[KeptMove]) -> None:
    """Write the moves down, in one round trip."""
    if not moves:
        return
    await tx.run(
        _STORE,
        [
            {
                "application_id": kept.application_id,
                "kind": kept.kind,
                "number": kept.number,
                "old_calendar_version": kept.old_calendar_version,
                "calendar_version": kept.move.calendar_version,
                "old_due_date": kept.move.old_due,
                "new_due_date": kept.move.new_due,
                "reason": kept.move.reason,
                "changed_days": list(kept.move.days),
                "moved_at": kept.move.moved_at,
            }
            for kept in moves
        ],
    )


def move_to_proto(move: LimitMove) -> types_pb2.LimitMove:
    """One move."""
    return types_pb2.LimitMove(
        old_due_date=date_to_proto(move.old_due),
        new_due_date=date_to_proto(move.new_due),
        calendar_version=move.calendar_version,
        reason=code_to_proto(types_pb2.LimitMoveReason, move.reason),
        changed_dates=[date_to_proto(day) for day in move.days],
        move_time=instant_to_proto(move.moved_at),
    )
