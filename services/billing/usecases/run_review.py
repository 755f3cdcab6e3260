"""What a billing clerk does about a drafted month: reject it, draft or bill one account by itself (S9, L-01, F-18)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from services.billing.domain.accounts import Act, Run, RunState, RunStep, ServedMonth, run_after
from services.billing.domain.parked import ParkedAccount, ParkStep, parked_after
from services.billing.rules.currency import document_currency
from services.billing.rules.parameters import parameters_of
from services.billing.usecases.runs import Page, RunStore, check_tariffs, draft_cases, month_dates, tell
from services.kernel.codes import Event
from services.kernel.dates import Month
from services.kernel.register import decides
from services.runtime.commands import Effect

__all__ = ["ReviewStore", "redraft_account", "reject_run", "renew_review", "rerun_account"]


class ReviewStore(RunStore, Protocol):
    """What the review of a run needs of the database."""

    async def discard_drafts(self, run: Run, case_id: str | None = None) -> None:
        """Throw away the drafts of the run, or those of one case, and what it parked."""
        ...

    async def forget_review(self, run: Run) -> None: ...
    async def parked_account(self, case_id: str, billed: Month) -> ParkedAccount | None: ...
    async def issue_account(self, run: Run, case_id: str, month: Month) -> int:
        """Issue the draft of one case and month with the next number; gives 0 when it is 0.00 or issued."""
        ...


async def reject_run(run_id: str, store: ReviewStore, act: Act) -> Effect:
    """Throw away the drafts of a run under review and have its workflow draft the month again.

    Raises StateNotAllowed unless it is under review.
    """
    run = await store.lock_run(run_id)
    state = run_after(run.state, RunStep.REJECT)
    await store.discard_drafts(run)
    await store.forget_review(run)
    await store.move_run(run_id, state)
    await tell(run, Event.RUN_REJECTED, store, act)
    return Effect(run_id)


async def renew_review(run_id: str, store: RunStore, act: Act) -> Effect:
    """Write the review of a month that waits for approval again where its drafts are no longer those of the review.

    Drafts outside contract or authorisation are parked first. In any other state nothing is done.
    """
    run = await store.lock_run(run_id)
    if run.state is RunState.REVIEW:
        await store.park_outside_care(run)
        if not (await store.gate(run)).is_current:
            parameters = parameters_of(await store.rules(run.municipality_id))
            currency = document_currency(run.month, parameters.issued_on(run.month, act.today))
            await store.write_review(run, currency, parameters.outlier_pct)
    return Effect(run_id)


async def redraft_account(
    run_id: str, case_id: str, served: Sequence[tuple[Month, Sequence[ServedMonth]]], store: ReviewStore, act: Act
) -> Effect:
    """Draft every month of one case again, with what delivery says now.

    Raises StateNotAllowed unless under review, InvariantViolated while a tariff is not applied to all its cases.
    """
    run = await store.lock_run(run_id)
    run_after(run.state, RunStep.REDRAFT)
    await check_tariffs(run, store)
    parameters = parameters_of(await store.rules(run.municipality_id))
    issued_on = parameters.issued_on(run.month, act.today)
    await store.discard_drafts(run, case_id)
    for month, days in served:
        dates = month_dates(month, issued_on, parameters)
        await draft_cases(run, Page(month, [case_id], is_last=False), days, dates, store, act=act)
    await store.write_review(run, document_currency(run.month, issued_on), parameters.outlier_pct)
    return Effect(run_id)


@decides("D-07", "F-13")
async def rerun_account(parked: ParkedAccount, served: Sequence[ServedMonth], store: ReviewStore, act: Act) -> Effect:
    """Draft and issue a parked account for its month; the version of the effect counts invoices.

    The invoice is of the day of the act, so that the person has the whole time to pay it. Nobody is billed twice: an
    account that is no longer parked as it was has been billed, or its care ended before, and is left as it is. Raises
    StateNotAllowed unless the run that parked it is finished, and while the account is dismissed, InvariantViolated
    while a tariff is not applied to all its cases.
    """
    run = await store.lock_run(parked.run_id)
    run_after(run.state, RunStep.RERUN)
    await store.forget_outside_care(parked.case_id)
    if await store.parked_account(parked.case_id, parked.month) != parked:
        return Effect(parked.run_id, 0)
    parked_after(parked.state, ParkStep.BILL)
    await check_tariffs(run, store)
    parameters = parameters_of(await store.rules(run.municipality_id))
    page = Page(parked.month, [parked.case_id], is_last=False)
    await draft_cases(run, page, served, month_dates(parked.month, act.today, parameters), store, act=act)
    return Effect(parked.run_id, await store.issue_account(run, parked.case_id, parked.month))
