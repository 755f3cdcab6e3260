"""Kitchens, what they cook and where it goes, and who lives in a facility."""

from __future__ import annotations

from datetime import date, timedelta

from grpc.aio import ServicerContext

from services.delivery.api.contacts import SheetRoom
from services.delivery.api.room import is_assistant_only, require_among
from services.delivery.errors import DayOver
from services.delivery.storage import cooking
from services.delivery.storage import kitchens as storage
from services.delivery.storage.kitchens import KitchenStore
from services.delivery.usecases import kitchens as usecases
from services.delivery.usecases.care import Moment
from services.delivery.wire import care as days
from services.delivery.wire import contacts as wire_contacts
from services.delivery.wire import kitchens as wire
from services.kernel.ranges import DateRange
from services.runtime.civil import optional_date
from services.runtime.commands import Effect
from services.runtime.database import WriteTx
from services.runtime.paging import day_key, decode_token, encode_token, page_size
from socialcare.delivery.v1 import kitchens_pb2 as pb

__all__ = ["KitchenMethods"]

Context = ServicerContext[object, object]

_AHEAD = timedelta(days=6)


class KitchenMethods(SheetRoom):
    """Kitchens, routes and beds."""

    async def RegisterKitchen(self, request: pb.RegisterKitchenRequest, context: Context) -> pb.RegisterKitchenResponse:
        kitchen = wire.kitchen_from_proto(request.kitchen)
        call = self._for_municipality(kitchen.municipality_id, request.request_id, kitchen.id)

        async def run(tx: WriteTx) -> Effect:
            return await usecases.register_kitchen(kitchen, request.kitchen.etag, KitchenStore(tx))

        effect = await self._runtime.commands.perform(call, request, run)
        return pb.RegisterKitchenResponse(kitchen=wire.kitchen_to_proto(kitchen, effect.version))

    async def ListKitchens(self, request: pb.ListKitchensRequest, context: Context) -> pb.ListKitchensResponse:
        self._for_municipality(request.municipality_id)
        size = page_size(request.page_size)
        (after,) = decode_token(request.page_token, 1) or ("",)
        async with self._runtime.db.glance() as tx:
            found = await storage.kitchens_page(tx, request.municipality_id, after=after, size=size)
        return pb.ListKitchensResponse(
            kitchens=[wire.kitchen_to_proto(kitchen, kitchen.version) for kitchen in found],
            next_page_token=encode_token(found[-1].id) if len(found) == size else "",
        )

    async def ProduceKitchenSheet(
        self, request: pb.ProduceKitchenSheetRequest, context: Context
    ) -> pb.ProduceKitchenSheetResponse:
        call = self._for_municipality(request.municipality_id, request.request_id, request.kitchen_id)
        on = days.day_from_proto(request.on_date, "on_date")
        if on < call.today:
            raise DayOver(field="on_date")

        async def run(tx: WriteTx) -> Effect:
            return await usecases.produce_sheet(
                request.municipality_id, request.kitchen_id, on, KitchenStore(tx), Moment(call.now, call.today)
            )

        effect = await self._runtime.commands.perform(call, request, run)
        async with self._runtime.db.read() as tx:
            found = await storage.sheet(tx, effect.resource)
            lacking = await cooking.uncooked(tx, request.municipality_id, DateRange(on, on))
        return pb.ProduceKitchenSheetResponse(
            sheet=wire.sheet_to_proto(found), uncooked=map(wire.uncooked_to_proto, lacking)
        )

    async def ListUncookedMeals(
        self, request: pb.ListUncookedMealsRequest, context: Context
    ) -> pb.ListUncookedMealsResponse:
        call = self._for_municipality(request.municipality_id)
        first = optional_date(request.from_date, "from_date") or call.today
        days_ahead = DateRange(first, first + min(_AHEAD, date.max - first))
        size = page_size(request.page_size)
        after = _day_and_district(decode_token(request.page_token, 2))
        async with self._runtime.db.glance() as tx:
            found = await cooking.uncooked(tx, request.municipality_id, days_ahead, after=after, size=size)
        last = found[-1] if len(found) == size else None
        return pb.ListUncookedMealsResponse(
            uncooked=map(wire.uncooked_to_proto, found),
            next_page_token="" if last is None else encode_token(last.on.isoformat(), last.district),
        )

    async def GetRouteSheet(self, request: pb.GetRouteSheetRequest, context: Context) -> pb.GetRouteSheetResponse:
        call = self._for_municipality(request.municipality_id, object_id=request.kitchen_id)
        on = days.day_from_proto(request.on_date, "on_date")
        route = (request.municipality_id, request.kitchen_id, request.route_code, on)
        async with self._runtime.commands.health_read(call, "ROUTE_SHEET") as (tx, _):
            if is_assistant_only(call.caller):
                require_among(call.caller, await storage.drivers_of_route(tx, *route))
            sheet_id, driver, stops = await storage.route_of_sheet(tx, *route)
        contacts = await self._contacts(call, on, (stop.application_id for stop in stops))
        return pb.GetRouteSheetResponse(
            sheet_id=sheet_id,
            driver_id=driver,
            stops=wire.stops_to_proto(stops, contacts),
            missing_stages=wire_contacts.missing_stages(contacts),
        )

    async def GetBedCensus(self, request: pb.GetBedCensusRequest, context: Context) -> pb.GetBedCensusResponse:
        self._for_municipality(request.municipality_id)
        on = days.day_from_proto(request.on_date, "on_date")
        capacity = await self._neighbours.capacity(request.municipality_id, request.facility_code)
        async with self._runtime.db.glance() as tx:
            counted = await storage.census(tx, request.municipality_id, request.facility_code, on)
        return pb.GetBedCensusResponse(
            capacity=capacity,
            occupied=counted.occupied,
            absent=counted.absent,
            expected=counted.expected,
            free=capacity - counted.occupied - counted.absent,
        )


def _day_and_district(keys: tuple[str, ...] | None) -> tuple[date, str] | None:
    if keys is None:
        return None
    return day_key(keys[0]), keys[1]
