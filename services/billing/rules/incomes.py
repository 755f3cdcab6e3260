"""When the evidence of an income wants to be renewed (domain.md F-19, C-29)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from services.kernel.register import decides

__all__ = ["OWN_DECLARATION", "Evidence", "IncomeSource", "IncomeStanding", "Renewal", "renewal_of"]


class IncomeSource(StrEnum):
    """On what declared incomes stand."""

    DECLARATION = "DECLARATION"
    PENSION_OFFICE = "PENSION_OFFICE"
    EMPLOYER = "EMPLOYER"
    SOCIAL_ASSISTANCE = "SOCIAL_ASSISTANCE"


class IncomeStanding(StrEnum):
    """Why an income wants to be declared anew."""

    MISSING = "MISSING"
    EXPIRED = "EXPIRED"
    EXPIRING = "EXPIRING"


@dataclass(frozen=True, slots=True)
class Evidence:
    """On what incomes stand; `valid_until` is its last day, None: until another is declared."""

    source: IncomeSource
    valid_until: date | None = None


OWN_DECLARATION = Evidence(IncomeSource.DECLARATION)


@dataclass(frozen=True, slots=True)
class Renewal:
    """How pressing it is: `days_left` until the last day of the evidence, and the reminder that is due (0: none)."""

    standing: IncomeStanding
    days_left: int = 0
    reminder_days: int = 0


@decides("F-19")
def renewal_of(
    valid_until: date | None, today: date, reminder_days: Sequence[int], *, declared: bool
) -> Renewal | None:
    """Whether an income wants to be declared anew; None while its evidence holds longer than the first reminder.

    `valid_until` is the last day of the evidence, None: it holds until another is declared. A missing income counts as
    0.00 (F-19); an expired one goes on counting, because nobody's bill falls or rises by a paper that came late.
    """
    if not declared:
        return Renewal(IncomeStanding.MISSING)
    if valid_until is None:
        return None
    left = (valid_until - today).days
    if left < 0:
        return Renewal(IncomeStanding.EXPIRED, left)
    due = [days for days in reminder_days if left <= days]
    return Renewal(IncomeStanding.EXPIRING, left, min(due)) if due else None
