"""The daily run over pages of cases, and the days it hands to billing."""

from __future__ import annotations

import time
from datetime import timedelta

from grpc.aio import ServicerContext

from services.delivery.api.assigning import assign_days
from services.delivery.api.room import Room
from services.delivery.domain.care import DailyRun
from services.delivery.storage import days, pages, planning, reading
from services.delivery.storage.local_rules import catalogue_in_force, keep_rules
from services.delivery.usecases.care import Moment
from services.delivery.wire import care as wire
from services.runtime.civil import (
    month_from_proto,
)
from services.runtime.commands import Effect
from services.runtime.database import WriteTx
from services.runtime.ids import new_id
from services.runtime.paging import decode_token, encode_token, id_key, page_size
from socialcare.delivery.v1 import delivery_service_pb2 as pb

__all__ = ["RunMethods"]

_DEFAULT_PAGE = 1000
_LARGEST_PAGE = 5000

Context = ServicerContext[object, object]


class RunMethods(Room):
    """The daily run over pages of cases, and the days it hands to billing."""

    async def OpenDailyRun(self, request: pb.OpenDailyRunRequest, context: Context) -> pb.OpenDailyRunResponse:
        call = self._runtime.call(request.request_id, municipality_id=request.municipality_id)
        on = wire.day_from_proto(request.on_date, "on_date")
        rules = await self._neighbours.rules(request.municipality_id)

        async def run(tx: WriteTx) -> Effect:
            await planning.join(tx, request.municipality_id, on, call.now)
            await keep_rules(tx, request.municipality_id, rules, call.now)
            opened = await planning.open_run(tx, new_id(), request.municipality_id, on, call.now)
            return Effect(opened.id)

        effect = await self._runtime.commands.perform(call, request, run)
        async with self._runtime.db.read() as tx:
            found = await planning.run_by_id(tx, effect.resource)
        return pb.OpenDailyRunResponse(run_id=found.id, finished=found.finished)

    async def PlanPage(self, request: pb.PlanPageRequest, context: Context) -> pb.PlanPageResponse:
        after = _after(request.page_token)
        size = page_size(request.page_size, default=_DEFAULT_PAGE, maximum=_LARGEST_PAGE)
        started = time.monotonic()
        # Planning a page again changes nothing, so the page needs neither key nor audit row of its own.
        async with self._runtime.db.read() as tx:
            run = await planning.run_by_id(tx, request.run_id)
        page = await pages.plan_or_park(self._runtime.db, run, after, size, self._runtime.call().now)
        self._metrics.page_seconds.observe(time.monotonic() - started)
        self._metrics.units_planned.inc(page.units)
        token = encode_token(page.last) if page.last else ""
        async with self._runtime.db.glance() as tx:
            parked = await pages.count_parked(tx, run.municipality_id)
        return pb.PlanPageResponse(next_page_token=token, cases=page.cases, units=page.units, parked=parked)

    async def CloseDailyRun(self, request: pb.CloseDailyRunRequest, context: Context) -> pb.CloseDailyRunResponse:
        call = self._runtime.call(request.request_id, object_id=request.run_id)

        async def run(tx: WriteTx) -> Effect:
            found = await planning.run_by_id(tx, request.run_id)
            tx.audit.municipality_id = found.municipality_id
            if not found.finished:
                await planning.close_run(tx, found, call.now)
                await _assign(tx, found, Moment(call.now, call.today))
                await days.close_days(tx, found, call.now)
                self._metrics.runs_closed.inc()
            return Effect(found.id)

        await self._runtime.commands.perform(call, request, run)
        async with self._runtime.db.read() as tx:
            closed = await planning.run_by_id(tx, request.run_id)
            unrecorded = await days.count_unrecorded(tx, closed.municipality_id)
        return pb.CloseDailyRunResponse(meals=closed.meals, units=closed.units, unrecorded=unrecorded)

    async def ListServedDays(self, request: pb.ListServedDaysRequest, context: Context) -> pb.ListServedDaysResponse:
        self._runtime.call().caller.require_municipality(request.municipality_id)
        after = _after(request.page_token)
        size = page_size(request.page_size, default=_DEFAULT_PAGE, maximum=_LARGEST_PAGE)
        month = month_from_proto(request.month, "month")
        async with self._runtime.db.read() as tx:
            catalogue = await catalogue_in_force(tx, request.municipality_id)
            served = await reading.served_page(
                tx, request.municipality_id, month, catalogue, after=after, size=size, ids=list(request.application_ids)
            )
        token = encode_token(served[-1].application_id) if len(served) == size else ""
        return pb.ListServedDaysResponse(cases=[wire.served_to_proto(case) for case in served], next_page_token=token)


async def _assign(tx: WriteTx, run: DailyRun, moment: Moment) -> None:
    """Have somebody go to the visits of the run's day and of the next one: sheets are printed the evening before."""
    refused = await assign_days(tx, run.municipality_id, (run.on, run.on + timedelta(days=1)), moment)
    await pages.park_unassigned(tx, run, refused, moment.now)


def _after(token: str) -> str:
    """Application id behind which the page begins; empty: from the first."""
    keys = decode_token(token, 1)
    return "" if keys is None else id_key(keys[0])
