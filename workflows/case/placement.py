"""Order, referral, waiting list, contract (S4 to S6, D-04, D-05, D-11, L-07 to L-10)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import datetime

from temporalio import workflow

from services.kernel.codes import CaseState, Event, Role, Stage
from socialcare.billing.v1.billing_service_pb2 import CopyContractRequest as BillingCopyContractRequest
from socialcare.common.v1.types_pb2 import LegalBasis
from socialcare.delivery.v1.delivery_service_pb2 import CopyContractRequest, CopyContractResponse
from socialcare.placement.v1.placement_service_pb2 import (
    ClaimDueLimitsRequest,
    ClosePlacementRequest,
    OpenPlacementRequest,
    OpenPlacementResponse,
)
from socialcare.placement.v1.resources_pb2 import PlacementState
from workflows.activities import BillingActivities, DeliveryActivities, PlacementActivities
from workflows.case.case import Case, Ended, Move, Signed
from workflows.case.inbox import News
from workflows.desk import Waiting
from workflows.texts import Awaited, FlowStage
from workflows.wire import care_as_case_state, civil_day, optional_instant

__all__ = ["PlacementStage", "copy_contract"]

_OPINIONS_SHOWN = "opinions-shown"
"""An earlier build dropped the message of an opinion unread; its runs go on without showing opinions."""

_BEFORE_A_PLACE = frozenset({CaseState.ELIGIBLE, CaseState.ORDER_REQUESTED, CaseState.ORDER_REFUSED})

_READY_STATES = {
    LegalBasis.LEGAL_BASIS_ORDER: CaseState.ORDER_ISSUED,
    LegalBasis.LEGAL_BASIS_COURT: CaseState.ORDER_ISSUED,
    LegalBasis.LEGAL_BASIS_MUNICIPAL_REFERRAL: CaseState.REFERRED,
}


async def copy_contract(case: Case) -> CopyContractResponse:
    """Have delivery and billing copy the contract as it stands, and answer how care stands."""
    care, _ = await asyncio.gather(
        case.calls.call(DeliveryActivities.copy_contract, CopyContractRequest(application_id=case.id)),
        case.calls.call(BillingActivities.copy_contract, BillingCopyContractRequest(application_id=case.id)),
    )
    return care


class PlacementStage:
    """Waits for whoever must act before the contract: directorate, municipality, a free place, the user."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self.next_due: datetime | None = None
        self.waiting = Waiting(FlowStage.PLACEMENT, Awaited.NEWS, Role.WORKER)

    async def enter(self) -> Move:
        """Open the placement, or find out where the open one stands."""
        return await self._look("PLACEMENT_OPENED", None)

    async def happened(self, news: News) -> Move:
        """Directorate, municipality or user did something; the owner says what it means for the case."""
        match news.event:
            case Event.CONTRACT_SIGNED:
                return await self._signed(news.at)
            case Event.ORDER_RECORDED:
                await self._case.advance(CaseState.ORDER_ISSUED, news.event.value, Stage.PLACEMENT, news.at)
            case Event.REFERRAL_RECORDED:
                await self._case.advance(CaseState.REFERRED, news.event.value, Stage.PLACEMENT, news.at)
            case Event.APPEAL_DISMISSED if self._case.state is CaseState.ORDER_REFUSED:
                return Ended(CaseState.ORDER_REFUSED)
            case Event.OPINION_CHANGED if not workflow.patched(_OPINIONS_SHOWN):
                return None
            case _:
                pass
        return await self._look(news.event.value, news.at)

    async def due(self) -> Move:
        """A limit has passed: D-04 is overdue, D-11 ends the case, or an offered place goes to the next in line."""
        answer = await self._case.calls.call(
            PlacementActivities.claim_due_limits, ClaimDueLimitsRequest(application_id=self._case.id)
        )
        if answer.expired:
            await self.leave("CONTRACT_EXPIRED")
            await self._case.advance(CaseState.EXPIRED, "CONTRACT_EXPIRED", Stage.PLACEMENT)
            return Ended(CaseState.EXPIRED)
        refused = answer.state == PlacementState.PLACEMENT_STATE_ORDER_REFUSED
        if refused and not answer.HasField("next_due_time") and not self._case.inbox:
            return Ended(CaseState.ORDER_REFUSED)
        return await self._look("LIMIT_PASSED", None)

    async def leave(self, cause: str) -> None:
        """Close the placement and free its place."""
        await self._case.calls.call(
            PlacementActivities.close_placement, ClosePlacementRequest(application_id=self._case.id, cause=cause)
        )

    async def _look(self, cause: str, at: datetime | None) -> Move:
        answer = await self._case.calls.call(
            PlacementActivities.open_placement, OpenPlacementRequest(application_id=self._case.id)
        )
        self.next_due = optional_instant(answer.next_due_time)
        if answer.state == PlacementState.PLACEMENT_STATE_CONTRACTED:
            return await self._signed(at)
        state = self._state_of(answer.state, answer.awaited_basis)
        if state is not None:
            await self._case.advance(state, cause, Stage.PLACEMENT, at)
        self.waiting = _waiting(answer, self.next_due)
        return None

    def _state_of(self, state: PlacementState, basis: LegalBasis) -> CaseState | None:
        """State of the case in that state of the placement; None: it stays."""
        match state:
            case PlacementState.PLACEMENT_STATE_READY if self._case.state in _BEFORE_A_PLACE:
                return _READY_STATES.get(basis)
            case PlacementState.PLACEMENT_STATE_ORDER_AWAITED:
                return CaseState.ORDER_REQUESTED
            case PlacementState.PLACEMENT_STATE_ORDER_REFUSED:
                return CaseState.ORDER_REFUSED
            case PlacementState.PLACEMENT_STATE_WAITLISTED | PlacementState.PLACEMENT_STATE_OFFERED:
                return CaseState.WAITLISTED
            case _:
                return None

    async def _signed(self, at: datetime | None) -> Move:
        care = await copy_contract(self._case)
        await self._case.advance(CaseState.CONTRACTED, Event.CONTRACT_SIGNED.value, Stage.PLACEMENT, at)
        # Care that begins on the day of signing has begun already: nothing later would say so.
        begun = care_as_case_state(care.state) is not CaseState.CONTRACTED
        return Signed(self._case.clock.now() if begun else optional_instant(care.next_due_time))


def _waiting(answer: OpenPlacementResponse, due: datetime | None) -> Waiting:
    stage, overdue = FlowStage.PLACEMENT, answer.overdue
    match answer.state:
        case PlacementState.PLACEMENT_STATE_REFERRAL_AWAITED:
            return Waiting(stage, Awaited.REFERRAL, Role.MUNICIPALITY, due=due, overdue=overdue)
        case PlacementState.PLACEMENT_STATE_ORDER_AWAITED:
            return _waiting_for_order(answer, due)
        case PlacementState.PLACEMENT_STATE_ORDER_REFUSED:
            return Waiting(stage, Awaited.APPEAL, Role.APPLICANT, limit="APPEAL", due=due)
        case PlacementState.PLACEMENT_STATE_WAITLISTED:
            return Waiting(stage, Awaited.FREE_PLACE, due=due)
        case PlacementState.PLACEMENT_STATE_OFFERED:
            # A history without `offer.days` has no limit here; its commands stay as they were.
            limit = "OFFER_ANSWER" if due is not None else ""
            return Waiting(stage, Awaited.OFFER_ANSWER, Role.APPLICANT, limit=limit, due=due)
        case _:
            return Waiting(
                stage, Awaited.CONTRACT, Role.APPLICANT, limit="CONTRACT_SIGNATURE", due=due, overdue=overdue
            )


def _waiting_for_order(answer: OpenPlacementResponse, due: datetime | None) -> Waiting:
    """The directorate is waited for, or the office when it got the request back; D-04 runs either way."""
    asked = answer.HasField("opinion_due_date")
    waiting = Waiting(
        FlowStage.PLACEMENT,
        Awaited.ORDER,
        limit="ORDER_DECISION",
        due=due,
        overdue=answer.overdue,
        opinion_due=civil_day(answer.opinion_due_date) if asked else None,
    )
    if answer.request_returned:
        return replace(waiting, awaited=Awaited.REMARKS_REPLY, role=Role.SOCIAL_WORKER)
    return replace(waiting, role=Role.DIRECTORATE, unit=answer.directorate_code)
