"""Random lives of a case: whatever becomes known, is corrected or paid, and in which order, the books end alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from fractions import Fraction
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.billing import storage
from services.billing.domain.accounts import ServedMonth
from services.billing.domain.payments import BankFile, BankFormat, BankLine, Statement
from services.billing.rules.payment_reference import payment_reference
from services.billing.usecases import payments
from services.billing.usecases.payments import By
from services.kernel.dates import Month
from services.kernel.money import Currency, Money, total

if TYPE_CHECKING:
    Office = Any

pytestmark = pytest.mark.postgres

MONTHS = tuple(Month(2026, number) for number in (2, 3, 4))
COST = 50_000
LATE = date(2026, 6, 10)


def eur(cents: int) -> Money:
    return Money.from_minor(cents, Currency.EUR)


@dataclass(frozen=True)
class Income:
    month: Month
    cents: int


@dataclass(frozen=True)
class Pause:
    month: Month
    days: int


@dataclass(frozen=True)
class Paid:
    """At the counter, or by bank with the reference of the month's invoice, if there is one."""

    month: Month
    cents: int
    by_bank: bool


@dataclass(frozen=True)
class Told:
    """One telling of a life: which facts are known before each run, and what comes after the last, in order."""

    before: tuple[tuple[Income | Pause, ...], ...]
    afterwards: tuple[Income | Pause | Paid, ...]


@st.composite
def lives(draw: st.DrawFn) -> tuple[Told, Told]:
    """The same facts and payments, told in two orders."""
    cents = st.integers(min_value=0, max_value=90_000)
    incomes = [Income(month, draw(cents)) for month in (*MONTHS, Month(2026, 1)) if draw(st.booleans())]
    paused = [Pause(month, draw(st.integers(1, month.days))) for month in MONTHS if draw(st.booleans())]
    amounts = st.integers(min_value=1, max_value=70_000)
    paid = draw(
        st.lists(st.builds(Paid, st.sampled_from(MONTHS), amounts, st.booleans()), max_size=5),
    )

    def telling() -> Told:
        slots: list[list[Income | Pause]] = [[] for _ in range(len(MONTHS) + 1)]
        for fact in draw(st.permutations([*incomes, *paused])):
            slots[draw(st.integers(0, len(MONTHS)))].append(fact)
        rest = draw(st.permutations([*slots[-1], *paid]))
        return Told(tuple(tuple(slot) for slot in slots[:-1]), tuple(rest))

    return telling(), telling()


def expected(told: Told, month: Month) -> int:
    """The fee of the month from all facts at once, in cents: min(60 %, cost) by days, rounded once (F-05, F-11)."""
    facts = [fact for slot in told.before for fact in slot] + list(told.afterwards)
    incomes = sorted((f for f in facts if isinstance(f, Income) and f.month <= month), key=lambda f: f.month)
    paused = sum(f.days for f in facts if isinstance(f, Pause) and f.month == month)
    base = incomes[-1].cents if incomes else 0
    fee = min(Fraction(base * 60, 100), Fraction(COST)) * (month.days - paused) / month.days
    return int(fee + Fraction(1, 2))


@dataclass
class Life:
    """Lives one telling against a real database."""

    office: Office
    case: str = ""
    paused: dict[Month, int] = field(default_factory=dict)
    billed: list[Month] = field(default_factory=list)
    counter: int = 0
    bank: int = 0
    documents: set[tuple[object, ...]] = field(default_factory=set)

    async def live(self, told: Told) -> None:
        self.case = await self.office.sign(MONTHS[0].first, cost=eur(COST), on=date(2026, 1, 20))
        for month, facts in zip(MONTHS, told.before, strict=True):
            for fact in facts:
                await self.learn(fact, month.first)
            await self.office.bill(month, {self.case: self.served(month)} if month in self.paused else None)
            self.billed.append(month)
            await self.nothing_issued_changed()
        for item in told.afterwards:
            await (self.pay(item) if isinstance(item, Paid) else self.learn(item, LATE))
            await self.nothing_issued_changed()

    def served(self, month: Month) -> ServedMonth:
        days = self.paused.get(month, 0)
        return ServedMonth(self.case, month, month.days, days, 0, 1 + bool(days))

    async def learn(self, fact: Income | Pause, on: date) -> None:
        if isinstance(fact, Income):
            await self.office.declare(self.case, fact.month, eur(fact.cents), on)
            return
        self.paused[fact.month] = fact.days
        if fact.month in self.billed:
            await self.office.refresh([self.served(fact.month)], on)

    async def pay(self, paid: Paid) -> None:
        number = await self.office.value(
            f"SELECT number FROM invoices WHERE case_id = '{self.case}' AND month = '{paid.month.first}'"
        )
        if paid.by_bank:
            reference = "" if number is None else payment_reference(number)
            line = BankLine("A", str(uuid4()), eur(paid.cents), LATE, reference)
            file = BankFile(self.office.municipality_id, BankFormat.CSV, uuid4().bytes * 2, Statement((line,), 0))
            by = By(self.office.act(LATE), "staff-1")
            await self.office.write(lambda store: payments.import_file(file, self.office.rules, store, by))
            self.bank += paid.cents
        elif number is not None:
            await self.office.pay(self.case, paid.month, eur(paid.cents), LATE)
            self.counter += paid.cents

    async def nothing_issued_changed(self) -> None:
        async with self.office.db.read() as tx:
            rows = {
                tuple(row)
                for table in ("invoices", "corrections")
                for row in await tx.all(f"SELECT * FROM {table} WHERE case_id = :case", {"case": self.case})
            }
        assert self.documents <= rows
        self.documents = rows

    async def month_totals(self) -> dict[Month, int]:
        """Invoice plus notes by month; 0 where there is neither."""
        async with self.office.db.read() as tx:
            books = await storage.account_books(tx, self.case, self.office.municipality_id)
        totals = {}
        for month in MONTHS:
            issued = [item.amount for item in (*books.invoices, *books.corrections) if item.month == month]
            totals[month] = total(issued, Currency.EUR).minor
        return totals

    async def rests(self) -> Sequence[tuple[int, int, int]]:
        """Amount, what is left and what is allocated of each bank payment."""
        async with self.office.db.read() as tx:
            found = await tx.all(
                "SELECT e.amount_minor, r.rest_minor, (SELECT coalesce(sum(a.amount_minor), 0) FROM allocations a "
                "WHERE a.entry_id = e.entry_id) AS allocated FROM bank_entries e JOIN bank_rests r USING (entry_id) "
                "WHERE e.municipality_id = :id",
                {"id": self.office.municipality_id},
            )
        return [(row.amount_minor, row.rest_minor, int(row.allocated)) for row in found]

    async def ledger(self) -> dict[str, int]:
        """Balance of each account; nothing in it is out of balance by document."""
        async with self.office.db.read() as tx:
            uneven = await tx.all(
                "SELECT document_id FROM ledger_entries GROUP BY document_id, currency HAVING sum(amount_minor) <> 0"
            )
            rows = await tx.all(
                "SELECT account, sum(amount_minor) AS minor FROM ledger_entries WHERE municipality_id = :id "
                "GROUP BY account",
                {"id": self.office.municipality_id},
            )
        assert list(uneven) == []
        return {row.account: int(row.minor) for row in rows}


async def lived(office: Office, told: Told) -> tuple[dict[Month, int], int]:
    """Live a telling in a municipality of its own; month totals, and what is owed once all money is counted."""
    own = type(office)(office.db, office.cipher, f"LIFE-{uuid4().hex[:12]}")
    life = Life(own)
    await life.live(told)
    totals = await life.month_totals()
    assert totals == {month: expected(told, month) for month in MONTHS}
    rests = await life.rests()
    assert all(rest >= 0 and allocated + rest == amount for amount, rest, allocated in rests)
    left = sum(rest for _, rest, _ in rests)
    balance = (await own.account(life.case, LATE)).balance.minor
    assert balance == sum(totals.values()) - life.counter - (life.bank - left)
    accounts = await life.ledger()
    assert accounts.get("RECEIVABLE", 0) == balance
    assert -accounts.get("REVENUE", 0) == sum(totals.values())
    assert -accounts.get("UNALLOCATED", 0) == left
    assert (accounts.get("BANK", 0), accounts.get("CASH", 0)) == (life.bank, life.counter)
    return totals, life.bank


@settings(
    max_examples=12,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(told=lives())
async def test_the_order_in_which_facts_and_payments_arrive_does_not_matter(
    office: Office, told: tuple[Told, Told]
) -> None:
    first, second = told
    assert await lived(office, first) == await lived(office, second)
