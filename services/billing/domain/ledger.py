"""The receivables ledger: its accounts, what they sum up to, and the months that are closed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from services.kernel.dates import Month
from services.kernel.money import Money

__all__ = ["LedgerAccount", "PeriodChange", "PeriodChangeKind", "Periods", "TrialBalanceLine"]


class LedgerAccount(StrEnum):
    """An account; a debit is positive."""

    RECEIVABLE = "RECEIVABLE"
    REVENUE = "REVENUE"
    CASH = "CASH"
    BANK = "BANK"
    UNALLOCATED = "UNALLOCATED"
    EXCHANGE = "EXCHANGE"
    WRITE_OFF = "WRITE_OFF"


class PeriodChangeKind(StrEnum):
    """What happened to a month of the books."""

    CLOSED = "CLOSED"
    REOPENED = "REOPENED"


@dataclass(frozen=True, slots=True)
class TrialBalanceLine:
    """Sums of one account in one currency; neither is negative."""

    account: LedgerAccount
    debit: Money
    credit: Money


@dataclass(frozen=True, slots=True)
class PeriodChange:
    """A month that was closed or reopened, why and by whom (opaque id)."""

    month: Month
    kind: PeriodChangeKind
    reason: str
    changed_by: str
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class Periods:
    """The first month that may still be booked, None when every one may, and what happened, the latest first."""

    open_from: Month | None
    changes: tuple[PeriodChange, ...] = ()
