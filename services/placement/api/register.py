"""The methods of the register of acts."""

from __future__ import annotations

from datetime import UTC, date, datetime

from services.placement.api.cases import CaseMethods, Context
from services.placement.domain.register import ActChange, ActState, ActStep, Coverage, RegisteredAct, recorders
from services.placement.storage import register as storage
from services.placement.storage.cases import Store
from services.placement.storage.register import ActPage
from services.placement.usecases.register import Changed, change_act
from services.placement.wire.register import act_to_proto, any_day, consequences_to_proto, optional_day, paper_of
from services.runtime.civil import code_from_proto
from services.runtime.commands import Call, Effect
from services.runtime.database import WriteTx
from services.runtime.errors import NotFound, NotYours
from services.runtime.paging import decode_token, encode_token, id_key, instant_key, page_size
from socialcare.placement.v1 import register_pb2 as pb

__all__ = ["RegisterMethods"]

_BEFORE_ALL = (datetime.min.replace(tzinfo=UTC), "")
_Change = pb.AmendOrderRequest | pb.SupersedeOrderRequest | pb.RevokeOrderRequest


class RegisterMethods(CaseMethods):
    """Part of `PlacementServicer`; named by the contract."""

    async def GetOrder(self, request: pb.GetOrderRequest, context: Context) -> pb.GetOrderResponse:
        call = self._runtime.call(object_id=request.act_id)
        return pb.GetOrderResponse(act=act_to_proto(await self._visible_act(call, request.act_id)))

    async def ListOrders(self, request: pb.ListOrdersRequest, context: Context) -> pb.ListOrdersResponse:
        call = self._runtime.call(municipality_id=request.municipality_id, object_id=request.application_id)
        call.caller.require_municipality(request.municipality_id)
        token = decode_token(request.page_token, 2)
        page = ActPage(
            municipality_id=request.municipality_id,
            after=_BEFORE_ALL if token is None else (instant_key(token[0]), id_key(token[1])),
            size=page_size(request.page_size),
            application_id=request.application_id,
            authority=request.authority,
            state=code_from_proto(pb.ActState, request.state, ActState, "state") if request.state else None,
            ends_before=optional_day(request.ends_before, "ends_before"),
        )
        async with self._runtime.db.glance() as tx:
            found = await storage.acts(tx, page)
        last = found[-1] if len(found) == page.size else None
        return pb.ListOrdersResponse(
            acts=map(act_to_proto, found),
            next_page_token="" if last is None else encode_token(last.recorded_at.isoformat(), last.act_id),
        )

    async def AmendOrder(self, request: pb.AmendOrderRequest, context: Context) -> pb.AmendOrderResponse:
        last = optional_day(request.effective_to, "effective_to")
        return pb.AmendOrderResponse(consequences=await self._change(request, ActStep.AMEND, None, last))

    async def SupersedeOrder(self, request: pb.SupersedeOrderRequest, context: Context) -> pb.SupersedeOrderResponse:
        first = optional_day(request.effective_from, "effective_from")
        last = optional_day(request.effective_to, "effective_to")
        return pb.SupersedeOrderResponse(consequences=await self._change(request, ActStep.SUPERSEDE, first, last))

    async def RevokeOrder(self, request: pb.RevokeOrderRequest, context: Context) -> pb.RevokeOrderResponse:
        first = any_day(request.revoked_from, "revoked_from")
        return pb.RevokeOrderResponse(consequences=await self._change(request, ActStep.REVOKE, first, None))

    async def _change(
        self, request: _Change, step: ActStep, first: date | None, last: date | None
    ) -> pb.ActConsequences:
        """Take the step, or only see what it would lead to."""
        call = self._runtime.call(request.request_id, object_id=request.act_id)
        act = await self._visible_act(call, request.act_id)
        call.caller.require_role(*recorders(act.authority))
        change = ActChange(act.act_id, step, paper_of(request.paper, call.today), first, last, request.etag)
        outcome: list[Changed] = []

        async def take(tx: WriteTx) -> Effect:
            outcome.append(await change_act(act.application_id, change, Store(tx), call.now))
            return outcome[-1].effect

        if request.validate_only:
            await self._runtime.commands.rehearse(call, take)
            return consequences_to_proto(act, None, outcome[-1].covered, contract=outcome[-1].has_contract)
        effect = await self._runtime.commands.perform(call, request, take)
        following = await self._act(effect.resource)
        placement = await self._found(act.application_id)
        assert placement.basis_date is not None  # noqa: S101 an act placed the case
        covered = Coverage(placement.basis_date, placement.basis_until)
        changed = await self._act(following.replaces)
        return consequences_to_proto(changed, following, covered, contract=placement.contract is not None)

    async def _visible_act(self, call: Call, act_id: str) -> RegisteredAct:
        """The act; what the caller may not know of is not found."""
        found = await self._act(act_id)
        try:
            call.caller.require_municipality(found.municipality_id)
        except NotYours:
            raise _unknown_act(act_id) from None
        return found

    async def _act(self, act_id: str) -> RegisteredAct:
        async with self._runtime.db.glance() as tx:
            found = await storage.act(tx, act_id)
        if found is None:
            raise _unknown_act(act_id)
        return found


def _unknown_act(act_id: str) -> NotFound:
    return NotFound(resource_type="act", resource_id=act_id)
