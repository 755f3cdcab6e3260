"""The units behind a bill, for billing."""

from __future__ import annotations

from grpc.aio import ServicerContext

from services.delivery.api.room import Room
from services.delivery.storage import tracing
from services.runtime.civil import date_to_proto, month_from_proto, month_to_proto
from services.runtime.errors import NotFound
from socialcare.delivery.v1 import tracing_pb2 as pb

__all__ = ["TracingMethods"]

Context = ServicerContext[object, object]


class TracingMethods(Room):
    """From a case's month or from one unit to the units of that month."""

    async def TraceUnits(self, request: pb.TraceUnitsRequest, context: Context) -> pb.TraceUnitsResponse:
        async with self._runtime.db.read() as tx:
            if request.HasField("unit_id"):
                found = await tracing.month_of_unit(tx, request.unit_id)
                if found is None:
                    raise NotFound(resource_type="unit", resource_id=request.unit_id)
                application_id, month = found
            else:
                asked = request.case_month
                application_id, month = asked.application_id, month_from_proto(asked.month, "case_month.month")
            units = await tracing.units_of_month(tx, application_id, month)
        return pb.TraceUnitsResponse(
            application_id=application_id,
            month=month_to_proto(month),
            units=[
                pb.TracedUnit(
                    unit_id=unit.unit_id,
                    plan_line_id=unit.line_id,
                    code=unit.code,
                    on_date=date_to_proto(unit.on_day),
                    quantity=unit.quantity,
                    state=unit.state,
                )
                for unit in units
            ],
        )
