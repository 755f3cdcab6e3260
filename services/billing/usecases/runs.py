"""The monthly billing run: claim, draft by pages, review (domain.md L-01, F-18)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from services.billing.domain.accounts import Act, Run, RunState, RunStep, ServedMonth, run_after
from services.billing.domain.runs import Gate, Invariant, ParkReason
from services.billing.errors import InvariantViolated, ReviewOutdated, StateNotAllowed
from services.billing.rules.currency import document_currency, month_currency
from services.billing.rules.decisions import DatedFacts, fee_in
from services.billing.rules.fee_rules import FeeRules
from services.billing.rules.parameters import BillingParameters, comes_into_euro, parameters_of
from services.billing.rules.proration import month_amount
from services.billing.usecases.facts import UNDECIDABLE, FactsStore, part_of, redecide
from services.kernel.catalogue import UnknownServiceError
from services.kernel.codes import Event
from services.kernel.dates import Month
from services.kernel.local_rules import LocalRules
from services.kernel.money import Currency, CurrencyMismatchError, Money
from services.kernel.register import decides
from services.runtime.commands import Effect
from services.runtime.ids import new_id
from services.runtime.outbox import Signal

__all__ = [
    "MonthDates",
    "Page",
    "RunClaim",
    "RunStore",
    "approve_run",
    "block",
    "check_tariffs",
    "draft_cases",
    "draft_page",
    "month_dates",
    "open_run",
    "tell",
]


@dataclass(frozen=True, slots=True)
class MonthDates:
    """What all invoices of a month have in common."""

    month: Month
    issue_date: date
    due_date: date
    calendar_version: str
    currency: Currency
    document_currency: Currency


@dataclass(frozen=True, slots=True)
class RunClaim:
    """Whose month is to be billed, and which workflow waits for the approval; empty: none."""

    municipality_id: str
    month: Month
    workflow_id: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """Cases that have to be billed for a month; the last page of a run may have none."""

    month: Month
    case_ids: Sequence[str]
    is_last: bool
    month_unknown: bool = False
    """Whether delivery knows nobody of the municipality in the month."""


class RunStore(FactsStore, Protocol):
    """What a run needs of the database beyond what recording a fact needs."""

    async def claim_run(self, run: Run, now: datetime) -> Run:
        """The run of the municipality and month: this one, or the one that was there."""
        ...

    async def first_unbilled_month(self, municipality_id: str, month: Month) -> Month:
        """The earliest month, not after `month`, that some case has to be billed for."""
        ...

    async def broken_invariants(self, municipality_id: str, month: Month) -> Sequence[Invariant]:
        """Which invariants are red for a municipality whose month is to be billed."""
        ...

    async def tariffs_applied(self, municipality_id: str) -> bool:
        """Whether every case of the municipality is decided by the tariffs that are recorded."""
        ...

    async def fee_rules_applied(self, municipality_id: str) -> bool:
        """Whether every draft under way is decided by the rules that are kept."""
        ...

    async def behind_rules(self, case_ids: Sequence[str]) -> Sequence[str]:
        """Those of the cases whose fees were decided before the last rules of the municipality were kept."""
        ...

    async def undecided(self, case_ids: Sequence[str]) -> Sequence[str]:
        """Those of the cases that the last tariff of their service could not decide."""
        ...

    async def lock_each(self, case_ids: Sequence[str]) -> None:
        """Keep changes of the cases away until the commit."""
        ...

    async def keep_red(self, run: Run, red: Sequence[Invariant], now: datetime) -> None:
        """Keep what is red now, instead of what was."""
        ...

    async def lock_run(self, run_id: str) -> Run:
        """The run, kept from everybody else until the commit; NotFound when there is none."""
        ...

    async def lock_cases(self, case_ids: Sequence[str]) -> None:
        """Wait for facts being recorded about the cases."""
        ...

    async def draft(self, run: Run, dates: MonthDates, case_ids: Sequence[str], served: Sequence[ServedMonth]) -> int:
        """Keep the served days of these cases and draft their month, set-based; gives how many are above 0.00.

        Cases that cannot be drafted are parked with why; how many drafts that took away is given as less.
        """
        ...

    async def park(self, run: Run, month: Month, case_ids: Sequence[str], reason: ParkReason) -> int:
        """Throw away what the run drafted of these cases for a month and list them; gives how many drafts are gone."""
        ...

    async def write_review(self, run: Run, currency: Currency, outlier_pct: int) -> None:
        """Put the drafts beside the month before; `currency` is that of the month's documents."""
        ...

    async def first_issue_date(self, run: Run) -> date | None:
        """The first issue date of the drafts of a run above 0.00; None without any."""
        ...

    async def date_anew(self, run: Run, dates: MonthDates, due_before: date) -> int:
        """Give these dates to the drafts of a run in the same currency that are due before a day; gives how many."""
        ...

    async def gate(self, run: Run) -> Gate:
        """How the drafts stand to their review."""
        ...

    async def park_outside_care(self, run: Run) -> None:
        """Park the drafts of a run that no longer lie within contract and authorisation."""
        ...

    async def drafted_amounts(self, case_ids: Sequence[str], month: Month) -> Mapping[str, Money]:
        """What a month was computed to in its own currency, by case; none where it was not."""
        ...

    async def served_in(self, case_ids: Sequence[str], month: Month) -> Sequence[ServedMonth]:
        """What is kept of a month of these cases; those of which delivery said nothing are left out."""
        ...

    async def dated_facts_of(self, case_ids: Sequence[str]) -> Mapping[str, DatedFacts]:
        """Everything that the fees of these cases depend on, by case."""
        ...

    async def issue(self, run: Run, limit: int) -> int:
        """Issue the next drafts with the next numbers and book them; gives how many, with what a fact had issued."""
        ...

    async def move_run(self, run_id: str, state: RunState) -> None: ...
    async def seal(self, run: Run) -> None:
        """Keep the hash of every invoice that was numbered since the run before was closed."""
        ...

    async def emit(self, emission: Signal) -> None: ...


async def open_run(claim: RunClaim, rules: LocalRules, store: RunStore, act: Act) -> Effect:
    """Claim the run of a municipality and month, or answer the one that exists; check the invariants before it drafts.

    While an invariant is red the run is BLOCKED. Raises StateNotAllowed before the month's day of issue.
    """
    municipality_id, month = claim.municipality_id, claim.month
    await store.keep_rules(municipality_id, rules)
    parameters = parameters_of(await store.rules(municipality_id))
    if act.today < parameters.issue_date(month):
        raise StateNotAllowed(metadata={"month": str(month), "issue_date": parameters.issue_date(month).isoformat()})
    first = await store.first_unbilled_month(municipality_id, month)
    claimed = Run(
        new_id(), municipality_id, month, first, RunState.DRAFTING, parameters.auto_approve, claim.workflow_id
    )
    run = await store.claim_run(claimed, act.now)
    if run.state in {RunState.BLOCKED, RunState.DRAFTING}:
        await block(run, await store.broken_invariants(municipality_id, month), store, act)
    return Effect(run.run_id)


async def block(run: Run, red: Sequence[Invariant], store: RunStore, act: Act) -> None:
    """Keep a run that has not drafted all from going on while something is red, and let it go on when nothing is."""
    await store.keep_red(run, red, act.now)
    state = run_after(run.state, RunStep.BLOCK if red else RunStep.RELEASE)
    if state is not run.state:
        await store.move_run(run.run_id, state)


async def draft_page(run_id: str, page: Page, served: Sequence[ServedMonth], store: RunStore, act: Act) -> Effect:
    """Store what delivery says about a page of cases and draft their month; the version of the effect counts drafts.

    A month in which delivery knows nobody blocks the run. So does a tariff that was recorded since the run was opened,
    and what the municipality changed about fees when a part of the month was drafted already. Drafts that differ from
    the rule are parked, and accounts that delivery does not know.
    """
    run = await store.lock_run(run_id)
    if run.state is not RunState.DRAFTING:
        return Effect(run_id, 0)
    red = await _red_at_page(run, page, store)
    if red is not None:
        await block(run, [red], store, act)
        return Effect(run_id, 0)
    parameters = parameters_of(await store.rules(run.municipality_id))
    issued_on = parameters.issued_on(run.month, act.today)
    dates = month_dates(page.month, issued_on, parameters)
    drafts = await draft_cases(run, page, served, dates, store, act=act) if page.case_ids else 0
    if page.is_last:
        await _submit(run, parameters, store, act)
        await store.write_review(run, document_currency(run.month, issued_on), parameters.outlier_pct)
    return Effect(run_id, drafts)


async def _submit(run: Run, parameters: BillingParameters, store: RunStore, act: Act) -> None:
    """Have a drafted month reviewed, or approve it by setting under the same conditions as an approval has."""
    # A run may have been blocked between its pages for days, in which contracts were shortened.
    await store.park_outside_care(run)
    step = RunStep.SUBMIT
    if run.auto_approve and await _waited_for_euro(run, store, act) is None:
        step = RunStep.SKIP_REVIEW
        await _give_time_to_pay(run, parameters, store, act)
    await store.move_run(run.run_id, run_after(run.state, step))


async def _red_at_page(run: Run, page: Page, store: RunStore) -> Invariant | None:
    if page.month_unknown:
        return Invariant.SERVED_DAYS_KNOWN
    if not await store.tariffs_applied(run.municipality_id):
        return Invariant.TARIFFS_APPLIED
    if page.is_last and not await store.fee_rules_applied(run.municipality_id):
        return Invariant.FEE_RULES_APPLIED
    return None


async def check_tariffs(run: Run, store: RunStore) -> None:
    """InvariantViolated while a tariff is not applied to all its cases."""
    if not await store.tariffs_applied(run.municipality_id):
        raise InvariantViolated(metadata={"month": str(run.month), "invariants": Invariant.TARIFFS_APPLIED})


async def draft_cases(
    run: Run, page: Page, served: Sequence[ServedMonth], dates: MonthDates, store: RunStore, *, act: Act
) -> int:
    """Draft a page of a locked run for invoices of a day; gives how many drafts are above 0.00.

    Cases that were decided by earlier rules of the municipality are decided anew first. What delivery said later than
    `served` stays. Every draft is then computed by the rule too; where that gives another amount, the case is parked.
    """
    undecided = await _redecide_page(page.case_ids, store, act)
    drafts = await store.draft(run, dates, page.case_ids, served)
    if undecided:
        drafts -= await store.park(run, page.month, undecided, ParkReason.NO_FEE_DECISION)
    wrong = await _differing(run, page, store)
    return drafts - (await store.park(run, page.month, wrong, ParkReason.DIFFERS_FROM_RULE) if wrong else 0)


async def _redecide_page(case_ids: Sequence[str], store: RunStore, act: Act) -> Sequence[str]:
    """Lock the cases and bring the last rules to those that wait for them.

    Gives the cases that rules or tariffs cannot decide.
    """
    behind = await store.behind_rules(case_ids)
    await store.lock_each(behind)
    await store.lock_cases(case_ids)
    undecided: list[str] = []
    for case_id in behind:
        try:
            await redecide(case_id, store, act)
        except UNDECIDABLE:
            undecided.append(case_id)
    return [*undecided, *await store.undecided(case_ids)]


@decides("D-07", "F-13", "L-01")
def month_dates(month: Month, issued_on: date, parameters: BillingParameters) -> MonthDates:
    """Days and currencies of invoices for a month: nothing is dated before the day on which it is issued.

    A month that its own run did not bill has the day of the run, or of the act, that bills it.
    """
    issue_date = max(parameters.issue_date(month), issued_on)
    return MonthDates(
        month,
        issue_date,
        parameters.due_date_of(issue_date),
        parameters.calendar.version,
        month_currency(month),
        document_currency(month, issue_date),
    )


async def _differing(run: Run, page: Page, store: RunStore) -> Sequence[str]:
    """Cases for which the rule gives another amount than the draft, or none at all."""
    served = await store.served_in(page.case_ids, page.month)
    case_ids = [item.case_id for item in served]
    drafted = await store.drafted_amounts(case_ids, page.month)
    facts, rules = await store.dated_facts_of(case_ids), await store.fee_rules(run.municipality_id)
    return [
        item.case_id
        for item in served
        if item.case_id in drafted and _due(facts[item.case_id], item, rules) != drafted[item.case_id]
    ]


def _due(dated: DatedFacts, served: ServedMonth, rules: FeeRules) -> Money | None:
    """What the rule gives for the month; None when it gives nothing."""
    try:
        return month_amount(fee_in(dated, served.month, rules), part_of(served.month, served))
    except (UnknownServiceError, CurrencyMismatchError):
        return None


async def approve_run(run_id: str, drafts_hash: str, store: RunStore, act: Act) -> Effect:
    """Open the review gate and tell the workflow that waits at it; an empty hash means the first review.

    Drafts that have waited until less than the fewest days to pay remain are dated on the day of approval. Raises
    StateNotAllowed while drafts are being made, and when they have waited until the euro came: then the month is to be
    rejected and drafted anew. InvariantViolated when the books do not agree, ReviewOutdated unless the drafts are those
    whose hash the approval names.
    """
    run = await store.lock_run(run_id)
    state = run_after(run.state, RunStep.APPROVE)
    if state is not run.state:
        red = await store.broken_invariants(run.municipality_id, run.month)
        if red:
            raise InvariantViolated(metadata={"month": str(run.month), "invariants": ",".join(red)})
        gate = await store.gate(run)
        if not gate.admits(drafts_hash):
            raise ReviewOutdated(metadata={"month": str(run.month), "drafts_hash": gate.drafted})
        if (waited := await _waited_for_euro(run, store, act)) is not None:
            raise StateNotAllowed(metadata={"issue_date": waited.isoformat()})
        parameters = parameters_of(await store.rules(run.municipality_id))
        if await _give_time_to_pay(run, parameters, store, act):
            await store.write_review(run, document_currency(run.month, act.today), parameters.outlier_pct)
        await store.move_run(run_id, state)
        await tell(run, Event.RUN_APPROVED, store, act)
    return Effect(run_id)


@decides("F-13")
async def _waited_for_euro(run: Run, store: RunStore, act: Act) -> date | None:
    """The issue date of drafts in leva that have waited until the euro came; None without any."""
    issue_date = await store.first_issue_date(run)
    return issue_date if issue_date is not None and comes_into_euro(issue_date, act.today) else None


@decides("D-07")
async def _give_time_to_pay(run: Run, parameters: BillingParameters, store: RunStore, act: Act) -> int:
    """Date the drafts that leave too few days to pay on the day of approval; gives how many."""
    dates = month_dates(run.month, act.today, parameters)
    return await store.date_anew(run, dates, parameters.earliest_due_date(act.today))


async def tell(run: Run, event: Event, store: RunStore, act: Act) -> None:
    """Tell the workflow of the run, if there is one."""
    if run.workflow_id:
        await store.emit(
            Signal(
                case_id=run.run_id,
                municipality_id=run.municipality_id,
                workflow_id=run.workflow_id,
                event=event,
                instant=act.now,
                reference=run.run_id,
            )
        )
