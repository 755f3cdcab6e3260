"""Random lives of a case: whatever becomes known, is corrected, paid, sent back or given up, the books end alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.billing import storage
from services.billing.domain.accounts import (
    NO_WAR_STATUS,
    Assets,
    BilledRow,
    Books,
    Income,
    InvoiceStatus,
    ServedMonth,
    WarStatus,
)
from services.billing.domain.payments import BankFile, BankFormat, BankLine, Statement
from services.billing.errors import StateNotAllowed, UserFundsMissing
from services.billing.rules.accounts import AccountView, open_amount
from services.billing.rules.decisions import IncomeDeclaration
from services.billing.rules.payment_reference import payment_reference
from services.billing.storage.books import billed_rows
from services.billing.storage.counter import counter_payments
from services.billing.storage.set_offs import overpaid_months
from services.billing.usecases import accounts, facts, payments, tariffs
from services.billing.usecases.counter import reverse_payment
from services.billing.usecases.payments import By
from services.billing.usecases.tariffs import NewTariff
from services.kernel.dates import Month
from services.kernel.money import Currency, Money
from services.kernel.ranges import DateRange
from tests.storage.billing.afterwards import Act, Afterwards
from tests.storage.billing.drawn_lives import ACROSS_THE_EURO, IN_EURO, Fact, Paid, Told, Trusted, Way, lives
from tests.storage.billing.plain_rule import (
    BY_UNIT,
    DEFAULT_UNITS,
    EURO,
    Amended,
    Decreed,
    Incomes,
    OwnCost,
    Possessions,
    Purse,
    Served,
    Terms,
    Voted,
    also_shown,
    days_in_care,
    due,
    in_euro,
)

if TYPE_CHECKING:
    Office = Any

pytestmark = pytest.mark.postgres

BGN, EUR = Currency.BGN, Currency.EUR
LATE = date(2026, 6, 10)
BY_PERCENT = ("HSP", "HSP", "OLD_PEOPLE_HOME", "DAY_CENTRE")
WAYS = {
    "a percent in euro": Way(BY_PERCENT, IN_EURO),
    "a percent across the euro": Way(BY_PERCENT, ACROSS_THE_EURO),
    "units across the euro": Way(("CANTEEN_LUNCH", "CANTEEN_LUNCH", "ASSISTANT_SUPPORT"), ACROSS_THE_EURO),
}


@dataclass(frozen=True)
class Billed:
    """A month as it was billed, notes included: in the month's currency, and its documents in leva and euro."""

    computed: int
    leva: int
    euro: int


@dataclass
class Life:
    """Lives one telling against a real database."""

    office: Office
    told: Told
    case: str = ""
    terms: Terms = field(init=False)
    """What placement says so far."""
    version: int = 1
    war: WarStatus = NO_WAR_STATUS
    counted: dict[Month, Served] = field(default_factory=dict)
    said: dict[Month, ServedMonth] = field(default_factory=dict)
    """What delivery has said last."""
    run: list[Month] = field(default_factory=list)
    """Months whose run has drafted."""
    counter: Counter[Currency] = field(default_factory=Counter)
    bank: Counter[Currency] = field(default_factory=Counter)
    purse: Purse = field(default_factory=Purse)
    documents: set[tuple[object, ...]] = field(default_factory=set)
    after: Afterwards | None = None
    drawn: Counter[str] = field(default_factory=Counter)
    """How often each kind of payment came, and anything between the approval of a month and the issue of its bills."""
    mistyped: Counter[Money] = field(default_factory=Counter)
    """Payments at the counter that nobody has taken back yet."""

    async def live(self) -> None:
        self.terms, self.office.delivery = self.told.signed, lambda _, month: self.served(month)
        await self.sign(1, self.terms, self.terms.start)
        for number, month in enumerate(self.told.months):
            await self.bill(month, self.told.before[3 * number : 3 * number + 3])
            await self.take_back(month.next().first)
            await self.nothing_issued_changed()
        for item in self.told.afterwards:
            await self.take(item, LATE)
            await self.nothing_issued_changed()
        await self.bill_what_was_not_in_care()
        await self.take_back(LATE)
        await self.nothing_issued_changed()

    async def bill(self, month: Month, told: Sequence[Sequence[Fact | Paid | Trusted]]) -> None:
        """The run of a month, with what is told before, while and after a clerk looks at it."""
        before, drafted, approved = told
        for item in before:
            await self.take(item, month.first)
        await self.place(month)
        run = await self.office.open(month)
        await self.office.draft(run)
        self.run.append(month)
        for item in drafted:
            await self.take(item, month.next().first)
        await self.office.approve(run)
        for item in approved:
            await self.take(item, month.next().first)
            self.drawn.update(["after an approval"])
            await self.nothing_issued_changed()
        await self.office.issue(run)
        await self.office.close(run)

    async def place(self, month: Month) -> None:
        """What the municipality sets and what a certificate says from the month on."""
        for item in self.told.placed:
            if item.month != month:
                continue
            if isinstance(item, Decreed):
                self.office.set(item.key, item.value)
            else:
                self.war = item.status
                await self.sign(self.version, self.terms, month.first)

    async def bill_what_was_not_in_care(self) -> None:
        """Months of a contract that was extended too late for their runs come with the next one."""
        known = {row.month for row in await self.rows()}
        if any(days_in_care(self.terms, month) for month in self.told.months if month not in known):
            month = Month.of(self.acted().today)
            await self.office.bill(month)
            self.run.append(month)

    async def take(self, item: Fact | Paid | Trusted | Act, on: date) -> None:
        match item:
            case Paid():
                await self.pay(item, on)
            case Trusted():
                await self.entrust(item, on)
            case Incomes() | Possessions() | OwnCost() | Voted() | Served() | Amended():
                await self.learn(item, on)
            case _:
                await self.acted().do(item)

    def acted(self) -> Afterwards:
        """What people have done about the bills so far."""
        if self.after is None:
            self.after = Afterwards(self.office, self.case, LATE)
        return self.after

    async def sign(self, version: int, terms: Terms, on: date) -> None:
        covered = None if terms.authorised_until is None else DateRange(terms.start, terms.authorised_until)
        self.case = await self.office.sign(
            terms.start,
            end=terms.end,
            cost=terms.cost,
            price=terms.price,
            service=self.told.service,
            authorisation=covered,
            war=self.war,
            case_id=self.case,
            version=version,
            on=on,
        )

    def served(self, month: Month) -> ServedMonth:
        """What delivery says now; a further version when it is something else than before."""
        known, days = self.counted.get(month), days_in_care(self.terms, month)
        paused = 0 if known is None else min(known.paused, days)
        units = (DEFAULT_UNITS if known is None else known.units) if days and self.told.service in BY_UNIT else 0
        last = self.said.get(month)
        if last is None or (last.served_days, last.paused_days, last.units) != (days, paused, units):
            version = 1 if last is None else last.version + 1
            self.said[month] = ServedMonth(self.case, month, days, paused, units, version)
        return self.said[month]

    async def refresh(self, months: Iterable[Month], on: date) -> None:
        said = [self.served(month) for month in months if month in self.run]
        if said:
            await self.office.refresh(said, on)

    async def learn(self, fact: Fact, on: date) -> None:
        act, case = self.office.act(on), self.case
        match fact:
            case Incomes(month, parts):
                declared = IncomeDeclaration(month, tuple(Income(kind, amount) for kind, amount in parts))
                await self.office.write(lambda store: facts.declare_income(case, declared, store, act))
            case Possessions(month, savings, care_contract, transferred):
                await self.office.declare_assets(case, month, Assets(savings, care_contract, transferred), on)
            case OwnCost(month, amount):
                await self.office.write(lambda store: facts.set_actual_cost(case, month, amount, store, act))
            case Voted():
                await self.vote(fact, on)
            case Amended():
                await self.amend(fact, on)
            case Served(month, stale=stale):
                before, self.counted[month] = self.said.get(month), fact
                await self.refresh([month], on)
                if stale and before is not None and month in self.run:
                    await self.office.refresh([before], on)

    async def amend(self, fact: Amended, on: date) -> None:
        if fact.version > self.version:
            self.version, self.terms = fact.version, fact.terms
        if fact.delivery_first:
            await self.refresh(self.told.months, on)
        await self.sign(fact.version, fact.terms, on)
        if not fact.delivery_first:
            await self.refresh(self.told.months, on)

    async def vote(self, voted: Voted, on: date) -> None:
        of = self.office.municipality_id
        new = NewTariff(of, self.told.service, voted.kind, voted.month, voted.fixes, "Решение")
        await self.office.write(lambda store: tariffs.set_tariff(new, store, self.office.act(on)))
        await self.office.write(lambda store: tariffs.apply_tariffs(of, 10, store, self.office.act(on)))

    async def entrust(self, trusted: Trusted, on: date) -> None:
        money = Money.from_minor(abs(trusted.cents), EUR if on >= EURO.first else BGN)
        case, act = self.case, self.office.act(on)
        with suppress(UserFundsMissing):
            if trusted.cents >= 0:
                await self.office.write(lambda store: accounts.record_advance(case, money, store, act))
            elif trusted.is_receipt:
                await self.office.write(lambda store: accounts.record_receipt(case, money, "HSP_SHOPPING", store, act))
            else:
                await self.office.write(lambda store: accounts.return_custody(case, money, store, act))
            assert self.purse.take(trusted.cents, on)
            return
        assert not self.purse.take(trusted.cents, on)

    async def pay(self, paid: Paid, on: date) -> None:
        amount = paid.amount(on)
        numbers = {item.month: item.number for item in (await self.books()).invoices}
        if paid.by_bank:
            reference = payment_reference(numbers[paid.month]) if paid.month in numbers else ""
            line = BankLine("A", str(uuid4()), amount, on, reference)
            file = BankFile(self.office.municipality_id, BankFormat.CSV, uuid4().bytes * 2, Statement((line,), 0))
            by = By(self.office.act(on), "staff-1")
            await self.office.write(lambda store: payments.import_file(file, self.office.rules, store, by))
            self.bank[amount.currency] += paid.cents
            self.came("by bank", on)
        elif numbers:
            # At the counter people pay a bill that they have.
            await self.office.pay(self.case, paid.month if paid.month in numbers else min(numbers), amount, on)
            self.counter[amount.currency] += paid.cents
            self.mistyped[amount] += paid.mistyped
            self.came("at the counter", on)

    def came(self, kind: str, on: date) -> None:
        self.drawn.update([kind] if on == LATE else [kind, "between runs"])

    async def take_back(self, on: date) -> None:
        """Each mistyped payment, unless its money went back to the payer."""
        async with self.office.db.read() as tx:
            known = await counter_payments(tx, self.case)
        by = By(self.office.act(on), "staff-1")
        for payment in (item.payment for item in known if not item.reversed_reason):
            amount, reversal = payment.amount, payment.payment_id
            if self.mistyped[amount] > 0:
                self.mistyped[amount] -= 1
                with suppress(StateNotAllowed):
                    await self.office.write(
                        lambda store, reversal=reversal: reverse_payment(self.case, reversal, "TYPO", store, by)  # type: ignore[misc]
                    )
                    self.counter[amount.currency] -= amount.minor
                    self.came("taken back", on)

    async def nothing_issued_changed(self) -> None:
        async with self.office.db.read() as tx:
            rows = {
                tuple(row)
                for table in ("invoices", "corrections")
                for row in await tx.all(f"SELECT * FROM {table} WHERE case_id = :case", {"case": self.case})
            }
        assert self.documents <= rows
        self.documents = rows

    async def books(self) -> Books:
        async with self.office.db.read() as tx:
            return await storage.account_books(tx, self.case, self.office.municipality_id)

    async def rows(self) -> Sequence[BilledRow]:
        """Months as their runs computed them."""
        async with self.office.db.read() as tx:
            found: Sequence[BilledRow] = await billed_rows(tx, self.case)
        return found

    async def months(self) -> dict[Month, Billed]:
        """What became of each month; one without care may never have been billed."""
        books, rows = await self.books(), {row.month: row.computed.minor for row in await self.rows()}
        assert set(rows) <= set(self.told.months)
        found = {}
        for month in self.told.months:
            issued = [item.amount for item in (*books.invoices, *books.corrections) if item.month == month]
            noted = sum(note.computed.minor for note in books.corrections if note.month == month)
            found[month] = Billed(rows.get(month, 0) + noted, *(in_currency(issued, one) for one in (BGN, EUR)))
        return found

    async def rests(self) -> Sequence[tuple[int, int, int, Currency]]:
        """Amount, what is left and what is allocated or went back of each bank payment."""
        async with self.office.db.read() as tx:
            found = await tx.all(
                "SELECT e.amount_minor, e.currency, r.rest_minor, (SELECT coalesce(sum(a.amount_minor), 0) "
                "FROM allocations a WHERE a.entry_id = e.entry_id AND NOT EXISTS (SELECT FROM allocation_reversals b "
                "WHERE b.allocation_id = a.allocation_id)) + (SELECT coalesce(sum(f.amount_minor), 0) "
                "FROM refunds f WHERE f.entry_id = e.entry_id) AS allocated "
                "FROM bank_entries e JOIN bank_rests r USING (entry_id) "
                "WHERE e.municipality_id = :id",
                {"id": self.office.municipality_id},
            )
        return [(row.amount_minor, row.rest_minor, int(row.allocated), Currency(row.currency)) for row in found]

    async def sent_back(self) -> dict[tuple[str, str], int]:
        """What went back by each way and in each currency; leva went back as they are worth."""
        async with self.office.db.read() as tx:
            rows = await tx.all(
                "SELECT paid_by, coalesce(paid_currency, currency) AS currency, "
                "sum(coalesce(paid_minor, amount_minor)) AS minor FROM refunds WHERE municipality_id = :id "
                "GROUP BY 1, 2",
                {"id": self.office.municipality_id},
            )
        return {(row.paid_by, row.currency): int(row.minor) for row in rows}

    async def ledger(self) -> dict[tuple[str, str], int]:
        """Balance of each account and currency; nothing in it is out of balance by document."""
        async with self.office.db.read() as tx:
            uneven = await tx.all(
                "SELECT document_id FROM ledger_entries GROUP BY document_id, currency HAVING sum(amount_minor) <> 0"
            )
            rows = await tx.all(
                "SELECT account, currency, sum(amount_minor) AS minor FROM ledger_entries WHERE municipality_id = :id "
                "GROUP BY account, currency",
                {"id": self.office.municipality_id},
            )
        assert list(uneven) == []
        return {(row.account, row.currency): int(row.minor) for row in rows}


def in_currency(amounts: Iterable[Money], currency: Currency) -> int:
    """Sum of those in the currency."""
    return sum(amount.minor for amount in amounts if amount.currency is currency)


def assert_billed(told: Told, month: Month, billed: Billed) -> None:
    """The documents of a month are what is due: what leva do not cover is in euro, converted once (F-13)."""
    fee = due(told.known, month)
    assert billed.computed >= 0
    if month >= EURO:
        assert billed == Billed(fee, 0, fee)
        return
    assert billed.euro == in_euro(fee - billed.leva) == in_euro(billed.computed - billed.leva)
    assert in_euro(billed.leva) + billed.euro >= 0


async def assert_books(life: Life, months: Mapping[Month, Billed]) -> None:
    """What is owed, paid and left over is the same in account, documents and ledger, in each currency."""
    billed, books = list(months.values()), await life.books()
    # Whatever is owed has a number, a reference and a day to pay: a note stands beside an invoice.
    assert {note.month for note in books.corrections} <= {invoice.month for invoice in books.invoices}
    payments, paid = books.payments, paid_by_month(books)
    rests, after, ledger, back = await life.rests(), life.acted(), await life.ledger(), await life.sent_back()
    assert all(rest >= 0 and allocated + rest == amount for amount, rest, allocated, _ in rests)
    settled = [amount for _, amount in paid]
    for currency, issued in ((BGN, sum(item.leva for item in billed)), (EUR, sum(item.euro for item in billed))):
        left = sum(rest for _, rest, _, of in rests if of is currency)
        counter, bank, sent, given_up = (
            kept[currency] for kept in (life.counter, life.bank, after.sent, after.given_up)
        )
        assert in_currency((item.amount for item in payments), currency) == counter + bank - left - sent + given_up
        assert -ledger.get(("REVENUE", currency), 0) == issued
        assert ledger.get(("RECEIVABLE", currency), 0) == issued - in_currency(settled, currency)
        assert -ledger.get(("UNALLOCATED", currency), 0) == left
        assert ledger.get(("BANK", currency), 0) == bank - back.get(("BANK", currency), 0)
        assert ledger.get(("CASH", currency), 0) == counter - back.get(("COUNTER", currency), 0)
        assert ledger.get(("WRITE_OFF", currency), 0) == given_up
    account = await life.office.account(life.case, LATE)
    assert account.balance.minor == sum(standing(one, month, books) for month, one in months.items())
    assert_shown(account)
    life.purse.convert(LATE)
    assert account.custody == life.purse.held
    await after.assert_arrears()
    await assert_status(life)


def assert_shown(account: AccountView) -> None:
    """An invoice is over something, and shows both currencies as long as the law asks for it."""
    for view in account.invoices:
        assert view.invoice.amount.amount > 0
        assert view.also_shown == also_shown(view.invoice.amount, view.invoice.issued_on)


def standing(billed: Billed, month: Month, books: Books) -> int:
    """What is open of a month in euro; what was given up by order is no money that somebody has too much."""
    paid = [amount for of, amount in paid_by_month(books) if of == month]
    given_up = [item.settled for item in books.payments if item.month == month and item.is_given_up]
    open_ = billed.euro - in_currency(paid, EUR) + in_euro(billed.leva - in_currency(paid, BGN))
    money = {one: in_currency(paid, one) - in_currency(given_up, one) for one in (BGN, EUR)}
    return max(open_, -max(money[EUR] + in_euro(money[BGN]), 0))


def paid_by_month(books: Books) -> list[tuple[Month, Money]]:
    """What each month was paid, as its documents count it: money, and credits that were set off."""
    given = [(item.from_month, -item.taken) for item in books.set_offs]
    return [
        *((item.month, item.settled) for item in books.payments),
        *given,
        *((item.to_month, item.settled) for item in books.set_offs),
    ]


async def assert_status(life: Life) -> None:
    """After a last look a month is paid or overdue by what is open of it, and no money lies beside a debt."""
    day = life.acted().today + timedelta(days=400)
    books = await life.books()
    account = await life.office.account(life.case, day)
    for view in account.invoices:
        documents = view.invoice.amount.currency
        open_ = open_amount(books, view.invoice.month, documents)
        assert view.status is (InvoiceStatus.PAID if open_.amount <= 0 else InvoiceStatus.OVERDUE)
        assert view.overpaid == (-open_ if open_.amount < 0 else None)
    async with life.office.db.read() as tx:
        credits_ = await overpaid_months(tx, life.office.municipality_id, None, 100)
    if any(item.refundable.minor > 0 for item in credits_):
        assert all(view.status is InvoiceStatus.PAID for view in account.invoices)


@pytest.fixture
def drawn() -> Iterator[Counter[str]]:
    """What came in all lives of a test; one that drew nothing of a kind has tried nothing of it."""
    found: Counter[str] = Counter()
    yield found
    assert {"by bank", "at the counter", "taken back", "between runs", "after an approval"} <= set(found)


async def lived(office: Office, told: Told, drawn: Counter[str]) -> dict[Month, int]:
    """Live a telling in a municipality of its own; what each month that is computed in euro came to."""
    life = Life(type(office)(office.db, office.cipher, f"LIFE-{uuid4().hex[:12]}"), told)
    await life.live()
    drawn.update(life.drawn)
    months = await life.months()
    for month, billed in months.items():
        assert_billed(told, month, billed)
    await assert_books(life, months)
    return {month: billed.euro for month, billed in months.items() if month >= EURO}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@settings(
    max_examples=10,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
async def test_the_order_in_which_facts_and_payments_arrive_does_not_matter(
    office: Office, drawn: Counter[str], way: Way, data: st.DataObject
) -> None:
    first, second = data.draw(lives(way))
    assert await lived(office, first, drawn) == await lived(office, second, drawn)
