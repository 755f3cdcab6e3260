"""The methods of intake about limits: what a changed calendar does to them, and how a due date comes about."""

from __future__ import annotations

from google.protobuf.message import Message
from grpc.aio import ServicerContext

from services.intake.access import require_own_case
from services.intake.storage import reading
from services.intake.storage.reprojection import OpenLimits
from services.intake.usecases.reprojection import Page, reproject_limits
from services.intake.wire.applications import kept_limit_to_proto
from services.kernel.limit_moves import explain_moves
from services.kernel.time_limit import LimitKind
from services.runtime.civil import code_from_proto, trace_to_proto
from services.runtime.errors import NotFound
from services.runtime.limit_moves import PAGE_OF_LIMITS
from services.runtime.local_rules import calendar_of
from services.runtime.paging import decode_token, encode_token, page_size
from services.runtime.server import Runtime
from socialcare.common.v1 import types_pb2
from socialcare.intake.v1 import intake_service_pb2 as pb

__all__ = ["LimitMethods"]

Context = ServicerContext[Message, Message]


class LimitMethods:
    """Part of `IntakeServicer`; named by the contract."""

    _runtime: Runtime

    async def ReprojectLimits(self, request: pb.ReprojectLimitsRequest, context: Context) -> pb.ReprojectLimitsResponse:
        call = self._runtime.call(
            request.request_id, municipality_id=request.municipality_id, object_id=request.calendar_version
        )
        after = decode_token(request.page_token, 1) or ("",)
        page = Page(request.municipality_id, after[0], page_size(request.page_size, default=PAGE_OF_LIMITS))
        effect = await self._runtime.commands.perform(
            call, request, lambda tx: reproject_limits(page, OpenLimits(tx), call.now)
        )
        token = encode_token(effect.resource) if effect.resource else ""
        return pb.ReprojectLimitsResponse(next_page_token=token, moved=effect.version)

    async def ExplainDeadline(self, request: pb.ExplainDeadlineRequest, context: Context) -> pb.ExplainDeadlineResponse:
        call = self._runtime.call(object_id=request.application_id)
        kind = code_from_proto(types_pb2.LimitKind, request.kind, LimitKind, "kind")
        async with self._runtime.db.read() as tx:
            view = await reading.view(tx, request.application_id)
            require_own_case(call.caller, view.application)
            kept = next((limit for limit in view.limits if limit.kind is kind), None)
            if kept is None:
                raise NotFound(resource_type="time_limit", resource_id=request.application_id)
            calendar = await calendar_of(tx, kept.limit.calendar_version)
        trace = (*kept.limit.explain(calendar), *explain_moves(kept.moves))
        return pb.ExplainDeadlineResponse(deadline=kept_limit_to_proto(kept, call.now), trace=trace_to_proto(trace))
