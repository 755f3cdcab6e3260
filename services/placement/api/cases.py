"""The methods about the placement of a case and its contract."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
from google.protobuf.message import Message

from services.kernel.codes import Role
from services.kernel.service_entry import PlacementBasis
from services.placement.api.capacity import rehearsed
from services.placement.documents.contract import Draft, rendered
from services.placement.domain.cases import AppealSubject, Contract, Ground, Placement, PlacementState
from services.placement.domain.preview import Preview
from services.placement.domain.register import Paper
from services.placement.errors import OrderMissing
from services.placement.metrics import PlacementMetrics
from services.placement.peers import Neighbours
from services.placement.ranks import explain_rank
from services.placement.rules import cases as rules
from services.placement.rules.register import days_of_acts
from services.placement.storage import capacity, dialogue, register
from services.placement.storage import cases as storage
from services.placement.storage.cases import Store
from services.placement.storage.documents import ContractFile, basis_of
from services.placement.usecases import cases as usecases
from services.placement.usecases import contracts, endings, places
from services.placement.usecases.cases import Order
from services.placement.usecases.contracts import Agreed
from services.placement.usecases.ports import Seat
from services.placement.wire.capacity import preview_to_proto
from services.placement.wire.cases import (
    case_facts,
    claimed_to_proto,
    contract_of,
    contract_to_proto,
    day_not_after,
    ground_of,
    opened_to_proto,
    placement_to_proto,
)
from services.placement.wire.register import coverage_of, covered_to_proto, paper_of_order, paper_of_referral
from services.runtime.civil import code_from_proto, code_to_proto, date_from_proto, trace_to_proto
from services.runtime.commands import Call, Effect
from services.runtime.database import WriteTx
from services.runtime.errors import DomainError, Forbidden, NotFound, NotYours
from services.runtime.ids import new_id
from services.runtime.server import Runtime
from socialcare.placement.v1 import placement_service_pb2 as pb
from socialcare.placement.v1 import resources_pb2

__all__ = ["CaseMethods", "Context"]

Context = grpc.aio.ServicerContext[Any, Any]
_Step = Callable[[Store], Awaitable[Effect]]
_Write = Callable[[WriteTx], Awaitable[Effect]]
_Tell = Callable[[], None]


class CaseMethods:
    """Part of `PlacementServicer`; named by the contract."""

    _runtime: Runtime
    _neighbours: Neighbours
    _metrics: PlacementMetrics

    async def RecordOrder(self, request: pb.RecordOrderRequest, context: Context) -> pb.RecordOrderResponse:
        call, present = await self._admitted(request.request_id, request.application_id)
        paper = paper_of_order(request, call.today)
        order = Order(
            issued=request.issued,
            paper=paper,
            covered=coverage_of(request, paper.act_date),
            directorate_code=request.directorate_code,
            facility_code=request.facility_code,
        )

        def record(tx: WriteTx) -> Awaitable[Effect]:
            return usecases.record_order(Seat.of(present), order, Store(tx), call.now)

        if request.validate_only:
            preview = await self._preview(call, present, record, request.facility_code)
            return pb.RecordOrderResponse(
                placement=await self._answer(call, request.application_id), preview=preview_to_proto(preview)
            )
        effect = await self._runtime.commands.perform(call, request, record)
        if not effect.replayed:
            self._metrics.answered(present, order, call.today)
        return pb.RecordOrderResponse(placement=await self._answer(call, request.application_id))

    async def RecordCourtDecision(
        self, request: pb.RecordCourtDecisionRequest, context: Context
    ) -> pb.RecordCourtDecisionResponse:
        call, _ = await self._admitted(request.request_id, request.application_id)
        ruled_on = day_not_after(request.ruling_date, "ruling_date", call.today)
        paper = Paper(request.number, ruled_on, request.citation, request.document_sha256)
        await self._perform(
            call,
            request,
            lambda store: usecases.record_court_decision(request.application_id, paper, store, call.now),
        )
        return pb.RecordCourtDecisionResponse(placement=await self._answer(call, request.application_id))

    async def RecordReferral(self, request: pb.RecordReferralRequest, context: Context) -> pb.RecordReferralResponse:
        call, _ = await self._admitted(request.request_id, request.application_id)
        paper = paper_of_referral(request, call.today)
        covered = coverage_of(request, paper.act_date)
        await self._perform(
            call,
            request,
            lambda store: usecases.record_referral(request.application_id, paper, covered, store, call.now),
        )
        return pb.RecordReferralResponse(placement=await self._answer(call, request.application_id))

    async def FileAppeal(self, request: pb.FileAppealRequest, context: Context) -> pb.FileAppealResponse:
        call, _ = await self._admitted(request.request_id, request.application_id)
        against = code_from_proto(pb.AppealSubject, request.against, AppealSubject, "against")
        posted = request.HasField("posted_date")
        acted_on = day_not_after(request.posted_date, "posted_date", call.today) if posted else call.today
        await self._perform(
            call,
            request,
            lambda store: usecases.file_appeal(request.application_id, against, acted_on, store, call.now),
        )
        return pb.FileAppealResponse(placement=await self._answer(call, request.application_id))

    async def DecideAppeal(self, request: pb.DecideAppealRequest, context: Context) -> pb.DecideAppealResponse:
        call, _ = await self._admitted(request.request_id, request.application_id)
        await self._perform(
            call,
            request,
            lambda store: usecases.decide_appeal(request.application_id, store, call.now, granted=request.granted),
        )
        return pb.DecideAppealResponse(placement=await self._answer(call, request.application_id))

    async def AnswerOffer(self, request: pb.AnswerOfferRequest, context: Context) -> pb.AnswerOfferResponse:
        call, present = await self._admitted(request.request_id, request.application_id)

        def answer(tx: WriteTx) -> Awaitable[Effect]:
            return places.answer_offer(Seat.of(present), Store(tx), call.now, accepted=request.accepted)

        if request.validate_only:
            preview = await self._preview(call, present, answer)
            return pb.AnswerOfferResponse(
                placement=await self._answer(call, request.application_id), preview=preview_to_proto(preview)
            )
        await self._runtime.commands.perform(call, request, answer)
        return pb.AnswerOfferResponse(placement=await self._answer(call, request.application_id))

    async def SignContract(self, request: pb.SignContractRequest, context: Context) -> pb.SignContractResponse:
        try:
            call, present = await self._admitted(request.request_id, request.application_id)
        except NotFound:
            await self._refuse_without_order(request)
            raise
        contract = contract_of(request, new_id(), call.today)
        agreed = await self._checked(request, present, contract, call)

        def sign(tx: WriteTx) -> Awaitable[Effect]:
            store = ContractFile(tx, self._runtime.cipher)
            return contracts.sign_contract(present, contract, agreed, store, call.now)

        if request.validate_only:
            preview = await self._preview(call, present, sign)
            return pb.SignContractResponse(
                placement=await self._answer(call, request.application_id), preview=preview_to_proto(preview)
            )
        effect = await self._runtime.commands.perform(call, request, sign)
        if not effect.replayed:
            self._metrics.signed.inc()
        return pb.SignContractResponse(placement=await self._answer(call, request.application_id))

    async def Terminate(self, request: pb.TerminateRequest, context: Context) -> pb.TerminateResponse:
        call, _ = await self._admitted(request.request_id, request.application_id)
        last_date, ground = date_from_proto(request.last_date, "last_date"), ground_of(request.ground)
        # Nobody but the office head decides that care ends for money (S11).
        if ground is Ground.ARREARS and call.role != Role.OFFICE_HEAD:
            raise Forbidden
        if ground is Ground.ARREARS and await self._runtime.commands.earlier(call, request) is None:
            await self._neighbours.check_termination(request.application_id, min(call.today, last_date))
        await self._perform(
            call,
            request,
            lambda store: usecases.terminate(request.application_id, last_date, ground, store, call.now),
            self._metrics.terminated.labels(ground).inc,
        )
        return pb.TerminateResponse(placement=await self._answer(call, request.application_id))

    async def GetPlacement(self, request: pb.GetPlacementRequest, context: Context) -> pb.GetPlacementResponse:
        call, _ = await self._admitted("", request.application_id)
        return pb.GetPlacementResponse(placement=await self._answer(call, request.application_id))

    async def ExplainPriority(self, request: pb.ExplainPriorityRequest, context: Context) -> pb.ExplainPriorityResponse:
        _, present = await self._admitted("", request.application_id)
        async with self._runtime.db.read() as tx:
            standing = await storage.standing_of(tx, request.application_id)
            parameters = await storage.parameters_of(tx, present.municipality_id)
        trace = explain_rank(present, standing, parameters.flags)
        return pb.ExplainPriorityResponse(position=standing.position, flags=present.flags, trace=trace_to_proto(trace))

    async def GetContract(self, request: pb.GetContractRequest, context: Context) -> pb.GetContractResponse:
        async with self._runtime.db.read() as tx:
            found = await storage.placement(tx, request.application_id)
            act = await register.in_force(tx, request.application_id)
            acts = await register.acts_of(tx, request.application_id)
        if found is None:
            raise _unknown(request.application_id)
        if found.contract is None:
            raise NotFound(resource_type="contract", resource_id=request.application_id)
        number = "" if act is None else act.number
        return pb.GetContractResponse(
            contract=contract_to_proto(found, found.contract, number),
            covered=map(covered_to_proto, days_of_acts(acts)),
        )

    async def OpenPlacement(self, request: pb.OpenPlacementRequest, context: Context) -> pb.OpenPlacementResponse:
        call = self._runtime.call(request.request_id, object_id=request.application_id)
        facts = None
        if await self._find(request.application_id) is None:
            facts = case_facts(await self._neighbours.case_facts(request.application_id))
        await self._perform(
            call,
            request,
            lambda store: usecases.open_placement(request.application_id, facts, store, call.now),
        )
        found = await self._found(request.application_id)
        returned = False
        if found.state is PlacementState.ORDER_AWAITED:
            async with self._runtime.db.glance() as tx:
                returned = await dialogue.is_returned(tx, request.application_id)
        return opened_to_proto(found, call.now, returned=returned)

    async def ClaimDueLimits(self, request: pb.ClaimDueLimitsRequest, context: Context) -> pb.ClaimDueLimitsResponse:
        call = self._runtime.call(request.request_id, object_id=request.application_id)
        present = await self._found(request.application_id)
        await self._perform(call, request, lambda store: endings.claim_due_limits(Seat.of(present), store, call.now))
        found = await self._found(request.application_id)
        if rules.has_lapsed(found) and not rules.has_lapsed(present):
            self._metrics.lapsed.inc()
        return claimed_to_proto(found, call.now)

    async def ClosePlacement(self, request: pb.ClosePlacementRequest, context: Context) -> pb.ClosePlacementResponse:
        call = self._runtime.call(request.request_id, object_id=request.application_id)
        present = await self._found(request.application_id)
        await self._perform(
            call,
            request,
            lambda store: endings.close_placement(Seat.of(present), request.cause, store, call.now),
        )
        found = await self._found(request.application_id)
        return pb.ClosePlacementResponse(state=code_to_proto(resources_pb2.PlacementState, found.state))

    async def GetCaseSequences(
        self, request: pb.GetCaseSequencesRequest, context: Context
    ) -> pb.GetCaseSequencesResponse:
        async with self._runtime.db.read() as tx:
            return pb.GetCaseSequencesResponse(sequences=await storage.sequences_of(tx, request.application_ids))

    async def _checked(
        self, request: pb.SignContractRequest, present: Placement, contract: Contract, call: Call
    ) -> Agreed | None:
        """Have the peers check plan and terms, and the document made of what they agree to.

        None when the signing will be refused or was done by this request.
        """
        if not request.validate_only and await self._runtime.commands.earlier(call, request) is not None:
            return None
        try:
            rules.sign(present, contract, call.now)
        except DomainError:
            return None
        case = await self._neighbours.case_facts(request.application_id)
        await self._neighbours.check_plan(request, case)
        await self._neighbours.check_terms(request, case)
        user = await self._neighbours.user(present.person_id)
        async with self._runtime.db.glance() as tx:
            basis = await basis_of(tx, present.application_id)
        decided = case_facts(case).rules
        document = await asyncio.to_thread(rendered, Draft(present, contract, user, basis, decided))
        return Agreed(decided.catalogue, document)

    async def _refuse_without_order(self, request: pb.SignContractRequest) -> None:
        """Raise OrderMissing for a case that needs an order and is not even accepted yet (R-33)."""
        call = self._runtime.call(request.request_id, object_id=request.application_id)
        facts = case_facts(await self._neighbours.case_facts(request.application_id))
        try:
            call.caller.require_municipality(facts.municipality_id)
            call.caller.require_person(facts.person_id)
        except NotYours:
            raise _unknown(request.application_id) from None
        if facts.basis_needed is PlacementBasis.ORDER:
            raise OrderMissing

    async def _perform(self, call: Call, request: Message, step: _Step, tell: _Tell = lambda: None) -> None:
        """Run the step; `tell` is called unless the request was a repetition."""
        effect = await self._runtime.commands.perform(call, request, lambda tx: step(Store(tx)))
        if not effect.replayed:
            tell()

    async def _preview(
        self, call: Call, present: Placement, step: _Write, facility_code: str = "", district_code: str = ""
    ) -> Preview:
        """What the step would do; an applicant sees the own case alone."""
        async with self._runtime.db.read() as tx:
            programme = await capacity.programme_for(
                tx, present.municipality_id, present.service_code, district_code or present.district_code
            )
        codes = (present.facility_code, facility_code, programme, present.programme_code, *Seat.of(present).kept_codes)
        touched = (present.municipality_id, codes, (present.application_id,))
        preview = await rehearsed(self._runtime, call, touched, step)
        return preview.of(present.application_id) if call.role == Role.APPLICANT else preview

    async def _answer(self, call: Call, application_id: str) -> resources_pb2.Placement:
        async with self._runtime.db.read() as tx:
            found = await storage.placement(tx, application_id)
            standing = await storage.standing_of(tx, application_id)
        if found is None:
            raise _unknown(application_id)
        return placement_to_proto(found, standing.position, call.now)

    async def _admitted(self, request_id: str, application_id: str) -> tuple[Call, Placement]:
        """The call of somebody who may act on the case, and its placement; what they may not know of is not found."""
        call = self._runtime.call(request_id, object_id=application_id)
        found = await self._found(application_id)
        if not call.caller.has(Role.WORKER):
            try:
                call.caller.require_municipality(found.municipality_id)
                call.caller.require_person(found.person_id)
            except NotYours:
                raise _unknown(application_id) from None
        return call, found

    async def _find(self, application_id: str) -> Placement | None:
        async with self._runtime.db.glance() as tx:
            return await storage.placement(tx, application_id)

    async def _found(self, application_id: str) -> Placement:
        found = await self._find(application_id)
        if found is None:
            raise _unknown(application_id)
        return found


def _unknown(application_id: str) -> NotFound:
    return NotFound(resource_type="placement", resource_id=application_id)
