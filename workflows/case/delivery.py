"""Care from the start of the contract to its end: starts, pauses, reviews, termination (S7, S8, S10, S11).

Days begin at 00:00 in Sofia (L-01): delivery names the next one, the stage asks it again at that instant.
"""

from __future__ import annotations

from datetime import datetime

from temporalio import workflow

from services.kernel.codes import CaseState, Event, Role, Stage
from services.kernel.dates import add_years, local_date, start_of_day
from services.kernel.register import decides
from socialcare.assessment.v1.reviews_pb2 import OpenDueReviewRequest
from socialcare.billing.v1.billing_service_pb2 import RefreshServedDaysRequest
from socialcare.delivery.v1.delivery_service_pb2 import AdvanceCareRequest, CopyContractRequest
from socialcare.intake.v1.intake_service_pb2 import TakeOverFoundFactsRequest
from socialcare.placement.v1.placement_service_pb2 import ClaimDueLimitsRequest, ClosePlacementRequest
from workflows.activities import (
    AssessmentActivities,
    BillingActivities,
    DeliveryActivities,
    IntakeActivities,
    PlacementActivities,
)
from workflows.case.case import Case, Ended, Move
from workflows.case.inbox import News
from workflows.case.placement import copy_contract
from workflows.desk import Waiting
from workflows.texts import Awaited, FlowStage, Tick
from workflows.wire import care_as_case_state, optional_instant

__all__ = ["DeliveryStage", "ReviewDue"]

_REVIEWS_BY_ASSESSMENT = "reviews-by-assessment"
"""Runs that began before assessment opened reviews go on without them until their year is over."""

_PLACES_BY_DAY = "places-by-day"
"""Runs that were rebuilt before places were held until a change takes effect do not ask for them."""

_PLACES_OF_A_VERSION = "places-of-a-version"
"""Runs that heard of an amended contract before its message named the day of giving back go on without that day."""

_FOUND_FACTS = "found-facts"
"""Runs that were rebuilt before reviews reached intake do not ask for what they found."""

_FOUND_FACTS_BILLED = "found-facts-billed"
"""Runs that heard of a completed review before billing was told of it go on without telling billing."""

_AWAITED = {
    CaseState.CONTRACTED: Awaited.CARE_START,
    CaseState.IN_SERVICE: Awaited.CARE_CHANGE,
    CaseState.PAUSED: Awaited.PAUSE_END,
}


@decides("S10")
class ReviewDue(Exception):
    """The day of a review has come: the next run opens it and goes on with the code of its day."""


class DeliveryStage:
    """Applies each start and end that is due; nobody is waited for."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self._care_due: datetime | None = optional_instant(case.start.due_time)
        if case.review is None:
            case.review = start_of_day(add_years(local_date(case.clock.now()), 1))
        self._review = case.review

    @property
    def care_due(self) -> datetime | None:
        """When delivery wants to be asked again."""
        return self._care_due

    @property
    def next_due(self) -> datetime | None:
        """The next change of care, of places held until then, of what is covered, or the review, whichever is first."""
        now = self._case.clock.now()
        covered = [at for at in (self._case.notice, self._case.uncovered) if at is not None and at > now]
        return min(due for due in (self._review, self._care_due, self._case.places, *covered) if due is not None)

    @property
    def waiting(self) -> Waiting:
        """Care goes on by itself until somebody must see to the next order or referral."""
        now, case = self._case.clock.now(), self._case
        if case.notice is not None and case.notice <= now:
            late = case.uncovered is not None and case.uncovered <= now
            return Waiting(
                FlowStage.CARE,
                Awaited.AUTHORISATION,
                Role.OFFICE_HEAD,
                limit="AUTHORISATION_END",
                due=case.uncovered,
                overdue=late,
            )
        return Waiting(FlowStage.CARE, _AWAITED.get(self._case.state, Awaited.NOTHING), due=self._care_due)

    async def enter(self) -> Move:
        """Go on where the run before stopped; a rebuilt case makes sure of the copies and asks delivery.

        A case whose care has ended is begun anew for one thing only: the bill of what was corrected afterwards (L-12).
        """
        if self._case.state is CaseState.TERMINATED:
            return await self._advance()
        if workflow.patched(_REVIEWS_BY_ASSESSMENT):
            await self._open_due_review()
        if not self._case.rebuilt:
            return None
        if workflow.patched(_FOUND_FACTS):
            await self._take_over_facts()
        await copy_contract(self._case)
        if workflow.patched(_PLACES_BY_DAY):
            await self._give_places_back()
        move = await self._advance()
        self._case.rebuilt = False
        return move

    async def happened(self, news: News) -> Move:
        """A pause, a past month, order or contract was changed, an end was recorded, or a review completed."""
        if news.event is Event.CONTRACT_AMENDED and workflow.patched(_PLACES_OF_A_VERSION):
            self._case.places = news.due
        match news.event:
            case Event.TERMINATION_RECORDED | Event.AUTHORISATION_CHANGED | Event.CONTRACT_AMENDED:
                await copy_contract(self._case)
                return await self._advance()
            case Event.PAUSE_CHANGED | Event.CARE_CORRECTED:
                return await self._advance()
            case Event.REVIEW_COMPLETED:
                self._review = self._case.review = news.due or self._review
                await self._take_over_facts()
                await self._copy_found_facts()
                return None
            case _:
                return None

    async def due(self) -> Move:
        """A day of change has come, of care, of places or of what is covered, or that of a review."""
        now = self._case.clock.now()
        given_back = self._case.places is not None and self._case.places <= now
        if given_back:
            await self._give_places_back()
        if self._care_due is not None and self._care_due <= now:
            self._case.note(Tick.CARE_MOVED)
            return await self._advance()
        if given_back or self._review > now:
            return None
        self._review = self._case.review = start_of_day(add_years(local_date(self._review), 1))
        raise ReviewDue

    async def leave(self, cause: str) -> None:
        """Free the place."""
        await self._case.calls.call(
            PlacementActivities.close_placement, ClosePlacementRequest(application_id=self._case.id, cause=cause)
        )

    @decides("S10")
    async def _open_due_review(self) -> None:
        """Have assessment open the review that is due, and learn when the next one is."""
        answer = await self._case.calls.call(
            AssessmentActivities.open_due_review, OpenDueReviewRequest(application_id=self._case.id)
        )
        self._review = self._case.review = optional_instant(answer.next_due_time) or self._review

    @decides("S10", "L-04")
    async def _take_over_facts(self) -> None:
        """Have intake keep what the last review found."""
        await self._case.calls.call(
            IntakeActivities.take_over_found_facts, TakeOverFoundFactsRequest(application_id=self._case.id)
        )

    @decides("S10", "F-06", "F-07")
    async def _copy_found_facts(self) -> None:
        """Delivery sees with its copy who must be looked after, billing with its own who has a war status."""
        if workflow.patched(_FOUND_FACTS_BILLED):
            await copy_contract(self._case)
            return
        await self._case.calls.call(DeliveryActivities.copy_contract, CopyContractRequest(application_id=self._case.id))

    @decides("L-09")
    async def _give_places_back(self) -> None:
        """Have placement give back what was held until a change that holds by now, and learn of the next one."""
        answer = await self._case.calls.call(
            PlacementActivities.claim_due_limits, ClaimDueLimitsRequest(application_id=self._case.id)
        )
        self._case.places = optional_instant(answer.next_due_time)

    async def _advance(self) -> Move:
        care = await self._case.calls.call(
            DeliveryActivities.advance_care, AdvanceCareRequest(application_id=self._case.id)
        )
        self._care_due = optional_instant(care.next_due_time)
        self._case.notice = optional_instant(care.authorisation_notice_time)
        self._case.uncovered = optional_instant(care.authorisation_end_time)
        if care.HasField("corrected_from_month"):
            await self._case.calls.call(
                BillingActivities.refresh_served_days,
                RefreshServedDaysRequest(application_id=self._case.id, from_month=care.corrected_from_month),
            )
        state = care_as_case_state(care.state)
        await self._case.advance(state, f"CARE_{state}", Stage.DELIVERY)
        if state is CaseState.TERMINATED:
            await self.leave("TERMINATED")
            return Ended(CaseState.TERMINATED)
        return None
