"""The planned units behind a month of a case."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from services.kernel.dates import Month
from services.runtime.database import ReadTx

__all__ = ["TracedUnit", "month_of_unit", "units_of_month"]

_UNITS = """
SELECT id::text AS id, line_id::text AS line_id, code, on_day, quantity, state FROM unit
WHERE application_id = :id AND on_day BETWEEN :first AND :last ORDER BY on_day, code, line_id, part
"""

_UNIT = "SELECT application_id::text AS application_id, on_day FROM unit WHERE id = :id"


@dataclass(frozen=True, slots=True)
class TracedUnit:
    """A planned unit with the plan line that planned it and what became of it."""

    unit_id: str
    line_id: str
    code: str
    on_day: date
    quantity: int
    state: str


async def units_of_month(tx: ReadTx, application_id: str, month: Month) -> Sequence[TracedUnit]:
    """The units of a case in a month, by day, code and plan line."""
    rows = await tx.all(_UNITS, {"id": application_id, "first": month.first, "last": month.last})
    return [TracedUnit(row.id, row.line_id, row.code, row.on_day, row.quantity, row.state) for row in rows]


async def month_of_unit(tx: ReadTx, unit_id: str) -> tuple[str, Month] | None:
    """The application and month of a unit; None when there is no such unit."""
    row = await tx.one_or_none(_UNIT, {"id": unit_id})
    return None if row is None else (row.application_id, Month.of(row.on_day))
