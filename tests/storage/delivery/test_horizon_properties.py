"""Whatever happens to a case, its units are what planning from scratch would make of it, and what an oracle says."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date, timedelta
from random import Random
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from sqlalchemy import Row

from services.delivery.domain.attendance import AttendanceKind, Correction, CorrectionReason
from services.delivery.domain.care import Care, ContractCopy, MissFault, Outcome, PlanLine
from services.delivery.rules.pauses import HospitalProof
from services.delivery.rules.plan import PlanFacts
from services.delivery.rules.recording import Funds
from services.delivery.storage import planning, plans
from services.delivery.storage.attendance import AttendanceStore
from services.delivery.storage.local_rules import calendar_in_force, keep_rules
from services.delivery.storage.store import Store, find_care
from services.delivery.usecases import attendance
from services.delivery.usecases.care import (
    PauseRequest,
    RecordCare,
    copy_contract,
    end_pause_early,
    record_care,
    request_pause,
)
from services.delivery.usecases.plans import AmendPlan, amend_plan
from services.kernel.calendar import DEFAULT_CALENDAR, BusinessCalendar, DayKind, DayOverride
from services.kernel.codes import Stage
from services.kernel.dates import Weekday, start_of_day
from services.kernel.local_rules import SHIPPED_RULES, LocalRules
from services.kernel.plan_terms import LAST_TURN, LineTerms
from services.kernel.ranges import DateRange
from services.runtime.commands import Effect
from services.runtime.database import Database, ReadTx, WriteTx
from services.runtime.errors import DomainError
from services.runtime.ids import new_id
from tests.storage.delivery.conftest import moment_of

pytestmark = pytest.mark.postgres

FIRST = date(2026, 2, 23)
HOLIDAY = date(2026, 3, 3)
DAY_OFF = date(2026, 3, 16)
CODES = ("HSP_MEAL_DELIVERY", "HSP_HOME_CLEANING", "HSP_SHOPPING")
HOURS = "ASSISTANT_SUPPORT"
LIVES = int(os.environ.get("LIVES", "80"))
STEPS = (
    "RUN",
    "RUN",
    "AMEND",
    "PAUSE",
    "HOSPITAL",
    "RETURN",
    "DELIVER",
    "DELIVER",
    "MISS",
    "SHORTEN",
    "PROLONG",
    "END",
    "MOVE",
    "CORRECT",
    "CALENDAR",
    "CALENDAR",
    "WAIT",
)
_WEEK = tuple(Weekday)
DISTRICTS = ("LYULIN", "OVCHA_KUPEL", "SREDETS")

Stored = tuple[str, str, str, date, int, str, str]


@dataclass
class Life:
    """One case in a municipality of its own, and the day it is."""

    database: Database
    lot: Random
    contract: ContractCopy
    today: date = FIRST
    rules: LocalRules = SHIPPED_RULES

    async def begins(self) -> None:
        async with self.database.write() as tx:
            await copy_contract(self.contract, self.rules, Store(tx), moment_of(self.today))

    async def takes(self, step: str) -> None:
        """A step; what the rules refuse leaves everything as it was, and a day or some may pass."""
        with suppress(DomainError):
            await getattr(self, f"_{step.lower()}")()
        self.today += timedelta(days=self.lot.choice([0, 0, 1, 2, 9]))

    async def run(self) -> None:
        now = start_of_day(self.today)
        town = self.contract.municipality_id
        async with self.database.write() as tx:
            await planning.join(tx, town, self.today, now)
            await keep_rules(tx, town, self.rules, now)
            run = await planning.open_run(tx, new_id(), town, self.today, now)
        async with self.database.write() as tx:
            await planning.plan_page(tx, run, "", 10)
        async with self.database.write() as tx:
            await planning.close_run(tx, run, now)

    async def _run(self) -> None:
        await self.run()

    async def _wait(self) -> None:
        self.today += timedelta(days=self.lot.randint(1, 20))

    async def _amend(self) -> None:
        first = self.today + timedelta(days=self.lot.randint(1, 20))
        async with self.database.write() as tx:
            command = AmendPlan(self.contract.application_id, first, a_plan(self.lot, self.contract), PlanFacts())
            await amend_plan(command, Store(tx), self.today)

    async def _pause(self) -> None:
        await self._asked(self.today + timedelta(days=self.lot.randint(1, 9)), HospitalProof.NONE)

    async def _hospital(self) -> None:
        await self._asked(self.today - timedelta(days=self.lot.randint(0, 9)), HospitalProof.SHOWN)

    async def _asked(self, first: date, proof: HospitalProof) -> None:
        request = PauseRequest(
            self.contract.application_id, first, first + timedelta(days=self.lot.randint(0, 9)), proof
        )
        async with self.database.write() as tx:
            await request_pause(request, Store(tx), moment_of(self.today))

    async def _return(self) -> None:
        paused = [day for part in (await self.care()).paused.ranges for day in part]
        if paused:
            async with self.database.write() as tx:
                await end_pause_early(
                    self.contract.application_id, self.lot.choice(paused), Store(tx), moment_of(self.today)
                )

    async def _deliver(self) -> None:
        await self._recorded(Outcome.DELIVERED, None)

    async def _miss(self) -> None:
        await self._recorded(Outcome.MISSED, self.lot.choice(list(MissFault)))

    async def _recorded(self, outcome: Outcome, fault: MissFault | None) -> None:
        on = self.today - timedelta(days=self.lot.randint(0, 5))
        code = self.lot.choice([line.code for line in self.contract.plan])
        command = RecordCare(
            self.contract.application_id, code, on, self.lot.randint(1, 3), outcome, fault, Funds.RECORDED
        )
        async with self.database.write() as tx:
            await record_care(command, Store(tx), moment_of(self.today))

    async def _shorten(self) -> None:
        await self._again(authorised_to=self.today + timedelta(days=self.lot.randint(-9, 20)))

    async def _prolong(self) -> None:
        await self._again(authorised_to=self.lot.choice([None, self.today + timedelta(days=40)]))

    async def _end(self) -> None:
        await self._again(end=self.lot.choice([None, self.today + timedelta(days=self.lot.randint(-3, 20))]))

    async def _move(self) -> None:
        """The person lives elsewhere from a day after the last move on; some moves are told late."""
        lived = self.contract.districts or ((self.contract.start, self.contract.district_code),)
        first = max(lived[-1][0] + timedelta(days=1), self.today + timedelta(days=self.lot.randint(-9, 20)))
        district = self.lot.choice([other for other in DISTRICTS if other != lived[-1][1]])
        await self._again(district_code=district, districts=(*lived, (first, district)))

    async def _again(self, **changes: object) -> None:
        self.contract = replace(self.contract, version=self.contract.version + 1, **changes)  # type: ignore[arg-type]
        await self.begins()

    async def _calendar(self) -> None:
        """Days from today on are declared, or declarations taken back; delivery hears of it later (T-09)."""
        kept = dict(self.rules.calendar.overrides)
        for ahead in (0, self.lot.randint(1, 20), self.lot.randint(1, 20)):
            day = self.today + timedelta(days=ahead)
            if kept.pop(day, None) is None:
                kept[day] = DayOverride(self.lot.choice(list(DayKind)), "МС")
        self.rules = _declared(self.contract.municipality_id, kept, self.rules.version + 1)

    async def _correct(self) -> None:
        """Another person says of a record what is true, or that nothing is."""
        async with self.database.read() as tx:
            told = await tx.all(
                "SELECT id, code, on_day FROM delivery WHERE application_id = :id ORDER BY on_day, at, units, outcome",
                {"id": self.contract.application_id},
            )
        if told:
            await self._corrected(self.lot.choice(told))

    async def _corrected(self, record: Row[Any]) -> None:
        kind = self.lot.choice([None, *AttendanceKind])
        asked = Correction(
            id=new_id(),
            municipality_id=self.contract.municipality_id,
            application_id=self.contract.application_id,
            delivery_id=str(record.id),
            code=record.code,
            on=record.on_day,
            kind=kind,
            units=self.lot.randint(1, 3) if kind else 0,
            reason=CorrectionReason.DISPUTED,
            requested_by="carer",
            requested_at=start_of_day(self.today),
            locked=self.lot.random() < 0.5,
        )
        async with self.database.write() as tx:
            store, when = Store(tx), moment_of(self.today)

            async def recorder(command: RecordCare) -> Effect:
                return await record_care(replace(command, funds=Funds.RECORDED), store, when)

            await attendance.request(asked, AttendanceStore(tx), store, recorder, when)
            if asked.locked:
                await attendance.approve(asked, AttendanceStore(tx), store, recorder, when, by="head")

    async def care(self) -> Care:
        async with self.database.read() as tx:
            found = await find_care(tx, self.contract.application_id)
        assert found is not None
        return found

    async def stored(self) -> list[Stored]:
        async with self.database.read() as tx:
            return await _rows(tx, self.contract.application_id)

    async def from_scratch(self) -> list[Stored]:
        """The rows as planning makes them where there are none, in a transaction that is given up."""
        case, town = self.contract.application_id, self.contract.municipality_id
        found: list[Stored] = []
        with suppress(_GivenUp):
            async with self.database.write() as tx:
                await tx.run("DELETE FROM unit WHERE application_id = :id", {"id": case})
                days = DateRange(self.contract.start, await Store(tx).horizon(town))
                await planning.plan(tx, [case], days, await calendar_in_force(tx, town))
                found = await _rows(tx, case)
                raise _GivenUp
        return found

    async def foreseen(self) -> list[tuple[date, str, str, int, str]]:
        """What the oracle says: each day, each line, each visit and meal of it, in plain Python."""
        care = await self.care()
        async with self.database.read() as tx:
            ranges = await plans.ranges_of(tx, care.id)
            horizon = await tx.scalar(
                "SELECT planning_to FROM municipality WHERE id = :id", {"id": care.contract.municipality_id}
            )
            told = await tx.all(
                "SELECT code, on_day, outcome, units FROM delivery WHERE application_id = :id", {"id": care.id}
            )
        units = []
        for day in DateRange(care.contract.start, horizon):
            done = {code: _sum(told, code, day, "DELIVERED") for code in (*CODES, HOURS)}
            either = {code: done[code] + _sum(told, code, day, "MISSED") for code in (*CODES, HOURS)}
            for part in ranges:
                line = part.plan_line
                if not (_due(line, day) and care.contract.covers(day) and care.contract.authorises(day)):
                    continue
                paused = care.paused.contains(day)
                day_off = line.code == HOURS and not self.rules.calendar.is_working_day(day)
                for size in [line.quantity] if line.code == HOURS else [1] * line.quantity:
                    state = "DONE" if done[line.code] > 0 else "MISSED" if either[line.code] > 0 else "PLANNED"
                    done[line.code] -= size
                    either[line.code] -= size
                    if not day_off or state != "PLANNED":
                        units.append((day, line.code, self.lives_in(day), size, "PAUSED" if paused else state))
        return sorted(units)

    def lives_in(self, day: date) -> str:
        moved = [district for first, district in self.contract.districts[1:] if first <= day]
        return moved[-1] if moved else (self.contract.districts or ((day, self.contract.district_code),))[0][1]


class _GivenUp(Exception):
    pass


def _sum(told: Sequence[Row[Any]], code: str, day: date, outcome: str) -> int:
    return sum(row.units for row in told if (row.code, row.on_day, row.outcome) == (code, day, outcome))


def _due(line: PlanLine, day: date) -> bool:
    return _WEEK[day.weekday()] in line.weekdays and line.terms.holds_on(day, FIRST)


async def _rows(tx: ReadTx | WriteTx, case: str) -> list[Stored]:
    rows = await tx.all(
        "SELECT id, code, district_code, on_day, quantity, state, cause FROM unit WHERE application_id = :id "
        "AND state <> 'CANCELLED' ORDER BY on_day, id",
        {"id": case},
    )
    return [(str(row.id), row.code, row.district_code, row.on_day, row.quantity, row.state, row.cause) for row in rows]


def a_plan(lot: Random, contract: ContractCopy) -> tuple[PlanLine, ...]:
    return tuple(_line(lot, contract.service_code) for _ in range(lot.randint(1, 3)))


def _line(lot: Random, service: str) -> PlanLine:
    hours = service == HOURS
    days = frozenset(lot.sample(_WEEK[:5] if hours else _WEEK, lot.randint(1, 5)))
    first = FIRST + timedelta(days=lot.randint(0, 60))
    terms = LineTerms(
        every_weeks=lot.choice([1, 1, 2, 3]),
        anchor=lot.choice([None, first]),
        first=lot.choice([None, None, first]),
        last=lot.choice([None, None, first + timedelta(days=lot.randint(0, 60))]),
    )
    if lot.random() < 0.3:
        terms = replace(terms, every_weeks=1, turns=frozenset(lot.sample([LAST_TURN, 1, 2, 3, 5], 2)))
    return PlanLine(HOURS if hours else lot.choice(CODES), 1 if hours else lot.randint(1, 3), days, terms)


def a_life(database: Database, lot: Random) -> Life:
    service = lot.choice(["HSP", HOURS])
    contract = ContractCopy(
        contract_id=str(uuid4()),
        application_id=str(uuid4()),
        municipality_id=f"LIFE-{uuid4().hex[:12].upper()}",
        person_id="p",
        service_code=service,
        district_code="LYULIN",
        start=FIRST + timedelta(days=lot.randint(0, 9)),
        end=lot.choice([None, FIRST + timedelta(days=lot.randint(10, 90))]),
        authorised_from=None,
        authorised_to=None,
        plan=(),
        user_funds=True,
        version=1,
    )
    free = {**DEFAULT_CALENDAR.overrides, DAY_OFF: DayOverride(DayKind.NON_WORKING, "МС")}
    rules = _declared(contract.municipality_id, free, 2)
    return Life(database, lot, replace(contract, plan=a_plan(lot, contract)), rules=rules)


def _declared(town: str, days: Mapping[date, DayOverride], version: int) -> LocalRules:
    return replace(SHIPPED_RULES, calendar=BusinessCalendar(f"{town}-{version}", days), version=version)


async def test_every_life_leads_to_the_units_that_its_facts_imply(
    migrated_database: Callable[[Stage], Awaitable[str]],
) -> None:
    database = Database(await migrated_database(Stage.DELIVERY), pool_size=2)
    loop = asyncio.get_running_loop()
    seen: set[str] = set()

    def do(work: Coroutine[None, None, None]) -> None:
        asyncio.run_coroutine_threadsafe(work, loop).result(60)

    async def lives(chance: int, steps: list[str]) -> None:
        life = a_life(database, Random(chance))
        await life.begins()
        # A change of the calendar is the one step that leaves its units to the next daily run.
        for step in (*steps, "CALENDAR"):
            await life.takes(step)
        life.today += timedelta(days=1)
        await life.run()
        stored = await life.stored()
        assert stored == await life.from_scratch()
        assert sorted((day, code, district, size, state) for _, code, district, day, size, state, _ in stored) == (
            await life.foreseen()
        )
        await life.run()
        assert await life.stored() == stored
        seen.update(row[5] for row in stored)

    @seed(20260712)
    @settings(
        max_examples=LIVES,
        deadline=None,
        database=None,
        phases=(Phase.generate, Phase.shrink),
        suppress_health_check=list(HealthCheck),
    )
    @given(st.integers(0, 2**30), st.lists(st.sampled_from(STEPS), min_size=8, max_size=25))
    def everybody(chance: int, steps: list[str]) -> None:
        do(lives(chance, steps))

    try:
        await asyncio.to_thread(everybody)
        async with database.read() as tx:
            cancelled = {row.cause for row in await tx.all("SELECT cause FROM unit WHERE state = 'CANCELLED'")}
            corrected = await tx.scalar("SELECT count(*) FROM correction WHERE state = 'APPLIED'")
            outside = await tx.scalar(OUTSIDE)
            lost = await tx.scalar(LOST)
    finally:
        await database.close()
    assert seen == {"PLANNED", "DONE", "MISSED", "PAUSED"}, "the lives have shown every state"
    assert cancelled == {"CARE_ENDED", "PLAN_CHANGED", "DAY_OFF"}, "the lives have shown why something is cancelled"
    assert corrected, "the lives have shown corrections"
    assert outside == 0
    assert lost == 0, "a record counts again once its day is covered again"


LOST = """
SELECT count(*) FROM delivery d JOIN care c USING (application_id)
WHERE cut_outcome IS NOT NULL AND d.on_day <@ c.covered
"""
OUTSIDE = """
SELECT count(*) FROM unit u JOIN care c USING (application_id) LEFT JOIN plan_line l ON l.id = u.line_id
WHERE u.state <> 'CANCELLED' AND (
    NOT u.on_day <@ c.covered OR l.id IS NULL OR NOT u.on_day <@ l.valid
    OR (u.state = 'PAUSED') <> EXISTS (
        SELECT FROM pause p WHERE p.application_id = u.application_id AND u.on_day <@ p.days))
"""
