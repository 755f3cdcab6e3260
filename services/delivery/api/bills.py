"""Which bills a change of care would change, shown beforehand."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import date

from grpc.aio import ServicerContext

from services.delivery.api.room import Room, moment
from services.delivery.domain.care import Care, Served
from services.delivery.storage.kitchens import KitchenStore
from services.delivery.storage.local_rules import rules_of
from services.delivery.storage.reading import served_page
from services.delivery.storage.store import Store
from services.delivery.usecases.care import Moment, PauseRequest, copy_contract, end_pause_early
from services.delivery.usecases.kitchens import pause_and_keep_meals
from services.delivery.wire.attendance import impact_to_proto
from services.delivery.wire.care import proof_of
from services.kernel.catalogue import Catalogue
from services.kernel.dates import Month
from services.runtime.civil import date_from_proto
from services.runtime.commands import Effect
from services.runtime.database import ReadTx, WriteTx
from services.runtime.errors import InvalidArgument
from socialcare.common.v1.types_pb2 import DateRange
from socialcare.delivery.v1 import bills_pb2 as pb

__all__ = ["BillMethods"]

Context = ServicerContext[object, object]

_Command = Callable[[WriteTx, Moment], Awaitable[Effect]]


class BillMethods(Room):
    """What care does to bills."""

    async def PreviewBills(self, request: pb.PreviewBillsRequest, context: Context) -> pb.PreviewBillsResponse:
        call = self._runtime.call(object_id=request.application_id)
        care = await self._visible_care(call, request.application_id)
        first, command = _changed(care, request)
        async with self._runtime.db.rehearsal() as tx:
            await command(tx, moment(call, tx, care))
            catalogue = (await rules_of(tx, care.contract.municipality_id)).catalogue
            served = await _served_since(tx, care, Month.of(first), Month.of(call.today), catalogue)
        if not served:
            return pb.PreviewBillsResponse()
        changes = await self._neighbours.bill_changes(care.id, served, catalogue.charged_by_unit)
        return pb.PreviewBillsResponse(bills=[impact_to_proto(month, changes[month]) for month in sorted(changes)])


def _changed(care: Care, request: pb.PreviewBillsRequest) -> tuple[date, _Command]:
    """From which day on care changes, and the command that changes it."""
    match request.WhichOneof("change"):
        case "pause":
            asked = _pause_of(care.id, request.pause.days, hospital_proof=request.pause.hospital_proof)
            return asked.start, lambda tx, when: pause_and_keep_meals(asked, Store(tx), KitchenStore(tx), when)
        case "return_date":
            back = date_from_proto(request.return_date, "return_date")
            return back, lambda tx, when: end_pause_early(care.id, back, Store(tx), when)
        case _:
            last = date_from_proto(request.last_date, "last_date")
            end = care.contract.end
            if last < care.contract.start or (end is not None and last > end):
                raise InvalidArgument(field="last_date")
            return last, lambda tx, when: _end(care, last, tx, when)


def _pause_of(case_id: str, days: DateRange, *, hospital_proof: bool) -> PauseRequest:
    first = date_from_proto(days.start_date, "pause.days.start_date")
    last = date_from_proto(days.end_date, "pause.days.end_date")
    return PauseRequest(case_id, first, last, proof_of(shown=hospital_proof))


async def _end(care: Care, last: date, tx: WriteTx, when: Moment) -> Effect:
    ended = replace(care.contract, end=last, version=care.contract.version + 1)
    return await copy_contract(ended, await rules_of(tx, ended.municipality_id), Store(tx), when)


async def _served_since(
    tx: ReadTx, care: Care, first: Month, present: Month, catalogue: Catalogue
) -> Mapping[Month, Served]:
    """What delivery says of the months that are over, from one on."""
    served: dict[Month, Served] = {}
    month = first
    while month < present:
        (served[month],) = await served_page(tx, care.contract.municipality_id, month, catalogue, ids=[care.id])
        month = month.next()
    return served
