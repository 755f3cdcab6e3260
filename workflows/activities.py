"""Activities of the worker: each is one call to the service that owns the fact, typed by its contract, nothing more.

The request carries the `request_id` that the workflow made, so a repeated attempt has the effect of the first.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import grpc
from temporalio import activity

from services.kernel.codes import Stage
from socialcare.assessment.v1 import assessment_service_pb2 as assessment
from socialcare.assessment.v1 import reviews_pb2 as reviews
from socialcare.assessment.v1.assessment_service_pb2_grpc import AssessmentServiceStub
from socialcare.billing.v1 import arrears_pb2 as arrears
from socialcare.billing.v1 import billing_service_pb2 as billing
from socialcare.billing.v1.billing_service_pb2_grpc import BillingServiceStub
from socialcare.delivery.v1 import delivery_service_pb2 as delivery
from socialcare.delivery.v1 import welfare_pb2 as welfare
from socialcare.delivery.v1.delivery_service_pb2_grpc import DeliveryServiceStub
from socialcare.intake.v1 import intake_service_pb2 as intake
from socialcare.intake.v1.intake_service_pb2_grpc import IntakeServiceStub
from socialcare.placement.v1 import placement_service_pb2 as placement
from socialcare.placement.v1.placement_service_pb2_grpc import PlacementServiceStub
from workflows.channels import StageCaller

__all__ = [
    "CALL_DEADLINE",
    "PAGE_DEADLINE",
    "AssessmentActivities",
    "BillingActivities",
    "DeliveryActivities",
    "IntakeActivities",
    "PlacementActivities",
    "batch_activities",
    "case_activities",
]

CALL_DEADLINE = timedelta(seconds=10)
"""Of a call about one case."""

PAGE_DEADLINE = timedelta(minutes=5)
"""Of a call about a page of cases or a whole run."""


class IntakeActivities:
    """Calls to intake."""

    def __init__(self, channel: grpc.aio.Channel, caller: StageCaller) -> None:
        self._stub = IntakeServiceStub(channel)
        self._caller = caller

    @activity.defn(name="Intake.AdvanceCase")
    async def advance_case(self, request: intake.AdvanceCaseRequest) -> intake.AdvanceCaseResponse:
        return await self._caller.call(self._stub.AdvanceCase, request, CALL_DEADLINE)

    @activity.defn(name="Intake.DecideEligibility")
    async def decide_eligibility(self, request: intake.DecideEligibilityRequest) -> intake.DecideEligibilityResponse:
        return await self._caller.call(self._stub.DecideEligibility, request, CALL_DEADLINE)

    @activity.defn(name="Intake.TakeOverFoundFacts")
    async def take_over_found_facts(
        self, request: intake.TakeOverFoundFactsRequest
    ) -> intake.TakeOverFoundFactsResponse:
        return await self._caller.call(self._stub.TakeOverFoundFacts, request, CALL_DEADLINE)

    @activity.defn(name="Intake.ReprojectLimits")
    async def reproject_limits(self, request: intake.ReprojectLimitsRequest) -> intake.ReprojectLimitsResponse:
        return await self._caller.call(self._stub.ReprojectLimits, request, PAGE_DEADLINE)

    @activity.defn(name="Intake.CancelForOperator")
    async def cancel_for_operator(self, request: intake.CancelForOperatorRequest) -> intake.CancelForOperatorResponse:
        return await self._caller.call(self._stub.CancelForOperator, request, CALL_DEADLINE)


class AssessmentActivities:
    """Calls to assessment."""

    def __init__(self, channel: grpc.aio.Channel, caller: StageCaller) -> None:
        self._stub = AssessmentServiceStub(channel)
        self._caller = caller

    @activity.defn(name="Assessment.OpenAssessment")
    async def open_assessment(self, request: assessment.OpenAssessmentRequest) -> assessment.OpenAssessmentResponse:
        return await self._caller.call(self._stub.OpenAssessment, request, CALL_DEADLINE)

    @activity.defn(name="Assessment.ClaimDueRungs")
    async def claim_due_rungs(self, request: assessment.ClaimDueRungsRequest) -> assessment.ClaimDueRungsResponse:
        return await self._caller.call(self._stub.ClaimDueRungs, request, CALL_DEADLINE)

    @activity.defn(name="Assessment.OpenDueReview")
    async def open_due_review(self, request: reviews.OpenDueReviewRequest) -> reviews.OpenDueReviewResponse:
        return await self._caller.call(self._stub.OpenDueReview, request, CALL_DEADLINE)

    @activity.defn(name="Assessment.CloseAssessment")
    async def close_assessment(self, request: assessment.CloseAssessmentRequest) -> assessment.CloseAssessmentResponse:
        return await self._caller.call(self._stub.CloseAssessment, request, CALL_DEADLINE)

    @activity.defn(name="Assessment.ReprojectLimits")
    async def reproject_limits(self, request: assessment.ReprojectLimitsRequest) -> assessment.ReprojectLimitsResponse:
        return await self._caller.call(self._stub.ReprojectLimits, request, PAGE_DEADLINE)

    @activity.defn(name="Assessment.ActForOperator")
    async def act_for_operator(self, request: assessment.ActForOperatorRequest) -> assessment.ActForOperatorResponse:
        return await self._caller.call(self._stub.ActForOperator, request, CALL_DEADLINE)


class PlacementActivities:
    """Calls to placement."""

    def __init__(self, channel: grpc.aio.Channel, caller: StageCaller) -> None:
        self._stub = PlacementServiceStub(channel)
        self._caller = caller

    @activity.defn(name="Placement.OpenPlacement")
    async def open_placement(self, request: placement.OpenPlacementRequest) -> placement.OpenPlacementResponse:
        return await self._caller.call(self._stub.OpenPlacement, request, CALL_DEADLINE)

    @activity.defn(name="Placement.ClaimDueLimits")
    async def claim_due_limits(self, request: placement.ClaimDueLimitsRequest) -> placement.ClaimDueLimitsResponse:
        return await self._caller.call(self._stub.ClaimDueLimits, request, CALL_DEADLINE)

    @activity.defn(name="Placement.ClosePlacement")
    async def close_placement(self, request: placement.ClosePlacementRequest) -> placement.ClosePlacementResponse:
        return await self._caller.call(self._stub.ClosePlacement, request, CALL_DEADLINE)

    @activity.defn(name="Placement.ReprojectLimits")
    async def reproject_limits(self, request: placement.ReprojectLimitsRequest) -> placement.ReprojectLimitsResponse:
        return await self._caller.call(self._stub.ReprojectLimits, request, PAGE_DEADLINE)


class DeliveryActivities:
    """Calls to delivery."""

    def __init__(self, channel: grpc.aio.Channel, caller: StageCaller) -> None:
        self._stub = DeliveryServiceStub(channel)
        self._caller = caller

    @activity.defn(name="Delivery.CopyContract")
    async def copy_contract(self, request: delivery.CopyContractRequest) -> delivery.CopyContractResponse:
        return await self._caller.call(self._stub.CopyContract, request, CALL_DEADLINE)

    @activity.defn(name="Delivery.AdvanceCare")
    async def advance_care(self, request: delivery.AdvanceCareRequest) -> delivery.AdvanceCareResponse:
        return await self._caller.call(self._stub.AdvanceCare, request, CALL_DEADLINE)

    @activity.defn(name="Delivery.ClimbWelfareLadder")
    async def climb_welfare_ladder(
        self, request: welfare.ClimbWelfareLadderRequest
    ) -> welfare.ClimbWelfareLadderResponse:
        return await self._caller.call(self._stub.ClimbWelfareLadder, request, CALL_DEADLINE)

    @activity.defn(name="Delivery.ActOnWelfareCheck")
    async def act_on_welfare_check(
        self, request: welfare.ActOnWelfareCheckRequest
    ) -> welfare.ActOnWelfareCheckResponse:
        return await self._caller.call(self._stub.ActOnWelfareCheck, request, CALL_DEADLINE)

    @activity.defn(name="Delivery.OpenDailyRun")
    async def open_daily_run(self, request: delivery.OpenDailyRunRequest) -> delivery.OpenDailyRunResponse:
        return await self._caller.call(self._stub.OpenDailyRun, request, PAGE_DEADLINE)

    @activity.defn(name="Delivery.PlanPage")
    async def plan_page(self, request: delivery.PlanPageRequest) -> delivery.PlanPageResponse:
        return await self._caller.call(self._stub.PlanPage, request, PAGE_DEADLINE)

    @activity.defn(name="Delivery.CloseDailyRun")
    async def close_daily_run(self, request: delivery.CloseDailyRunRequest) -> delivery.CloseDailyRunResponse:
        return await self._caller.call(self._stub.CloseDailyRun, request, PAGE_DEADLINE)


class BillingActivities:
    """Calls to billing."""

    def __init__(self, channel: grpc.aio.Channel, caller: StageCaller) -> None:
        self._stub = BillingServiceStub(channel)
        self._caller = caller

    @activity.defn(name="Billing.CopyContract")
    async def copy_contract(self, request: billing.CopyContractRequest) -> billing.CopyContractResponse:
        return await self._caller.call(self._stub.CopyContract, request, CALL_DEADLINE)

    @activity.defn(name="Billing.RefreshServedDays")
    async def refresh_served_days(self, request: billing.RefreshServedDaysRequest) -> billing.RefreshServedDaysResponse:
        return await self._caller.call(self._stub.RefreshServedDays, request, CALL_DEADLINE)

    @activity.defn(name="Billing.OpenBillingRun")
    async def open_billing_run(self, request: billing.OpenBillingRunRequest) -> billing.OpenBillingRunResponse:
        return await self._caller.call(self._stub.OpenBillingRun, request, PAGE_DEADLINE)

    @activity.defn(name="Billing.DraftPage")
    async def draft_page(self, request: billing.DraftPageRequest) -> billing.DraftPageResponse:
        return await self._caller.call(self._stub.DraftPage, request, PAGE_DEADLINE)

    @activity.defn(name="Billing.ActForOperator")
    async def act_for_operator(self, request: billing.ActForOperatorRequest) -> billing.ActForOperatorResponse:
        return await self._caller.call(self._stub.ActForOperator, request, CALL_DEADLINE)

    @activity.defn(name="Billing.RenewRunReview")
    async def renew_run_review(self, request: billing.RenewRunReviewRequest) -> billing.RenewRunReviewResponse:
        return await self._caller.call(self._stub.RenewRunReview, request, PAGE_DEADLINE)

    @activity.defn(name="Billing.IssuePage")
    async def issue_page(self, request: billing.IssuePageRequest) -> billing.IssuePageResponse:
        return await self._caller.call(self._stub.IssuePage, request, PAGE_DEADLINE)

    @activity.defn(name="Billing.CloseBillingRun")
    async def close_billing_run(self, request: billing.CloseBillingRunRequest) -> billing.CloseBillingRunResponse:
        return await self._caller.call(self._stub.CloseBillingRun, request, PAGE_DEADLINE)

    @activity.defn(name="Billing.ReprojectLimits")
    async def reproject_limits(self, request: billing.ReprojectLimitsRequest) -> billing.ReprojectLimitsResponse:
        return await self._caller.call(self._stub.ReprojectLimits, request, PAGE_DEADLINE)

    @activity.defn(name="Billing.AdvanceArrears")
    async def advance_arrears(self, request: arrears.AdvanceArrearsRequest) -> arrears.AdvanceArrearsResponse:
        return await self._caller.call(self._stub.AdvanceArrears, request, CALL_DEADLINE)

    @activity.defn(name="Billing.SweepArrears")
    async def sweep_arrears(self, request: arrears.SweepArrearsRequest) -> arrears.SweepArrearsResponse:
        return await self._caller.call(self._stub.SweepArrears, request, PAGE_DEADLINE)


def case_activities(channels: Mapping[Stage, grpc.aio.Channel], caller: StageCaller) -> list[Callable[..., Any]]:
    """What a worker of the case queue offers."""
    intake_calls = IntakeActivities(channels[Stage.INTAKE], caller)
    assessment_calls = AssessmentActivities(channels[Stage.ASSESSMENT], caller)
    placement_calls = PlacementActivities(channels[Stage.PLACEMENT], caller)
    delivery_calls = DeliveryActivities(channels[Stage.DELIVERY], caller)
    billing_calls = BillingActivities(channels[Stage.BILLING], caller)
    return [
        intake_calls.advance_case,
        intake_calls.decide_eligibility,
        intake_calls.take_over_found_facts,
        intake_calls.cancel_for_operator,
        assessment_calls.open_assessment,
        assessment_calls.open_due_review,
        assessment_calls.claim_due_rungs,
        assessment_calls.close_assessment,
        assessment_calls.act_for_operator,
        placement_calls.open_placement,
        placement_calls.claim_due_limits,
        placement_calls.close_placement,
        delivery_calls.copy_contract,
        delivery_calls.advance_care,
        delivery_calls.climb_welfare_ladder,
        delivery_calls.act_on_welfare_check,
        billing_calls.copy_contract,
        billing_calls.refresh_served_days,
        billing_calls.advance_arrears,
    ]


def batch_activities(channels: Mapping[Stage, grpc.aio.Channel], caller: StageCaller) -> list[Callable[..., Any]]:
    """What a worker of the batch queue offers."""
    intake_calls = IntakeActivities(channels[Stage.INTAKE], caller)
    assessment_calls = AssessmentActivities(channels[Stage.ASSESSMENT], caller)
    placement_calls = PlacementActivities(channels[Stage.PLACEMENT], caller)
    delivery_calls = DeliveryActivities(channels[Stage.DELIVERY], caller)
    billing_calls = BillingActivities(channels[Stage.BILLING], caller)
    return [
        intake_calls.reproject_limits,
        assessment_calls.reproject_limits,
        placement_calls.reproject_limits,
        billing_calls.reproject_limits,
        delivery_calls.open_daily_run,
        delivery_calls.plan_page,
        delivery_calls.close_daily_run,
        billing_calls.open_billing_run,
        billing_calls.draft_page,
        billing_calls.act_for_operator,
        billing_calls.renew_run_review,
        billing_calls.issue_page,
        billing_calls.close_billing_run,
        billing_calls.sweep_arrears,
    ]
