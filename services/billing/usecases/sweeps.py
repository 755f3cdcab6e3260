"""The daily sweep of a municipality's arrears; a case at which it fails keeps nobody else waiting (D-08, L-13)."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import date
from typing import Protocol

from services.billing.domain.arrears import SweepFailed
from services.billing.usecases.arrears import ArrearsStore, sweep_cases
from services.billing.usecases.payments import By
from services.runtime.commands import Effect

__all__ = ["SweepStore", "sweep_arrears"]


class SweepStore(ArrearsStore, Protocol):
    """What the sweep needs of the database. Of what it looks for in a municipality parked cases are no part."""

    async def late_cases(self, municipality_id: str, today: date, limit: int) -> Sequence[str]:
        """Cases of invoices that are open past their due date and have no arrears yet, once for each invoice."""
        ...

    async def moved_cases(self, municipality_id: str, limit: int) -> Sequence[str]:
        """Cases of invoices whose arrears are no longer what payments say, once for each invoice."""
        ...

    async def cases_to_set_off(self, municipality_id: str, limit: int) -> Sequence[str]:
        """Cases that have paid too much for one month and owe for another."""
        ...

    async def cases_to_allot(self, municipality_id: str, limit: int) -> Sequence[str]:
        """Cases that owe for a month while money that names them waits."""
        ...

    async def lock_each(self, case_ids: Sequence[str]) -> None:
        """Keep changes of the cases away until the commit."""
        ...

    async def parked_before(self, municipality_id: str, today: date, limit: int) -> Sequence[str]:
        """Parked cases that were not tried today."""
        ...

    async def park_unswept(self, municipality_id: str, case_id: str, reason: str, by: By) -> None: ...
    async def unpark(self, case_id: str) -> None: ...
    def alone(self) -> AbstractAsyncContextManager[None]:
        """Undo what the block did where facts or database refuse it; SweepFailed says why."""
        ...


async def sweep_arrears(municipality_id: str, limit: int, store: SweepStore, by: By) -> Effect:
    """Use up credits and rests of payments, begin arrears of late invoices, move what was paid or is owed again.

    The cases of a page are swept together; where that fails each by itself. One that fails alone is parked with why
    and tried again by itself on the next day. The version of the effect counts what was done and what was parked; as
    much as the limit: there is more.
    """
    again = await store.parked_before(municipality_id, by.act.today, limit)
    together = await _found(municipality_id, limit, store, by)
    if not together and not again:
        return Effect(municipality_id, 0)
    # In the order in which everybody locks cases: who takes them one by one meets a bank file half-way.
    await store.lock_each(sorted({*together, *again}))
    moved = 0
    try:
        if together:
            async with store.alone():
                count = await sweep_cases(municipality_id, together, store, by)
            moved = count
    except SweepFailed:
        again = sorted({*together, *again})
    for case_id in again:
        moved += await _sweep_alone(municipality_id, case_id, store, by)
    return Effect(municipality_id, moved)


async def _found(municipality_id: str, limit: int, store: SweepStore, by: By) -> Sequence[str]:
    late = await store.late_cases(municipality_id, by.act.today, limit)
    cases = {*late, *await store.moved_cases(municipality_id, limit - len(late))}
    cases |= set(await store.cases_to_set_off(municipality_id, limit))
    cases |= set(await store.cases_to_allot(municipality_id, limit))
    return sorted(cases)


async def _sweep_alone(municipality_id: str, case_id: str, store: SweepStore, by: By) -> int:
    try:
        async with store.alone():
            count = await sweep_cases(municipality_id, [case_id], store, by)
            await store.unpark(case_id)
    except SweepFailed as failed:
        await store.park_unswept(municipality_id, case_id, failed.reason, by)
        return 1
    return count
