"""Random lives over New Year: whatever changes afterwards, what billing has copied is what care was."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date, timedelta
from uuid import uuid4

import pytest

from services.delivery.domain.care import Care, CareState, ContractCopy, PlanLine
from services.delivery.rules.pauses import HospitalProof
from services.delivery.storage.reading import served_page
from services.delivery.storage.store import Store, find_care
from services.delivery.usecases.care import (
    Moment,
    PauseRequest,
    advance_care,
    copy_contract,
    end_pause_early,
    request_pause,
)
from services.kernel.codes import Stage
from services.kernel.dates import Month, Weekday, start_of_day
from services.kernel.local_rules import SHIPPED_RULES
from services.runtime.database import Database
from services.runtime.errors import DomainError

pytestmark = pytest.mark.postgres

DAY = timedelta(days=1)
BEGINS, ENDS = date(2025, 11, 3), date(2026, 4, 1)
LIVES = 12
SEED = 20260119
ALLOWED = 89
"""Paused days of a life that fit into the allowance of any year however they lie (P-01)."""


class Life:
    """The model: a day, the days of contract and authorisation, the paused days, and what billing has copied."""

    def __init__(self, database: Database, lot: random.Random, seen: Counter[str]) -> None:
        self.database, self.lot, self.seen = database, lot, seen
        self.today = BEGINS - DAY
        self.contract = ContractCopy(
            contract_id=str(uuid4()),
            application_id=str(uuid4()),
            municipality_id=f"WALK-{uuid4().hex[:12].upper()}",
            person_id=str(uuid4()),
            service_code="HSP",
            district_code="LYULIN",
            start=BEGINS + timedelta(days=lot.randint(0, 20)),
            end=None,
            authorised_from=None,
            authorised_to=None,
            plan=(PlanLine("HSP_MEAL_DELIVERY", 1, frozenset(Weekday)),),
            user_funds=False,
            version=1,
        )
        self.paused: set[date] = set()
        self.billed: dict[Month, int] = {}

    @property
    def case(self) -> str:
        return self.contract.application_id

    def covers(self, day: date) -> bool:
        return self.contract.covers(day) and self.contract.authorises(day)

    def chargeable(self, month: Month) -> int:
        days = (month.first + timedelta(days=number) for number in range((month.last - month.first).days + 1))
        return sum(self.covers(day) and day not in self.paused for day in days)

    @property
    def in_service(self) -> bool:
        return self.contract.covers(self.today) and self.today not in self.paused

    async def live(self) -> None:
        await self.copies()
        acts: list[Callable[[], Awaitable[None]]] = [
            self.asks_for_pause,
            self.proves_hospital_stay,
            self.returns,
            self.order_is_shortened,
        ]
        while self.today < ENDS:
            for _ in range(self.lot.randint(1, 9)):
                await self.day_passes()
            if self.lot.random() < 0.1:
                await self.ends()
            else:
                await self.lot.choice(acts)()
            await self.billing_is_told()
            await self.billed_is_what_care_was()

    async def day_passes(self) -> None:
        month = Month.of(self.today)
        self.today += DAY
        if Month.of(self.today) != month:
            self.billed[month] = await self.served(month)

    async def served(self, month: Month) -> int:
        async with self.database.read() as tx:
            rows = await served_page(tx, self.contract.municipality_id, month, SHIPPED_RULES.catalogue, ids=[self.case])
        return sum(row.served_days - row.paused_days for row in rows)

    async def copies(self) -> None:
        async with self.database.write() as tx:
            await copy_contract(self.contract, SHIPPED_RULES, Store(tx), self.moment())

    def moment(self) -> Moment:
        return Moment(start_of_day(self.today) + timedelta(hours=10), self.today)

    async def asks_for_pause(self) -> None:
        await self.pause(self.today + timedelta(days=self.lot.randint(1, 6)), self.lot.randint(1, 9), "NONE")

    async def proves_hospital_stay(self) -> None:
        first = self.today - timedelta(days=self.lot.randint(1, 50))
        await self.pause(first, self.lot.randint(1, 12), "SHOWN")

    async def pause(self, first: date, length: int, proof: str) -> None:
        days = {first + timedelta(days=number) for number in range(length)}
        if len(self.paused | days) > ALLOWED:
            return
        granted = self.in_service and all(map(self.covers, (first, max(days))))
        request = PauseRequest(self.case, first, max(days), HospitalProof(proof))
        if not granted:
            with pytest.raises(DomainError) as refusal:
                await self.requests(request)
            self.seen[f"refused {refusal.value.reason}"] += 1
            return
        await self.requests(request)
        self.paused |= days
        self.seen[f"pause {proof}"] += 1
        self.seen["pause over New Year"] += {date(2025, 12, 31), date(2026, 1, 1)} <= days

    async def requests(self, request: PauseRequest) -> None:
        async with self.database.write() as tx:
            await request_pause(request, Store(tx), self.moment())

    async def returns(self) -> None:
        if not self.paused:
            return
        back = self.lot.choice(sorted(self.paused))
        async with self.database.write() as tx:
            await end_pause_early(self.case, back, Store(tx), self.moment())
        self.seen["return in a month that is billed"] += Month.of(back) in self.billed
        while back in self.paused:
            self.paused.remove(back)
            back += DAY

    async def ends(self) -> None:
        """As placement records ends: the last day is care, an earlier end may follow, a later one does not."""
        last = self.today + timedelta(days=self.lot.randint(-40, 20))
        if self.contract.end is not None and last >= self.contract.end:
            return
        self.contract = replace(self.contract, end=last, version=self.contract.version + 1)
        await self.copies()
        self.paused = set(filter(self.covers, self.paused))
        self.seen["end in a month that is billed"] += Month.of(last) in self.billed
        self.seen["last day is charged"] += self.covers(last) and last not in self.paused

    async def order_is_shortened(self) -> None:
        until = self.today + timedelta(days=self.lot.randint(-30, 60))
        known = self.contract.authorised_to
        if self.lot.random() < 0.7 or until < self.contract.start or (known is not None and until >= known):
            return
        self.contract = replace(self.contract, authorised_to=until, version=self.contract.version + 1)
        await self.copies()
        self.paused = set(filter(self.covers, self.paused))
        self.seen["order ends in a month that is billed"] += Month.of(until) in self.billed

    async def billing_is_told(self) -> None:
        """As the case's workflow does: the first month of the correction and every later one are copied anew."""
        request = str(uuid4())
        async with self.database.write() as tx:
            await advance_care(self.case, request, Store(tx))
        care = await self.care()
        if care.answered is None or care.answered[0] != request:
            return
        self.seen["correction"] += 1
        for month in self.billed:
            if month >= care.answered[1]:
                self.billed[month] = await self.served(month)

    async def billed_is_what_care_was(self) -> None:
        assert self.billed == {month: self.chargeable(month) for month in self.billed}
        care = await self.care()
        assert {day for part in care.paused.ranges for day in part} == self.paused
        over = self.contract.end is not None and self.today > self.contract.end
        assert (care.state_on(self.today) is CareState.TERMINATED) is over
        async with self.database.read() as tx:
            units = await tx.all(
                "SELECT on_day, state FROM unit WHERE application_id = :id AND state <> 'CANCELLED'", {"id": self.case}
            )
        assert [row for row in units if not self.covers(row.on_day)] == []
        assert {row.on_day for row in units if row.state == "PAUSED"} <= self.paused
        assert not {row.on_day for row in units if row.state != "PAUSED"} & self.paused

    async def care(self) -> Care:
        async with self.database.read() as tx:
            found = await find_care(tx, self.case)
        assert found is not None
        return found


async def test_what_billing_copied_is_what_care_was_after_every_late_change(
    migrated_database: Callable[[Stage], Awaitable[str]],
) -> None:
    database, seen = Database(await migrated_database(Stage.DELIVERY), pool_size=2), Counter[str]()
    try:
        for number in range(LIVES):
            await Life(database, random.Random(f"{SEED}/{number}"), seen).live()
    finally:
        await database.close()
    wanted = {
        "pause NONE",
        "pause SHOWN",
        "pause over New Year",
        "return in a month that is billed",
        "end in a month that is billed",
        "last day is charged",
        "order ends in a month that is billed",
        "correction",
    }
    assert {what for what in wanted if not seen[what]} == set()
