"""The methods of the dialogue with directorates."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy.exc import SQLAlchemyError

from services.placement.api.cases import CaseMethods, Context
from services.placement.domain.dialogue import Receipt, RequestStep
from services.placement.storage import dialogue as storage
from services.placement.storage import opinions
from services.placement.storage.dialogue import WaitingPage
from services.placement.storage.dialogue_store import DialogueStore
from services.placement.usecases.dialogue import say
from services.placement.wire.cases import day_not_after
from services.placement.wire.dialogue import request_to_proto, waiting_to_proto
from services.placement.wire.opinions import opinion_to_proto
from services.runtime.paging import decode_token, encode_token, id_key, instant_key, page_size
from socialcare.placement.v1 import dialogue_pb2 as pb

__all__ = ["DialogueMethods"]

_BEFORE_ALL = (datetime.min.replace(tzinfo=UTC), "")
_Request = (
    pb.RecordAcknowledgementRequest | pb.RemindDirectorateRequest | pb.RecordReturnRequest | pb.SendRequestAgainRequest
)


class DialogueMethods(CaseMethods):
    """Part of `PlacementServicer`; named by the contract."""

    async def RecordAcknowledgement(
        self, request: pb.RecordAcknowledgementRequest, context: Context
    ) -> pb.RecordAcknowledgementResponse:
        today = self._runtime.call().today
        receipt = Receipt(request.incoming_number, day_not_after(request.incoming_date, "incoming_date", today))
        kept = await self._say(request, RequestStep.ACKNOWLEDGE, receipt=receipt)
        return pb.RecordAcknowledgementResponse(order_request=kept)

    async def RemindDirectorate(
        self, request: pb.RemindDirectorateRequest, context: Context
    ) -> pb.RemindDirectorateResponse:
        return pb.RemindDirectorateResponse(order_request=await self._say(request, RequestStep.REMIND))

    async def RecordReturn(self, request: pb.RecordReturnRequest, context: Context) -> pb.RecordReturnResponse:
        kept = await self._say(request, RequestStep.RETURN, words=request.remarks)
        return pb.RecordReturnResponse(order_request=kept)

    async def SendRequestAgain(
        self, request: pb.SendRequestAgainRequest, context: Context
    ) -> pb.SendRequestAgainResponse:
        kept = await self._say(request, RequestStep.SEND_AGAIN, words=request.reply)
        return pb.SendRequestAgainResponse(order_request=kept)

    async def GetDialogue(self, request: pb.GetDialogueRequest, context: Context) -> pb.GetDialogueResponse:
        call, found = await self._admitted("", request.application_id)
        async with self._runtime.commands.health_read(call, "DIALOGUE") as (tx, note):
            note.object_id, note.municipality_id = found.application_id, found.municipality_id
            requests = await storage.dialogue_of(tx, found.application_id, found.person_id, self._runtime.cipher)
            given = await opinions.opinions_of(tx, found.application_id, found.person_id, self._runtime.cipher)
        return pb.GetDialogueResponse(
            order_requests=map(request_to_proto, requests),
            opinions=[opinion_to_proto(one, call.today) for one in given],
        )

    async def ListWaitingForDirectorate(
        self, request: pb.ListWaitingForDirectorateRequest, context: Context
    ) -> pb.ListWaitingForDirectorateResponse:
        call = self._runtime.call(municipality_id=request.municipality_id)
        call.caller.require_municipality(request.municipality_id)
        token = decode_token(request.page_token, 2)
        after = _BEFORE_ALL if token is None else (instant_key(token[0]), id_key(token[1]))
        page = WaitingPage(request.municipality_id, request.directorate_code, after, page_size(request.page_size))
        async with self._runtime.db.glance() as tx:
            found = await storage.waiting(tx, page)
        last = found[-1].request if len(found) == page.size else None
        return pb.ListWaitingForDirectorateResponse(
            waiting=[waiting_to_proto(one, call.today) for one in found],
            next_page_token="" if last is None else encode_token(last.waiting_since.isoformat(), last.application_id),
        )

    async def observe(self) -> None:
        """Bring the gauges up to date; the process calls it now and then."""
        try:
            async with self._runtime.db.glance() as tx:
                self._metrics.show_backlogs(await storage.backlogs(tx))
        except (SQLAlchemyError, OSError):
            self._metrics.show_backlogs(None)

    async def _say(
        self, request: _Request, step: RequestStep, *, words: str = "", receipt: Receipt | None = None
    ) -> pb.OrderRequest:
        """Take the step and answer how the request stands."""
        call, found = await self._admitted(request.request_id, request.application_id)
        effect = await self._runtime.commands.perform(
            call,
            request,
            lambda tx: say(
                found.application_id,
                step,
                DialogueStore(tx, self._runtime.cipher),
                call.now,
                words=words,
                receipt=receipt,
            ),
        )
        async with self._runtime.db.glance() as tx:
            return request_to_proto(await storage.request_of(tx, found.application_id, effect.version))
