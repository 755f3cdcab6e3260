"""Payments by bank: import, allocation by evidence, decisions of people (domain.md F-13, L-13)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from services.billing.domain.accounts import Act, Books
from services.billing.domain.payments import (
    Allocation,
    Allotment,
    BankFile,
    BankLine,
    BankPayment,
    Evidence,
    Hint,
    OpenMonth,
    PayerMatch,
    WaitingMoney,
)
from services.billing.errors import (
    AllocationTooLarge,
    CurrencyNotAllowed,
    NoInvoice,
    StateNotAllowed,
)
from services.billing.rules.accounts import currency_of_month, net_of, open_amount
from services.billing.rules.known_entries import KnownEntries, check_accounts, not_known_yet
from services.billing.rules.matching import after, match, numbers_of, of_same_case, portion
from services.billing.rules.parameters import parameters_of
from services.billing.usecases.set_off import SetOffStore, set_off_each, take_back_given
from services.kernel.dates import Month
from services.kernel.local_rules import LocalRules
from services.kernel.money import Currency, Money, total
from services.kernel.register import decides
from services.runtime.commands import Effect
from services.runtime.errors import NotFound

__all__ = [
    "Billed",
    "By",
    "Candidates",
    "NewLine",
    "PaymentStore",
    "WaitingStore",
    "allocate_payment",
    "allot_waiting",
    "import_file",
    "unallocate_payment",
]


@dataclass(frozen=True, slots=True)
class By:
    """Who records something, and when."""

    act: Act
    staff: str


@dataclass(frozen=True, slots=True)
class Billed:
    """A billed month of a case."""

    case_id: str
    month: Month


@dataclass(frozen=True, slots=True)
class NewLine:
    """A payment that no earlier file had."""

    entry_id: str
    line: BankLine


@dataclass(frozen=True, slots=True)
class Candidates:
    """Months for which a file's payments may be: by invoice number, and by the payment whose account paid before."""

    numbered: Mapping[int, OpenMonth]
    of_payer: Mapping[str, Sequence[OpenMonth]]

    def months(self) -> Iterable[OpenMonth]:
        """Every month, some more than once."""
        yield from self.numbered.values()
        for months in self.of_payer.values():
            yield from months


class WaitingStore(SetOffStore, Protocol):
    """What the rests of payments need of the database."""

    async def waiting_money(self, case_ids: Sequence[str]) -> Sequence[WaitingMoney]:
        """What is left of payments that name one of the cases, oldest first, kept from everybody until the commit."""
        ...

    async def open_months(self, case_ids: Sequence[str]) -> Sequence[OpenMonth]:
        """Months of the cases of which something is open, oldest first."""
        ...

    async def add_allocations(self, kept: Sequence[tuple[str, Allotment]], by: By) -> None:
        """Keep and book allotments of payments."""
        ...

    async def set_hints(self, hints: Mapping[str, Hint | None]) -> None:
        """Keep why something of these payments is left; they name no case any longer."""
        ...


class PaymentStore(WaitingStore, Protocol):
    """What payments need of the database."""

    async def keep_rules(self, municipality_id: str, rules: LocalRules) -> None: ...
    async def lock_case(self, case_id: str) -> None: ...
    async def lock_each(self, case_ids: Sequence[str]) -> None:
        """Keep changes of the cases away until the commit."""
        ...

    async def add_file(self, file: BankFile, by: By) -> tuple[str, bool]:
        """Id of the file, and whether it is new."""
        ...

    async def known_entries(self, file: BankFile) -> KnownEntries:
        """What earlier files had by the references of the file."""
        ...

    async def add_lines(self, file_id: str, file: BankFile, lines: Sequence[BankLine], by: By) -> Sequence[NewLine]:
        """Keep and book payments of the file."""
        ...

    async def candidates(
        self, municipality_id: str, lines: Sequence[NewLine], numbers: Sequence[int]
    ) -> Candidates: ...
    async def name_cases(self, named: Mapping[str, str]) -> None:
        """Keep for which case what is left of these payments is."""
        ...

    async def payment(self, entry_id: str) -> BankPayment: ...
    async def lock_payment(self, entry_id: str) -> BankPayment: ...
    async def reverse_allocation(self, payment: BankPayment, allocation_id: str, reason: str, by: By) -> None: ...


async def import_file(file: BankFile, rules: LocalRules, store: PaymentStore, by: By) -> Effect:
    """Keep a file's payments and allocate them; the version of the effect counts what is new.

    A file, and an entry of a file, counts once; BankFileNotReadable for an entry that is known otherwise, or is of an
    account that is not the municipality's.
    """
    parameters = parameters_of(rules)
    check_accounts(file.statement.lines, parameters.accounts)
    await store.keep_rules(file.municipality_id, rules)
    file_id, is_new = await store.add_file(file, by)
    if not is_new:
        return Effect(file_id, 0)
    fresh = not_known_yet(file.statement.lines, await store.known_entries(file))
    lines = await store.add_lines(file_id, file, fresh, by)
    numbers = sorted({number for item in lines for number in numbers_of(item.line).invoices})
    seen = await store.candidates(file.municipality_id, lines, numbers)
    await store.lock_each(sorted({month.case_id for month in seen.months()}))
    found = await store.candidates(file.municipality_id, lines, numbers)
    await _allocate(lines, found, parameters.payer_match, store, by)
    return Effect(file_id, len(lines))


async def _allocate(
    lines: Sequence[NewLine], found: Candidates, by_payer: PayerMatch, store: PaymentStore, by: By
) -> None:
    # What one payment takes the next one finds gone.
    open_now = {(month.case_id, month.month): month for month in found.months()}
    kept: list[tuple[str, Allotment]] = []
    hints: dict[str, Hint | None] = {}
    named: dict[str, str] = {}
    for item in lines:
        numbered = {number: open_now[month.case_id, month.month] for number, month in found.numbered.items()}
        of_payer = [open_now[month.case_id, month.month] for month in found.of_payer.get(item.entry_id, ())]
        outcome = match(item.line, numbered, of_payer, by_payer)
        for allotment in outcome.allotments:
            key = allotment.case_id, allotment.month
            open_now[key] = after(open_now[key], allotment)
            kept.append((item.entry_id, allotment))
        hints[item.entry_id] = outcome.hint
        if outcome.names_case is not None:
            named[item.entry_id] = outcome.names_case
    await store.add_allocations(kept, by)
    await store.set_hints(hints)
    await store.name_cases(named)
    await allot_waiting(sorted(set(named.values())), store, by)
    await set_off_each(sorted({allotment.case_id for _, allotment in kept}), store, by.act)


@decides("L-13")
async def allot_waiting(case_ids: Sequence[str], store: WaitingStore, by: By) -> int:
    """Pay what is open of cases that are locked by what is left of payments that name them, the oldest of both first.

    Gives for how many payments. Who paid two months by the reference of one has no term running for the other.
    """
    waiting = await store.waiting_money(case_ids) if case_ids else ()
    months = await store.open_months(sorted({item.case_id for item in waiting})) if waiting else ()
    open_now = {(month.case_id, month.month): month for month in months}
    kept: list[tuple[str, Allotment]] = []
    used_up: dict[str, Hint | None] = {}
    for item in waiting:
        of_case = [month for month in open_now.values() if month.case_id == item.case_id]
        found = of_same_case(item.rest, item.booked_on, of_case)
        for allotment in found:
            key = allotment.case_id, allotment.month
            open_now[key] = after(open_now[key], allotment)
            kept.append((item.entry_id, allotment))
        if item.rest == total((allotment.amount for allotment in found), item.rest.currency):
            used_up[item.entry_id] = None
    await store.add_allocations(kept, by)
    await store.set_hints(used_up)
    return len({entry_id for entry_id, _ in kept})


async def allocate_payment(entry_id: str, billed: Billed, amount: Money | None, store: PaymentStore, by: By) -> Effect:
    """Allocate a payment by decision of a person, by default as much as is left and open.

    Raises NoInvoice, CurrencyNotAllowed when the payment's currency is not taken, AllocationTooLarge.
    """
    await store.lock_case(billed.case_id)
    payment = await store.lock_payment(entry_id)
    books = await store.books(billed.case_id)
    if books.municipality_id != payment.municipality_id:
        raise NotFound(resource_type="application", resource_id=billed.case_id)
    open_ = _open(books, billed.month)
    wanted = payment.rest if amount is None else amount
    if wanted.currency is not payment.rest.currency:
        raise CurrencyNotAllowed(field="amount")
    # Leva are of the day on which they came; euro that came early are taken once euro are.
    taken_on = by.act.today if wanted.currency is Currency.EUR else payment.line.booked_on
    part = portion(wanted, net_of(books, billed.month), open_.currency, taken_on)
    if part is None:
        raise CurrencyNotAllowed(field="amount")
    too_much = amount is not None and (amount > payment.rest or part[0] != amount)
    if too_much or part[0].amount <= 0 or part[1].amount <= 0:
        raise AllocationTooLarge(metadata={"rest": str(payment.rest), "open": str(open_)})
    allotment = Allotment(billed.case_id, billed.month, *part, Evidence.DECIDED_BY_STAFF)
    await store.add_allocations([(entry_id, allotment)], by)
    await set_off_each([billed.case_id], store, by.act)
    return Effect(entry_id)


async def unallocate_payment(entry_id: str, allocation_id: str, reason: str, store: PaymentStore, by: By) -> Effect:
    """Take an allocation back; NotFound when the payment has none such.

    What its month paid in others is taken back first. StateNotAllowed when it was taken back before, or its money went
    back to the payer.
    """
    allotment = _allocation(await store.payment(entry_id), allocation_id).allotment
    await store.lock_case(allotment.case_id)
    payment = await store.lock_payment(entry_id)
    if _allocation(payment, allocation_id).reversed_reason:
        raise StateNotAllowed(metadata={"allocation_id": allocation_id})
    await take_back_given(allotment.case_id, allotment.month, store, by.act)
    await store.reverse_allocation(payment, allocation_id, reason, by)
    currency = allotment.settled.currency
    if (await store.received_for(allotment.case_id, allotment.month, currency)).amount < 0:
        raise StateNotAllowed(metadata={"refunded": str(allotment.month)})
    await set_off_each([allotment.case_id], store, by.act)
    await allot_waiting([allotment.case_id], store, by)
    return Effect(entry_id)


def _allocation(payment: BankPayment, allocation_id: str) -> Allocation:
    found = [item for item in payment.allocations if item.allocation_id == allocation_id]
    if not found:
        raise NotFound(resource_type="allocation", resource_id=allocation_id)
    return found[0]


def _open(books: Books, month: Month) -> Money:
    return open_amount(books, month, _document_currency(books, month))


def _document_currency(books: Books, month: Month) -> Currency:
    currency = currency_of_month(books, month)
    if currency is None:
        raise NoInvoice(metadata={"month": str(month)})
    return currency
