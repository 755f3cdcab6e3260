"""The methods about instruments, scores of needs and support plans."""

from __future__ import annotations

from typing import Any

import grpc

from services.assessment.api.visits import require_visible
from services.assessment.domain.needs import Instrument
from services.assessment.domain.visits import Assessment
from services.assessment.peers import DeliveryPort, IntakePort
from services.assessment.rules import visits as rules
from services.assessment.rules.needs import score_needs
from services.assessment.storage import needs, visits
from services.assessment.storage.needs import NeedsStore
from services.assessment.usecases import needs as usecases
from services.assessment.wire import needs as wire
from services.kernel.codes import Role
from services.kernel.trace import TraceBuilder
from services.runtime.civil import date_from_proto, optional_date
from services.runtime.commands import Call, Effect
from services.runtime.database import ReadTx, WriteTx
from services.runtime.errors import NotFound
from services.runtime.server import Runtime
from socialcare.assessment.v1 import needs_pb2 as pb

__all__ = ["NeedsMethods"]

_Context = grpc.aio.ServicerContext[Any, Any]


class NeedsMethods:
    """Part of `AssessmentServicer`; named by the contract."""

    _runtime: Runtime
    _intake: IntakePort
    _delivery: DeliveryPort

    async def PutInstrument(self, request: pb.PutInstrumentRequest, context: _Context) -> pb.PutInstrumentResponse:
        call = self._runtime.call(request.request_id, municipality_id=request.municipality_id)
        call.caller.require_municipality(request.municipality_id)
        instrument = wire.instrument_from(request.instrument)
        from_date = date_from_proto(request.instrument.from_date, "instrument.from_date")
        kept: Instrument | None = None

        async def put(tx: WriteTx) -> Effect:
            nonlocal kept
            store = NeedsStore(tx, self._runtime.cipher)
            effect, kept = await usecases.put_instrument(
                request.municipality_id, instrument, from_date, store, call.today
            )
            return effect

        if request.validate_only:
            await self._runtime.commands.rehearse(call, put)
        else:
            await self._runtime.commands.perform(call, request, put)
        if kept is None or not request.validate_only:
            async with self._runtime.db.glance() as tx:
                kept = await needs.instrument_in_force(tx, request.municipality_id, from_date)
        return pb.PutInstrumentResponse(instrument=wire.instrument_to_proto(kept))

    async def GetInstrument(self, request: pb.GetInstrumentRequest, context: _Context) -> pb.GetInstrumentResponse:
        instrument = await self._instrument(request)
        return pb.GetInstrumentResponse(instrument=wire.instrument_to_proto(instrument))

    async def ScoreNeeds(self, request: pb.ScoreNeedsRequest, context: _Context) -> pb.ScoreNeedsResponse:
        trace = TraceBuilder()
        score = score_needs(await self._instrument(request), wire.answers_from(request.answers), trace)
        return wire.scored_to_proto(score, trace.build())

    async def GetNeedsScore(self, request: pb.GetNeedsScoreRequest, context: _Context) -> pb.GetNeedsScoreResponse:
        call = self._runtime.call(object_id=request.application_id)
        async with self._runtime.commands.health_read(call, "NEEDS_SCORE") as (tx, note):
            assessment = await _visible(tx, call, request.application_id)
            note.municipality_id = assessment.municipality_id
            found = await needs.needs_score_of(tx, assessment, request.version, self._runtime.cipher)
            if found is None:
                raise NotFound(resource_type="needs_score", resource_id=request.application_id)
        return pb.GetNeedsScoreResponse(score=wire.score_to_proto(request.application_id, found))

    async def ProposePlan(self, request: pb.ProposePlanRequest, context: _Context) -> pb.ProposePlanResponse:
        call = self._runtime.call(request.request_id, object_id=request.application_id)
        async with self._runtime.db.glance() as tx:
            rules.require_visited(await _visible(tx, call, request.application_id))
        plan = wire.plan_from(request)
        case = await self._intake.case_facts(request.application_id)
        await self._delivery.check_plan(request, case)
        command = usecases.ProposePlan(request.application_id, plan, call.caller.subject, call.now)
        cipher = self._runtime.cipher
        effect = await self._runtime.commands.perform(
            call,
            request,
            lambda tx: usecases.propose_plan(command, NeedsStore(tx, cipher), visits.Store(tx, cipher)),
        )
        return pb.ProposePlanResponse(plan=await self._plan(request.application_id, effect.version))

    async def GetSupportPlan(self, request: pb.GetSupportPlanRequest, context: _Context) -> pb.GetSupportPlanResponse:
        call = self._runtime.call(object_id=request.application_id)
        async with self._runtime.db.glance() as tx:
            await _visible(tx, call, request.application_id)
        return pb.GetSupportPlanResponse(plan=await self._plan(request.application_id, request.version))

    async def _instrument(self, request: pb.GetInstrumentRequest | pb.ScoreNeedsRequest) -> Instrument:
        call = self._runtime.call(municipality_id=request.municipality_id)
        if request.municipality_id and not call.caller.has(Role.ADMIN):
            call.caller.require_municipality(request.municipality_id)
        on = optional_date(request.on_date, "on_date") or call.today
        async with self._runtime.db.glance() as tx:
            return await needs.instrument_in_force(tx, request.municipality_id, on)

    async def _plan(self, application_id: str, version: int) -> pb.SupportPlan:
        async with self._runtime.db.read() as tx:
            found = await needs.support_plan_of(tx, application_id, version)
        if found is None:
            raise NotFound(resource_type="support_plan", resource_id=application_id)
        return wire.plan_to_proto(application_id, found)


async def _visible(tx: ReadTx, call: Call, application_id: str) -> Assessment:
    """The assessment; what the caller may not know of is not found."""
    found = await visits.assessment(tx, application_id)
    if found is None:
        raise NotFound(resource_type="assessment", resource_id=application_id)
    require_visible(call, application_id, found)
    return found
