"""What a tariff, settings or a catalogue entry would do to a page of cases, tried out (domain.md L-12, F-18)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from services.billing.domain.accounts import Act, BilledRow, ChargeKind, MonthlyFee
from services.billing.rules.currency import month_currency
from services.billing.rules.decisions import DatedFacts, find_fee
from services.billing.rules.fee_rules import FeeRules
from services.billing.rules.proration import WHOLE_MONTH, month_amount
from services.billing.usecases.facts import UNDECIDABLE
from services.billing.usecases.tariffs import (
    NewTariff,
    TariffsStore,
    bring_tariffs,
    decide_each,
    redecided,
    set_tariff,
)
from services.kernel.dates import Month
from services.kernel.local_rules import LocalRules
from services.kernel.money import Money, total

__all__ = ["FeeChange", "FeeChangeStore", "Outcome", "OutcomeOfMonth", "try_fee_change"]


@dataclass(frozen=True, slots=True)
class FeeChange:
    """A tariff, or all that the municipality would have decided, from the month on in which it first holds."""

    municipality_id: str
    change: NewTariff | LocalRules
    from_month: Month | None = None
    """None: in every month that is not approved."""


@dataclass(frozen=True, slots=True)
class OutcomeOfMonth:
    """Notes and invoices that would be issued over a month, and by how much each changed draft would change."""

    month: Month
    notes: tuple[Money, ...]
    drafts: tuple[Money, ...]
    invoices: tuple[Money, ...] = ()
    """Of cases that were billed 0.00 for it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What would become of the cases; the last three are about the first month that is not approved."""

    months: tuple[OutcomeOfMonth, ...]
    from_month: Month
    changed: int
    fees_before: Money
    fees_after: Money


class FeeChangeStore(TariffsStore, Protocol):
    """What trying a change needs of the database."""

    async def first_open_month(self, municipality_id: str) -> Month | None:
        """The month after the last one that was approved; None before any was."""
        ...

    async def dated_facts_of(self, case_ids: Sequence[str]) -> Mapping[str, DatedFacts]:
        """Everything that the fees of these cases depend on, by case."""
        ...


async def try_fee_change(change: FeeChange, case_ids: Sequence[str], store: FeeChangeStore, act: Act) -> Outcome:
    """Make the change, bring it to these cases and tell what became of them; for a rehearsal.

    Errors as `set_tariff`.
    """
    month = await _month_of(change, store, act)
    before, drafts = await _fees(change, case_ids, month, store), await _drafts(case_ids, store)
    await _bring(change, case_ids, store, act)
    after = await _fees(change, case_ids, month, store)
    # A run may draft, and a contract be copied, between the readings: what only one of them knows is not the change's.
    known = before.keys() & after.keys()
    changed = [case_id for case_id in case_ids if case_id in known and before[case_id] != after[case_id]]
    return Outcome(
        await _months(case_ids, drafts, store, act),
        month,
        len(changed),
        _sum((before[case_id] for case_id in changed), month),
        _sum((after[case_id] for case_id in changed), month),
    )


async def _month_of(change: FeeChange, store: FeeChangeStore, act: Act) -> Month:
    first = await store.first_open_month(change.municipality_id) or Month.of(act.today)
    return first if change.from_month is None else max(first, change.from_month)


async def _bring(change: FeeChange, case_ids: Sequence[str], store: FeeChangeStore, act: Act) -> None:
    if isinstance(change.change, LocalRules):
        await store.keep_rules(change.municipality_id, change.change)
        await store.lock_facts(case_ids)
        await decide_each(case_ids, redecided, store, act)
        return
    await set_tariff(change.change, store, act)
    await store.lock_facts(case_ids)
    await decide_each(case_ids, bring_tariffs, store, act)


async def _fees(
    change: FeeChange, case_ids: Sequence[str], month: Month, store: FeeChangeStore
) -> Mapping[str, MonthlyFee]:
    """The fee of a full month of each of the cases that is in care in it; one that cannot be decided is left out."""
    rules: FeeRules = await store.fee_rules(change.municipality_id)
    fees: dict[str, MonthlyFee] = {}
    for case_id, dated in (await store.dated_facts_of(case_ids)).items():
        if dated.contract.start <= month.last and (dated.contract.end is None or dated.contract.end >= month.first):
            with suppress(*UNDECIDABLE):
                fee = find_fee(dated, month, rules)
                if fee is not None:
                    fees[case_id] = fee
    return fees


async def _drafts(case_ids: Sequence[str], store: FeeChangeStore) -> Mapping[tuple[str, Month], BilledRow]:
    return {
        (case_id, row.month): row for case_id in case_ids for row in await store.billed_rows(case_id) if row.is_draft
    }


async def _months(
    case_ids: Sequence[str], drafts: Mapping[tuple[str, Month], BilledRow], store: FeeChangeStore, act: Act
) -> tuple[OutcomeOfMonth, ...]:
    notes: dict[Month, list[Money]] = {}
    moved: dict[Month, list[Money]] = {}
    invoices: dict[Month, list[Money]] = {}
    for case_id in case_ids:
        books = await store.books(case_id)
        for issued, found in ((notes, books.corrections), (invoices, books.invoices)):
            for document in found:
                if document.request_id == act.request_id:
                    issued.setdefault(document.month, []).append(document.amount)
    for (case_id, month), row in (await _drafts(case_ids, store)).items():
        earlier = drafts.get((case_id, month))
        if earlier is not None and row.amount != earlier.amount:
            moved.setdefault(month, []).append(row.amount - earlier.amount)
    return tuple(
        OutcomeOfMonth(month, tuple(notes.get(month, ())), tuple(moved.get(month, ())), tuple(invoices.get(month, ())))
        for month in sorted(notes.keys() | moved.keys() | invoices.keys())
    )


def _sum(fees: Iterable[MonthlyFee], month: Month) -> Money:
    return total(
        (month_amount(fee, WHOLE_MONTH) for fee in fees if fee.charge is ChargeKind.INCOME_PERCENT),
        month_currency(month),
    )
