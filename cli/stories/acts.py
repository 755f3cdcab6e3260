"""What people do in a story up to the contract, each as one public call (tests/stories/README.md section 3)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from cli.stories import acts_in_care, wire
from cli.stories import format as story
from cli.stories.world import World
from services.kernel.codes import CaseState, Role
from services.runtime.civil import date_to_proto
from socialcare.assessment.v1 import assessment_service_pb2 as assessment
from socialcare.common.v1 import types_pb2
from socialcare.intake.v1 import intake_service_pb2 as intake
from socialcare.placement.v1 import placement_service_pb2 as placement


async def submit_application(world: World, act: story.SubmitApplication) -> None:
    """Hand in an application; accepted, it opens the case of the act's label."""
    person = world.story.others[act.person] if act.person else world.story.person
    answer = await world.call(
        world.gateway.intake.SubmitApplication,
        intake.SubmitApplicationRequest(
            request_id=world.request_id(),
            municipality_id=world.municipality_id,
            person=wire.person(person),
            service_code=act.service,
            channel=f"CHANNEL_{act.channel}",
            document_codes=act.documents,
            facts=wire.facts(act.facts),
            facility_code=act.facility or "",
        ),
        intake.SubmitApplicationResponse,
        role=Role.SOCIAL_WORKER,
        at=act.at,
    )
    world.cases[act.case] = answer.application.application_id


async def attach_documents(world: World, act: story.AttachDocuments) -> None:
    """Bring further papers."""
    request = intake.AttachDocumentsRequest(
        request_id=world.request_id(),
        application_id=world.application_id(act.case),
        document_codes=act.documents,
        posted_date=wire.optional_date(act.posted_on),
    )
    method = world.gateway.intake.AttachDocuments
    await world.call(method, request, intake.AttachDocumentsResponse, role=Role.SOCIAL_WORKER, at=act.at)


async def confirm_expiry(world: World, act: story.ConfirmExpiry) -> None:
    """End an unanswered case."""
    request = intake.ConfirmExpiryRequest(request_id=world.request_id(), application_id=world.application_id(act.case))
    method = world.gateway.intake.ConfirmExpiry
    await world.call(method, request, intake.ConfirmExpiryResponse, role=Role.OFFICE_HEAD, at=act.at)


async def schedule_visit(world: World, act: story.ScheduleVisit) -> None:
    """Set the day of the home visit."""
    request = assessment.ScheduleVisitRequest(
        request_id=world.request_id(),
        application_id=world.application_id(act.case),
        on_date=date_to_proto(act.on),
    )
    method = world.gateway.assessment.ScheduleVisit
    await world.call(method, request, assessment.ScheduleVisitResponse, role=Role.OFFICE_HEAD, at=act.at)


async def record_visit_attempt(world: World, act: story.RecordVisitAttempt) -> None:
    """Record what happened at the door."""
    request = assessment.RecordVisitAttemptRequest(
        request_id=world.request_id(),
        application_id=world.application_id(act.case),
        result=f"VISIT_RESULT_{act.result}",
    )
    method = world.gateway.assessment.RecordVisitAttempt
    await world.call(method, request, assessment.RecordVisitAttemptResponse, role=Role.SOCIAL_WORKER, at=act.at)


async def complete_assessment(world: World, act: story.CompleteAssessment) -> None:
    """Record the facts found."""
    request = assessment.CompleteAssessmentRequest(
        request_id=world.request_id(),
        application_id=world.application_id(act.case),
        facts=wire.facts(act.facts),
    )
    method = world.gateway.assessment.CompleteAssessment
    await world.call(method, request, assessment.CompleteAssessmentResponse, role=Role.SOCIAL_WORKER, at=act.at)


async def decide_exception(world: World, act: story.DecideException) -> None:
    """Decide by exception."""
    request = intake.DecideExceptionRequest(
        request_id=world.request_id(),
        application_id=world.application_id(act.case),
        approved=act.decision == "APPROVED",
    )
    method = world.gateway.intake.DecideException
    await world.call(method, request, intake.DecideExceptionResponse, role=Role.OFFICE_HEAD, at=act.at)


async def record_order(world: World, act: story.RecordOrder) -> None:
    """Record the directorate's order or refusal."""
    request = placement.RecordOrderRequest(
        request_id=world.request_id(),
        application_id=world.application_id(act.case),
        issued=act.decision == "ISSUED",
        number=act.number,
        order_date=date_to_proto(act.date),
        directorate_code=act.directorate,
        facility_code=act.facility or "",
    )
    method = world.gateway.placement.RecordOrder
    await world.call(method, request, placement.RecordOrderResponse, role=Role.DIRECTORATE, at=act.at)


async def record_court_decision(world: World, act: story.RecordCourtDecision) -> None:
    """Record the ruling of the court."""
    request = placement.RecordCourtDecisionRequest(
        request_id=world.request_id(),
        application_id=world.application_id(act.case),
        number=act.number,
        ruling_date=date_to_proto(act.date),
    )
    method = world.gateway.placement.RecordCourtDecision
    await world.call(method, request, placement.RecordCourtDecisionResponse, role=Role.DIRECTORATE, at=act.at)


async def record_referral(world: World, act: story.RecordReferral) -> None:
    """Record the municipality's referral."""
    request = placement.RecordReferralRequest(
        request_id=world.request_id(),
        application_id=world.application_id(act.case),
        number=act.number,
        referral_date=date_to_proto(act.date),
    )
    method = world.gateway.placement.RecordReferral
    await world.call(method, request, placement.RecordReferralResponse, role=Role.MUNICIPALITY, at=act.at)


async def _at_placement(world: World, act: story.FileAppeal | story.DecideAppeal) -> bool:
    """Whether an appeal belongs to placement: the directorate, not the decision S3, is what it is about."""
    if isinstance(act, story.FileAppeal) and act.against == "SILENCE":
        return True
    request = intake.GetApplicationRequest(application_id=world.application_id(act.case))
    method = world.gateway.intake.GetApplication
    found = await world.call(method, request, intake.GetApplicationResponse, role=Role.OFFICE_HEAD, at=act.at)
    return found.application.state != types_pb2.CaseState.Value(f"CASE_STATE_{CaseState.INELIGIBLE}")


async def file_appeal(world: World, act: story.FileAppeal) -> None:
    """Appeal against a refusal or against silence."""
    application_id, posted = world.application_id(act.case), wire.optional_date(act.posted_on)
    if await _at_placement(world, act):
        await world.call(
            world.gateway.placement.FileAppeal,
            placement.FileAppealRequest(
                request_id=world.request_id(),
                application_id=application_id,
                against=f"APPEAL_SUBJECT_{act.against}",
                posted_date=posted,
            ),
            placement.FileAppealResponse,
            role=Role.SOCIAL_WORKER,
            at=act.at,
        )
        return
    request = intake.FileAppealRequest(request_id=world.request_id(), application_id=application_id, posted_date=posted)
    method = world.gateway.intake.FileAppeal
    await world.call(method, request, intake.FileAppealResponse, role=Role.SOCIAL_WORKER, at=act.at)


async def decide_appeal(world: World, act: story.DecideAppeal) -> None:
    """Record the outcome of an appeal."""
    application_id, granted = world.application_id(act.case), act.decision == "GRANTED"
    if await _at_placement(world, act):
        await world.call(
            world.gateway.placement.DecideAppeal,
            placement.DecideAppealRequest(
                request_id=world.request_id(), application_id=application_id, granted=granted
            ),
            placement.DecideAppealResponse,
            role=Role.OFFICE_HEAD,
            at=act.at,
        )
        return
    request = intake.DecideAppealRequest(request_id=world.request_id(), application_id=application_id, granted=granted)
    method = world.gateway.intake.DecideAppeal
    await world.call(method, request, intake.DecideAppealResponse, role=Role.OFFICE_HEAD, at=act.at)


async def set_capacity(world: World, act: story.SetCapacity) -> None:
    """Change the places of a facility."""
    request = placement.SetCapacityRequest(
        request_id=world.request_id(),
        municipality_id=world.municipality_id,
        facility_code=act.facility,
        capacity=act.capacity,
    )
    method = world.gateway.placement.SetCapacity
    await world.call(method, request, placement.SetCapacityResponse, role=Role.MUNICIPALITY, at=act.at)


async def answer_offer(world: World, act: story.AnswerOffer) -> None:
    """Answer an offered place."""
    request = placement.AnswerOfferRequest(
        request_id=world.request_id(),
        application_id=world.application_id(act.case),
        accepted=act.answer == "ACCEPTED",
    )
    method = world.gateway.placement.AnswerOffer
    await world.call(method, request, placement.AnswerOfferResponse, role=Role.SOCIAL_WORKER, at=act.at)


async def sign_contract(world: World, act: story.SignContract) -> None:
    """Sign."""
    request = placement.SignContractRequest(
        request_id=world.request_id(),
        application_id=world.application_id(act.case),
        start_date=date_to_proto(act.start_date),
        plan=wire.plan(act.plan),
        actual_cost=wire.optional_money(act.actual_cost),
        unit_price=wire.optional_money(act.unit_price),
    )
    method = world.gateway.placement.SignContract
    await world.call(method, request, placement.SignContractResponse, role=Role.SOCIAL_WORKER, at=act.at)


async def withdraw(world: World, act: story.Withdraw) -> None:
    """Withdraw before the contract."""
    request = intake.WithdrawRequest(request_id=world.request_id(), application_id=world.application_id(act.case))
    method = world.gateway.intake.Withdraw
    await world.call(method, request, intake.WithdrawResponse, role=Role.SOCIAL_WORKER, at=act.at)


async def terminate(world: World, act: story.Terminate) -> None:
    """End the service."""
    request = placement.TerminateRequest(
        request_id=world.request_id(),
        application_id=world.application_id(act.case),
        last_date=date_to_proto(act.date),
        ground=act.ground,
    )
    method = world.gateway.placement.Terminate
    await world.call(method, request, placement.TerminateResponse, role=Role.OFFICE_HEAD, at=act.at)


ACTS: dict[type[object], Callable[[World, Any], Awaitable[None]]] = {
    story.SubmitApplication: submit_application,
    story.AttachDocuments: attach_documents,
    story.ConfirmExpiry: confirm_expiry,
    story.ScheduleVisit: schedule_visit,
    story.RecordVisitAttempt: record_visit_attempt,
    story.CompleteAssessment: complete_assessment,
    story.DecideException: decide_exception,
    story.RecordOrder: record_order,
    story.RecordCourtDecision: record_court_decision,
    story.RecordReferral: record_referral,
    story.FileAppeal: file_appeal,
    story.DecideAppeal: decide_appeal,
    story.SetCapacity: set_capacity,
    story.AnswerOffer: answer_offer,
    story.SignContract: sign_contract,
    story.Withdraw: withdraw,
    story.Terminate: terminate,
    **acts_in_care.ACTS,
}
"""Every verb of the format and the call that performs it."""
