"""Home visit within seven days and needs assessment (S2, D-01, D-03, D-10, L-06).

The service keeps the limit with its reminder, breach and calls; the stage asks it again at the instants it names.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from services.kernel.codes import CaseState, Event, Role, Stage
from socialcare.assessment.v1.assessment_service_pb2 import (
    ClaimDueRungsRequest,
    CloseAssessmentRequest,
    OpenAssessmentRequest,
)
from socialcare.assessment.v1.resources_pb2 import AssessmentState, Rung
from workflows.activities import AssessmentActivities
from workflows.case.case import Case, Ended, Move
from workflows.case.eligibility import EligibilityStage
from workflows.case.inbox import News
from workflows.desk import Waiting
from workflows.texts import Awaited, FlowStage, Tick
from workflows.wire import optional_instant

__all__ = ["AssessmentStage"]

_TICKS = {
    Rung.RUNG_REMINDER: Tick.REMINDED,
    Rung.RUNG_BREACH: Tick.BREACHED,
    Rung.RUNG_CALL_1: Tick.CALLED_ONCE,
    Rung.RUNG_CALL_2: Tick.CALLED_TWICE,
}


class AssessmentStage:
    """Waits for the day of the visit, the visit, the assessment; takes each due rung of the limit."""

    def __init__(self, case: Case) -> None:
        self._case = case
        self.next_due: datetime | None = None
        self._limit = Waiting(FlowStage.ASSESSMENT, Awaited.VISIT_DAY, Role.OFFICE_HEAD, limit="HOME_ASSESSMENT")

    @property
    def waiting(self) -> Waiting:
        """Once a limit is breached, the office head is to act."""
        return replace(self._limit, role=Role.OFFICE_HEAD) if self._limit.overdue else self._limit

    async def enter(self) -> Move:
        """Open the assessment, or find out where the open one stands."""
        answer = await self._case.calls.call(
            AssessmentActivities.open_assessment, OpenAssessmentRequest(application_id=self._case.id)
        )
        self._case.office = answer.office_code or self._case.office
        self.next_due = optional_instant(answer.next_due_time)
        self._limit = replace(
            self._limit,
            due=optional_instant(answer.due_time),
            overdue=answer.overdue,
            rung=answer.escalation_rung,
        )
        match answer.state:
            case AssessmentState.ASSESSMENT_STATE_COMPLETED:
                return EligibilityStage(self._case)
            case AssessmentState.ASSESSMENT_STATE_CLOSED:
                return await self._visits_failed(None)
            case AssessmentState.ASSESSMENT_STATE_VISITED:
                self._await_assessment()
            case AssessmentState.ASSESSMENT_STATE_VISIT_SCHEDULED:
                await self._visit_scheduled(None)
            case _:
                self._limit = replace(self._limit, awaited=Awaited.VISIT_DAY, role=Role.OFFICE_HEAD)
        return None

    async def happened(self, news: News) -> Move:
        """The social worker or the office head did something."""
        match news.event:
            case Event.VISIT_SCHEDULED:
                self.next_due = news.due
                await self._visit_scheduled(news.at)
            case Event.VISIT_COMPLETED:
                # However late, the visit ends D-01 and its calls; D-03 runs on.
                self.next_due = news.due
                self._limit = replace(self._limit, due=news.due, overdue=False, rung=0)
                self._await_assessment()
            case Event.VISIT_FAILED | Event.LIMIT_MOVED:
                return await self.enter()
            case Event.VISITS_EXHAUSTED:
                return await self._visits_failed(news.at)
            case Event.ASSESSMENT_COMPLETED:
                return EligibilityStage(self._case)
            case _:
                pass
        return None

    async def due(self) -> Move:
        """Take the reminder, the breach, the calls that are due."""
        answer = await self._case.calls.call(
            AssessmentActivities.claim_due_rungs, ClaimDueRungsRequest(application_id=self._case.id)
        )
        if answer.claimed:
            self._case.note(_TICKS.get(answer.claimed[-1], Tick.LIMIT_PASSED))
        self.next_due = optional_instant(answer.next_due_time)
        self._limit = replace(
            self._limit,
            due=optional_instant(answer.due_time) or self._limit.due,
            overdue=answer.overdue,
            rung=answer.escalation_rung,
        )
        return None

    async def leave(self, cause: str) -> None:
        """Close the assessment."""
        await self._case.calls.call(
            AssessmentActivities.close_assessment, CloseAssessmentRequest(application_id=self._case.id, cause=cause)
        )

    async def _visit_scheduled(self, at: datetime | None) -> None:
        self._limit = replace(self._limit, awaited=Awaited.HOME_VISIT, role=Role.SOCIAL_WORKER)
        await self._case.advance(CaseState.ASSESSMENT_SCHEDULED, Event.VISIT_SCHEDULED.value, Stage.ASSESSMENT, at)

    def _await_assessment(self) -> None:
        self._limit = replace(
            self._limit,
            awaited=Awaited.NEEDS_ASSESSMENT,
            role=Role.SOCIAL_WORKER,
            limit="NEEDS_ASSESSMENT_AND_PLAN",
        )

    async def _visits_failed(self, at: datetime | None) -> Move:
        await self._case.advance(CaseState.WITHDRAWN, "VISITS_FAILED", Stage.ASSESSMENT, at)
        return Ended(CaseState.WITHDRAWN)
