"""A municipality with patronage cases in a real database, driven through the use cases of billing."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TypeVar

import pytest

from services.billing import storage
from services.billing.domain.accounts import (
    NO_WAR_STATUS,
    Act,
    Assets,
    Contract,
    Income,
    IncomeKind,
    Run,
    ServedMonth,
    WarStatus,
)
from services.billing.rules.accounts import AccountView, account_on
from services.billing.rules.decisions import IncomeDeclaration
from services.billing.storage import Store
from services.billing.usecases import accounts, facts, run_issue, run_review, runs
from services.billing.usecases.payments import By
from services.billing.usecases.runs import RunClaim
from services.kernel.calendar import DEFAULT_CALENDAR, BusinessCalendar
from services.kernel.catalogue import ServiceEntry
from services.kernel.codes import Stage
from services.kernel.dates import Month, start_of_day
from services.kernel.local_rules import LocalRules
from services.kernel.money import Currency, Money
from services.kernel.municipal_settings import MunicipalSettings
from services.kernel.ranges import DateRange
from services.runtime.commands import Effect
from services.runtime.crypto import KeyRing, PersonCipher
from services.runtime.database import Database

Given = TypeVar("Given")

COST = Money.from_minor(23_000, Currency.EUR)


@dataclass
class Office:
    """Billing of one municipality without the wire."""

    db: Database
    cipher: PersonCipher
    municipality_id: str = "SOFIA"
    settings: dict[str, str] = field(default_factory=dict)
    calendar: BusinessCalendar = DEFAULT_CALENDAR
    changes: list[ServiceEntry] = field(default_factory=list)
    edits: int = 0
    """Settings that were set to another value once more."""
    delivery: Callable[[str, Month], ServedMonth] | None = None
    """What delivery says of a case and month; None: as a test gives it."""

    def act(self, on: date, request_id: str = "") -> Act:
        now: datetime = start_of_day(on)
        return Act(now, on, request_id or str(uuid.uuid4()))

    async def write(self, use: Callable[[Store], Awaitable[Given]]) -> Given:
        async with self.db.write() as tx:
            return await use(Store(tx, self.cipher))

    async def sign(  # a contract has many parts
        self,
        start: date = date(2026, 2, 9),
        *,
        end: date | None = None,
        cost: Money | None = COST,
        price: Money | None = None,
        service: str = "HSP",
        authorisation: DateRange | None = None,
        war: WarStatus = NO_WAR_STATUS,
        case_id: str = "",
        version: int = 1,
        on: date | None = None,
    ) -> str:
        case_id = case_id or str(uuid.uuid4())
        contract = Contract(
            case_id,
            "contract",
            self.municipality_id,
            f"person-{case_id}",
            service,
            start,
            end,
            authorisation,
            cost,
            price,
            version,
        )
        await self.write(lambda store: facts.copy_contract(contract, war, self.rules, store, self.act(on or start)))
        return case_id

    async def declare(self, case_id: str, from_month: Month, pension: Money, on: date = date(2026, 1, 20)) -> Effect:
        declared = IncomeDeclaration(from_month, (Income(IncomeKind.PENSION, pension),))
        return await self.write(lambda store: facts.declare_income(case_id, declared, store, self.act(on)))

    async def declare_assets(self, case_id: str, from_month: Month, assets: Assets, on: date) -> Effect:
        return await self.write(lambda store: facts.declare_assets(case_id, from_month, assets, store, self.act(on)))

    @property
    def rules(self) -> LocalRules:
        """What intake would send: a version further with every setting and change."""
        settings = MunicipalSettings.of(self.settings)
        version = 1 + self.edits + len(self.settings) + len(self.changes) + (self.calendar.version != "bg-1")
        return LocalRules(settings, self.calendar, tuple(self.changes), version)

    def set(self, key: str, value: str) -> None:
        """Change a setting of the municipality; billing hears of it when it asks next."""
        self.edits += key in self.settings
        self.settings[key] = value

    async def keep_rules(self) -> None:
        await self.write(lambda store: store.keep_rules(self.municipality_id, self.rules))

    async def open(self, month: Month) -> Run:
        act = self.act(month.next().first)
        effect = await self.write(
            lambda store: runs.open_run(RunClaim(self.municipality_id, month), self.rules, store, act)
        )
        async with self.db.read() as tx:
            return await storage.run(tx, effect.resource)

    async def draft(self, run: Run, served: Mapping[str, ServedMonth] | None = None, size: int = 500) -> int:
        """Draft every page; a case without an entry is served every day of its contract."""
        drafts, after = 0, None
        while True:
            async with self.db.read() as tx:
                page = await storage.next_page(tx, run, after, size)
            days = [await self.served(case, page.month, served) for case in page.case_ids]
            effect = await self.write(
                lambda store, page=page, days=days: runs.draft_page(  # type: ignore[misc]
                    run.run_id, page, [item for item in days if item], store, self.act(run.month.next().first)
                )
            )
            drafts += effect.version
            if page.is_last:
                return drafts
            full = len(page.case_ids) == size
            after = (page.month, page.case_ids[-1]) if full else (page.month.next(), "")

    async def served(self, case_id: str, month: Month, given: Mapping[str, ServedMonth] | None) -> ServedMonth | None:
        if self.delivery is not None:
            return self.delivery(case_id, month)
        if given is not None and case_id in given:
            return given[case_id]
        async with self.db.read() as tx:
            contract = await storage.contract(tx, case_id)
        first, last = max(contract.start, month.first), min(contract.end or month.last, month.last)
        return ServedMonth(case_id, month, max((last - first).days + 1, 0), 0, 0, 1)

    async def issue(self, run: Run, size: int = 1000) -> int:
        issued = 0
        while more := (await self.write(lambda store: run_issue.issue_page(run.run_id, size, store))).version:
            issued += more
        return issued

    async def shown(self, run: Run) -> str:
        """Hash of the review that a clerk reads."""
        async with self.db.read() as tx:
            review = await storage.review(tx, run.run_id)
        assert review is not None
        return review.drafts_hash

    async def approve(self, run: Run, on: date | None = None) -> None:
        """As a clerk does: the review is renewed, read and approved."""
        act = self.act(on or run.month.next().first)
        await self.write(lambda store: run_review.renew_review(run.run_id, store, act))
        read = await self.shown(run)
        await self.write(lambda store: runs.approve_run(run.run_id, read, store, act))

    async def bill(self, month: Month, served: Mapping[str, ServedMonth] | None = None) -> Run:
        run = await self.open(month)
        await self.draft(run, served)
        await self.approve(run)
        await self.issue(run)
        await self.close(run)
        return run

    async def close(self, run: Run) -> None:
        await self.write(lambda store: run_issue.close_run(run.run_id, store))

    async def pay(self, case_id: str, month: Month, amount: Money, on: date) -> Effect:
        return await self.write(
            lambda store: accounts.record_payment(case_id, month, amount, store, By(self.act(on), "staff-1"))
        )

    async def refresh(self, served: Sequence[ServedMonth], on: date) -> Effect:
        return await self.write(lambda store: facts.refresh_served_days(served[0].case_id, served, store, self.act(on)))

    async def account(self, case_id: str, on: date) -> AccountView:
        async with self.db.read() as tx:
            return account_on(await storage.account_books(tx, case_id, self.municipality_id), on)

    async def execute(self, statement: str) -> int:
        async with self.db.write() as tx:
            return await tx.run(statement)

    async def value(self, statement: str) -> object:
        async with self.db.read() as tx:
            return await tx.scalar(statement)


@pytest.fixture
async def office(opened_database: Callable[[Stage], Awaitable[Database]]) -> Office:
    return Office(await opened_database(Stage.BILLING), PersonCipher(KeyRing({1: bytes(32)}, 1)))
