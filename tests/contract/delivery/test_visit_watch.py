"""On the system clock the process itself looks for missed visits."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator
from datetime import date, datetime
from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import Mock

import pytest
import structlog
from prometheus_client import CollectorRegistry
from sqlalchemy.exc import OperationalError

from services.delivery.storage import visits
from services.delivery.watch import VisitWatch
from services.kernel.dates import local_date
from services.runtime.database import Database
from services.runtime.settings import ClockMode
from services.runtime.telemetry import Telemetry
from tests.contract.delivery.conftest import Service
from tests.contract.delivery.test_service import at
from tests.contract.delivery.test_visits import MIDNIGHT, delivered
from tests.contract.delivery.test_welfare import in_care, open_checks

pytestmark = pytest.mark.postgres

LOOKED = "socialcare_delivery_visits_looked_at_timestamp_seconds"


class Stopped:
    """A clock that stands."""

    def __init__(self, now: datetime) -> None:
        self._now = now

    def now(self) -> datetime:
        return self._now

    def today(self) -> date:
        return local_date(self._now)


class Guard:
    """A watch and what it shows."""

    def __init__(self, database: Database, now: datetime, clock: ClockMode = ClockMode.SYSTEM) -> None:
        self.registry, self.said = CollectorRegistry(), Mock()
        runtime = SimpleNamespace(
            db=database,
            clock=Stopped(now),
            settings=SimpleNamespace(clock=clock),
            telemetry=Telemetry(structlog.get_logger(), self.registry),
            log=self.said,
        )
        self.watch = VisitWatch(cast("Any", runtime))


@pytest.fixture
async def database(service: Service) -> AsyncIterator[Database]:
    opened = Database(service.dsn, pool_size=2)
    yield opened
    await opened.close()


async def somebody_alone(service: Service) -> str:
    """In care since Monday, nobody came on Wednesday."""
    case = await in_care(service)
    for day in (4, 5):
        await delivered(service, case, date(2026, 5, day), at(5, day, 13))
    return case


async def test_a_look_opens_the_check_that_a_missed_visit_asks_for_once(service: Service, database: Database) -> None:
    case = await somebody_alone(service)
    guard = Guard(database, MIDNIGHT)
    assert [await guard.watch.look(), await guard.watch.look()] == [1, 0]
    assert [check.application_id for check in await open_checks(service)] == [case]
    assert guard.registry.get_sample_value(LOOKED) == MIDNIGHT.timestamp()
    assert guard.registry.get_sample_value("socialcare_delivery_visits_found_missed_total") == 1


async def test_a_municipality_that_cannot_be_looked_at_keeps_nobody_else_from_being_looked_after(
    service: Service, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = await somebody_alone(service)
    await service.rows(
        'INSERT INTO municipality SELECT (jsonb_populate_record(m, \'{"id": "A-TOWN"}\')).* FROM municipality m'
    )
    find = visits.missed_unseen

    async def find_or_fail(tx: Any, municipality_id: str, *facts: Any) -> Any:
        if municipality_id == "A-TOWN":
            raise OperationalError("SELECT", {}, Exception("broken"))
        return await find(tx, municipality_id, *facts)

    monkeypatch.setattr(visits, "missed_unseen", find_or_fail)
    guard = Guard(database, MIDNIGHT)
    assert await guard.watch.look() == 1
    assert [check.application_id for check in await open_checks(service)] == [case]
    guard.said.warning.assert_called_once_with("visits not looked at", error="OperationalError")
    assert math.isnan(guard.registry.get_sample_value(LOOKED) or 0.0)


async def test_it_looks_until_it_is_stopped(service: Service, database: Database) -> None:
    await somebody_alone(service)
    guard = Guard(database, MIDNIGHT)
    running = asyncio.create_task(guard.watch.run())
    async with asyncio.timeout(60):
        while not await open_checks(service):
            await asyncio.sleep(0.02)
        assert not running.done()
        guard.watch.stop()
        await running


async def test_nobody_looks_by_themselves_on_simulated_time(service: Service, database: Database) -> None:
    await somebody_alone(service)
    async with asyncio.timeout(60):
        await Guard(database, MIDNIGHT, ClockMode.SIMULATED).watch.run()
    assert await open_checks(service) == []
