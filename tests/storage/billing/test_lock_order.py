"""Commands that lock the same rows lock them in the same order: one waits, and neither is turned away by a deadlock."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from services.billing.domain.payments import BankFile, BankFormat, BankLine, Statement
from services.billing.domain.tariffs import TariffKind
from services.billing.storage import Store
from services.billing.usecases import payments, runs, tariffs
from services.billing.usecases.payments import By
from services.billing.usecases.runs import RunClaim
from services.billing.usecases.tariffs import NewTariff
from services.kernel.dates import Month
from services.kernel.local_rules import LocalRules
from services.kernel.money import Currency, Money

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    Office = Any

pytestmark = pytest.mark.postgres

FEBRUARY, MARCH = Month(2026, 2), Month(2026, 3)
DAY = date(2026, 3, 1)
PATIENCE = 60.0
PAYMENTS = 400

_WAITING = "SELECT count(*) FROM pg_locks l JOIN pg_stat_activity a USING (pid) WHERE NOT l.granted \
AND a.datname = current_database()"


@dataclass
class Gate:
    """Stops a command half-way until somebody else has come and waits for what it holds."""

    reached: asyncio.Event = field(default_factory=asyncio.Event)
    opened: asyncio.Event = field(default_factory=asyncio.Event)

    async def stop(self) -> None:
        self.reached.set()
        await self.opened.wait()


async def meet(office: Office, gate: Gate, one: Awaitable[Any], other: Callable[[], Awaitable[Any]]) -> None:
    """Let one command stop at the gate, the other one run into it, and both come to their end."""
    async with asyncio.timeout(PATIENCE):
        first = asyncio.ensure_future(one)
        await gate.reached.wait()
        second = asyncio.ensure_future(other())
        while not await office.value(_WAITING):
            await asyncio.sleep(0.01)
        gate.opened.set()
        await asyncio.gather(first, second)


class HeldAfterRules(Store):
    """Stops when the rules are kept."""

    gate: Gate

    async def keep_rules(self, municipality_id: str, rules: LocalRules) -> None:
        await super().keep_rules(municipality_id, rules)
        await self.gate.stop()


class HeldBeforeRuns(Store):
    """Stops before it locks the runs."""

    gate: Gate

    async def lock_runs(self, municipality_id: str) -> None:
        await self.gate.stop()
        await super().lock_runs(municipality_id)


@asynccontextmanager
async def held(office: Office, kind: type[HeldAfterRules | HeldBeforeRuns], gate: Gate) -> AsyncIterator[Any]:
    async with office.db.write() as tx:
        store = kind(tx, office.cipher)
        store.gate = gate
        yield store


async def person(office: Office) -> str:
    case: str = await office.sign(date(2026, 2, 1))
    await office.declare(case, FEBRUARY, Money.of("300.00", Currency.EUR))
    return case


async def test_a_month_is_opened_with_new_rules_while_a_contract_brings_them_too(office: Office) -> None:
    case, gate = await person(office), Gate()
    opened = await office.open(FEBRUARY)
    office.settings["billing.outlier_pct"] = "30"

    async def open_again() -> None:
        async with held(office, HeldAfterRules, gate) as store:
            claim = RunClaim(office.municipality_id, FEBRUARY)
            effect = await runs.open_run(claim, office.rules, store, office.act(DAY))
            assert effect.resource == opened.run_id

    await meet(office, gate, open_again(), lambda: office.sign(date(2026, 2, 1), case_id=case, version=2, on=DAY))


async def test_a_tariff_is_tried_while_one_is_recorded(office: Office) -> None:
    case, gate = await person(office), Gate()
    await office.open(FEBRUARY)
    tariff = NewTariff(
        office.municipality_id, "HSP", TariffKind.COST, MARCH, Money.of("250.00", Currency.EUR), "Решение № 5"
    )

    async def record() -> None:
        async with held(office, HeldBeforeRuns, gate) as store:
            await tariffs.set_tariff(tariff, store, office.act(DAY))

    await meet(
        office,
        gate,
        record(),
        lambda: office.write(lambda store: tariffs.preview_tariff(case, tariff, store, office.act(DAY))),
    )


async def test_two_files_have_the_same_payments_in_opposite_orders(office: Office) -> None:
    for _ in range(5):
        lines = [
            BankLine("A", str(uuid4()), Money.from_minor(100 + number, Currency.EUR), DAY, "")
            for number in range(PAYMENTS)
        ]
        added = await asyncio.gather(*(imported(office, each) for each in (lines, lines[::-1])))
        assert sum(added) == PAYMENTS


async def imported(office: Office, lines: list[BankLine]) -> int:
    file = BankFile(office.municipality_id, BankFormat.CSV, uuid4().bytes * 2, Statement(tuple(lines), 0))
    by = By(office.act(DAY), "staff-1")
    effect = await office.write(lambda store: payments.import_file(file, office.rules, store, by))
    return int(effect.version)
