"""Planning one more day of care for a whole town, against the bare insert of the same rows."""

from __future__ import annotations

import datetime as dt
import time
import uuid

import asyncpg

from bench.memory import FLAT, forget_the_peak, peak_mebibytes
from bench.result import Budget, Figure, Limit, Result, ratios
from bench.stand import Stand
from bench.town import FIRST_DAY, Town, connected_to, copy_rows, plan_through, settle, twin_id
from services.delivery.storage.planning import HORIZON
from services.kernel.codes import Role, Stage
from services.kernel.dates import start_of_day
from services.runtime.civil import date_to_proto
from socialcare.delivery.v1 import delivery_service_pb2 as delivery
from workflows.batch import PAGE_SIZE

__all__ = ["measure_planning"]

BUDGET = Budget(Limit.AT_MOST, 3.0)
NO_DEARER = Budget(Limit.AT_MOST, 1.25)
"""Twenty times the people may take a quarter more a person: pages of a fixed size."""
_FEWEST = 50
_TWIN = {"id": twin_id("id"), "line_id": twin_id("line_id"), "application_id": twin_id("application_id")}


async def measure_planning(stand: Stand) -> list[Result]:
    """The calls of the daily run, one after the other: open, every page, the kitchens' counts. The horizon is full."""
    village = await settle(stand, max(_FEWEST, stand.size.people // 20))
    few, little = await _days(stand, village)
    town = await settle(stand, stand.size.people)
    await plan_through(stand, town, FIRST_DAY - dt.timedelta(days=1))
    measured, floor = [], []
    forget_the_peak(stand.stack, Stage.DELIVERY)
    async with connected_to(stand, Stage.DELIVERY) as connection:
        await _plan(stand, town, FIRST_DAY)
        for number in range(1, stand.size.rounds + 1):
            on = FIRST_DAY + dt.timedelta(days=number)
            measured.append(await _plan(stand, town, on))
            floor.append(await _insert_bare(connection, town, on + HORIZON))
    much = peak_mebibytes(stand.stack, Stage.DELIVERY)
    dear, cheap = (
        [seconds / each.people * 1000 for seconds in took] for each, took in ((town, measured), (village, few))
    )
    return [
        Result(
            f"planning a day for {town.people} people against the bare insert of the same rows",
            Figure(tuple(measured), "s"),
            Figure(tuple(floor), "s"),
            ratios(measured, floor),
            BUDGET,
        ),
        Result(
            f"planning a day for one person among {town.people} against one among {village.people}",
            Figure(tuple(dear), "ms"),
            Figure(tuple(cheap), "ms"),
            ratios(dear, cheap),
            NO_DEARER,
        ),
        Result(
            f"peak memory of delivery, {town.people} people against {village.people}",
            Figure((much,), "MiB"),
            Figure((little,), "MiB"),
            Figure((much / little,)),
            FLAT,
        ),
    ]


async def _days(stand: Stand, town: Town) -> tuple[list[float], float]:
    """Seconds of each planned day of a town whose horizon is full, and the most memory that delivery had."""
    await plan_through(stand, town, FIRST_DAY - dt.timedelta(days=1))
    forget_the_peak(stand.stack, Stage.DELIVERY)
    await _plan(stand, town, FIRST_DAY)
    rounds = range(1, stand.size.rounds + 1)
    took = [await _plan(stand, town, FIRST_DAY + dt.timedelta(days=number)) for number in rounds]
    return took, peak_mebibytes(stand.stack, Stage.DELIVERY)


async def _plan(stand: Stand, town: Town, on: dt.date) -> float:
    call, stub, at = stand.gateway.call, stand.gateway.delivery, start_of_day(on)
    start = time.perf_counter()
    opened = await call(
        stub.OpenDailyRun,
        delivery.OpenDailyRunRequest(
            request_id=str(uuid.uuid4()), municipality_id=town.municipality_id, on_date=date_to_proto(on)
        ),
        delivery.OpenDailyRunResponse,
        role=Role.WORKER,
        at=at,
    )
    page = delivery.PlanPageResponse()
    cases = 0
    while page.next_page_token or not cases:
        page = await call(
            stub.PlanPage,
            delivery.PlanPageRequest(
                request_id=str(uuid.uuid4()),
                run_id=opened.run_id,
                page_token=page.next_page_token,
                page_size=PAGE_SIZE,
            ),
            delivery.PlanPageResponse,
            role=Role.WORKER,
            at=at,
        )
        cases += page.cases
    await call(
        stub.CloseDailyRun,
        delivery.CloseDailyRunRequest(request_id=str(uuid.uuid4()), run_id=opened.run_id),
        delivery.CloseDailyRunResponse,
        role=Role.WORKER,
        at=at,
    )
    assert cases == town.people, "everybody was planned"
    return time.perf_counter() - start


async def _insert_bare(connection: asyncpg.Connection, town: Town, day: dt.date) -> float:
    """The rows of that day once more, for the twin; seconds of the one INSERT."""
    await connection.execute("DROP TABLE IF EXISTS bare; CREATE TEMP TABLE bare (LIKE unit)")
    await copy_rows(
        connection,
        "unit",
        {**_TWIN, "municipality_id": f"'{town.twin}'"},
        f"WHERE t.municipality_id = '{town.municipality_id}' AND t.on_day = '{day}' ORDER BY t.application_id, t.id",
        into="bare",
    )
    await connection.execute("ANALYZE bare")
    start = time.perf_counter()
    await connection.execute("INSERT INTO unit SELECT * FROM bare")
    return time.perf_counter() - start
