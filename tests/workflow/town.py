# ruff: noqa: N802  # gRPC names the methods of a servicer.
"""A town of five fake services on a real socket: the worker's side of the contract, with ends that a test sets."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
from google.type.money_pb2 import Money

from services.delivery.domain.welfare import answered, climbed, closed
from services.delivery.wire import welfare as wire
from services.kernel.codes import CaseState
from socialcare.assessment.v1 import assessment_service_pb2 as assessment
from socialcare.assessment.v1 import assessment_service_pb2_grpc as assessment_grpc
from socialcare.assessment.v1 import reviews_pb2 as reviews
from socialcare.assessment.v1.resources_pb2 import Assessment as AssessmentMessage
from socialcare.assessment.v1.resources_pb2 import AssessmentState, Rung
from socialcare.billing.v1 import arrears_pb2 as arrears
from socialcare.billing.v1 import billing_service_pb2 as billing
from socialcare.billing.v1 import billing_service_pb2_grpc as billing_grpc
from socialcare.billing.v1 import runs_pb2 as runs
from socialcare.common.v1.flow_pb2 import CaseStart, StageSequence
from socialcare.common.v1.types_pb2 import EligibilityOutcome
from socialcare.delivery.v1 import delivery_service_pb2 as delivery
from socialcare.delivery.v1 import delivery_service_pb2_grpc as delivery_grpc
from socialcare.delivery.v1 import welfare_pb2 as welfare
from socialcare.intake.v1 import intake_service_pb2 as intake
from socialcare.intake.v1 import intake_service_pb2_grpc as intake_grpc
from socialcare.placement.v1 import placement_service_pb2 as placement
from socialcare.placement.v1 import placement_service_pb2_grpc as placement_grpc
from socialcare.placement.v1.resources_pb2 import PlacementState
from tests.workflow.known import MINUTES, Record, Town, refusal
from workflows.wire import case_state, state_on_wire, timestamp, wire_date


class Intake(intake_grpc.IntakeServiceServicer):
    def __init__(self, town: Town) -> None:
        self.town = town

    async def CancelForOperator(self, request: Any, context: Any) -> intake.CancelForOperatorResponse:
        await self.town.enter("CancelForOperator", request.application_id, request, context)
        record = self.town.cases[request.application_id]
        record.state = CaseState.WITHDRAWN
        record.acts.append(("cancel", request.act.staff_id, request.act.reason_code))
        return intake.CancelForOperatorResponse(state=state_on_wire(record.state))

    async def ReprojectLimits(self, request: Any, context: Any) -> intake.ReprojectLimitsResponse:
        await self.town.enter("Intake.ReprojectLimits", request.calendar_version, request, context)
        page = int(request.page_token or 0)
        more = str(page + 1) if page + 1 < len(self.town.moved) else ""
        return intake.ReprojectLimitsResponse(next_page_token=more, moved=self.town.moved[page])

    async def AdvanceCase(self, request: Any, context: Any) -> intake.AdvanceCaseResponse:
        await self.town.enter("AdvanceCase", request.application_id, request, context)
        record = self.town.cases[request.application_id]
        to = case_state(request.to_state)
        if record.state in {CaseState.WITHDRAWN, CaseState.EXPIRED}:
            await context.abort_with_status(refusal(grpc.StatusCode.FAILED_PRECONDITION, "STATE_NOT_ALLOWED"))
        if record.state is not to:
            record.state = to
            record.moves.append((to, request.cause, request.event_time.ToDatetime(tzinfo=UTC)))
        return intake.AdvanceCaseResponse(state=state_on_wire(record.state))

    async def DecideEligibility(self, request: Any, context: Any) -> intake.DecideEligibilityResponse:
        now = await self.town.enter("DecideEligibility", request.application_id, request, context)
        record = self.town.cases[request.application_id]
        if record.state is not record.outcome:
            record.state = record.outcome
            record.moves.append((record.outcome, "DECIDED", now))
        return intake.DecideEligibilityResponse(
            state=state_on_wire(record.state),
            outcome=EligibilityOutcome.ELIGIBILITY_OUTCOME_PENDING_ASSESSMENT
            if record.outcome is CaseState.ASSESSED
            else EligibilityOutcome.ELIGIBILITY_OUTCOME_ELIGIBLE,
            appeal_end_time=timestamp(record.appeal_end),
            appeal_pending=record.appeal_pending,
        )

    async def TakeOverFoundFacts(self, request: Any, context: Any) -> intake.TakeOverFoundFactsResponse:
        await self.town.enter("TakeOverFoundFacts", request.application_id, request, context)
        record = self.town.cases[request.application_id]
        record.facts_in_intake = record.facts_found
        return intake.TakeOverFoundFactsResponse(found_version=record.facts_in_intake)

    async def ListMunicipalities(self, request: Any, context: Any) -> intake.ListMunicipalitiesResponse:
        await self.town.enter("ListMunicipalities", request.page_token, request, context)
        first, *rest = self.town.municipalities
        if not request.page_token and rest:
            return intake.ListMunicipalitiesResponse(municipality_ids=[first], next_page_token="rest")
        return intake.ListMunicipalitiesResponse(municipality_ids=rest if request.page_token else [first])

    async def ListLiveCases(self, request: Any, context: Any) -> intake.ListLiveCasesResponse:
        return intake.ListLiveCasesResponse(cases=self.town.live)


class Assessment(assessment_grpc.AssessmentServiceServicer):
    def __init__(self, town: Town) -> None:
        self.town = town

    async def ActForOperator(self, request: Any, context: Any) -> assessment.ActForOperatorResponse:
        command = getattr(request, request.WhichOneof("command"))
        assert command.request_id == request.request_id
        await self.town.enter("ActForOperator", command.application_id, request, context)
        record = self.town.cases[command.application_id]
        record.acts.append((request.WhichOneof("command"), request.act.staff_id, request.act.reason_code))
        if request.HasField("schedule"):
            record.assessment = AssessmentState.ASSESSMENT_STATE_VISIT_SCHEDULED
        return assessment.ActForOperatorResponse(assessment=AssessmentMessage(state=record.assessment))

    async def ReprojectLimits(self, request: Any, context: Any) -> assessment.ReprojectLimitsResponse:
        await self.town.enter("Assessment.ReprojectLimits", request.calendar_version, request, context)
        page = int(request.page_token or 0)
        more = str(page + 1) if page + 1 < len(self.town.moved) else ""
        return assessment.ReprojectLimitsResponse(next_page_token=more, moved=self.town.moved[page])

    async def OpenAssessment(self, request: Any, context: Any) -> assessment.OpenAssessmentResponse:
        await self.town.enter("OpenAssessment", request.application_id, request, context)
        record = self.town.cases[request.application_id]
        return assessment.OpenAssessmentResponse(
            state=record.assessment,
            next_due_time=timestamp(_next(record)),
            due_time=timestamp(record.limit_end),
            overdue=_overdue(record),
            escalation_rung=_rung(record),
        )

    async def ClaimDueRungs(self, request: Any, context: Any) -> assessment.ClaimDueRungsResponse:
        now = await self.town.enter("ClaimDueRungs", request.application_id, request, context)
        record = self.town.cases[request.application_id]
        taken = [rung for at, rung in record.ladder if at <= now]
        record.claimed += [(rung, now) for rung in taken]
        record.ladder = [(at, rung) for at, rung in record.ladder if at > now]
        return assessment.ClaimDueRungsResponse(
            claimed=taken,
            next_due_time=timestamp(_next(record)),
            due_time=timestamp(record.limit_end),
            overdue=_overdue(record),
            escalation_rung=_rung(record),
        )

    async def OpenDueReview(self, request: Any, context: Any) -> reviews.OpenDueReviewResponse:
        now = await self.town.enter("OpenDueReview", request.application_id, request, context)
        later = [day for day in self.town.cases[request.application_id].reviews if day > now]
        return reviews.OpenDueReviewResponse(next_due_time=timestamp(min(later, default=None)))

    async def CloseAssessment(self, request: Any, context: Any) -> assessment.CloseAssessmentResponse:
        await self.town.enter("CloseAssessment", request.application_id, request, context)
        return assessment.CloseAssessmentResponse(state=AssessmentState.ASSESSMENT_STATE_CLOSED)

    async def GetCaseSequences(self, request: Any, context: Any) -> assessment.GetCaseSequencesResponse:
        return assessment.GetCaseSequencesResponse(sequences=self.town.sequences)


def _next(record: Record) -> datetime | None:
    return min((at for at, _ in record.ladder), default=None)


def _overdue(record: Record) -> bool:
    return not record.visited and any(rung == Rung.RUNG_BREACH for rung, _ in record.claimed)


def _rung(record: Record) -> int:
    return sum(rung in {Rung.RUNG_CALL_1, Rung.RUNG_CALL_2} for rung, _ in record.claimed)


class Placement(placement_grpc.PlacementServiceServicer):
    def __init__(self, town: Town) -> None:
        self.town = town

    async def ReprojectLimits(self, request: Any, context: Any) -> placement.ReprojectLimitsResponse:
        await self.town.enter("Placement.ReprojectLimits", request.calendar_version, request, context)
        page = int(request.page_token or 0)
        more = str(page + 1) if page + 1 < len(self.town.moved) else ""
        return placement.ReprojectLimitsResponse(next_page_token=more, moved=self.town.moved[page])

    async def OpenPlacement(self, request: Any, context: Any) -> placement.OpenPlacementResponse:
        await self.town.enter("OpenPlacement", request.application_id, request, context)
        record = self.town.cases[request.application_id]
        awaits_order = record.placement == PlacementState.PLACEMENT_STATE_ORDER_AWAITED
        return placement.OpenPlacementResponse(
            state=record.placement,
            directorate_code="SAD-LYULIN" if awaits_order else "",
            next_due_time=timestamp(record.placement_end),
            request_returned=record.request_returned,
            opinion_due_date=None if record.opinion_due is None else wire_date(record.opinion_due),
        )

    async def ClaimDueLimits(self, request: Any, context: Any) -> placement.ClaimDueLimitsResponse:
        now = await self.town.enter("ClaimDueLimits", request.application_id, request, context)
        record = self.town.cases[request.application_id]
        expired = record.placement_end is not None and record.placement_end <= now
        if expired and record.placement == PlacementState.PLACEMENT_STATE_OFFERED:
            record.placement, record.placement_end = PlacementState.PLACEMENT_STATE_WAITLISTED, None
            return placement.ClaimDueLimitsResponse(state=record.placement)
        return placement.ClaimDueLimitsResponse(state=record.placement, expired=expired)

    async def ClosePlacement(self, request: Any, context: Any) -> placement.ClosePlacementResponse:
        await self.town.enter("ClosePlacement", request.application_id, request, context)
        return placement.ClosePlacementResponse(state=PlacementState.PLACEMENT_STATE_CLOSED)

    async def GetCaseSequences(self, request: Any, context: Any) -> placement.GetCaseSequencesResponse:
        return placement.GetCaseSequencesResponse()


class Delivery(delivery_grpc.DeliveryServiceServicer):
    def __init__(self, town: Town) -> None:
        self.town = town

    async def CopyContract(self, request: Any, context: Any) -> delivery.CopyContractResponse:
        await self.town.enter("Delivery.CopyContract", request.application_id, request, context)
        record = self.town.cases[request.application_id]
        record.facts_in_delivery = record.facts_in_intake
        return delivery.CopyContractResponse(
            state=f"CARE_STATE_{record.care_state}", next_due_time=timestamp(_next_care(record))
        )

    async def AdvanceCare(self, request: Any, context: Any) -> delivery.AdvanceCareResponse:
        now = await self.town.enter("AdvanceCare", request.application_id, request, context)
        record = self.town.cases[request.application_id]
        while record.care and record.care[0][0] <= now:
            record.care_state = record.care.pop(0)[1]
        corrected, record.corrected = record.corrected, None
        notice, end = record.authorisation or (None, None)
        return delivery.AdvanceCareResponse(
            state=f"CARE_STATE_{record.care_state}",
            next_due_time=timestamp(_next_care(record)),
            corrected_from_month=corrected,
            authorisation_notice_time=timestamp(notice),
            authorisation_end_time=timestamp(end),
        )

    async def ClimbWelfareLadder(self, request: Any, context: Any) -> welfare.ClimbWelfareLadderResponse:
        now = await self.town.enter("ClimbWelfareLadder", request.check_id, request, context)
        check = self.town.checks[request.check_id] = climbed(self.town.checks[request.check_id], MINUTES, now)
        return wire.climbed_to_proto(check)

    async def ActOnWelfareCheck(self, request: Any, context: Any) -> welfare.ActOnWelfareCheckResponse:
        command = getattr(request, request.WhichOneof("command"))
        assert command.request_id == request.request_id
        now = await self.town.enter("ActOnWelfareCheck", command.check_id, request, context)
        check, by = self.town.checks[command.check_id], request.act.staff_id
        if request.HasField("answer_rung"):
            check = answered(check, wire.answer_of(command.answer), MINUTES, now, by)
        else:
            check = closed(check, wire.outcome_of(command.outcome), now, by)
        self.town.checks[command.check_id] = check
        return welfare.ActOnWelfareCheckResponse(check=wire.check_to_proto(check))

    async def ListLiveWelfareChecks(self, request: Any, context: Any) -> welfare.ListLiveWelfareChecksResponse:
        return welfare.ListLiveWelfareChecksResponse(checks=self.town.live_checks)

    async def OpenDailyRun(self, request: Any, context: Any) -> delivery.OpenDailyRunResponse:
        day = f"{request.on_date.year}-{request.on_date.month:02}-{request.on_date.day:02}"
        await self.town.enter("OpenDailyRun", day, request, context)
        return delivery.OpenDailyRunResponse(run_id=day, finished=self.town.finished)

    async def PlanPage(self, request: Any, context: Any) -> delivery.PlanPageResponse:
        await self.town.enter("PlanPage", request.run_id, request, context)
        return delivery.PlanPageResponse(next_page_token=_page_after(self.town.pages, request.page_token))

    async def CloseDailyRun(self, request: Any, context: Any) -> delivery.CloseDailyRunResponse:
        await self.town.enter("CloseDailyRun", request.run_id, request, context)
        return delivery.CloseDailyRunResponse()

    async def GetCaseSequences(self, request: Any, context: Any) -> delivery.GetCaseSequencesResponse:
        return delivery.GetCaseSequencesResponse()


def _next_care(record: Record) -> datetime | None:
    return record.care[0][0] if record.care else None


def _page_after(pages: list[str], token: str) -> str:
    return pages[0] if not token else pages[pages.index(token) + 1]


class Billing(billing_grpc.BillingServiceServicer):
    def __init__(self, town: Town) -> None:
        self.town = town

    async def ReprojectLimits(self, request: Any, context: Any) -> billing.ReprojectLimitsResponse:
        await self.town.enter("Billing.ReprojectLimits", request.calendar_version, request, context)
        page = int(request.page_token or 0)
        more = str(page + 1) if page + 1 < len(self.town.moved) else ""
        return billing.ReprojectLimitsResponse(next_page_token=more, moved=self.town.moved[page])

    async def CopyContract(self, request: Any, context: Any) -> billing.CopyContractResponse:
        await self.town.enter("Billing.CopyContract", request.application_id, request, context)
        record = self.town.cases[request.application_id]
        record.facts_in_billing = record.facts_in_intake
        return billing.CopyContractResponse(version=1)

    async def RefreshServedDays(self, request: Any, context: Any) -> billing.RefreshServedDaysResponse:
        await self.town.enter("RefreshServedDays", request.application_id, request, context)
        return billing.RefreshServedDaysResponse(corrections=1)

    async def OpenBillingRun(self, request: Any, context: Any) -> billing.OpenBillingRunResponse:
        month = f"{request.month.year}-{request.month.month:02}"
        await self.town.enter("OpenBillingRun", month, request, context)
        assert request.workflow_id.startswith("billing-run/")
        red = self.town.red.pop(0) if self.town.red else []
        return billing.OpenBillingRunResponse(
            run_id=month,
            finished=self.town.finished,
            auto_approve=self.town.auto_approve,
            red_invariants=[f"BILLING_INVARIANT_{name}" for name in red],
            accounts=1_000,
        )

    async def DraftPage(self, request: Any, context: Any) -> billing.DraftPageResponse:
        await self.town.enter("DraftPage", request.run_id, request, context)
        if self.town.hold is not None and self.town.hold[0] == request.page_token:
            await self.town.hold[1].wait()
        token = _page_after(self.town.pages, request.page_token)
        if token:
            return billing.DraftPageResponse(next_page_token=token, accounts=500, state="BILLING_RUN_STATE_DRAFTING")
        return billing.DraftPageResponse(accounts=500, review=self._review(), state=self._state())

    async def RenewRunReview(self, request: Any, context: Any) -> billing.RenewRunReviewResponse:
        month = f"{request.month.year}-{request.month.month:02}"
        await self.town.enter("RenewRunReview", month, request, context)
        if self.town.hold_look is not None:
            await self.town.hold_look.wait()
        return billing.RenewRunReviewResponse(run=billing.BillingRun(state=self._state(), review=self._review()))

    def _state(self) -> str:
        open_ = self.town.auto_approve and not self.town.waits_all_the_same
        return f"BILLING_RUN_STATE_{'APPROVED' if open_ else 'REVIEW'}"

    def _review(self) -> runs.RunReview:
        return runs.RunReview(
            drafts=990,
            month_drafts=990,
            month_total=Money(currency_code="EUR", units=120, nanos=500_000_000),
            previous_invoices=991,
            previous_total=Money(currency_code="EUR", units=130),
            outliers=3,
            missing_incomes=2,
            parked=1,
            drafts_hash=self.town.drafts,
        )

    async def ActForOperator(self, request: Any, context: Any) -> billing.ActForOperatorResponse:
        verb = request.WhichOneof("command")
        command = getattr(request, verb)
        assert command.request_id == request.request_id
        month = f"{command.month.year}-{command.month.month:02}"
        await self.town.enter("Billing.ActForOperator", month, request, context)
        if verb == "approve":
            self.town.read.append(command.drafts_hash)
            if command.drafts_hash != self.town.drafts:
                await context.abort_with_status(refusal(grpc.StatusCode.FAILED_PRECONDITION, "REVIEW_OUTDATED"))
        self.town.acts.append((verb, request.act.staff_id, request.act.reason_code))
        state = "BILLING_RUN_STATE_APPROVED" if verb == "approve" else "BILLING_RUN_STATE_DRAFTING"
        return billing.ActForOperatorResponse(run=billing.BillingRun(state=state))

    async def IssuePage(self, request: Any, context: Any) -> billing.IssuePageResponse:
        await self.town.enter("IssuePage", request.run_id, request, context)
        if self.town.hold_issue is not None:
            await self.town.hold_issue.wait()
        return billing.IssuePageResponse(more=self.town.calls_of("IssuePage", request.run_id) < self.town.issue_pages)

    async def CloseBillingRun(self, request: Any, context: Any) -> billing.CloseBillingRunResponse:
        await self.town.enter("CloseBillingRun", request.run_id, request, context)
        totals = [Money(currency_code="BGN", units=12, nanos=50_000_000), Money(currency_code="EUR", units=340)]
        return billing.CloseBillingRunResponse(
            run=billing.BillingRun(issued=3, totals=totals, failed=1, documents_hash="b" * 64)
        )

    async def AdvanceArrears(self, request: Any, context: Any) -> arrears.AdvanceArrearsResponse:
        now = await self.town.enter("AdvanceArrears", request.invoice_id, request, context)
        _, state, reminders = [row for row in self.town.arrears if row[0] <= now][-1]
        to_come = [row[0] for row in self.town.arrears if row[0] > now]
        by_clock = state in {"OVERDUE", "REMINDED", "INSTALMENTS"}
        return arrears.AdvanceArrearsResponse(
            state=arrears.ArrearsState.Value(f"ARREARS_STATE_{state}"),
            next_due_time=timestamp(to_come[0]) if to_come and by_clock else None,
            reminders=reminders,
            termination_possible_time=timestamp(self.town.arrears[-1][0]),
        )

    async def ListLiveArrears(self, request: Any, context: Any) -> arrears.ListLiveArrearsResponse:
        return arrears.ListLiveArrearsResponse(arrears=self.town.live_arrears)

    async def SweepArrears(self, request: Any, context: Any) -> arrears.SweepArrearsResponse:
        await self.town.enter("SweepArrears", request.municipality_id, request, context)
        return arrears.SweepArrearsResponse(moved=1, more=self.town.sweeps.pop(0))

    async def GetCaseSequences(self, request: Any, context: Any) -> billing.GetCaseSequencesResponse:
        return billing.GetCaseSequencesResponse()


@asynccontextmanager
async def serving(town: Town) -> AsyncIterator[Town]:
    """Serve the town on a free port of this machine."""
    server = grpc.aio.server()
    intake_grpc.add_IntakeServiceServicer_to_server(Intake(town), server)
    assessment_grpc.add_AssessmentServiceServicer_to_server(Assessment(town), server)
    placement_grpc.add_PlacementServiceServicer_to_server(Placement(town), server)
    delivery_grpc.add_DeliveryServiceServicer_to_server(Delivery(town), server)
    billing_grpc.add_BillingServiceServicer_to_server(Billing(town), server)
    town.address = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    try:
        yield town
    finally:
        await server.stop(None)


def live_case(application_id: str, state: CaseState, **sequences: int) -> CaseStart:
    """A row of ListLiveCases."""
    return CaseStart(
        application_id=application_id,
        municipality_id="TEST-TOWN",
        service_code="HSP",
        district_code="ISKAR",
        business_start_time=timestamp(datetime(2026, 1, 19, 8, 15, tzinfo=UTC)),
        state=state_on_wire(state),
        sequences=[
            StageSequence(stage=f"STAGE_{stage.upper()}", sequence=number) for stage, number in sequences.items()
        ],
    )


A_MOMENT = timedelta(seconds=1)
