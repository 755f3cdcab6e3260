"""The end of a monthly run: issue by pages, pay by money that waited, close (domain.md L-01, L-13, F-18)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from services.billing.domain.accounts import RunState, RunStep, run_after
from services.billing.errors import StateNotAllowed
from services.billing.usecases.payments import By, WaitingStore, allot_waiting
from services.billing.usecases.runs import RunStore
from services.kernel.register import decides
from services.runtime.commands import Effect

__all__ = ["AfterIssueStore", "close_run", "issue_page", "pay_issued"]


class AfterIssueStore(WaitingStore, Protocol):
    """What paying new bills by money that waits needs of the database."""

    async def cases_to_allot(self, municipality_id: str, limit: int) -> Sequence[str]:
        """Cases that owe for a month while money that names them waits."""
        ...

    async def lock_each(self, case_ids: Sequence[str]) -> None:
        """Keep changes of the cases away until the commit."""
        ...


async def issue_page(run_id: str, limit: int, store: RunStore) -> Effect:
    """Issue the next page of drafts; the version of the effect counts invoices. StateNotAllowed before approval."""
    run = await store.lock_run(run_id)
    state = run_after(run.state, RunStep.ISSUE)
    return Effect(run_id, 0 if state is RunState.FINISHED else await store.issue(run, limit))


@decides("L-13")
async def pay_issued(municipality_id: str, limit: int, store: AfterIssueStore, by: By) -> int:
    """Pay bills by money that waited for them, on the day of their issue; gives for how many payments.

    A statement that is read before the next sweep says so too.
    """
    cases = sorted(await store.cases_to_allot(municipality_id, limit))
    if not cases:
        return 0
    await store.lock_each(cases)
    return await allot_waiting(cases, store, by)


async def close_run(run_id: str, store: RunStore) -> Effect:
    """Finish a run whose drafts are all issued; StateNotAllowed otherwise."""
    run = await store.lock_run(run_id)
    state = run_after(run.state, RunStep.FINISH)
    if state is run.state:
        return Effect(run_id)
    if run.issued != run.drafted:
        raise StateNotAllowed(metadata={"state": run.state})
    await store.move_run(run_id, state)
    await store.seal(run)
    return Effect(run_id)
