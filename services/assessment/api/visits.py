"""The methods about the assessment of one case and its limits, and the answers that need no case."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, NoReturn

import grpc
from google.protobuf.message import Message

from services.assessment import calendar_answers
from services.assessment.domain.visits import Assessment, AssessmentState, Attempt, Rung
from services.assessment.errors import HomeVisitMissing, SuspensionNotAllowed
from services.assessment.metrics import AssessmentMetrics
from services.assessment.peers import IntakePort
from services.assessment.storage import visits as storage
from services.assessment.storage.needs import NeedsStore
from services.assessment.storage.visits import Owner, Store
from services.assessment.usecases import visits as usecases
from services.assessment.usecases.visits import CompleteAssessment
from services.assessment.wire.needs import answers_from
from services.assessment.wire.visits import (
    assessment_to_proto,
    case_facts,
    claimed_to_proto,
    facts_from_json,
    facts_to_json,
    limit_kind,
    opened_to_proto,
    outcome_of,
    visit_result,
)
from services.kernel.codes import Role
from services.kernel.time_limit import Suspension
from services.runtime.civil import code_to_proto, date_from_proto, instant_to_proto, optional_date
from services.runtime.commands import Call, Effect
from services.runtime.errors import InvalidArgument, NotFound, NotYours
from services.runtime.server import Runtime
from socialcare.assessment.v1 import assessment_service_pb2 as pb
from socialcare.assessment.v1 import resources_pb2

__all__ = ["VisitMethods", "require_visible"]

_Context = grpc.aio.ServicerContext[Any, Any]
_Step = Callable[[Store], Awaitable[Effect]]
_Tell = Callable[[Assessment], None]


class VisitMethods:
    """Part of `AssessmentServicer`; named by the contract."""

    _runtime: Runtime
    _intake: IntakePort
    _metrics: AssessmentMetrics

    async def ScheduleVisit(self, request: pb.ScheduleVisitRequest, context: _Context) -> pb.ScheduleVisitResponse:
        call = await self._admitted(request.request_id, request.application_id)
        on_date = date_from_proto(request.on_date, "on_date")
        if on_date < call.today:
            raise InvalidArgument(field="on_date")
        found = await self._perform(
            call,
            request,
            lambda store: usecases.schedule_visit(
                request.application_id, on_date, request.social_worker_id, store, call.now
            ),
        )
        return pb.ScheduleVisitResponse(assessment=assessment_to_proto(found, call.now))

    async def RecordVisitAttempt(
        self, request: pb.RecordVisitAttemptRequest, context: _Context
    ) -> pb.RecordVisitAttemptResponse:
        call = await self._admitted(request.request_id, request.application_id)
        result = visit_result(request.result)
        found = await self._perform(
            call,
            request,
            lambda store: usecases.record_visit_attempt(
                request.application_id, Attempt(call.now, result, call.caller.subject, request.evidence_id), store
            ),
            lambda _: self._metrics.visits.labels(result).inc(),
        )
        return pb.RecordVisitAttemptResponse(assessment=assessment_to_proto(found, call.now))

    async def CompleteAssessment(
        self, request: pb.CompleteAssessmentRequest, context: _Context
    ) -> pb.CompleteAssessmentResponse:
        call = self._runtime.call(request.request_id, object_id=request.application_id, purpose="ASSESSMENT")
        present = await self._find(request.application_id)
        if present is None:
            await self._refuse_without_visit(call, request.application_id)
        require_visible(call, request.application_id, present)
        facts = facts_to_json(request.facts)
        outcome = None
        if present.state is AssessmentState.COMPLETED:
            outcome = outcome_of(await self._intake.case_facts(request.application_id))
        command = CompleteAssessment(request.application_id, facts, answers_from(request.answers), outcome, call.now)
        cipher = self._runtime.cipher
        effect = await self._runtime.commands.perform(
            call, request, lambda tx: usecases.complete_assessment(command, Store(tx, cipher), NeedsStore(tx, cipher))
        )
        found = await self._present(effect)
        return pb.CompleteAssessmentResponse(assessment=assessment_to_proto(found, call.now))

    async def SuspendLimit(self, request: pb.SuspendLimitRequest, context: _Context) -> pb.SuspendLimitResponse:
        call = await self._admitted(request.request_id, request.application_id)
        kind = limit_kind(request.kind)
        suspension = _suspension(request)
        found = await self._perform(
            call,
            request,
            lambda store: usecases.suspend_limit(request.application_id, kind, suspension, store, call.now),
        )
        return pb.SuspendLimitResponse(assessment=assessment_to_proto(found, call.now))

    async def ResumeLimit(self, request: pb.ResumeLimitRequest, context: _Context) -> pb.ResumeLimitResponse:
        call = await self._admitted(request.request_id, request.application_id)
        kind = limit_kind(request.kind)
        to_date = date_from_proto(request.to_date, "to_date")
        found = await self._perform(
            call,
            request,
            lambda store: usecases.resume_limit(request.application_id, kind, to_date, store, call.now),
        )
        return pb.ResumeLimitResponse(assessment=assessment_to_proto(found, call.now))

    async def ExtendLimit(self, request: pb.ExtendLimitRequest, context: _Context) -> pb.ExtendLimitResponse:
        call = await self._admitted(request.request_id, request.application_id)
        kind = limit_kind(request.kind)
        found = await self._perform(
            call,
            request,
            lambda store: usecases.extend_limit(request.application_id, kind, request.days, store, call.now),
        )
        return pb.ExtendLimitResponse(assessment=assessment_to_proto(found, call.now))

    async def RecordBreachCause(
        self, request: pb.RecordBreachCauseRequest, context: _Context
    ) -> pb.RecordBreachCauseResponse:
        call = await self._admitted(request.request_id, request.application_id)
        kind = limit_kind(request.kind)
        found = await self._perform(
            call,
            request,
            lambda store: usecases.explain_breach(request.application_id, kind, request.cause_code, store, call.now),
        )
        return pb.RecordBreachCauseResponse(assessment=assessment_to_proto(found, call.now))

    async def ReassignVisit(self, request: pb.ReassignVisitRequest, context: _Context) -> pb.ReassignVisitResponse:
        call = await self._admitted(request.request_id, request.application_id)
        found = await self._perform(
            call,
            request,
            lambda store: usecases.assign(request.application_id, request.social_worker_id, store, call.now),
        )
        return pb.ReassignVisitResponse(assessment=assessment_to_proto(found, call.now))

    async def GetAssessment(self, request: pb.GetAssessmentRequest, context: _Context) -> pb.GetAssessmentResponse:
        call = self._runtime.call(object_id=request.application_id)
        found = await self._visible(call, request.application_id)
        async with self._runtime.db.glance() as tx:
            findings = await storage.findings_of(tx, request.application_id)
        return pb.GetAssessmentResponse(
            assessment=assessment_to_proto(found, call.now),
            findings=[
                resources_pb2.Finding(version=version, found_time=instant_to_proto(found_at))
                for version, found_at in findings
            ],
        )

    async def ExplainTimeLimit(
        self, request: pb.ExplainTimeLimitRequest, context: _Context
    ) -> pb.ExplainTimeLimitResponse:
        return calendar_answers.explain_time_limit(request)

    async def ExplainExpiry(self, request: pb.ExplainExpiryRequest, context: _Context) -> pb.ExplainExpiryResponse:
        return calendar_answers.explain_expiry(request)

    async def CheckWorkingDay(
        self, request: pb.CheckWorkingDayRequest, context: _Context
    ) -> pb.CheckWorkingDayResponse:
        return calendar_answers.check_working_day(request)

    async def GetFoundFacts(self, request: pb.GetFoundFactsRequest, context: _Context) -> pb.GetFoundFactsResponse:
        call = self._runtime.call(object_id=request.application_id)
        async with self._runtime.commands.health_read(call, "ELIGIBILITY") as (tx, note):
            assessment = await storage.assessment(tx, request.application_id)
            if assessment is None:
                raise _unknown(request.application_id)
            note.municipality_id = assessment.municipality_id
            found = await storage.found_facts_of(tx, assessment, self._runtime.cipher)
        if found is None:
            return pb.GetFoundFactsResponse(home_visit_done=assessment.is_visited)
        return pb.GetFoundFactsResponse(
            facts=facts_from_json(found.facts),
            version=found.version,
            found_time=instant_to_proto(found.found_at),
            home_visit_done=assessment.is_visited,
        )

    async def OpenAssessment(self, request: pb.OpenAssessmentRequest, context: _Context) -> pb.OpenAssessmentResponse:
        call = self._runtime.call(request.request_id, object_id=request.application_id)
        facts = None
        if await self._find(request.application_id) is None:
            facts = case_facts(await self._intake.case_facts(request.application_id))
        found = await self._perform(
            call,
            request,
            lambda store: usecases.open_assessment(request.application_id, facts, store, call.now),
        )
        return opened_to_proto(found, call.now)

    async def ClaimDueRungs(self, request: pb.ClaimDueRungsRequest, context: _Context) -> pb.ClaimDueRungsResponse:
        call = self._runtime.call(request.request_id, object_id=request.application_id)
        found = await self._perform(
            call,
            request,
            lambda store: usecases.claim_due_rungs(request.application_id, request.request_id, store, call.now),
            lambda assessment: self._count(_taken_by(request.request_id, assessment)),
        )
        wire = [code_to_proto(resources_pb2.Rung, rung) for rung in _taken_by(request.request_id, found)]
        return claimed_to_proto(found, wire, call.now)

    async def CloseAssessment(
        self, request: pb.CloseAssessmentRequest, context: _Context
    ) -> pb.CloseAssessmentResponse:
        call = self._runtime.call(request.request_id, object_id=request.application_id)
        found = await self._perform(
            call,
            request,
            lambda store: usecases.close_assessment(request.application_id, request.cause, store),
        )
        return pb.CloseAssessmentResponse(state=code_to_proto(resources_pb2.AssessmentState, found.state))

    async def GetCaseSequences(
        self, request: pb.GetCaseSequencesRequest, context: _Context
    ) -> pb.GetCaseSequencesResponse:
        async with self._runtime.db.read() as tx:
            return pb.GetCaseSequencesResponse(sequences=await storage.sequences_of(tx, request.application_ids))

    async def _perform(self, call: Call, request: Message, step: _Step, tell: _Tell = lambda _: None) -> Assessment:
        """Run the step and read the assessment again; `tell` hears of it unless the request was a repetition."""
        cipher = self._runtime.cipher
        effect = await self._runtime.commands.perform(call, request, lambda tx: step(Store(tx, cipher)))
        found = await self._present(effect)
        if not effect.replayed:
            tell(found)
        return found

    async def _present(self, effect: Effect) -> Assessment:
        """The assessment that a command changed, as it is now."""
        found = await self._find(effect.resource)
        if found is None:
            raise _unknown(effect.resource)
        return found

    async def _admitted(self, request_id: str, application_id: str) -> Call:
        """The call of somebody who may act on the case."""
        call = self._runtime.call(request_id, object_id=application_id)
        async with self._runtime.db.glance() as tx:
            owner = await storage.owner_of(tx, application_id)
        if owner is None:
            raise _unknown(application_id)
        require_visible(call, application_id, owner)
        return call

    async def _visible(self, call: Call, application_id: str) -> Assessment:
        """The assessment; what the caller may not know of is not found."""
        found = await self._find(application_id)
        if found is None:
            raise _unknown(application_id)
        require_visible(call, application_id, found)
        return found

    async def _refuse_without_visit(self, call: Call, application_id: str) -> NoReturn:
        """Raise HomeVisitMissing for a case whose papers are not complete, so that no visit is due yet (L-03)."""
        facts = await self._intake.case_facts(application_id)
        try:
            call.caller.require_municipality(facts.municipality_id)
            call.caller.require_person(facts.person_id)
        except NotYours:
            raise _unknown(application_id) from None
        raise HomeVisitMissing

    async def _find(self, application_id: str) -> Assessment | None:
        async with self._runtime.db.glance() as tx:
            return await storage.assessment(tx, application_id)

    def _count(self, claimed: list[Rung]) -> None:
        for rung in claimed:
            self._metrics.rungs.labels(rung).inc()


def require_visible(call: Call, application_id: str, of: Assessment | Owner) -> None:
    """Raise NotFound for an assessment that the caller may not know of."""
    if call.caller.has(Role.WORKER):
        return
    try:
        call.caller.require_municipality(of.municipality_id)
        call.caller.require_person(of.person_id)
    except NotYours:
        raise _unknown(application_id) from None


def _taken_by(request_id: str, assessment: Assessment) -> list[Rung]:
    return [taken.rung for taken in assessment.rungs if taken.request_id == request_id]


def _unknown(application_id: str) -> NotFound:
    return NotFound(resource_type="assessment", resource_id=application_id)


def _suspension(request: pb.SuspendLimitRequest) -> Suspension:
    """The suspension asked for; one without an end has no due date to show, so it is not allowed (T-13)."""
    from_date = date_from_proto(request.from_date, "from_date")
    to_date = optional_date(request.to_date, "to_date")
    if to_date is None:
        raise SuspensionNotAllowed
    if to_date <= from_date:
        raise InvalidArgument(field="to_date")
    return Suspension(from_date, to_date, request.reason_code)
