"""The methods of intake about notices to the applicant."""

from __future__ import annotations

from google.protobuf.message import Message
from grpc.aio import ServicerContext

from services.intake.access import standing_of
from services.intake.domain.representation import AuthorityScope
from services.intake.storage import notices as stored
from services.intake.storage import reading
from services.intake.storage.cases import Cases
from services.intake.usecases import notices
from services.intake.wire.notices import delivery_from, notice_to_proto
from services.runtime.commands import Call, Effect
from services.runtime.database import WriteTx
from services.runtime.server import Runtime
from socialcare.intake.v1 import notices_pb2 as pb

__all__ = ["NoticeMethods"]

Context = ServicerContext[Message, Message]


class NoticeMethods:
    """Part of `IntakeServicer`; named by the contract."""

    _runtime: Runtime

    async def ListNotices(self, request: pb.ListNoticesRequest, context: Context) -> pb.ListNoticesResponse:
        await self._call_about("", request.application_id)
        async with self._runtime.db.glance() as tx:
            found = await stored.notices(tx, request.application_id)
        return pb.ListNoticesResponse(notices=map(notice_to_proto, found))

    async def GetNotice(self, request: pb.GetNoticeRequest, context: Context) -> pb.GetNoticeResponse:
        call = await self._call_about("", request.application_id)
        async with self._runtime.commands.health_read(call, "NOTICE") as (tx, _):
            notice, documents = await stored.documents(
                tx, self._runtime.cipher, request.application_id, request.notice_id
            )
        return pb.GetNoticeResponse(notice=notice_to_proto(notice), text_bg=documents.bg, text_en=documents.en)

    async def RecordNoticeDelivered(
        self, request: pb.RecordNoticeDeliveredRequest, context: Context
    ) -> pb.RecordNoticeDeliveredResponse:
        call = await self._call_about(request.request_id, request.application_id)
        delivery = delivery_from(request)

        async def use_case(tx: WriteTx) -> Effect:
            store = Cases(tx, self._runtime.cipher)
            return await notices.record_delivered(request.application_id, request.notice_id, delivery, call.now, store)

        await self._runtime.commands.perform(call, request, use_case)
        async with self._runtime.db.glance() as tx:
            found = await stored.notices(tx, request.application_id)
        (notice,) = (each for each in found if each.id == request.notice_id)
        return pb.RecordNoticeDeliveredResponse(notice=notice_to_proto(notice))

    async def _call_about(self, request_id: str, application_id: str) -> Call:
        """The running call about a case of the caller's own, or of somebody they represent; NotFound for any other."""
        call = self._runtime.call(request_id, object_id=application_id)
        async with self._runtime.db.glance() as tx:
            application = await reading.application(tx, application_id)
        return await standing_of(call, application, AuthorityScope.READ, self._runtime.db)
