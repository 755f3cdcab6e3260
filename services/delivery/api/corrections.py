"""Corrections of what was recorded: asked for, shown with the bill they change, made by a second person."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from grpc.aio import ServicerContext

from services.delivery.api.recording import RecordingMethods, require_own_visit
from services.delivery.api.room import moment
from services.delivery.domain.attendance import Correction, CorrectionState
from services.delivery.domain.care import Care
from services.delivery.rules.attendance import is_locked
from services.delivery.rules.recording import Funds
from services.delivery.storage import attendance as storage
from services.delivery.storage.attendance import AttendanceStore, CorrectionPage
from services.delivery.storage.local_rules import rules_of
from services.delivery.storage.reading import served_page
from services.delivery.storage.store import Store
from services.delivery.usecases import attendance as usecases
from services.delivery.usecases.care import Moment, RecordCare, record_care
from services.delivery.wire import attendance as wire
from services.delivery.wire import care as days
from services.kernel.dates import Month
from services.runtime.commands import Call, Effect
from services.runtime.database import WriteTx
from services.runtime.errors import AlreadyExists, InvalidArgument, NotFound, NotYours, Refused
from services.runtime.ids import new_id
from services.runtime.paging import decode_token, encode_token, id_key, instant_key, page_size
from socialcare.delivery.v1 import corrections_pb2 as pb

__all__ = ["CorrectionMethods"]

Context = ServicerContext[object, object]


class CorrectionMethods(RecordingMethods):
    """Corrections of records of care."""

    async def RequestCorrection(
        self, request: pb.RequestCorrectionRequest, context: Context
    ) -> pb.RequestCorrectionResponse:
        call = self._runtime.call(request.request_id, object_id=request.application_id)
        care = await self._visible_care(call, request.application_id)
        asked = await self._asked(call, care, request)
        funds = await self._funds_of(care, asked)
        asked = await self._with_its_bill(call, care, asked, funds)

        async def run(tx: WriteTx) -> Effect:
            await require_own_visit(tx, call, care, asked.code, asked.on)
            return await usecases.request(
                asked, AttendanceStore(tx), Store(tx), self._recorder(tx, call, care, funds), moment(call, tx, care)
            )

        if request.validate_only:
            await self._runtime.commands.rehearse(call, run)
            return pb.RequestCorrectionResponse(impact=wire.correction_to_proto(asked).impact)
        effect = await self._runtime.commands.perform(call, request, run)
        made = wire.correction_to_proto(await self._correction(call, effect.resource))
        return pb.RequestCorrectionResponse(correction=made, impact=made.impact)

    async def ApproveCorrection(
        self, request: pb.ApproveCorrectionRequest, context: Context
    ) -> pb.ApproveCorrectionResponse:
        call = self._runtime.call(request.request_id, object_id=request.correction_id)
        found = await self._correction(call, request.correction_id)
        care = await self._stored_care(found.application_id)
        funds = await self._funds_of(care, found)
        found = await self._with_its_bill(call, care, found, funds)

        async def run(tx: WriteTx) -> Effect:
            recorder, when = self._recorder(tx, call, care, funds), moment(call, tx, care)
            return await usecases.approve(found, AttendanceStore(tx), Store(tx), recorder, when, by=call.caller.subject)

        if request.validate_only:
            await self._runtime.commands.rehearse(call, run)
            return pb.ApproveCorrectionResponse(impact=wire.correction_to_proto(found).impact)
        await self._runtime.commands.perform(call, request, run)
        made = wire.correction_to_proto(await self._correction(call, request.correction_id))
        return pb.ApproveCorrectionResponse(correction=made, impact=made.impact)

    async def DeclineCorrection(
        self, request: pb.DeclineCorrectionRequest, context: Context
    ) -> pb.DeclineCorrectionResponse:
        call = self._runtime.call(request.request_id, object_id=request.correction_id)
        found = await self._correction(call, request.correction_id)

        async def run(tx: WriteTx) -> Effect:
            tx.audit.municipality_id = found.municipality_id
            when = Moment(call.now, call.today)
            return await usecases.decline(found, AttendanceStore(tx), Store(tx), when, by=call.caller.subject)

        await self._runtime.commands.perform(call, request, run)
        declined = await self._correction(call, request.correction_id)
        return pb.DeclineCorrectionResponse(correction=wire.correction_to_proto(declined))

    async def GetCorrection(self, request: pb.GetCorrectionRequest, context: Context) -> pb.GetCorrectionResponse:
        call = self._runtime.call(object_id=request.correction_id)
        found = await self._correction(call, request.correction_id)
        if found.state is CorrectionState.REQUESTED:
            care = await self._stored_care(found.application_id)
            found = await self._with_its_bill(call, care, found, await self._funds_of(care, found))
        return pb.GetCorrectionResponse(correction=wire.correction_to_proto(found))

    async def ListCorrections(self, request: pb.ListCorrectionsRequest, context: Context) -> pb.ListCorrectionsResponse:
        self._for_municipality(request.municipality_id)
        keys = decode_token(request.page_token, 2)
        after: tuple[datetime, str] | None = None if keys is None else (instant_key(keys[0]), id_key(keys[1]))
        page = CorrectionPage(request.municipality_id, request.open_only, after, page_size(request.page_size))
        async with self._runtime.db.glance() as tx:
            found = await storage.corrections_page(tx, page)
        last = found[-1] if len(found) == page.size else None
        return pb.ListCorrectionsResponse(
            corrections=map(wire.correction_to_proto, found),
            next_page_token="" if last is None else encode_token(last.requested_at.isoformat(), last.id),
        )

    async def _asked(self, call: Call, care: Care, request: pb.RequestCorrectionRequest) -> Correction:
        """The correction that the request describes."""
        code, on = request.code, None
        async with self._runtime.db.read() as tx:
            if request.delivery_id:
                record = await storage.record(tx, request.delivery_id)
                if record is None or record.application_id != care.id:
                    raise NotFound(resource_type="delivery", resource_id=request.delivery_id)
                if code or request.HasField("on_date"):
                    raise InvalidArgument(field="delivery_id")
                code, on = record.code, record.on
            settings = (await rules_of(tx, care.contract.municipality_id)).settings
        if not code:
            raise InvalidArgument(field="code")
        on = on or days.past_day(request.on_date, "on_date", call.today)
        return Correction(
            id=new_id(),
            municipality_id=care.contract.municipality_id,
            application_id=care.id,
            delivery_id=request.delivery_id,
            code=code,
            on=on,
            kind=wire.kind_asked(request),
            units=request.units,
            reason=wire.reason_asked(request),
            requested_by=call.caller.subject,
            requested_at=call.now,
            locked=is_locked(on, call.today, settings),
        )

    async def _with_its_bill(self, call: Call, care: Care, correction: Correction, funds: Funds) -> Correction:
        """The correction with what it does to the bill as things stand now; with none where it cannot be made."""
        month = Month.of(correction.on)
        try:
            async with self._runtime.db.rehearsal() as tx:
                store, when = Store(tx), Moment(call.now, call.today)

                async def record(command: RecordCare) -> Effect:
                    return await record_care(replace(command, funds=funds), store, when)

                await usecases.try_out(correction, AttendanceStore(tx), store, record, when)
                catalogue = (await rules_of(tx, care.contract.municipality_id)).catalogue
                (served,) = await served_page(tx, care.contract.municipality_id, month, catalogue, ids=[care.id])
        except (Refused, InvalidArgument, NotFound, AlreadyExists):
            return replace(correction, bill=None)
        change = await self._neighbours.bill_change(served, month, catalogue.charged_by_unit)
        return replace(correction, bill=change)

    async def _funds_of(self, care: Care, correction: Correction) -> Funds:
        if correction.kind is None:
            return Funds.NONE
        async with self._runtime.db.read() as tx:
            catalogue = (await rules_of(tx, care.contract.municipality_id)).catalogue
        return await self._funds_for(care, correction.code, correction.on, correction.kind.outcome, catalogue)

    async def _correction(self, call: Call, correction_id: str) -> Correction:
        async with self._runtime.db.glance() as tx:
            found = await storage.correction(tx, correction_id)
        if found is None:
            raise NotFound(resource_type="correction", resource_id=correction_id)
        try:
            call.caller.require_municipality(found.municipality_id)
        except NotYours:
            raise NotFound(resource_type="correction", resource_id=correction_id) from None
        return found
