"""What became of planned units, and what somebody has to look at: units without a record, parked cases."""

from __future__ import annotations

from datetime import date

from grpc.aio import ServicerContext
from sqlalchemy.exc import SQLAlchemyError

from services.delivery.api.room import Room
from services.delivery.storage import days, pages
from services.delivery.wire import care as wire
from services.delivery.wire import days as wire_days
from services.kernel.ranges import DateRange
from services.runtime.errors import InvalidArgument
from services.runtime.paging import day_key, decode_token, encode_token, id_key, page_size
from socialcare.delivery.v1 import days_pb2 as pb

__all__ = ["DayMethods"]

Context = ServicerContext[object, object]

_LONGEST = 366


class DayMethods(Room):
    """What became of planned units, and what somebody has to look at."""

    async def ListUnits(self, request: pb.ListUnitsRequest, context: Context) -> pb.ListUnitsResponse:
        care = await self._visible_care(self._runtime.call(object_id=request.application_id), request.application_id)
        first = wire.day_from_proto(request.first_date, "first_date")
        last = wire.day_from_proto(request.last_date, "last_date")
        if not 0 <= (last - first).days <= _LONGEST:
            raise InvalidArgument(field="last_date")
        async with self._runtime.db.read() as tx:
            units = await days.units_of_case(tx, care.id, DateRange(first, last))
        return pb.ListUnitsResponse(units=map(wire_days.unit_to_proto, units))

    async def ListUnrecordedUnits(
        self, request: pb.ListUnrecordedUnitsRequest, context: Context
    ) -> pb.ListUnrecordedUnitsResponse:
        self._runtime.call().caller.require_municipality(request.municipality_id)
        keys = decode_token(request.page_token, 2)
        size = page_size(request.page_size)
        async with self._runtime.db.read() as tx:
            units = await days.unrecorded_page(tx, request.municipality_id, _day_and_unit(keys), size)
        token = encode_token(units[-1].on.isoformat(), units[-1].id) if len(units) == size else ""
        return pb.ListUnrecordedUnitsResponse(units=map(wire_days.unit_to_proto, units), next_page_token=token)

    async def ListParkedCases(self, request: pb.ListParkedCasesRequest, context: Context) -> pb.ListParkedCasesResponse:
        self._runtime.call().caller.require_municipality(request.municipality_id)
        keys = decode_token(request.page_token, 1)
        size = page_size(request.page_size)
        after = "" if keys is None else id_key(keys[0])
        async with self._runtime.db.read() as tx:
            parked = await pages.parked_page(tx, request.municipality_id, after, size)
        token = encode_token(parked[-1].application_id) if len(parked) == size else ""
        return pb.ListParkedCasesResponse(cases=map(wire_days.parked_to_proto, parked), next_page_token=token)

    async def CheckDay(self, request: pb.CheckDayRequest, context: Context) -> pb.CheckDayResponse:
        self._runtime.call().caller.require_municipality(request.municipality_id)
        on = wire.day_from_proto(request.on_date, "on_date")
        async with self._runtime.db.read() as tx:
            return wire_days.count_to_proto(await days.count_of_day(tx, request.municipality_id, on))

    async def _observe_parked(self) -> None:
        """Bring the gauges of parked cases up to date."""
        try:
            async with self._runtime.db.glance() as tx:
                self._metrics.show_parked(await pages.parked_by_municipality(tx))
        except (SQLAlchemyError, OSError):
            self._metrics.show_parked({})


def _day_and_unit(keys: tuple[str, ...] | None) -> tuple[date, str] | None:
    if keys is None:
        return None
    return day_key(keys[0]), id_key(keys[1])
