"""Months of the books: close, and open the last one again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from services.billing.domain.ledger import PeriodChange, PeriodChangeKind
from services.billing.errors import PeriodClosed, PeriodNotReady
from services.billing.usecases.payments import By
from services.kernel.dates import Month
from services.kernel.local_rules import LocalRules
from services.runtime.commands import Effect

__all__ = ["Closing", "PeriodStore", "close_period", "reopen_period"]


@dataclass(frozen=True, slots=True)
class Closing:
    """The month to close or to open, and why."""

    municipality_id: str
    month: Month
    reason: str


class PeriodStore(Protocol):
    """What closing a month needs of the database."""

    async def keep_rules(self, municipality_id: str, rules: LocalRules) -> None: ...
    async def lock_periods(self, municipality_id: str) -> Month | None:
        """The first open month, kept from whoever books until the commit; None when none was ever closed."""
        ...

    async def is_billed_before(self, municipality_id: str, month: Month) -> bool:
        """Whether every bill that is dated in the month or before is issued."""
        ...

    async def open_from(self, municipality_id: str, month: Month, change: PeriodChange) -> None: ...


async def close_period(closing: Closing, rules: LocalRules, store: PeriodStore, by: By) -> Effect:
    """Close a month and all before it.

    Raises PeriodClosed when it is closed, PeriodNotReady before it is over or while bills of its days are not issued.
    """
    municipality_id, month = closing.municipality_id, closing.month
    await store.keep_rules(municipality_id, rules)
    open_from = await store.lock_periods(municipality_id)
    if open_from is not None and month < open_from:
        raise PeriodClosed(metadata={"month": str(month)})
    if by.act.today <= month.last or not await store.is_billed_before(municipality_id, month):
        raise PeriodNotReady(metadata={"month": str(month)})
    change = PeriodChange(month, PeriodChangeKind.CLOSED, closing.reason, by.staff, by.act.now)
    await store.open_from(municipality_id, month.next(), change)
    return Effect(municipality_id)


async def reopen_period(opening: Closing, store: PeriodStore, by: By) -> Effect:
    """Open the month that was closed last; PeriodNotReady for any other."""
    municipality_id, month = opening.municipality_id, opening.month
    open_from = await store.lock_periods(municipality_id)
    if open_from is None or month.next() != open_from:
        raise PeriodNotReady(metadata={"month": str(month)})
    change = PeriodChange(month, PeriodChangeKind.REOPENED, opening.reason, by.staff, by.act.now)
    await store.open_from(municipality_id, month, change)
    return Effect(municipality_id)
