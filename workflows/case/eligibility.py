"""The decision S3 and the appeal against its refusal (L-04, D-05, L-08)."""

from __future__ import annotations

from datetime import datetime

from services.kernel.codes import CaseState, Event, Role, Stage
from socialcare.assessment.v1.assessment_service_pb2 import CloseAssessmentRequest
from socialcare.common.v1.types_pb2 import EligibilityOutcome
from socialcare.intake.v1.intake_service_pb2 import DecideEligibilityRequest
from workflows.activities import AssessmentActivities, IntakeActivities
from workflows.case.case import Case, Ended, Move
from workflows.case.inbox import News
from workflows.case.placement import PlacementStage
from workflows.desk import Waiting
from workflows.texts import Awaited, FlowStage
from workflows.wire import case_state, optional_instant

__all__ = ["EligibilityStage"]


class EligibilityStage:
    """Has intake decide; waits for an open fact, for the office head, or for the end of the appeal window."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self.next_due: datetime | None = None
        self.waiting = Waiting(FlowStage.ELIGIBILITY, Awaited.NEWS, Role.WORKER)
        self._window: datetime | None = None

    async def enter(self) -> Move:
        """Take the decision, or read the one that was taken."""
        answer = await self._case.calls.call(
            IntakeActivities.decide_eligibility, DecideEligibilityRequest(application_id=self._case.id)
        )
        self._case.state = case_state(answer.state)
        self.next_due = None
        if self._case.state is CaseState.INELIGIBLE:
            self._window = optional_instant(answer.appeal_end_time)
            return self._appealed() if answer.appeal_pending else self._appeal_open()
        if self._case.state is CaseState.ASSESSED:
            by_exception = answer.outcome == EligibilityOutcome.ELIGIBILITY_OUTCOME_EXCEPTION_REVIEW
            self.waiting = Waiting(
                FlowStage.ELIGIBILITY,
                Awaited.EXCEPTION_DECISION if by_exception else Awaited.UNKNOWN_FACT,
                Role.OFFICE_HEAD if by_exception else Role.SOCIAL_WORKER,
            )
            return None
        return PlacementStage(self._case)

    async def happened(self, news: News) -> Move:
        """A fact was found, an exception decided, an appeal filed or decided."""
        match news.event:
            case Event.ASSESSMENT_COMPLETED | Event.EXCEPTION_DECIDED:
                return await self.enter()
            case Event.APPEAL_FILED:
                return self._appealed()
            case Event.APPEAL_GRANTED:
                return await self._granted()
            case Event.APPEAL_DISMISSED:
                return self._appeal_open()
            case Event.LIMIT_MOVED if news.stage is Stage.INTAKE and self._case.state is CaseState.INELIGIBLE:
                self._window = news.due
                return self._appeal_open()
            case _:
                return None

    async def due(self) -> Move:
        """The appeal window is over and nobody appealed: the refusal stands."""
        return Ended(CaseState.INELIGIBLE)

    async def leave(self, cause: str) -> None:
        """Close the assessment, which a decision may have left open for a further fact."""
        await self._case.calls.call(
            AssessmentActivities.close_assessment, CloseAssessmentRequest(application_id=self._case.id, cause=cause)
        )

    async def _granted(self) -> Move:
        move = await self.enter()
        if self._case.state is CaseState.INELIGIBLE:
            # Another case of the person is live (L-08): the granted appeal waits until that one ends.
            self.next_due = None
            self.waiting = Waiting(FlowStage.ELIGIBILITY, Awaited.NEWS, Role.OFFICE_HEAD)
            return None
        return move

    def _appealed(self) -> Move:
        self.next_due = None
        self.waiting = Waiting(FlowStage.ELIGIBILITY, Awaited.APPEAL_DECISION, Role.OFFICE_HEAD)
        return None

    def _appeal_open(self) -> Move:
        self.next_due = self._window
        if self._window is None:
            return Ended(CaseState.INELIGIBLE)
        self.waiting = Waiting(FlowStage.ELIGIBILITY, Awaited.APPEAL, Role.APPLICANT, limit="APPEAL", due=self._window)
        return None
