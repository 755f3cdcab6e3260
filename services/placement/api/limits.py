"""The methods about the limits of a placement: what a changed calendar does to them, how a due date comes about."""

from __future__ import annotations

from services.kernel.limit_moves import explain_moves
from services.kernel.time_limit import LimitKind
from services.placement.api.cases import CaseMethods, Context
from services.placement.reprojection import Page, reproject_limits
from services.placement.storage.cases import Store
from services.placement.storage.reprojection import OpenLimits
from services.runtime.civil import code_from_proto, trace_to_proto
from services.runtime.commands import Call, Effect
from services.runtime.errors import NotFound
from services.runtime.limit_moves import PAGE_OF_LIMITS
from services.runtime.limit_rows import deadline_to_proto
from services.runtime.paging import decode_token, encode_token, page_size
from socialcare.common.v1 import types_pb2
from socialcare.placement.v1 import placement_service_pb2 as pb

__all__ = ["LimitMethods"]


class LimitMethods(CaseMethods):
    """Part of `PlacementServicer`; named by the contract."""

    async def ReprojectLimits(self, request: pb.ReprojectLimitsRequest, context: Context) -> pb.ReprojectLimitsResponse:
        call = self._runtime.call(
            request.request_id, municipality_id=request.municipality_id, object_id=request.calendar_version
        )
        effect = await self._runtime.commands.earlier(call, request) or await self._reproject(call, request)
        token = encode_token(effect.resource) if effect.resource else ""
        return pb.ReprojectLimitsResponse(next_page_token=token, moved=effect.version)

    async def _reproject(self, call: Call, request: pb.ReprojectLimitsRequest) -> Effect:
        rules = await self._neighbours.rules(request.municipality_id)
        # Before the page and apart from it: whoever begins a limit shares the row that this changes.
        async with self._runtime.db.write() as tx:
            await Store(tx).keep_rules(request.municipality_id, rules)
        after = decode_token(request.page_token, 1) or ("",)
        page = Page(request.municipality_id, after[0], page_size(request.page_size, default=PAGE_OF_LIMITS))
        return await self._runtime.commands.perform(
            call, request, lambda tx: reproject_limits(page, OpenLimits(tx), call.now)
        )

    async def ExplainDeadline(self, request: pb.ExplainDeadlineRequest, context: Context) -> pb.ExplainDeadlineResponse:
        call, found = await self._admitted("", request.application_id)
        limit = found.current_limit(code_from_proto(types_pb2.LimitKind, request.kind, LimitKind, "kind"))
        if limit is None:
            raise NotFound(resource_type="time_limit", resource_id=request.application_id)
        trace = (*limit.ledger.explain(limit.calendar), *explain_moves(limit.moves))
        return pb.ExplainDeadlineResponse(
            deadline=deadline_to_proto(limit.ledger, limit.calendar, call.now, limit.done_at, limit.moves),
            trace=trace_to_proto(trace),
        )
