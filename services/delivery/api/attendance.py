"""Who arrives and leaves, what paper sheets say, and what devices bring back from places without network."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from google.protobuf.message import Message
from grpc.aio import ServicerContext

from services.delivery.api.contacts import SheetRoom
from services.delivery.api.recording import RecordingMethods, require_open_day, require_own_visit
from services.delivery.api.room import moment, require_own, require_sight
from services.delivery.domain.attendance import Entry, EntryOutcome, EntryResult
from services.delivery.domain.care import Outcome
from services.delivery.errors import DayOver, FutureCare
from services.delivery.rules.attendance import in_their_order
from services.delivery.storage import assignment
from services.delivery.storage import attendance as storage
from services.delivery.storage.attendance import AttendanceStore
from services.delivery.storage.local_rules import rules_of
from services.delivery.storage.store import Store, find_care
from services.delivery.usecases import attendance as usecases
from services.delivery.usecases.attendance import Visit
from services.delivery.usecases.care import Moment
from services.delivery.wire import attendance as wire
from services.delivery.wire import care as days
from services.delivery.wire import contacts as wire_contacts
from services.delivery.wire import staff as sheets
from services.runtime.civil import instant_to_proto
from services.runtime.commands import Call, Effect
from services.runtime.database import WriteTx
from services.runtime.errors import (
    Aborted,
    DomainError,
    InvalidArgument,
    NotFound,
    NotYours,
    PeerUnavailable,
    Refused,
    RequestIdReused,
)
from services.runtime.idempotency import body_hash
from socialcare.delivery.v1 import attendance_pb2 as pb

__all__ = ["AttendanceMethods"]

Context = ServicerContext[object, object]


class AttendanceMethods(RecordingMethods, SheetRoom):
    """Arrivals, sheets of paper and bundles of devices; each ends where RecordDelivery does."""

    async def CheckIn(self, request: pb.CheckInRequest, context: Context) -> pb.CheckInResponse:
        call = self._runtime.call(request.request_id, object_id=request.unit_id)
        visit, state, assigned = await self._planned_unit(call, request.unit_id)
        arrived = request.assistant_id or call.caller.subject
        require_own(call.caller, arrived)
        require_own(call.caller, assigned or arrived)
        if visit.on != call.today:
            raise DayOver(field="unit_id") if visit.on < call.today else FutureCare(field="unit_id")
        if state != "PLANNED":
            raise Refused(resource_type="unit", resource_id=visit.unit_id)

        async def run(tx: WriteTx) -> Effect:
            tx.audit.municipality_id = visit.municipality_id
            return await usecases.check_in(visit.unit_id, arrived, AttendanceStore(tx), Moment(call.now, call.today))

        await self._runtime.commands.perform(call, request, run)
        async with self._runtime.db.glance() as tx:
            there = await storage.presence(tx, visit.unit_id)
        at: datetime = call.now if there is None else there.arrived_at
        return pb.CheckInResponse(assistant_id=arrived, arrived_time=instant_to_proto(at))

    async def CheckOut(self, request: pb.CheckOutRequest, context: Context) -> pb.CheckOutResponse:
        call = self._runtime.call(request.request_id, object_id=request.unit_id)
        visit, _, assigned = await self._planned_unit(call, request.unit_id)
        require_own(call.caller, assigned or call.caller.subject)
        care = await self._stored_care(visit.application_id)
        async with self._runtime.db.read() as tx:
            catalogue = (await rules_of(tx, visit.municipality_id)).catalogue
            known = await storage.presence(tx, visit.unit_id)
        if known is not None:
            require_own(call.caller, known.assistant_id)
        funds = await self._funds_for(care, visit.code, visit.on, Outcome.DELIVERED, catalogue)

        async def run(tx: WriteTx) -> Effect:
            if known is None or not known.delivery_id:
                await require_open_day(tx, call, care, visit.on)
            return await usecases.check_out(
                visit, AttendanceStore(tx), Store(tx), self._recorder(tx, call, care, funds), moment(call, tx, care)
            )

        effect = await self._runtime.commands.perform(call, request, run)
        async with self._runtime.db.glance() as tx:
            there = await storage.presence(tx, visit.unit_id)
        if there is None or there.left_at is None:
            raise AssertionError("who left has a presence")
        return pb.CheckOutResponse(
            delivery_id=effect.resource,
            arrived_time=instant_to_proto(there.arrived_at),
            left_time=instant_to_proto(there.left_at),
        )

    async def RecordAttendanceBatch(
        self, request: pb.RecordAttendanceBatchRequest, context: Context
    ) -> pb.RecordAttendanceBatchResponse:
        call = self._for_municipality(request.municipality_id, request.request_id)
        entries = [
            wire.entry_from_proto(each, number, request.municipality_id) for number, each in enumerate(request.entries)
        ]
        for entry in entries:
            require_own(call.caller, entry.assistant_id or call.caller.subject)
        results = await self._take(call, request, entries, request.entries)
        return pb.RecordAttendanceBatchResponse(results=map(wire.result_to_proto, results))

    async def GetOfflineBundle(
        self, request: pb.GetOfflineBundleRequest, context: Context
    ) -> pb.GetOfflineBundleResponse:
        call = self._for_municipality(request.municipality_id)
        require_own(call.caller, request.assistant_id)
        on = days.day_from_proto(request.on_date, "on_date")
        async with self._runtime.commands.health_read(call, "OFFLINE_BUNDLE") as (tx, note):
            note.object_id = request.assistant_id
            tasks = await assignment.day_sheet(tx, request.municipality_id, request.assistant_id, on)
        contacts = await self._contacts(call, on, (task.standing.application_id for task in tasks))
        return pb.GetOfflineBundleResponse(
            tasks=sheets.tasks_to_proto(tasks, contacts),
            read_time=instant_to_proto(call.now),
            missing_stages=wire_contacts.missing_stages(contacts),
        )

    async def SubmitOfflineBundle(
        self, request: pb.SubmitOfflineBundleRequest, context: Context
    ) -> pb.SubmitOfflineBundleResponse:
        call = self._for_municipality(request.municipality_id, request.request_id, request.assistant_id)
        require_own(call.caller, request.assistant_id)
        entries = [
            wire.entry_from_proto(each, number, request.municipality_id, request.assistant_id)
            for number, each in enumerate(request.entries)
        ]
        results = await self._take(call, request, entries, request.entries)
        return pb.SubmitOfflineBundleResponse(results=map(wire.result_to_proto, results))

    async def _take(
        self, call: Call, request: Message, entries: Sequence[Entry], bodies: Iterable[pb.AttendanceEntry]
    ) -> list[EntryResult]:
        """Take every entry for itself, in the order in which they were written; answers in that of the request."""
        if len({entry.id for entry in entries}) < len(entries):
            raise InvalidArgument(field="entries")
        digests = {entry.id: body_hash(body) for entry, body in zip(entries, bodies, strict=True)}

        async def claim(_: WriteTx) -> Effect:
            return Effect(call.object_id or call.municipality_id)

        await self._runtime.commands.perform(call, request, claim)
        results = {entry.id: await self._take_one(call, entry, digests[entry.id]) for entry in in_their_order(entries)}
        return [results[entry.id] for entry in entries]

    async def _take_one(self, call: Call, entry: Entry, digest: bytes) -> EntryResult:
        known = await self._known(entry.id, digest)
        if known is not None:
            return known
        try:
            result = await self._record_entry(call, entry, digest)
        except (Aborted, PeerUnavailable) as away:
            return EntryResult(entry.id, EntryOutcome.TRY_AGAIN, reason=away.reason)
        except DomainError as refusal:
            refused = EntryResult(entry.id, EntryOutcome.CONFLICT, reason=refusal.reason)
            await self._runtime.commands.record_refusal(_of_entry(call, entry), refusal)
            async with self._runtime.db.write() as tx:
                stored = AttendanceStore(tx)
                await stored.keep_entry(entry, refused, call.caller.subject, digest, Moment(call.now, call.today))
            return await self._known(entry.id, digest) or refused
        self._metrics.recorded.labels(entry.kind.outcome).inc(int(result.outcome is EntryOutcome.RECORDED))
        return result

    async def _record_entry(self, call: Call, entry: Entry, digest: bytes) -> EntryResult:
        """Record an entry and its answer in one transaction with their audit row."""
        if entry.on > call.today:
            raise FutureCare
        async with self._runtime.db.read() as tx:
            care = await find_care(tx, entry.application_id)
            if care is None or care.contract.municipality_id != entry.municipality_id:
                raise NotFound(resource_type="application", resource_id=entry.application_id)
            catalogue = (await rules_of(tx, entry.municipality_id)).catalogue
        require_sight(call.caller, care)
        funds = await self._funds_for(care, entry.code, entry.on, entry.kind.outcome, catalogue)
        result: EntryResult | None = None

        async def run(tx: WriteTx) -> Effect:
            nonlocal result
            await require_own_visit(tx, call, care, entry.code, entry.on)
            await require_open_day(tx, call, care, entry.on)
            store, when = AttendanceStore(tx), moment(call, tx, care)
            result = await usecases.record_entry(entry, store, Store(tx), self._recorder(tx, call, care, funds))
            if not await store.keep_entry(entry, result, call.caller.subject, digest, when):
                raise Aborted
            return Effect(result.delivery_id)

        body = pb.EntryResult(entry_id=entry.id)
        await self._runtime.commands.perform(_of_entry(call, entry), body, run)
        return result or await self._known(entry.id, digest) or EntryResult(entry.id, EntryOutcome.TRY_AGAIN)

    async def _known(self, entry_id: str, digest: bytes) -> EntryResult | None:
        async with self._runtime.db.glance() as tx:
            known = await storage.known_entry(tx, entry_id)
        if known is None:
            return None
        result, stored = known
        if stored != digest:
            return EntryResult(entry_id, EntryOutcome.CONFLICT, reason=RequestIdReused.reason)
        return result

    async def _planned_unit(self, call: Call, unit_id: str) -> tuple[Visit, str, str]:
        async with self._runtime.db.glance() as tx:
            found = await storage.visit(tx, unit_id)
        if found is None:
            raise NotFound(resource_type="unit", resource_id=unit_id)
        try:
            call.caller.require_municipality(found[0].municipality_id)
        except NotYours:
            raise NotFound(resource_type="unit", resource_id=unit_id) from None
        return found


def _of_entry(call: Call, entry: Entry) -> Call:
    """The call under the entry's own id, so that each entry is carried out once and has an audit row."""
    return replace(call, request_id=entry.id, object_id=entry.application_id)
