"""What lies behind a bill in the other stages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

__all__ = ["CaseDays", "TracedUnit"]


@dataclass(frozen=True, slots=True)
class TracedUnit:
    """A planned unit of delivery with its plan line; `state` is delivery's closed code."""

    unit_id: str
    plan_line_id: str
    code: str
    on: date
    quantity: int
    state: str


@dataclass(frozen=True, slots=True)
class CaseDays:
    """When the papers of a case were complete and when eligibility was decided; None while not."""

    registered_on: date | None
    decided_on: date | None
