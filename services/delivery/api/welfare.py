"""The methods about welfare checks: what staff says, what the clock asks, what operators do in the Temporal UI."""

from __future__ import annotations

from collections.abc import Sequence

from grpc.aio import ServicerContext
from sqlalchemy.exc import SQLAlchemyError

from services.delivery.api.room import Room, moment
from services.delivery.domain.welfare import WelfareCheck
from services.delivery.storage import welfare as storage
from services.delivery.storage.welfare import WelfareStore
from services.delivery.usecases import welfare as usecases
from services.delivery.usecases.welfare import Answer, Closing
from services.delivery.wire import welfare as wire
from services.kernel.codes import Role
from services.kernel.operator_acts import OperatorVerb
from services.runtime.commands import Call, Effect
from services.runtime.database import WriteTx
from services.runtime.errors import InvalidArgument, NotFound, NotYours
from services.runtime.operator_acts import OperatorWish, in_the_name_of_staff
from services.runtime.paging import decode_token, encode_token, id_key, instant_key, page_size
from socialcare.delivery.v1 import delivery_service_pb2
from socialcare.delivery.v1 import welfare_pb2 as pb

__all__ = ["WelfareMethods"]

Context = ServicerContext[object, object]

_SERVICE = delivery_service_pb2.DESCRIPTOR.services_by_name["DeliveryService"]
_METHODS = {OperatorVerb.ANSWER_RUNG: "RecordRungAnswer", OperatorVerb.CLOSE_CHECK: "CloseWelfareCheck"}


class WelfareMethods(Room):
    """Welfare checks: the ladder, its outcome, and who must be looked after."""

    async def GetWelfareCheck(self, request: pb.GetWelfareCheckRequest, context: Context) -> pb.GetWelfareCheckResponse:
        call = self._runtime.call(object_id=request.check_id)
        return pb.GetWelfareCheckResponse(check=wire.check_to_proto(await self._visible_check(call, request.check_id)))

    async def ListOpenWelfareChecks(
        self, request: pb.ListOpenWelfareChecksRequest, context: Context
    ) -> pb.ListOpenWelfareChecksResponse:
        self._runtime.call().caller.require_municipality(request.municipality_id)
        found, token = await self._open_checks(request)
        return pb.ListOpenWelfareChecksResponse(checks=map(wire.check_to_proto, found), next_page_token=token)

    async def ListLiveWelfareChecks(
        self, request: pb.ListLiveWelfareChecksRequest, context: Context
    ) -> pb.ListLiveWelfareChecksResponse:
        call = self._runtime.call(municipality_id=request.municipality_id)
        call.caller.require_municipality(request.municipality_id or "*")
        found, token = await self._open_checks(request)
        return pb.ListLiveWelfareChecksResponse(
            checks=[usecases.start_input(check, call.now) for check in found], next_page_token=token
        )

    async def _open_checks(
        self, request: pb.ListOpenWelfareChecksRequest | pb.ListLiveWelfareChecksRequest
    ) -> tuple[Sequence[WelfareCheck], str]:
        """A page of open checks, the oldest first, and the token of the next one."""
        size = page_size(request.page_size)
        keys = decode_token(request.page_token, 2)
        after = None if keys is None else (instant_key(keys[0]), id_key(keys[1]))
        async with self._runtime.db.glance() as tx:
            found = await storage.open_checks(tx, request.municipality_id, after=after, size=size)
        last = found[-1] if len(found) == size else None
        return found, "" if last is None else encode_token(last.begun.isoformat(), last.id)

    async def RecordRungAnswer(
        self, request: pb.RecordRungAnswerRequest, context: Context
    ) -> pb.RecordRungAnswerResponse:
        call = self._runtime.call(request.request_id, object_id=request.check_id)
        check = await self._visible_check(call, request.check_id)
        answer = Answer(check.id, wire.state_of(request.state), wire.answer_of(request.answer), call.caller.subject)

        async def run(tx: WriteTx) -> Effect:
            tx.audit.municipality_id = check.visit.municipality_id
            return await usecases.answer_rung(answer, WelfareStore(tx), call.now)

        await self._runtime.commands.perform(call, request, run)
        return pb.RecordRungAnswerResponse(check=wire.check_to_proto(await self._stored_check(check.id)))

    async def CloseWelfareCheck(
        self, request: pb.CloseWelfareCheckRequest, context: Context
    ) -> pb.CloseWelfareCheckResponse:
        call = self._runtime.call(request.request_id, object_id=request.check_id)
        check = await self._visible_check(call, request.check_id)
        closing = Closing(check.id, wire.outcome_of(request.outcome), call.caller.subject, call.role)

        async def run(tx: WriteTx) -> Effect:
            tx.audit.municipality_id = check.visit.municipality_id
            return await usecases.close_check(closing, WelfareStore(tx), call.now)

        effect = await self._runtime.commands.perform(call, request, run)
        if not effect.replayed:
            self._metrics.welfare_closed.labels(closing.outcome).inc()
        return pb.CloseWelfareCheckResponse(check=wire.check_to_proto(await self._stored_check(check.id)))

    async def SetVulnerable(self, request: pb.SetVulnerableRequest, context: Context) -> pb.SetVulnerableResponse:
        call = self._runtime.call(request.request_id, object_id=request.application_id)
        care = await self._visible_care(call, request.application_id)

        async def run(tx: WriteTx) -> Effect:
            at = moment(call, tx, care)
            version = await WelfareStore(tx).mark(
                care.id, vulnerable=request.vulnerable, by=call.caller.subject, now=at.now
            )
            return Effect(care.id, version)

        await self._runtime.commands.perform(call, request, run)
        async with self._runtime.db.glance() as tx:
            risk, _ = await storage.safeguard_of(tx, care.id)
        return pb.SetVulnerableResponse(safeguard=wire.safeguard_to_proto(care.id, risk))

    async def ClimbWelfareLadder(
        self, request: pb.ClimbWelfareLadderRequest, context: Context
    ) -> pb.ClimbWelfareLadderResponse:
        call = self._runtime.call(request.request_id, object_id=request.check_id)

        async def run(tx: WriteTx) -> Effect:
            return await usecases.climb_ladder(request.check_id, WelfareStore(tx), call.now)

        await self._runtime.commands.perform(call, request, run)
        return wire.climbed_to_proto(await self._stored_check(request.check_id))

    async def ActOnWelfareCheck(
        self, request: pb.ActOnWelfareCheckRequest, context: Context
    ) -> pb.ActOnWelfareCheckResponse:
        verb = OperatorVerb(request.WhichOneof("command") or "")
        command = request.answer_rung if verb is OperatorVerb.ANSWER_RUNG else request.close_check
        if command.request_id != request.request_id:
            raise InvalidArgument(field=f"{verb.value}.request_id")
        check = await self._stored_check(command.check_id)
        municipality = check.visit.municipality_id
        asked = self._runtime.call(request.request_id, municipality_id=municipality, object_id=check.id)
        heads = await self._neighbours.office_heads(municipality)
        roles = frozenset({Role.OFFICE_HEAD} if request.act.staff_id in heads else ())
        method = _SERVICE.methods_by_name[_METHODS[verb]]
        async with in_the_name_of_staff(self._runtime, OperatorWish(asked, request.act, verb, roles), method):
            answer = await getattr(self, method.name)(command, context)
        return pb.ActOnWelfareCheckResponse(check=answer.check)

    async def _observe_welfare(self) -> None:
        try:
            async with self._runtime.db.glance() as tx:
                self._metrics.show_welfare(await storage.rungs_stood_on(tx, self._runtime.clock.now()))
        except (SQLAlchemyError, OSError):
            self._metrics.show_welfare(None)

    async def _stored_check(self, check_id: str) -> WelfareCheck:
        async with self._runtime.db.glance() as tx:
            check = await storage.find_check(tx, check_id)
        if check is None:
            raise NotFound(resource_type="welfare_check", resource_id=check_id)
        return check

    async def _visible_check(self, call: Call, check_id: str) -> WelfareCheck:
        """Staff sees the checks of its municipality; for anybody else there is none (NotFound)."""
        check = await self._stored_check(check_id)
        try:
            call.caller.require_municipality(check.visit.municipality_id)
        except NotYours:
            raise NotFound(resource_type="welfare_check", resource_id=check_id) from None
        return check
