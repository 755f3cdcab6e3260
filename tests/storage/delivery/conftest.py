"""A migrated database of delivery and a small vocabulary to put cases into it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from uuid import uuid4

import pytest

from services.delivery.domain.care import Care, ContractCopy, MissFault, Outcome, PlanLine
from services.delivery.rules.pauses import HospitalProof
from services.delivery.rules.recording import Funds
from services.delivery.storage import days, pages, planning
from services.delivery.storage.local_rules import keep_rules
from services.delivery.storage.store import Store, find_care
from services.delivery.usecases.care import (
    Moment,
    PauseRequest,
    RecordCare,
    advance_care,
    copy_contract,
    end_pause_early,
    record_care,
    request_pause,
)
from services.kernel.codes import Stage
from services.kernel.dates import Weekday, start_of_day
from services.kernel.local_rules import SHIPPED_RULES, LocalRules
from services.runtime.commands import Effect
from services.runtime.database import Database
from services.runtime.ids import new_id

EVERY_DAY = frozenset(Weekday)
WORKDAYS = EVERY_DAY - {Weekday.SAT, Weekday.SUN}
MUNICIPALITY = "SOFIA"


def moment_of(day: date) -> Moment:
    return Moment(start_of_day(day) + timedelta(hours=10), day)


def contract(start: date, *plan: PlanLine, service: str = "HSP", district: str = "OVCHA_KUPEL") -> ContractCopy:
    return ContractCopy(
        contract_id=str(uuid4()),
        application_id=str(uuid4()),
        municipality_id=MUNICIPALITY,
        person_id=str(uuid4()),
        service_code=service,
        district_code=district,
        start=start,
        end=None,
        authorised_from=None,
        authorised_to=None,
        plan=plan or (PlanLine("HSP_MEAL_DELIVERY", 1, EVERY_DAY),),
        user_funds=False,
        version=1,
    )


@dataclass
class Office:
    """What an office does with the database of delivery."""

    db: Database
    contracts: dict[str, ContractCopy] = field(default_factory=dict)

    rules: LocalRules = SHIPPED_RULES

    async def signs(self, copy: ContractCopy, on: date) -> str:
        async with self.db.write() as tx:
            await copy_contract(copy, self.rules, Store(tx), moment_of(on))
        self.contracts[copy.application_id] = copy
        return copy.application_id

    async def ends(self, case: str, last_day: date, on: date) -> None:
        earlier = self.contracts[case]
        await self.signs(replace(earlier, end=last_day, version=earlier.version + 1), on)

    async def pauses(self, case: str, start: date, end: date, on: date, proof: str = "NONE") -> Effect:
        async with self.db.write() as tx:
            request = PauseRequest(case, start, end, HospitalProof(proof))
            return await request_pause(request, Store(tx), moment_of(on))

    async def welcomes_back(self, case: str, return_date: date, on: date) -> None:
        async with self.db.write() as tx:
            await end_pause_early(case, return_date, Store(tx), moment_of(on))

    async def delivers(self, case: str, code: str, on: date, units: int = 1, funds: Funds = Funds.NONE) -> Effect:
        async with self.db.write() as tx:
            command = RecordCare(case, code, on, units, Outcome.DELIVERED, None, funds)
            return await record_care(command, Store(tx), moment_of(on))

    async def advances(self, case: str, request_id: str = "r") -> Care:
        async with self.db.write() as tx:
            await advance_care(case, request_id, Store(tx))
        return await self.care(case)

    async def care(self, case: str) -> Care:
        async with self.db.read() as tx:
            found = await find_care(tx, case)
        assert found is not None
        return found

    async def runs(self, day: date, size: int = 1000) -> str:
        now = start_of_day(day)
        async with self.db.write() as tx:
            await planning.join(tx, MUNICIPALITY, day, now)
            await keep_rules(tx, MUNICIPALITY, self.rules, now)
            run = await planning.open_run(tx, new_id(), MUNICIPALITY, day, now)
        after = ""
        while True:
            page = await pages.plan_or_park(self.db, run, after, size, now)
            after = page.last
            if not after:
                break
        async with self.db.write() as tx:
            await planning.close_run(tx, run, now)
            await days.close_days(tx, run, now)
        return run.id

    async def misses(self, case: str, code: str, on: date, fault: MissFault, units: int = 1) -> Effect:
        async with self.db.write() as tx:
            command = RecordCare(case, code, on, units, Outcome.MISSED, fault)
            return await record_care(command, Store(tx), moment_of(on))

    async def became(self, case: str, on: date, code: str = "HSP_MEAL_DELIVERY") -> list[tuple[str, str]]:
        """State and cause of the units of a day, in the order of their lines."""
        async with self.db.read() as tx:
            rows = await tx.all(
                "SELECT state, cause FROM unit u LEFT JOIN plan_line l ON l.id = line_id "
                "WHERE u.application_id = :case AND on_day = :day AND u.code = :code ORDER BY line, lower(valid), part",
                {"case": case, "day": on, "code": code},
            )
        return [(row.state, row.cause) for row in rows]

    async def units(self) -> list[tuple[str, str, date, int]]:
        """Units that somebody waits for."""
        async with self.db.read() as tx:
            rows = await tx.all(
                "SELECT id, application_id, on_day, quantity FROM unit "
                "WHERE state IN ('PLANNED', 'DONE', 'MISSED') ORDER BY on_day, id"
            )
        return [(str(row.id), str(row.application_id), row.on_day, row.quantity) for row in rows]

    async def planned(self, case: str, on: date) -> dict[str, int]:
        async with self.db.read() as tx:
            return dict(await planning.planned_units(tx, case, on))

    async def meals(self, on: date, district: str = "OVCHA_KUPEL") -> int:
        async with self.db.read() as tx:
            return await planning.kitchen_meals(tx, MUNICIPALITY, district, on)


MakeOffice = Callable[[], Awaitable[Office]]
MakeContract = Callable[..., ContractCopy]


@pytest.fixture
def new_office(opened_database: Callable[[Stage], Awaitable[Database]]) -> MakeOffice:
    async def make() -> Office:
        return Office(await opened_database(Stage.DELIVERY))

    return make


@pytest.fixture
async def office(new_office: MakeOffice) -> Office:
    return await new_office()


@pytest.fixture
def make_contract() -> MakeContract:
    return contract
