"""Random lives of a case: whatever becomes known, is corrected, paid, sent back or given up, the books end alike."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.billing import storage
from services.billing.domain.accounts import Books, InvoiceStatus, ServedMonth
from services.billing.domain.payments import BankFile, BankFormat, BankLine, Statement
from services.billing.domain.tariffs import TariffKind
from services.billing.errors import StateNotAllowed
from services.billing.rules.accounts import open_amount
from services.billing.rules.payment_reference import payment_reference
from services.billing.storage.books import billed_rows
from services.billing.storage.counter import counter_payments
from services.billing.storage.set_offs import overpaid_months
from services.billing.usecases import payments, run_issue, tariffs
from services.billing.usecases.counter import reverse_payment
from services.billing.usecases.payments import By
from services.billing.usecases.tariffs import NewTariff
from services.kernel.dates import Month
from services.kernel.money import Currency, Money
from tests.storage.billing.afterwards import Act, Afterwards, acts

if TYPE_CHECKING:
    Office = Any

pytestmark = pytest.mark.postgres

BGN, EUR = Currency.BGN, Currency.EUR
LATE = date(2026, 6, 10)
EURO = Month(2026, 1)
DEFAULT_UNITS = 20


def eur(cents: int) -> Money:
    return Money.from_minor(cents, Currency.EUR)


def bgn(stotinki: int) -> Money:
    return Money.from_minor(stotinki, Currency.BGN)


@dataclass(frozen=True)
class Way:
    """How a case is charged: a percent of the income up to a cost, or units at a price; and in which months."""

    service: str
    months: tuple[Month, ...]
    price: Money
    by_unit: bool = False

    def priced(self, minor: int) -> Money:
        return Money.from_minor(minor, self.price.currency)


ACROSS_THE_EURO = (Month(2025, 10), Month(2025, 11), Month(2025, 12), Month(2026, 1))
WAYS = {
    "a percent in euro": Way("HSP", tuple(Month(2026, number) for number in (2, 3, 4)), eur(50_000)),
    "a percent across the euro": Way("HSP", ACROSS_THE_EURO, bgn(97_801)),
    "units across the euro": Way("CANTEEN_LUNCH", ACROSS_THE_EURO, bgn(333), by_unit=True),
}


@dataclass(frozen=True)
class Income:
    month: Month
    amount: Money


@dataclass(frozen=True)
class Served:
    """What delivery counts otherwise than at first."""

    month: Month
    paused: int
    units: int


@dataclass(frozen=True)
class Amended:
    """The contract with another cost or price; the highest version holds, whichever arrives last."""

    version: int
    minor: int


@dataclass(frozen=True)
class Voted:
    """The council's percent from a month on."""

    month: Month
    percent: int


@dataclass(frozen=True)
class Paid:
    """At the counter, or by bank with the reference of the month's invoice, if there is one.

    A mistyped one of the counter is taken back after the next run, or at the end.
    """

    month: Month
    cents: int
    by_bank: bool
    mistyped: bool


Fact = Income | Served | Amended | Voted


@dataclass(frozen=True)
class Told:
    """One telling of a life: what is known and paid before each run, and what comes after the last, in order.

    `between` comes after the approval of a run and before the issue of its bills.
    """

    way: Way
    before: tuple[tuple[Fact | Paid, ...], ...]
    between: tuple[tuple[Fact, ...], ...]
    afterwards: tuple[Fact | Paid | Act, ...]
    settings: tuple[tuple[Month, int], ...] = ()
    """The municipality's own percent, set before the run of a month: a change that knows its place."""

    @property
    def facts(self) -> list[Fact]:
        slots = (*self.before, *self.between, self.afterwards)
        return [item for slot in slots for item in slot if isinstance(item, Fact)]


@st.composite
def lives(draw: st.DrawFn, way: Way) -> tuple[Told, Told]:
    """The same facts, payments and acts about them, told in two orders."""
    months = way.months
    incomes = [
        Income(month, draw(st.integers(0, 90_000).map(eur if month >= EURO and draw(st.booleans()) else bgn)))
        for month in (*months, months[0].plus(-1))
        if not way.by_unit and draw(st.booleans())
    ]
    served = [
        Served(month, 0, draw(st.integers(0, 90)))
        if way.by_unit
        else Served(month, draw(st.integers(1, month.days)), 0)
        for month in months
        if draw(st.booleans())
    ]
    shares = [] if way.by_unit else months
    voted = [Voted(month, draw(st.integers(0, 100))) for month in shares if draw(st.integers(0, 3)) == 0]
    own = tuple((month, draw(st.integers(0, 100))) for month in shares if draw(st.booleans()))
    prices = st.integers(1, 900 if way.by_unit else 60_000)
    amended = [Amended(version, draw(prices)) for version in (2, 3) if draw(st.booleans())]
    amounts = st.integers(min_value=1, max_value=70_000)
    paid = draw(
        st.lists(
            st.builds(Paid, st.sampled_from(months), amounts, st.booleans(), st.booleans()), min_size=1, max_size=5
        )
    )
    about = draw(acts(months))

    def telling() -> Told:
        slots: list[list[Fact | Paid]] = [[] for _ in range(len(months) + 1)]
        between: list[list[Fact]] = [[] for _ in months]
        for item in draw(st.permutations([*incomes, *served, *amended, *voted, *paid])):
            # Before the euro nobody pays in it.
            known = [place for place, month in enumerate(months) if month >= EURO or not isinstance(item, Paid)]
            if not isinstance(item, Paid) and draw(st.integers(0, 3)) == 0:
                between[draw(st.integers(0, len(months) - 1))].append(item)
            else:
                slots[draw(st.sampled_from((*known, *[-1] * min(len(known), 2))))].append(item)
        rest = draw(st.permutations([*slots[-1], *about]))
        return Told(way, tuple(map(tuple, slots[:-1])), tuple(map(tuple, between)), tuple(rest), own)

    return telling(), telling()


def half_up(exact: Fraction) -> int:
    """Nearest whole number, halves away from zero."""
    return int(exact + Fraction(1, 2)) if exact >= 0 else -half_up(-exact)


def in_euro(stotinki: int) -> int:
    """Rounded once (F-14)."""
    return half_up(Fraction(stotinki * 100_000, 195_583))


def income_in_month(amount: Money, month: Month) -> int:
    """A third digit above 0 raises the cent (F-15)."""
    if month < EURO or amount.currency is Currency.EUR:
        return amount.minor
    thousandths = amount.minor * 1_000_000 // 195_583
    return thousandths // 10 + (thousandths % 10 > 0)


def percent_in(told: Told, month: Month) -> int:
    """What the council voted for the month, what the municipality had set when it was billed, or 60 (F-05)."""
    voted = {fact.month: fact.percent for fact in told.facts if isinstance(fact, Voted) and fact.month <= month}
    own = {since: percent for since, percent in told.settings if since <= month}
    in_force = voted or own
    return in_force[max(in_force)] if in_force else 60


def expected(told: Told, month: Month) -> int:
    """The fee of the month from all facts at once in its currency: min(percent, cost) by days, or units by price,
    rounded once (F-05, F-11, F-12)."""
    amended = [fact for fact in told.facts if isinstance(fact, Amended)]
    price = max(amended, key=lambda f: f.version).minor if amended else told.way.price.minor
    if told.way.price.currency is Currency.BGN and month >= EURO:
        price = in_euro(price)
    served = next((f for f in told.facts if isinstance(f, Served) and f.month == month), None)
    if told.way.by_unit:
        return price * (DEFAULT_UNITS if served is None else served.units)
    incomes = sorted((f for f in told.facts if isinstance(f, Income) and f.month <= month), key=lambda f: f.month)
    base = income_in_month(incomes[-1].amount, month) if incomes else 0
    days = month.days - (0 if served is None else served.paused)
    return half_up(min(Fraction(base * percent_in(told, month), 100), Fraction(price)) * days / month.days)


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
    way: Way
    case: str = ""
    counted: dict[Month, Served] = field(default_factory=dict)
    billed: list[Month] = field(default_factory=list)
    counter: int = 0
    bank: int = 0
    documents: set[tuple[object, ...]] = field(default_factory=set)
    after: Afterwards | None = None
    drawn: Counter[str] = field(default_factory=Counter)
    """How often each kind of payment came, and facts between the approval of a month and the issue of its bills."""
    mistyped: Counter[int] = field(default_factory=Counter)
    """Cents of payments at the counter that nobody has taken back yet."""

    async def live(self, told: Told) -> None:
        await self.sign(1, self.way.price, self.way.months[0].first)
        own = dict(told.settings)
        for month, items, meanwhile in zip(self.way.months, told.before, told.between, strict=True):
            for item in items:
                await self.take(item, month.first)
            if month in own:
                self.office.set("fee.hsp.pct", str(own[month]))
            await self.bill(month, meanwhile)
            await self.take_back(month.next().first)
            await self.nothing_issued_changed()
        for item in told.afterwards:
            await self.take(item, LATE)
            await self.nothing_issued_changed()
        await self.take_back(LATE)
        await self.nothing_issued_changed()

    async def bill(self, month: Month, meanwhile: Sequence[Fact]) -> None:
        run = await self.office.open(month)
        await self.office.draft(run, {self.case: self.served(month)})
        await self.office.approve(run)
        self.billed.append(month)
        for fact in meanwhile:
            await self.learn(fact, month.next().first)
            self.drawn.update(["after an approval"])
            await self.nothing_issued_changed()
        await self.office.issue(run)
        await self.office.write(lambda store: run_issue.close_run(run.run_id, store))

    async def take(self, item: Fact | Paid | Act, on: date) -> None:
        match item:
            case Paid():
                await self.pay(item, on)
            case Income() | Served() | Amended() | Voted():
                await self.learn(item, on)
            case _:
                await self.acted().do(item)

    def acted(self) -> Afterwards:
        """What people have done about the bills so far."""
        if self.after is None:
            self.after = Afterwards(self.office, self.case, LATE)
        return self.after

    async def sign(self, version: int, price: Money, on: date) -> None:
        terms = {"cost": None, "price": price} if self.way.by_unit else {"cost": price}
        start, service = self.way.months[0].first, self.way.service
        self.case = await self.office.sign(start, service=service, case_id=self.case, version=version, on=on, **terms)

    def served(self, month: Month) -> ServedMonth:
        known = self.counted.get(month)
        if known is not None:
            return ServedMonth(self.case, month, month.days, known.paused, known.units, 2)
        return ServedMonth(self.case, month, month.days, 0, DEFAULT_UNITS if self.way.by_unit else 0, 1)

    async def learn(self, fact: Fact, on: date) -> None:
        match fact:
            case Income(month, amount):
                await self.office.declare(self.case, month, amount, on)
            case Voted():
                await self.vote(fact, on)
            case Amended(version, minor):
                await self.sign(version, self.way.priced(minor), on)
            case Served(month):
                self.counted[month] = fact
                if month in self.billed:
                    await self.office.refresh([self.served(month)], on)

    async def vote(self, voted: Voted, on: date) -> None:
        percent = Decimal(voted.percent)
        new = NewTariff(self.office.municipality_id, "HSP", TariffKind.PERCENT, voted.month, percent, "Решение")
        await self.office.write(lambda store: tariffs.set_tariff(new, store, self.office.act(on)))
        await self.office.write(
            lambda store: tariffs.apply_tariffs(self.office.municipality_id, 10, store, self.office.act(on))
        )

    async def pay(self, paid: Paid, on: date) -> None:
        number = await self.office.value(
            f"SELECT number FROM invoices WHERE case_id = '{self.case}' AND month = '{paid.month.first}'"
        )
        if paid.by_bank:
            reference = "" if number is None else payment_reference(number)
            line = BankLine("A", str(uuid4()), eur(paid.cents), on, reference)
            file = BankFile(self.office.municipality_id, BankFormat.CSV, uuid4().bytes * 2, Statement((line,), 0))
            by = By(self.office.act(on), "staff-1")
            await self.office.write(lambda store: payments.import_file(file, self.office.rules, store, by))
            self.bank += paid.cents
            self.came("by bank", on)
        elif number is not None:
            await self.office.pay(self.case, paid.month, eur(paid.cents), on)
            self.counter += paid.cents
            self.mistyped[paid.cents] += paid.mistyped
            self.came("at the counter", on)

    def came(self, kind: str, on: date) -> None:
        self.drawn.update([kind] if on == LATE else [kind, "between runs"])

    async def take_back(self, on: date) -> None:
        """Each mistyped payment, unless its money went back to the payer."""
        async with self.office.db.read() as tx:
            known = await counter_payments(tx, self.case)
        by = By(self.office.act(on), "staff-1")
        for payment in (item.payment for item in known if not item.reversed_reason):
            cents, reversal = payment.amount.minor, payment.payment_id
            if self.mistyped[cents] > 0:
                self.mistyped[cents] -= 1
                with suppress(StateNotAllowed):
                    await self.office.write(
                        lambda store, reversal=reversal: reverse_payment(self.case, reversal, "TYPO", store, by)  # type: ignore[misc]
                    )
                    self.counter -= cents
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

    async def months(self) -> dict[Month, Billed]:
        """What became of each month."""
        books = await self.books()
        async with self.office.db.read() as tx:
            rows = {row.month: row.computed for row in await billed_rows(tx, self.case)}
        found = {}
        for month in self.way.months:
            issued = [item.amount for item in (*books.invoices, *books.corrections) if item.month == month]
            noted = sum(note.computed.minor for note in books.corrections if note.month == month)
            found[month] = Billed(rows[month].minor + noted, *(in_currency(issued, one) for one in (BGN, EUR)))
        return found

    async def rests(self) -> Sequence[tuple[int, int, int]]:
        """Amount, what is left and what is allocated or went back of each bank payment."""
        async with self.office.db.read() as tx:
            found = await tx.all(
                "SELECT e.amount_minor, r.rest_minor, (SELECT coalesce(sum(a.amount_minor), 0) FROM allocations a "
                "WHERE a.entry_id = e.entry_id AND NOT EXISTS (SELECT FROM allocation_reversals b "
                "WHERE b.allocation_id = a.allocation_id)) + (SELECT coalesce(sum(f.amount_minor), 0) "
                "FROM refunds f WHERE f.entry_id = e.entry_id) AS allocated "
                "FROM bank_entries e JOIN bank_rests r USING (entry_id) "
                "WHERE e.municipality_id = :id",
                {"id": self.office.municipality_id},
            )
        return [(row.amount_minor, row.rest_minor, int(row.allocated)) for row in found]

    async def sent_in_cash(self) -> int:
        """Cents that went back at the counter."""
        async with self.office.db.read() as tx:
            return int(
                await tx.scalar(
                    "SELECT coalesce(sum(amount_minor), 0) FROM refunds WHERE paid_by = 'COUNTER' "
                    "AND municipality_id = :id",
                    {"id": self.office.municipality_id},
                )
            )

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
    due = expected(told, month)
    assert billed.computed >= 0
    if month >= EURO:
        assert billed == Billed(due, 0, due)
        return
    assert billed.euro == in_euro(due - billed.leva) == in_euro(billed.computed - billed.leva)
    assert in_euro(billed.leva) + billed.euro >= 0


async def assert_books(life: Life, months: Mapping[Month, Billed]) -> None:
    """What is owed, paid and left over is the same in account, documents and ledger, in each currency."""
    billed, books = list(months.values()), await life.books()
    # Whatever is owed has a number, a reference and a day to pay: a note stands beside an invoice.
    assert {note.month for note in books.corrections} <= {invoice.month for invoice in books.invoices}
    payments, paid = books.payments, paid_by_month(books)
    rests = await life.rests()
    assert all(rest >= 0 and allocated + rest == amount for amount, rest, allocated in rests)
    left = sum(rest for _, rest, _ in rests)
    after = life.acted()
    moved = life.counter + life.bank - left - after.sent + after.given_up[EUR]
    assert in_currency((item.amount for item in payments), EUR) == moved
    ledger = await life.ledger()
    settled = [amount for _, amount in paid]
    for currency, issued in ((BGN, sum(item.leva for item in billed)), (EUR, sum(item.euro for item in billed))):
        assert -ledger.get(("REVENUE", currency), 0) == issued
        assert ledger.get(("RECEIVABLE", currency), 0) == issued - in_currency(settled, currency)
    balance = (await life.office.account(life.case, LATE)).balance.minor
    assert balance == sum(standing(one, month, books) for month, one in months.items())
    assert -ledger.get(("UNALLOCATED", EUR), 0) == left
    in_cash = await life.sent_in_cash()
    assert ledger.get(("BANK", EUR), 0) == life.bank - (after.sent - in_cash)
    assert ledger.get(("CASH", EUR), 0) == life.counter - in_cash
    assert {one: ledger.get(("WRITE_OFF", one), 0) for one in (BGN, EUR)} == {
        one: after.given_up[one] for one in (BGN, EUR)
    }
    await after.assert_arrears()
    await assert_status(life)


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
    own = type(office)(office.db, office.cipher, f"LIFE-{uuid4().hex[:12]}")
    life = Life(own, told.way)
    await life.live(told)
    drawn.update(life.drawn)
    months = await life.months()
    for month, billed in months.items():
        assert_billed(told, month, billed)
    await assert_books(life, months)
    return {month: billed.euro for month, billed in months.items() if month >= EURO}


@pytest.mark.parametrize("way", WAYS.values(), ids=WAYS)
@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
async def test_the_order_in_which_facts_and_payments_arrive_does_not_matter(
    office: Office, drawn: Counter[str], way: Way, data: st.DataObject
) -> None:
    first, second = data.draw(lives(way))
    assert await lived(office, first, drawn) == await lived(office, second, drawn)
