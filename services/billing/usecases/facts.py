"""Facts about a fee: the copied contract, declared income, assets and cost; documents over what they change (L-12)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Protocol

from services.billing.domain.accounts import (
    Act,
    Assets,
    BilledRow,
    Books,
    ChargeKind,
    Contract,
    MonthlyFee,
    ServedMonth,
    WarStatus,
)
from services.billing.domain.causes import Cause, NoteCause
from services.billing.domain.runs import ParkReason
from services.billing.errors import CurrencyNotAllowed, InvalidFact, UnknownService
from services.billing.rules.corrections import BilledMonth, FirstInvoice, Note, first_invoice, note_over
from services.billing.rules.currency import month_currency
from services.billing.rules.decisions import (
    DatedFacts,
    FeeDecision,
    IncomeDeclaration,
    fee_decisions,
    find_fee,
)
from services.billing.rules.fee_rules import FeeRules
from services.billing.rules.parameters import BillingParameters
from services.billing.rules.proration import month_amount, within_care
from services.billing.usecases.explained import part_of
from services.billing.usecases.kept_statements import AsBilled, StatementStore, as_billed, keep_present
from services.billing.usecases.set_off import SetOffStore, set_off_each
from services.kernel.dates import Month
from services.kernel.local_rules import LocalRules
from services.kernel.money import Currency, CurrencyMismatchError, Money
from services.runtime.commands import Effect

__all__ = [
    "LARGEST_A_MONTH",
    "LARGEST_SAVINGS",
    "UNDECIDABLE",
    "Amendment",
    "FactsStore",
    "amend_contract",
    "change_rules",
    "check_currency",
    "copy_contract",
    "decide",
    "declare_assets",
    "declare_income",
    "issue_date_of",
    "part_of",
    "redecide",
    "refresh_served_days",
    "set_actual_cost",
]

UNDECIDABLE = (CurrencyMismatchError, CurrencyNotAllowed, UnknownService)
"""What is raised about a case whose facts allow no decision: where many cases are decided, the others go on."""

LARGEST_A_MONTH = 1_000_000
"""Of either currency: incomes together, or the cost of one person. A slip of the keyboard above it has no bill."""

LARGEST_SAVINGS = 1_000_000_000
"""Of either currency."""


class FactsStore(StatementStore, SetOffStore, Protocol):
    """What recording a fact needs of the database."""

    async def lock_case(self, case_id: str) -> None:
        """Wait for billing runs and changes of the case, keep both away until the commit."""
        ...

    async def keep_rules(self, municipality_id: str, rules: LocalRules) -> None:
        """Keep what a municipality has decided, unless a later version is kept."""
        ...

    async def save_contract(self, contract: Contract, war: WarStatus, now: datetime) -> bool:
        """Keep the copy unless a newer one is kept; gives whether it is kept."""
        ...

    async def war_status(self, case_id: str) -> WarStatus | None:
        """The war status that is kept last; None when no contract of the case is kept."""
        ...

    async def change_war_status(
        self, contract: Contract, from_month: Month, before: WarStatus, war: WarStatus, now: datetime
    ) -> None:
        """Keep from which month on another war status holds."""
        ...

    async def add_income(self, case_id: str, declared: IncomeDeclaration, now: datetime) -> str:
        """Keep the declaration; its id."""
        ...

    async def add_assets(self, case_id: str, from_month: Month, assets: Assets, now: datetime) -> str:
        """Keep the declaration; its id."""
        ...

    async def add_cost(self, case_id: str, from_month: Month, amount: Money, now: datetime) -> str:
        """Keep the declaration; its id."""
        ...

    async def fee_rules(self, municipality_id: str) -> FeeRules:
        """By which rules the fee of each month is decided."""
        ...

    async def replace_decisions(self, case_id: str, decisions: Sequence[FeeDecision], now: datetime) -> None: ...
    async def keep_read(self, dated: DatedFacts, rules: FeeRules) -> None:
        """Keep by which tariffs and rules the fees of the case are decided."""
        ...

    async def save_served(self, served: Sequence[ServedMonth]) -> None: ...
    async def redraft(self, case_id: str, row: BilledRow, fee: MonthlyFee, served: ServedMonth) -> None: ...
    async def park_draft(self, case_id: str, month: Month, reason: ParkReason) -> None:
        """Throw a draft away and list its account instead."""
        ...

    async def forget_outside_care(self, case_id: str) -> None:
        """List the account no longer for months in which there is no care."""
        ...

    async def issue_approved(self, case_id: str, month: Month) -> None:
        """Issue the approved draft of a month as it is, with the next number; its run passes over it then."""
        ...

    async def add_note(self, case_id: str, note: Note, cause: Cause, act: Act) -> None: ...
    async def add_first_invoice(self, case_id: str, invoice: FirstInvoice, cause: Cause, act: Act) -> None:
        """Issue and book an invoice with the next number."""
        ...


async def copy_contract(contract: Contract, war: WarStatus, rules: LocalRules, store: FactsStore, act: Act) -> Effect:
    """Keep the contract as placement signed it and decide its fees anew.

    A war status that came or went since the last copy holds from the month of the day on which it is copied (F-06,
    F-07): a certificate says nothing about bills that are written.
    """
    await store.keep_rules(contract.municipality_id, rules)
    before = await _locked_up_to_date(contract.case_id, store, act)
    known = await store.war_status(contract.case_id)
    if await store.save_contract(contract, war, act.now) and known not in {None, war}:
        await store.change_war_status(contract, Month.of(act.today), known, war, act.now)
    await decide(contract.case_id, Cause(NoteCause.CONTRACT, str(contract.version)), before, store, act)
    await store.forget_outside_care(contract.case_id)
    return Effect(contract.case_id, contract.version)


@dataclass(frozen=True, slots=True)
class Amendment:
    """Other terms of a contract, None: as they are; and what its copy would take over from the other services."""

    actual_cost: Money | None
    unit_price: Money | None
    contract: Contract
    war: WarStatus
    rules: LocalRules


async def amend_contract(amendment: Amendment, store: FactsStore, act: Act) -> Effect:
    """Copy a further version of the contract with another cost or price; for a rehearsal."""
    actual_cost, unit_price, known = amendment.actual_cost, amendment.unit_price, amendment.contract
    amended = replace(
        known,
        actual_cost=known.actual_cost if actual_cost is None else actual_cost,
        unit_price=known.unit_price if unit_price is None else unit_price,
        version=known.version + 1,
    )
    return await copy_contract(amended, amendment.war, amendment.rules, store, act)


async def change_rules(case_id: str, rules: LocalRules, store: FactsStore, act: Act) -> Effect:
    """Keep what a municipality would decide and bring it to one case alone; for a rehearsal."""
    await store.keep_rules((await store.dated_facts(case_id)).contract.municipality_id, rules)
    await store.lock_case(case_id)
    await redecide(case_id, store, act)
    return Effect(case_id)


async def declare_income(case_id: str, declared: IncomeDeclaration, store: FactsStore, act: Act) -> Effect:
    """Replace all incomes from a month on.

    Raises CurrencyNotAllowed for euro in a month of the lev, InvalidFact for evidence that ends before the month and
    for more than `LARGEST_A_MONTH` together.
    """
    ends = declared.evidence.valid_until
    if ends is not None and ends < declared.from_month.first:
        raise InvalidFact(field="valid_until_date")
    for item in declared.income:
        check_currency(item.amount, declared.from_month, "income")
    if sum(item.amount.amount for item in declared.income) > LARGEST_A_MONTH:
        raise InvalidFact(field="income")
    before = await _locked_up_to_date(case_id, store, act)
    declaration = await store.add_income(case_id, declared, act.now)
    await decide(case_id, Cause(NoteCause.INCOME, declaration), before, store, act)
    return Effect(case_id)


async def declare_assets(case_id: str, from_month: Month, assets: Assets, store: FactsStore, act: Act) -> Effect:
    """Replace the grounds of F-04 from a month on."""
    if assets.savings is not None:
        check_currency(assets.savings, from_month, "savings")
        if assets.savings.amount > LARGEST_SAVINGS:
            raise InvalidFact(field="savings")
    if assets.property_transferred_on is not None and assets.property_transferred_on > act.today:
        raise InvalidFact(field="property_transferred_date")
    before = await _locked_up_to_date(case_id, store, act)
    declaration = await store.add_assets(case_id, from_month, assets, act.now)
    await decide(case_id, Cause(NoteCause.ASSETS, declaration), before, store, act)
    return Effect(case_id)


async def set_actual_cost(case_id: str, from_month: Month, amount: Money, store: FactsStore, act: Act) -> Effect:
    """Set the monthly cost per person from a month on."""
    check_currency(amount, from_month, "amount")
    if amount.amount > LARGEST_A_MONTH:
        raise InvalidFact(field="amount")
    before = await _locked_up_to_date(case_id, store, act)
    declaration = await store.add_cost(case_id, from_month, amount, act.now)
    await decide(case_id, Cause(NoteCause.COST, declaration), before, store, act)
    return Effect(case_id)


async def refresh_served_days(case_id: str, served: Sequence[ServedMonth], store: FactsStore, act: Act) -> Effect:
    """Take over what delivery says now about months and issue documents over the difference in billed ones (F-18)."""
    before = await _locked_up_to_date(case_id, store, act)
    await store.save_served(served)
    dated = await store.dated_facts(case_id)
    rules = await store.fee_rules(dated.contract.municipality_id)
    await _settle(dated, rules, None, before, store, act)
    return Effect(case_id)


def check_currency(amount: Money, month: Month, field: str) -> None:
    """CurrencyNotAllowed for an amount in euro from a month that is computed in leva (F-13)."""
    if amount.currency is not month_currency(month) and amount.currency is Currency.EUR:
        raise CurrencyNotAllowed(field=field)


async def _locked_up_to_date(case_id: str, store: FactsStore, act: Act) -> AsBilled | None:
    """Lock a case and bring it the tariffs that wait for it: what they change is not laid to the fact recorded next.

    Gives what `as_billed` says after them.
    """
    await store.lock_case(case_id)
    before = await as_billed(case_id, store)
    if before is None:
        return None
    last = (await store.dated_facts(case_id)).last_tariff
    if before.dated.last_tariff == last:
        return before
    try:
        await decide(case_id, Cause(NoteCause.TARIFF, str(last)), before, store, act)
    except CurrencyNotAllowed:
        # The fact may be the one that makes the tariff fit; if it is not, recording it is refused.
        return before
    return await as_billed(case_id, store)


async def decide(case_id: str, cause: Cause, before: AsBilled | None, store: FactsStore, act: Act) -> int:
    """Derive the fees of a locked case from its facts and correct what was billed (L-12, F-18); counts the documents.

    `before` is what `as_billed` said before the fact was recorded: a statement that a note follows is kept by it.
    Raises CurrencyNotAllowed when a fact in euro holds in a month of the lev (F-13).
    """
    dated, rules = await _derive(case_id, store, act)
    return await _settle(dated, rules, cause, before, store, act)


async def redecide(case_id: str, store: FactsStore, act: Act) -> None:
    """Derive the fees of a locked case by the rules that are kept now, and compute its drafts again.

    No month that is issued was decided by them: there are no documents. Raises as `decide`.
    """
    dated, rules = await _derive(case_id, store, act)
    drafts = [row for row in await store.billed_rows(case_id) if row.is_draft]
    if drafts:
        served = await store.served_months(case_id)
        for row in drafts:
            await _redraft(dated, rules, row, served[row.month], store)


async def _derive(case_id: str, store: FactsStore, act: Act) -> tuple[DatedFacts, FeeRules]:
    dated = await store.dated_facts(case_id)
    rules = await store.fee_rules(dated.contract.municipality_id)
    try:
        decisions = fee_decisions(dated, rules)
    except CurrencyMismatchError:
        raise CurrencyNotAllowed(field="from_month") from None
    await store.replace_decisions(case_id, decisions, act.now)
    await store.keep_read(dated, rules)
    return dated, rules


async def _settle(  # noqa: PLR0917 as `decide`
    dated: DatedFacts, rules: FeeRules, cause: Cause | None, before: AsBilled | None, store: FactsStore, act: Act
) -> int:
    """Bring every billed month to what is due now; without a cause it is the month's served days that changed.

    What is approved is not changed: the fact that makes something else due has it issued first, then comes the note.
    """
    case_id = dated.contract.case_id
    rows = await store.billed_rows(case_id)
    if not rows:
        return 0
    documents = 0
    served, books = await store.served_months(case_id), await store.books(case_id)
    for row in rows:
        if row.is_draft:
            await _redraft(dated, rules, row, served[row.month], store)
            continue
        fee = find_fee(dated, row.month, rules)
        if fee is None:
            # What was issued stays as it is: no rule says what else it should be.
            continue
        part = part_of(row.month, served[row.month])
        due = month_amount(fee, part)
        if not within_care(dated.contract, row.month, part, due):
            # Contract and delivery do not agree yet: whichever is behind comes, and settles the month.
            continue
        if row.is_approved and due != row.computed:
            await store.issue_approved(case_id, row.month)
            books = await store.books(case_id)
        billed, counted = _billed_so_far(row, books), Cause(NoteCause.SERVED_DAYS, str(served[row.month].version))
        note = note_over(billed, due, act.today)
        if note is not None:
            if before is not None:
                await keep_present(before, row, books, rules, store, act.now)
            await _issue(case_id, billed, note, cause or counted, rules.present, store, act=act)
            documents += 1
    if documents:
        await set_off_each([case_id], store, act)
    return documents


async def _issue(  # noqa: PLR0917 a document brings these parts together
    case_id: str,
    billed: BilledMonth,
    note: Note,
    cause: Cause,
    parameters: BillingParameters,
    store: FactsStore,
    *,
    act: Act,
) -> None:
    invoice = first_invoice(billed, note, act.today, parameters)
    if invoice is None:
        await store.add_note(case_id, note, cause, act)
    else:
        await store.add_first_invoice(case_id, invoice, cause, act)


async def _redraft(dated: DatedFacts, rules: FeeRules, row: BilledRow, served: ServedMonth, store: FactsStore) -> None:
    fee, part = find_fee(dated, row.month, rules), part_of(row.month, served)
    if fee is None:
        await store.park_draft(dated.contract.case_id, row.month, ParkReason.NO_FEE_DECISION)
        return
    due = month_amount(fee, part)
    if not within_care(dated.contract, row.month, part, due):
        # The contract was shortened and delivery has not said so yet; a run parks what it still finds so.
        return
    if due != row.computed or fee.charge is ChargeKind.UNITS:
        await store.redraft(dated.contract.case_id, row, fee, served)


def _billed_so_far(row: BilledRow, books: Books) -> BilledMonth:
    notes = [item for item in books.corrections if item.month == row.month]
    computed = row.computed
    for item in notes:
        computed += item.computed
    invoiced = [item.amount for item in books.invoices if item.month == row.month]
    return BilledMonth(row.month, computed, (*invoiced, *(item.amount for item in notes)))


def issue_date_of(month: Month, billed: Sequence[BilledRow], parameters: BillingParameters) -> date:
    """The day of the month's invoice: a month that was billed late has its own; that of its run before it is billed."""
    return next((row.issue_date for row in billed if row.month == month), parameters.issue_date(month))
