"""The user's own money in the municipality's hands (domain.md F-16): never mixed with fees."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from services.kernel.money import Money

__all__ = ["CustodyAccount", "CustodyCount", "PendingReceipt"]


@dataclass(frozen=True, slots=True)
class CustodyAccount:
    """What is held for a case in one currency."""

    case_id: str
    held: Money


@dataclass(frozen=True, slots=True)
class PendingReceipt:
    """A receipt that waits for a second person; `confirmed_by` is empty until then."""

    receipt_id: str
    municipality_id: str
    case_id: str
    code: str
    amount: Money
    on: date
    recorded_by: str
    confirmed_by: str = ""


@dataclass(frozen=True, slots=True)
class CustodyCount:
    """What the books held on a day and what was counted."""

    on: date
    held: Money
    counted: Money
    counted_by: str
