"""A time limit as a row and on the wire: the ledger's columns, and the deadline as it stands at an instant.

Tables that keep limits have these columns: kind, rule, event_date, length, unit, shift, calendar_version, citation,
extension_days, due_date. The due date is derived; it is stored beside the ledger so that SQL can look for it.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Row

from services.kernel.calendar import BusinessCalendar
from services.kernel.limit_moves import LimitMove
from services.kernel.time_limit import LimitKind, LimitUnit, Shift, Suspension, TimeLimit
from services.runtime.civil import code_to_proto, date_to_proto
from services.runtime.database import Parameters
from services.runtime.limit_moves import move_to_proto
from socialcare.common.v1 import types_pb2

__all__ = ["deadline_to_proto", "ledger_of", "ledger_parameters"]


def ledger_parameters(ledger: TimeLimit, calendar: BusinessCalendar) -> Parameters:
    """Values of the ledger's columns, by name."""
    return {
        "kind": ledger.kind,
        "rule": ledger.rule,
        "event_date": ledger.event_date,
        "length": ledger.length,
        "unit": ledger.unit,
        "shift": ledger.shift,
        "calendar_version": ledger.calendar_version,
        "citation": ledger.citation,
        "extension_days": ledger.extension_days,
        "due_date": ledger.due_date(calendar),
    }


def ledger_of(row: Row[Any], suspensions: tuple[Suspension, ...] = ()) -> TimeLimit:
    """The ledger in a row that has its columns."""
    return TimeLimit(
        kind=LimitKind(row.kind),
        event_date=row.event_date,
        length=row.length,
        unit=LimitUnit(row.unit),
        calendar_version=row.calendar_version,
        suspensions=suspensions,
        extension_days=row.extension_days,
        citation=row.citation,
        rule=row.rule,
        shift=Shift(row.shift),
    )


def deadline_to_proto(
    ledger: TimeLimit,
    calendar: BusinessCalendar,
    now: datetime,
    done_at: datetime | None,
    moves: Iterable[LimitMove] = (),
) -> types_pb2.Deadline:
    """The limit as it stands at `now`."""
    return types_pb2.Deadline(
        kind=code_to_proto(types_pb2.LimitKind, ledger.kind),
        due_date=date_to_proto(ledger.due_date(calendar)),
        status=code_to_proto(types_pb2.LimitStatus, ledger.status(calendar, now, done_at)),
        event_date=date_to_proto(ledger.event_date),
        moves=[move_to_proto(move) for move in moves],
    )
