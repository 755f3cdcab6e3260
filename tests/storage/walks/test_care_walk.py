from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from datetime import date, timedelta
from typing import Any
from uuid import uuid4

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from drill.replicas import Replica
from services.delivery.domain.care import TRANSITIONS, Care, CareState, ContractCopy, PlanLine
from services.delivery.rules.pauses import HospitalProof
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
from services.kernel.dates import Weekday, start_of_day
from services.kernel.local_rules import SHIPPED_RULES
from services.runtime.database import Database
from tests.storage.walks.walking import DRAWN, Seen, Walk, walk

pytestmark = pytest.mark.postgres

S = CareState
DAY = timedelta(days=1)
FEW = 60
"""Paused days that stay within the allowance of a year however they lie (P-01)."""


class CareWalk(Walk):
    """The model: a day, the first and last day of the contract, and the set of paused days."""

    def __init__(self, *of: Any) -> None:
        super().__init__(*of)
        self.today = date(2026, 2, 2)
        self.contract: ContractCopy | None = None
        self.end: date | None = None
        self.paused: set[date] = set()
        self.was = S.CONTRACTED

    @property
    def start(self) -> date:
        assert self.contract is not None
        return self.contract.start

    def state_on(self, day: date) -> CareState:
        if self.end is not None and day > self.end:
            return S.TERMINATED
        if day < self.start:
            return S.CONTRACTED
        return S.PAUSED if day in self.paused else S.IN_SERVICE

    def noticed(self) -> None:
        """What the worker sees of today must be one step of the table from what it saw before."""
        state = self.state_on(self.today)
        if state is not self.was:
            (step,) = (step for (source, step), to in TRANSITIONS.items() if source is self.was and to.to is state)
            self.seen.taken[self.was, step] += 1
            self.was = state

    def using(self, use: Callable[[Store, Moment], Coroutine[Any, Any, Any]]) -> Callable[[], Coroutine[Any, Any, Any]]:
        moment = Moment(start_of_day(self.today) + timedelta(hours=10), self.today)

        async def work() -> Any:
            async with self.replica.database.write() as tx:
                return await use(Store(tx), moment)

        return work

    async def care(self) -> Care:
        async with self.replica.database.read() as tx:
            found = await find_care(tx, self.cases[-1])
        assert found is not None
        return found

    @initialize(ahead=st.integers(0, 5))
    def sign(self, ahead: int) -> None:
        self.today += DAY
        self.contract = ContractCopy(
            contract_id=str(uuid4()),
            application_id=str(uuid4()),
            municipality_id=self.municipality,
            person_id=str(uuid4()),
            service_code="HSP",
            district_code="LYULIN",
            start=self.today + timedelta(days=ahead),
            end=None,
            authorised_from=None,
            authorised_to=None,
            plan=(PlanLine("HSP_MEAL_DELIVERY", 1, frozenset(Weekday)),),
            user_funds=False,
            version=1,
        )
        self.end, self.paused, self.was = None, set(), S.CONTRACTED
        self.cases.append(self.contract.application_id)
        self.copy()
        self.noticed()

    def copy(self) -> None:
        contract = self.contract
        assert contract is not None
        self.granted(self.using(lambda store, moment: copy_contract(contract, SHIPPED_RULES, store, moment)))

    @precondition(lambda self: self.was is S.TERMINATED)
    @rule(ahead=st.integers(0, 5))
    def another_case(self, ahead: int) -> None:
        self.sign(ahead)

    @precondition(lambda self: len(self.paused) < FEW)
    @rule(ahead=st.integers(-3, 6), length=st.integers(0, 8), hospital=st.booleans())
    def pause(self, ahead: int, length: int, hospital: bool) -> None:
        self.ask_for_pause(ahead, length, hospital=hospital)

    def ask_for_pause(self, ahead: int, length: int, *, hospital: bool) -> None:
        first = self.today + timedelta(days=ahead)
        last = first + timedelta(days=length - 1)
        proof = HospitalProof.SHOWN if hospital else HospitalProof.NONE
        request = PauseRequest(self.cases[-1], first, last, proof)
        work = self.using(lambda store, moment: request_pause(request, store, moment))
        inside = self.start <= first and (self.end is None or last <= self.end)
        reason = ""
        if self.state_on(self.today) is not S.IN_SERVICE or (length > 0 and not inside):
            reason = "PAUSE_NOT_AVAILABLE"
        elif length == 0:
            reason = "PAUSE_INVALID_RANGE"
        elif first <= self.today and not hospital:
            reason = "PAUSE_START_TOO_EARLY"
        if reason:
            self.seen.refused[self.was, reason] += 1
            self.refused(work, reason)
            return
        self.do(work())
        self.paused |= {first + timedelta(days=number) for number in range(length)}
        self.noticed()

    @rule(drawn=DRAWN)
    def lead_on(self, drawn: int) -> None:
        """Days, pauses, returns and ends in a row, so that walks get far."""
        lot = self.lot(drawn)
        for _ in range(lot.randint(2, 6)):
            match self.was:
                case S.CONTRACTED if lot.random() < 0.2:
                    self.end_within(lot, -1, 1)
                case S.CONTRACTED:
                    self.pass_days(lot.randint(1, 3))
                case S.IN_SERVICE if lot.random() < 0.6 and len(self.paused) < FEW:
                    self.ask_for_pause(1, lot.randint(2, 5), hospital=False)
                    self.pass_days(lot.randint(1, 2))
                case S.PAUSED if lot.random() < 0.4:
                    self.come_back_soon(lot)
                case S.PAUSED | S.IN_SERVICE if lot.random() < 0.3:
                    self.end_within(lot, -1, 2)
                case S.TERMINATED:
                    return
                case _:
                    self.pass_days(lot.randint(1, 3))

    @rule(drawn=DRAWN)
    def come_back(self, drawn: int) -> None:
        self.come_back_soon(self.lot(drawn))

    def come_back_soon(self, lot: random.Random) -> None:
        back = self.today + timedelta(days=lot.randint(-2, 6))
        if self.paused and lot.random() < 0.7:
            back = self.today if self.today in self.paused else lot.choice(sorted(self.paused))
        work = self.using(lambda store, moment: end_pause_early(self.cases[-1], back, store, moment))
        if back not in self.paused:
            self.seen.refused[self.was, "NO_PAUSE"] += 1
            self.refused(work, "STATE_NOT_ALLOWED")
            return
        self.do(work())
        while back in self.paused:
            self.paused.remove(back)
            back += DAY
        self.noticed()

    @rule(drawn=DRAWN)
    def end_contract(self, drawn: int) -> None:
        """As placement records ends: an earlier one may follow, a later one does not; it may lie before the start."""
        lot = self.lot(drawn)
        if lot.random() < 0.4:
            self.end_within(lot, -1, 8)

    def end_within(self, lot: random.Random, least: int, most: int) -> None:
        last = self.today + timedelta(days=lot.randint(least, most))
        over = self.was is S.TERMINATED or (self.end is not None and last >= self.end)
        if over or self.contract is None:
            return
        self.end = last
        self.contract = replace(self.contract, end=last, version=self.contract.version + 1)
        self.copy()
        self.paused = {day for day in self.paused if day <= last}
        self.noticed()

    @rule()
    def the_same_contract_again(self) -> None:
        before = self.rows()
        self.copy()
        assert self.rows() == before

    @rule(days=st.integers(1, 4))
    def days_pass(self, days: int) -> None:
        self.pass_days(days)

    def pass_days(self, days: int) -> None:
        for _ in range(days):
            self.today += DAY
            self.noticed()

    @rule()
    def advance(self) -> None:
        self.granted(self.using(lambda store, _: advance_care(self.cases[-1], "request", store)))

    @invariant()
    def stored_is_what_the_table_says(self) -> None:
        if not self.cases:
            return
        care = self.do(self.care())
        assert {day for part in care.paused.ranges for day in part} == self.paused
        ahead = [self.start - DAY, self.today, *(self.today + timedelta(days=number) for number in range(1, 16))]
        assert [care.state_on(day) for day in ahead] == [self.state_on(day) for day in ahead]


async def test_care_is_never_where_its_table_forbids_from_one_day_to_the_next(
    migrated_database: Callable[[Stage], Awaitable[str]],
) -> None:
    database = Database(await migrated_database(Stage.DELIVERY), pool_size=2)
    try:
        await walk(CareWalk, Replica(Stage.DELIVERY, None, database), never_seen)
    finally:
        await database.close()


def never_seen(seen: Seen) -> set[object]:
    """Steps of the table that no walk took, and states in which no pause was refused."""
    return (TRANSITIONS.keys() - seen.taken.keys()) | (set(CareState) - {state for state, _ in seen.refused})
