"""The method of intake about what a review found."""

from __future__ import annotations

from google.protobuf.message import Message
from grpc.aio import ServicerContext

from services.intake.assessment import Assessment
from services.intake.storage import reading
from services.intake.storage.cases import Cases
from services.intake.usecases.found_facts import take_over_found_facts
from services.runtime.server import Runtime
from socialcare.intake.v1 import intake_service_pb2 as pb

__all__ = ["FoundFactsMethods"]

Context = ServicerContext[Message, Message]


class FoundFactsMethods:
    """Part of `IntakeServicer`; named by the contract."""

    _runtime: Runtime
    _assessment: Assessment

    async def TakeOverFoundFacts(
        self, request: pb.TakeOverFoundFactsRequest, context: Context
    ) -> pb.TakeOverFoundFactsResponse:
        call = self._runtime.call(request.request_id, object_id=request.application_id)
        if await self._runtime.commands.earlier(call, request) is None:
            found = await self._assessment.found_facts(request.application_id)
            await self._runtime.commands.perform(
                call,
                request,
                lambda tx: take_over_found_facts(request.application_id, found, Cases(tx, self._runtime.cipher)),
            )
        async with self._runtime.db.glance() as tx:
            version = await reading.found_version(tx, request.application_id)
        return pb.TakeOverFoundFactsResponse(found_version=version)
