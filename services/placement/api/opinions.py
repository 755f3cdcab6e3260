"""The methods of opinions of other bodies."""

from __future__ import annotations

from services.placement.api.cases import CaseMethods, Context
from services.placement.domain.opinions import GivenOpinion
from services.placement.storage.opinions import OpinionStore, opinion_of
from services.placement.usecases.opinions import record_opinion, request_opinion
from services.placement.wire.cases import day_not_after
from services.placement.wire.opinions import opinion_to_proto
from services.runtime.commands import Call, Effect
from socialcare.placement.v1 import opinion_pb2 as pb

__all__ = ["OpinionMethods"]


class OpinionMethods(CaseMethods):
    """Part of `PlacementServicer`; named by the contract."""

    async def RequestOpinion(self, request: pb.RequestOpinionRequest, context: Context) -> pb.RequestOpinionResponse:
        call, found = await self._admitted(request.request_id, request.application_id)
        effect = await self._runtime.commands.perform(
            call,
            request,
            lambda tx: request_opinion(
                found.application_id,
                request.body_code,
                request.days,
                OpinionStore(tx, self._runtime.cipher),
                call.now,
            ),
        )
        return pb.RequestOpinionResponse(opinion=await self._opinion(call, effect))

    async def RecordOpinion(self, request: pb.RecordOpinionRequest, context: Context) -> pb.RecordOpinionResponse:
        call, found = await self._admitted(request.request_id, request.application_id)
        stated = request.HasField("given_date")
        on = day_not_after(request.given_date, "given_date", call.today) if stated else call.today
        given = GivenOpinion(request.consents, on, request.words)
        effect = await self._runtime.commands.perform(
            call,
            request,
            lambda tx: record_opinion(found.application_id, given, OpinionStore(tx, self._runtime.cipher), call.now),
        )
        return pb.RecordOpinionResponse(opinion=await self._opinion(call, effect))

    async def _opinion(self, call: Call, effect: Effect) -> pb.Opinion:
        async with self._runtime.db.glance() as tx:
            return opinion_to_proto(await opinion_of(tx, effect.resource, effect.version), call.today)
