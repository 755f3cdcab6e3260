"""The methods of intake about municipalities, applications and the questions of section 5."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from google.protobuf.message import Message
from grpc.aio import ServicerContext

from services.intake.access import may_read_health, require_own_case, require_staff, standing_of
from services.intake.api.people import act_of
from services.intake.assessment import Assessment
from services.intake.domain.application import Application, CaseView
from services.intake.domain.representation import AuthorityScope
from services.intake.domain.withdrawal import Falling
from services.intake.errors import StateNotAllowed
from services.intake.metrics import IntakeMetrics
from services.intake.stages import Stages
from services.intake.storage import reading
from services.intake.storage.cases import Cases
from services.intake.storage.municipalities import Municipalities
from services.intake.storage.reading import Page
from services.intake.storage.registry import Registry
from services.intake.usecases import decisions, municipalities, papers, states, submit
from services.intake.usecases.messages import case_start
from services.intake.usecases.people import note_what_was_shown
from services.intake.wire import applications as wire
from services.intake.wire import questions
from services.intake.wire.papers import answer_documents
from services.intake.wire.people import authorities_from
from services.kernel.codes import CaseState, EligibilityOutcome, Stage
from services.kernel.time_limit import LimitKind
from services.runtime.auth import ALL_MUNICIPALITIES
from services.runtime.civil import (
    code_from_proto,
    code_to_proto,
    instant_from_proto,
    instant_to_proto,
    optional_date,
)
from services.runtime.commands import Call, Effect, Via
from services.runtime.database import WriteTx
from services.runtime.paging import decode_token, encode_token, instant_key, page_size
from services.runtime.server import Runtime
from socialcare.common.v1 import types_pb2
from socialcare.intake.v1 import intake_service_pb2 as pb
from socialcare.intake.v1 import resources_pb2

__all__ = ["CaseMethods", "Context"]

Context = ServicerContext[Message, Message]
CaseCommand = Callable[[Cases], Awaitable[Effect]]


class CaseMethods:
    """Part of `IntakeServicer`; named by the contract."""

    _runtime: Runtime
    _assessment: Assessment
    _stages: Stages
    _metrics: IntakeMetrics

    async def CreateMunicipality(
        self, request: pb.CreateMunicipalityRequest, context: Context
    ) -> pb.CreateMunicipalityResponse:
        call = self._runtime.call(
            request.request_id, municipality_id=request.municipality_id, object_id=request.municipality_id
        )
        call.caller.require_municipality(request.municipality_id)
        command = municipalities.SetUpMunicipality(
            request.municipality_id, dict(request.settings), wire.offices_from(request.offices)
        )

        async def use_case(tx: WriteTx) -> Effect:
            return await municipalities.set_up_municipality(command, Municipalities(tx), call.now)

        effect = await self._runtime.commands.perform(call, request, use_case)
        return pb.CreateMunicipalityResponse(municipality=await self._municipality(effect.resource))

    async def GetMunicipality(self, request: pb.GetMunicipalityRequest, context: Context) -> pb.GetMunicipalityResponse:
        self._runtime.call().caller.require_municipality(request.municipality_id)
        return pb.GetMunicipalityResponse(municipality=await self._municipality(request.municipality_id))

    async def ListMunicipalities(
        self, request: pb.ListMunicipalitiesRequest, context: Context
    ) -> pb.ListMunicipalitiesResponse:
        own = self._runtime.call().caller.municipalities
        allowed = None if ALL_MUNICIPALITIES in own else sorted(own)
        size = page_size(request.page_size, default=200)
        token = decode_token(request.page_token, 1)
        async with self._runtime.db.read() as tx:
            found = await reading.municipality_ids(tx, token[0] if token else "", allowed, size + 1)
        more = encode_token(found[size - 1]) if len(found) > size else ""
        return pb.ListMunicipalitiesResponse(municipality_ids=found[:size], next_page_token=more)

    async def UpdateMunicipality(
        self, request: pb.UpdateMunicipalityRequest, context: Context
    ) -> pb.UpdateMunicipalityResponse:
        call = self._runtime.call(
            request.request_id, municipality_id=request.municipality_id, object_id=request.municipality_id
        )
        call.caller.require_municipality(request.municipality_id)
        command = municipalities.UpdateMunicipality(request.municipality_id, dict(request.settings), request.etag)

        async def use_case(tx: WriteTx) -> Effect:
            return await municipalities.update_municipality(command, Municipalities(tx))

        effect = await self._runtime.commands.perform(call, request, use_case)
        return pb.UpdateMunicipalityResponse(municipality=await self._municipality(effect.resource))

    async def SubmitApplication(
        self, request: pb.SubmitApplicationRequest, context: Context
    ) -> pb.SubmitApplicationResponse:
        call = self._runtime.call(request.request_id, municipality_id=request.municipality_id)
        call.caller.require_municipality(request.municipality_id)
        if request.representatives or request.identity_document:
            require_staff(call.caller)
        command = wire.submission_from(request, call.now)
        authorities = authorities_from(request.representatives, call.today)
        opened: list[CaseView] = []

        async def use_case(tx: WriteTx) -> Effect:
            store = Cases(tx, self._runtime.cipher)
            view = await submit.submit_application(command, store, call.caller, call.now, call.today)
            registry = Registry(tx, self._runtime.cipher)
            await note_what_was_shown(view.application, authorities, command.identity, registry, act_of(call))
            opened.append(view)
            return Effect(view.application.id, view.application.version)

        effect = await self._runtime.commands.perform(call, request, use_case)
        if effect.replayed:
            return pb.SubmitApplicationResponse(application=await self._answer(call, effect))
        self._metrics.stepped(opened[0].application.state)
        return pb.SubmitApplicationResponse(application=wire.application_to_proto(opened[0], call.now))

    async def GetApplication(self, request: pb.GetApplicationRequest, context: Context) -> pb.GetApplicationResponse:
        call = self._runtime.call(object_id=request.application_id)
        health = may_read_health(call.caller)
        async with self._runtime.db.read() as tx:
            view = await reading.view(tx, request.application_id)
            if health and view.decision is not None:
                explained = await reading.decision_with_trace(tx, self._runtime.cipher, view.application)
                view = replace(view, decision=explained)
        call = await standing_of(call, view.application, AuthorityScope.READ, self._runtime.db)
        if health and view.decision is not None:
            await self._record_read(call, view.application, "ELIGIBILITY")
        elif call.on_behalf_of:
            await self._record_read(call, view.application, "REPRESENTATION")
        return pb.GetApplicationResponse(application=wire.application_to_proto(view, call.now))

    async def ListApplications(
        self, request: pb.ListApplicationsRequest, context: Context
    ) -> pb.ListApplicationsResponse:
        call = self._runtime.call(municipality_id=request.municipality_id)
        call.caller.require_municipality(request.municipality_id)
        state = None
        if request.state != types_pb2.CASE_STATE_UNSPECIFIED:
            state = code_from_proto(types_pb2.CaseState, request.state, CaseState, "state")
        page = Page(page_size(request.page_size), decode_token(request.page_token, 2))
        if page.after is not None:
            instant_key(page.after[0])
        async with self._runtime.db.read() as tx:
            found = await reading.cases(tx, request.municipality_id, state, page)
            views = await reading.views(tx, [item.id for item, _ in found])
        full = len(found) == page.size
        return pb.ListApplicationsResponse(
            applications=[wire.application_to_proto(view, call.now) for view in views],
            next_page_token=encode_token(found[-1][1], found[-1][0].id) if full else "",
        )

    async def AttachDocuments(self, request: pb.AttachDocumentsRequest, context: Context) -> pb.AttachDocumentsResponse:
        call = await self._case_call(request.request_id, request.application_id, AuthorityScope.APPLY)
        command = papers.AttachDocuments(
            request.application_id,
            frozenset(request.document_codes),
            optional_date(request.posted_date, "posted_date"),
        )
        effect = await self._perform(
            call, request, lambda store: papers.attach_documents(command, store, call.now, call.today)
        )
        return pb.AttachDocumentsResponse(application=await self._answer(call, effect))

    async def ConfirmExpiry(self, request: pb.ConfirmExpiryRequest, context: Context) -> pb.ConfirmExpiryResponse:
        call = await self._case_call(request.request_id, request.application_id)
        effect = await self._perform(
            call, request, lambda store: papers.confirm_expiry(request.application_id, store, call.now, call.today)
        )
        return pb.ConfirmExpiryResponse(application=await self._answer(call, effect))

    async def DecideException(self, request: pb.DecideExceptionRequest, context: Context) -> pb.DecideExceptionResponse:
        call = await self._case_call(request.request_id, request.application_id)
        verdict = EligibilityOutcome.ELIGIBLE if request.approved else EligibilityOutcome.INELIGIBLE
        effect = await self._perform(
            call,
            request,
            lambda store: decisions.decide_exception(request.application_id, verdict, store, call.now, call.today),
        )
        return pb.DecideExceptionResponse(application=await self._answer(call, effect))

    async def Withdraw(self, request: pb.WithdrawRequest, context: Context) -> pb.WithdrawResponse:
        call, before = await self._own_case(request.request_id, request.application_id, AuthorityScope.WITHDRAW)

        elsewhere: tuple[Falling, ...] = ()
        previews = request.validate_only or bool(request.preview_hash)
        if previews:
            elsewhere = await self._stages.falling(request.application_id)
        command = states.Withdraw(request.application_id, request.preview_hash, elsewhere)
        if call.via is Via.TEMPORAL_UI:
            command = replace(command, cause=f"CANCELLED_{call.purpose}")
        done: list[states.Withdrawn] = []

        async def use_case(tx: WriteTx) -> Effect:
            done.append(await states.withdraw(command, Cases(tx, self._runtime.cipher), call.now))
            return done[0].effect

        if request.validate_only:
            await self._runtime.commands.rehearse(call, use_case)
            effect = Effect(before.id, before.version, replayed=True)
        else:
            effect = await self._runtime.commands.perform(call, request, use_case)
        answer = pb.WithdrawResponse(application=await self._answer(call, effect))
        if previews and done:
            answer.preview_hash = done[0].preview_hash
            answer.falling.extend(wire.falling_to_proto(item) for item in done[0].falling)
        return answer

    async def FileAppeal(self, request: pb.FileAppealRequest, context: Context) -> pb.FileAppealResponse:
        call = await self._case_call(request.request_id, request.application_id, AuthorityScope.APPEAL)
        posted_on = optional_date(request.posted_date, "posted_date")
        effect = await self._perform(
            call,
            request,
            lambda store: decisions.file_appeal(request.application_id, posted_on, store, call.now, call.today),
        )
        return pb.FileAppealResponse(application=await self._answer(call, effect))

    async def DecideAppeal(self, request: pb.DecideAppealRequest, context: Context) -> pb.DecideAppealResponse:
        call = await self._case_call(request.request_id, request.application_id)
        outcome = "GRANTED" if request.granted else "DISMISSED"
        effect = await self._perform(
            call, request, lambda store: decisions.decide_appeal(request.application_id, outcome, store, call.now)
        )
        return pb.DecideAppealResponse(application=await self._answer(call, effect))

    async def CheckEligibility(
        self, request: pb.CheckEligibilityRequest, context: Context
    ) -> pb.CheckEligibilityResponse:
        return questions.answer_eligibility(request)

    async def CheckIdentifier(self, request: pb.CheckIdentifierRequest, context: Context) -> pb.CheckIdentifierResponse:
        return questions.answer_identifier(request, self._runtime.call().today)

    async def ExplainAge(self, request: pb.ExplainAgeRequest, context: Context) -> pb.ExplainAgeResponse:
        return questions.answer_age(request)

    async def CheckMedicalBoardDecision(
        self, request: pb.CheckMedicalBoardDecisionRequest, context: Context
    ) -> pb.CheckMedicalBoardDecisionResponse:
        return questions.answer_decision(request)

    async def CheckDocuments(self, request: pb.CheckDocumentsRequest, context: Context) -> pb.CheckDocumentsResponse:
        return answer_documents(request)

    async def GetCaseFacts(self, request: pb.GetCaseFactsRequest, context: Context) -> pb.GetCaseFactsResponse:
        call = self._runtime.call(object_id=request.application_id)
        async with self._runtime.commands.health_read(call, "CASE_FACTS") as (tx, note):
            found = await reading.case_facts(tx, request.application_id)
            require_own_case(call.caller, found.application)
            note.municipality_id = found.application.municipality_id
            facts = found.opened(self._runtime.cipher)
        message = wire.case_facts_to_proto(found.application, found.decision, facts, found.rules, found.office)
        return pb.GetCaseFactsResponse(case_facts=message)

    async def AdvanceCase(self, request: pb.AdvanceCaseRequest, context: Context) -> pb.AdvanceCaseResponse:
        call = await self._case_call(request.request_id, request.application_id)
        to = code_from_proto(types_pb2.CaseState, request.to_state, CaseState, "to_state")
        appointed = to is CaseState.ASSESSMENT_SCHEDULED
        command = states.AdvanceCase(
            application_id=request.application_id,
            to=to,
            cause=request.cause,
            stage=code_from_proto(types_pb2.Stage, request.stage, Stage, "stage"),
            at=instant_from_proto(request.event_time),
            visit_date=await self._assessment.visit_day(request.application_id) if appointed else None,
        )
        effect = await self._perform(call, request, lambda store: states.advance_case(command, store))
        application = await self._application(effect.resource)
        self._count(effect, application.state)
        return pb.AdvanceCaseResponse(state=code_to_proto(types_pb2.CaseState, application.state))

    async def DecideEligibility(
        self, request: pb.DecideEligibilityRequest, context: Context
    ) -> pb.DecideEligibilityResponse:
        call, application = await self._own_case(request.request_id, request.application_id)
        if application.state in decisions.DECIDABLE:
            found = await self._assessment.found_facts(request.application_id)
            await self._perform(
                call,
                request,
                lambda store: decisions.decide_eligibility(request.application_id, found, store, call.now, call.today),
            )
        return await self._ruling(request.application_id)

    async def ListLiveCases(self, request: pb.ListLiveCasesRequest, context: Context) -> pb.ListLiveCasesResponse:
        call = self._runtime.call(municipality_id=request.municipality_id)
        call.caller.require_municipality(request.municipality_id or "*")
        page = Page(page_size(request.page_size, default=200), decode_token(request.page_token, 1))
        async with self._runtime.db.read() as tx:
            found = await reading.live_cases(tx, request.municipality_id, call.now, page)
        full = len(found) == page.size
        return pb.ListLiveCasesResponse(
            cases=[case_start(item.application, call.now, item.due, item.sequence, item.office) for item in found],
            next_page_token=encode_token(found[-1].application.id) if full else "",
        )

    async def _case_call(
        self, request_id: str, application_id: str, scope: AuthorityScope = AuthorityScope.READ
    ) -> Call:
        """The running call about a case of the caller's own, or of somebody they represent; NotFound for any other."""
        call, _ = await self._own_case(request_id, application_id, scope)
        return call

    async def _own_case(
        self, request_id: str, application_id: str, scope: AuthorityScope = AuthorityScope.READ
    ) -> tuple[Call, Application]:
        """As `_case_call`, with the case."""
        call = self._runtime.call(request_id, object_id=application_id)
        application = await self._application(application_id)
        return await standing_of(call, application, scope, self._runtime.db), application

    async def _perform(self, call: Call, request: Message, command: CaseCommand) -> Effect:
        async def use_case(tx: WriteTx) -> Effect:
            return await command(Cases(tx, self._runtime.cipher))

        return await self._runtime.commands.perform(call, request, use_case)

    async def _application(self, application_id: str) -> Application:
        async with self._runtime.db.glance() as tx:
            return await reading.application(tx, application_id)

    async def _municipality(self, municipality_id: str) -> resources_pb2.Municipality:
        async with self._runtime.db.read() as tx:
            return wire.municipality_to_proto(await reading.municipality(tx, municipality_id))

    async def _answer(self, call: Call, effect: Effect) -> resources_pb2.Application:
        async with self._runtime.db.glance() as tx:
            view = await reading.view(tx, effect.resource)
        self._count(effect, view.application.state)
        return wire.application_to_proto(view, call.now)

    def _count(self, effect: Effect, state: CaseState) -> None:
        if not effect.replayed:
            self._metrics.stepped(state)

    async def _record_read(self, call: Call, application: Application, purpose: str) -> None:
        await self._runtime.commands.record_read(
            call, object_id=application.id, purpose=purpose, municipality_id=application.municipality_id
        )

    async def _ruling(self, application_id: str) -> pb.DecideEligibilityResponse:
        async with self._runtime.db.glance() as tx:
            view = await reading.view(tx, application_id)
        if view.decision is None:
            raise StateNotAllowed(metadata={"state": view.application.state})
        appeal = next((limit for limit in view.limits if limit.kind is LimitKind.APPEAL), None)
        return pb.DecideEligibilityResponse(
            state=code_to_proto(types_pb2.CaseState, view.application.state),
            outcome=code_to_proto(types_pb2.EligibilityOutcome, view.decision.outcome),
            appeal_end_time=None if appeal is None else instant_to_proto(appeal.expires_at),
        )
