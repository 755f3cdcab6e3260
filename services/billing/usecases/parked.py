"""A parked account of which somebody says that its month is not to be billed, or is after all (S9)."""

from __future__ import annotations

from typing import Protocol

from services.billing.domain.accounts import Run
from services.billing.domain.parked import Dismissal, ParkedAccount, ParkStep, parked_after
from services.billing.errors import StateNotAllowed
from services.kernel.dates import Month
from services.runtime.commands import Effect

__all__ = ["ParkedStore", "dismiss_account", "take_up_account"]


class ParkedStore(Protocol):
    """What dismissing needs of the database."""

    async def lock_run(self, run_id: str) -> Run: ...
    async def parked_account(self, case_id: str, billed: Month) -> ParkedAccount | None: ...
    async def keep_dismissal(self, case_id: str, month: Month, dismissal: Dismissal | None) -> None:
        """Note why the month is not to be billed; None: it is."""
        ...


async def dismiss_account(case_id: str, month: Month, dismissal: Dismissal, store: ParkedStore) -> Effect:
    """Have no run bill a parked account for a month until it is taken up again; the first dismissal stays.

    Raises StateNotAllowed unless the account is parked for the month.
    """
    parked = await _locked(case_id, month, store)
    parked_after(parked.state, ParkStep.DISMISS)
    if parked.dismissal is None:
        await store.keep_dismissal(case_id, month, dismissal)
    return Effect(case_id)


async def take_up_account(case_id: str, month: Month, store: ParkedStore) -> Effect:
    """Have the month of a dismissed account billed by the next run, or by itself; StateNotAllowed as above."""
    parked = await _locked(case_id, month, store)
    parked_after(parked.state, ParkStep.TAKE_UP)
    if parked.dismissal is not None:
        await store.keep_dismissal(case_id, month, None)
    return Effect(case_id)


async def _locked(case_id: str, month: Month, store: ParkedStore) -> ParkedAccount:
    """The parked account, kept from the run that parked it until the commit."""
    parked = await store.parked_account(case_id, month)
    if parked is not None:
        await store.lock_run(parked.run_id)
        parked = await store.parked_account(case_id, month)
    if parked is None:
        raise StateNotAllowed(metadata={"month": str(month)})
    return parked
