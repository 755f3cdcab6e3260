"""What devices and sheets said that could not be recorded: the office's list, and how it was settled."""

from __future__ import annotations

from datetime import UTC, datetime

from grpc.aio import ServicerContext

from services.delivery.api.room import Room
from services.delivery.storage import conflicts as storage
from services.delivery.storage.conflicts import ConflictPage, ConflictSettlement, EntryConflict
from services.delivery.wire.care import day_from_proto
from services.runtime.civil import code_from_proto, code_to_proto, date_to_proto, instant_to_proto
from services.runtime.commands import Effect
from services.runtime.database import WriteTx
from services.runtime.errors import NotFound, NotYours
from services.runtime.paging import decode_token, encode_token, id_key, instant_key, page_size
from socialcare.delivery.v1 import attendance_pb2
from socialcare.delivery.v1 import conflicts_pb2 as pb

__all__ = ["ConflictMethods"]

Context = ServicerContext[object, object]
_BEFORE_ALL = (datetime.min.replace(tzinfo=UTC), "00000000-0000-0000-0000-000000000000")


class ConflictMethods(Room):
    """Part of `DeliveryServicer`; named by the contract."""

    async def ListEntryConflicts(
        self, request: pb.ListEntryConflictsRequest, context: Context
    ) -> pb.ListEntryConflictsResponse:
        call = self._runtime.call(municipality_id=request.municipality_id)
        call.caller.require_municipality(request.municipality_id)
        token = decode_token(request.page_token, 2)
        page = ConflictPage(
            request.municipality_id,
            day_from_proto(request.on_date, "on_date") if request.HasField("on_date") else None,
            _BEFORE_ALL if token is None else (instant_key(token[0]), id_key(token[1])),
            page_size(request.page_size),
        )
        async with self._runtime.db.glance() as tx:
            found = await storage.conflicts_page(tx, page)
        last = found[-1] if len(found) == page.size else None
        return pb.ListEntryConflictsResponse(
            conflicts=map(_to_proto, found),
            next_page_token="" if last is None else encode_token(last.at.isoformat(), last.entry_id),
        )

    async def SettleEntryConflict(
        self, request: pb.SettleEntryConflictRequest, context: Context
    ) -> pb.SettleEntryConflictResponse:
        call = self._runtime.call(request.request_id, object_id=request.entry_id)
        async with self._runtime.db.glance() as tx:
            municipality = await storage.owner_of(tx, request.entry_id)
        try:
            call.caller.require_municipality(municipality)
        except NotYours:
            raise NotFound(resource_type="attendance_entry", resource_id=request.entry_id) from None
        how = code_from_proto(pb.ConflictSettlement, request.settlement, ConflictSettlement, "settlement")

        async def run(tx: WriteTx) -> Effect:
            tx.audit.municipality_id = municipality
            await storage.settle(tx, request.entry_id, how, call.caller.subject, call.now)
            return Effect(request.entry_id)

        await self._runtime.commands.perform(call, request, run)
        return pb.SettleEntryConflictResponse(entry_id=request.entry_id)


def _to_proto(conflict: EntryConflict) -> pb.EntryConflict:
    entry = attendance_pb2.AttendanceEntry(
        entry_id=conflict.entry_id,
        application_id=conflict.application_id,
        code=conflict.code,
        on_date=None if conflict.on is None else date_to_proto(conflict.on),
        units=conflict.units,
        assistant_id=conflict.assistant_id,
        written_time=None if conflict.written_at is None else instant_to_proto(conflict.written_at),
    )
    if conflict.kind is not None:
        entry.kind = code_to_proto(attendance_pb2.AttendanceKind, conflict.kind)
    return pb.EntryConflict(
        entry=entry,
        reason=conflict.reason,
        submitted_by=conflict.submitted_by,
        submit_time=instant_to_proto(conflict.at),
    )
