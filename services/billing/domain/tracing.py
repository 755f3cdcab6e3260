"""What lies behind a bill in the other stages."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

__all__ = ["CaseDays", "CoveringAct", "Finding", "TracedUnit"]


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


@dataclass(frozen=True, slots=True)
class CoveringAct:
    """An order or referral of placement with the days that it covers, both included; `last` None: open."""

    act_id: str
    number: str
    first: date
    last: date | None


@dataclass(frozen=True, slots=True)
class Finding:
    """That the assessment or a review found something, and the local day."""

    version: int
    found_on: date
