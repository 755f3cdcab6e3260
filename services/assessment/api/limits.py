"""The methods about the limits of a case: what a changed calendar does to them, and how a due date comes about."""

from __future__ import annotations

from typing import Any

import grpc

from services.assessment.api.visits import require_visible
from services.assessment.peers import IntakePort
from services.assessment.storage.reprojection import OpenLimits
from services.assessment.storage.visits import Store, assessment
from services.assessment.usecases.reprojection import Page, reproject_limits
from services.assessment.wire.visits import limit_kind
from services.kernel.limit_moves import explain_moves
from services.runtime.civil import trace_to_proto
from services.runtime.errors import NotFound
from services.runtime.limit_moves import PAGE_OF_LIMITS
from services.runtime.limit_rows import deadline_to_proto
from services.runtime.paging import decode_token, encode_token, page_size
from services.runtime.server import Runtime
from socialcare.assessment.v1 import assessment_service_pb2 as pb

__all__ = ["LimitMethods"]

_Context = grpc.aio.ServicerContext[Any, Any]


class LimitMethods:
    """Part of `AssessmentServicer`; named by the contract."""

    _runtime: Runtime
    _intake: IntakePort

    async def ReprojectLimits(
        self, request: pb.ReprojectLimitsRequest, context: _Context
    ) -> pb.ReprojectLimitsResponse:
        call = self._runtime.call(
            request.request_id, municipality_id=request.municipality_id, object_id=request.calendar_version
        )
        rules = await self._intake.rules(request.municipality_id)
        cipher = self._runtime.cipher
        # Before the page and apart from it: whoever begins a limit shares the row that this changes.
        async with self._runtime.db.write() as tx:
            await Store(tx, cipher).keep_rules(request.municipality_id, rules)
        after = decode_token(request.page_token, 1) or ("",)
        page = Page(request.municipality_id, after[0], page_size(request.page_size, default=PAGE_OF_LIMITS))
        effect = await self._runtime.commands.perform(
            call, request, lambda tx: reproject_limits(page, OpenLimits(tx, cipher), call.now)
        )
        token = encode_token(effect.resource) if effect.resource else ""
        return pb.ReprojectLimitsResponse(next_page_token=token, moved=effect.version)

    async def ExplainDeadline(
        self, request: pb.ExplainDeadlineRequest, context: _Context
    ) -> pb.ExplainDeadlineResponse:
        call = self._runtime.call(object_id=request.application_id)
        async with self._runtime.db.read() as tx:
            found = await assessment(tx, request.application_id)
        if found is None:
            raise NotFound(resource_type="assessment", resource_id=request.application_id)
        require_visible(call, request.application_id, found)
        limit = found.current_limit(limit_kind(request.kind))
        if limit is None:
            raise NotFound(resource_type="time_limit", resource_id=request.application_id)
        trace = (*limit.ledger.explain(limit.calendar), *explain_moves(limit.moves))
        return pb.ExplainDeadlineResponse(
            deadline=deadline_to_proto(limit.ledger, limit.calendar, call.now, limit.done_at, limit.moves),
            trace=trace_to_proto(trace),
        )
