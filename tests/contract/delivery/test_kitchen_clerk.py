"""On the system clock the process itself tells kitchens what to cook."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from datetime import date, datetime, timedelta
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import Mock

import pytest
import structlog
from prometheus_client import CollectorRegistry
from sqlalchemy.exc import OperationalError

from services.delivery import cooking
from services.delivery.cooking import KitchenClerk
from services.delivery.storage import cooking as stored
from services.kernel.codes import Role
from services.runtime.database import Database
from services.runtime.settings import ClockMode
from services.runtime.telemetry import Telemetry
from tests.contract.delivery.conftest import TOWN, Service
from tests.contract.delivery.day import MONDAY, ask, at, runs
from tests.contract.delivery.test_kitchens import TUESDAY, kitchen, lives_in, pausing, producing, stops
from tests.contract.delivery.test_visit_watch import Stopped

pytestmark = pytest.mark.postgres

LOOKED = "socialcare_delivery_kitchens_looked_at_timestamp_seconds"
UNCOOKED = "socialcare_delivery_meals_uncooked"


class Guard:
    """A clerk and what it shows."""

    def __init__(self, database: Database, now: datetime, clock: ClockMode = ClockMode.SYSTEM) -> None:
        self.registry, self.said = CollectorRegistry(), Mock()
        runtime = SimpleNamespace(
            db=database,
            clock=Stopped(now),
            settings=SimpleNamespace(clock=clock),
            telemetry=Telemetry(structlog.get_logger(), self.registry),
            log=self.said,
        )
        self.clerk = KitchenClerk(cast("Any", runtime))

    def uncooked(self, reason: str) -> float | None:
        return self.registry.get_sample_value(UNCOOKED, {"municipality": TOWN, "reason": reason})


@pytest.fixture
async def database(service: Service) -> AsyncIterator[Database]:
    opened = Database(service.dsn, pool_size=4)
    yield opened
    await opened.close()


async def two_kitchens(service: Service, cut_off: str = "15:00") -> list[str]:
    """Three people of two districts, each with a kitchen."""
    service.neighbours.settings["kitchen.cut_off"] = cut_off
    cases = [await lives_in(service, district) for district in ("SREDETS", "SREDETS", "BANKYA")]
    await ask(service, kitchen("K-1", ("R-1", ["SREDETS"])))
    await ask(service, kitchen("K-2", ("R-1", ["BANKYA"])))
    await runs(service, MONDAY)
    return cases


async def sheets(service: Service) -> list[tuple[str, date, datetime]]:
    found = await service.rows("SELECT kitchen_id, on_day, produced_at FROM kitchen_sheet ORDER BY 2, 1")
    return [(row["kitchen_id"], row["on_day"], row["produced_at"]) for row in found]


async def test_each_kitchen_is_told_once_as_soon_as_the_cut_off_has_passed(
    service: Service, database: Database
) -> None:
    early, late, _ = await two_kitchens(service)
    before, cut_off = at(MONDAY, 14, 59), at(MONDAY, 15)
    assert await Guard(database, before).clerk.look() == 2, "those of the day that has begun"
    await ask(service, pausing(early, TUESDAY, TUESDAY), Role.OFFICE_HEAD, before)
    guard = Guard(database, cut_off)
    assert [await guard.clerk.look(), await guard.clerk.look()] == [2, 0]
    assert await sheets(service) == [
        ("K-1", MONDAY, before),
        ("K-2", MONDAY, before),
        ("K-1", TUESDAY, cut_off),
        ("K-2", TUESDAY, cut_off),
    ]
    assert guard.registry.get_sample_value(LOOKED) == cut_off.timestamp()
    assert [stop.application_id for stop in (await stops(service, TUESDAY)).stops] == [late]


async def test_who_asks_for_a_sheet_before_or_after_the_clerk_has_the_same_answer(
    service: Service, database: Database
) -> None:
    cases = await two_kitchens(service)
    asked = await ask(service, producing(TUESDAY), Role.OFFICE_HEAD, at(MONDAY, 16))
    assert await Guard(database, at(MONDAY, 17)).clerk.look() == 3
    await ask(service, pausing(cases[0], TUESDAY, TUESDAY), Role.OFFICE_HEAD, at(MONDAY, 18))
    assert await ask(service, producing(TUESDAY), Role.OFFICE_HEAD, at(MONDAY, 19)) == asked
    made = [await ask(service, producing(TUESDAY, "K-2"), Role.OFFICE_HEAD, at(MONDAY, hour)) for hour in (18, 20)]
    assert made[0] == made[1]
    assert (made[0].sheet.meals, made[0].sheet.produced_time.ToDatetime().hour) == (1, 14)


async def test_without_a_cut_off_the_sheets_of_a_day_are_due_when_it_begins(
    service: Service, database: Database
) -> None:
    await two_kitchens(service, "")
    last, first = at(MONDAY, 23, 59), at(TUESDAY, 0)
    for now, days in ((last, {MONDAY}), (first, {MONDAY, TUESDAY})):
        assert await Guard(database, now).clerk.look() == 2
        assert {on for _, on, _ in await sheets(service)} == days


async def test_replicas_that_find_the_same_sheets_due_tell_each_kitchen_once(
    service: Service, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await two_kitchens(service)
    find, all_found = stored.without_sheet, asyncio.Barrier(3)

    async def find_and_wait(*what: Any) -> Any:
        due = await find(*what)
        await all_found.wait()
        return due

    monkeypatch.setattr(stored, "without_sheet", find_and_wait)
    replicas = [Guard(database, at(MONDAY, 15)) for _ in range(3)]
    async with asyncio.timeout(60):
        assert await asyncio.gather(*(replica.clerk.look() for replica in replicas)) == [4, 4, 4]
    assert len(await sheets(service)) == 4
    assert not any(replica.said.warning.called for replica in replicas)


async def test_a_day_that_is_not_planned_has_no_sheet(service: Service, database: Database) -> None:
    await two_kitchens(service)
    assert await Guard(database, at(MONDAY + timedelta(days=40), 16)).clerk.look() == 0


async def test_a_kitchen_that_cannot_be_told_keeps_no_other_from_it(
    service: Service, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    await two_kitchens(service)
    produce = cooking.produce_sheet

    async def produce_or_fail(municipality_id: str, kitchen_id: str, *rest: Any) -> Any:
        if kitchen_id == "K-1":
            raise OperationalError("INSERT", {}, Exception("broken"))
        return await produce(municipality_id, kitchen_id, *rest)

    monkeypatch.setattr(cooking, "produce_sheet", produce_or_fail)
    guard = Guard(database, at(MONDAY, 12))
    await guard.clerk.look()
    assert [code for code, _, _ in await sheets(service)] == ["K-2"]
    guard.said.warning.assert_called_once_with("kitchens not told", error="OperationalError")
    assert math.isnan(guard.registry.get_sample_value(LOOKED) or 0.0)


async def test_meals_that_no_kitchen_cooks_are_shown_until_one_does(service: Service, database: Database) -> None:
    await two_kitchens(service)
    await lives_in(service, "IZGREV")
    await lives_in(service, "LOZENETS", TUESDAY)
    guard = Guard(database, at(MONDAY, 12))
    await guard.clerk.look()
    assert (guard.uncooked("NO_ROUTE"), guard.uncooked("AFTER_SHEET")) == (3, None)
    third = kitchen("K-3", ("R-1", ["IZGREV", "LOZENETS"]))
    await ask(service, third)
    await guard.clerk.look()
    assert (guard.uncooked("NO_ROUTE"), guard.uncooked("AFTER_SHEET")) == (None, None)
    await lives_in(service, "LOZENETS")
    await guard.clerk.look()
    assert (guard.uncooked("NO_ROUTE"), guard.uncooked("AFTER_SHEET")) == (None, 1)


async def test_nobody_is_told_by_themselves_on_simulated_time(service: Service, database: Database) -> None:
    await two_kitchens(service)
    async with asyncio.timeout(60):
        await Guard(database, at(MONDAY, 15), ClockMode.SIMULATED).clerk.run()
    assert await sheets(service) == []
