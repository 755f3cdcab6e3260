"""ApplicationWorkflow: one case from submission to the signed contract."""

from __future__ import annotations

from temporalio import workflow

from services.kernel.codes import CaseState, WorkflowType
from socialcare.common.v1.flow_pb2 import CaseCarry, CaseStart, Happened, NextDue
from workflows.case.assessment import AssessmentStage
from workflows.case.case import Case, CaseStage, Signed
from workflows.case.documents import DocumentsStage
from workflows.case.eligibility import EligibilityStage
from workflows.case.placement import PlacementStage
from workflows.case.way import RunTooLong, go

__all__ = ["ApplicationWorkflow"]


@workflow.defn(name=WorkflowType.APPLICATION.value)
class ApplicationWorkflow:
    """Documents, home assessment, eligibility, placement; then the same id goes on as CareWorkflow.

    Ends with the state in which the case closed. Signal `happened`: what a service says, each once. Query `next_due`:
    when the clock moves it. A rebuilt case starts in its present state and asks the owners where they stand.
    """

    @workflow.init
    def __init__(self, start: CaseStart, carry: CaseCarry | None = None) -> None:
        self._case = Case(start, carry)
        self.clock = self._case.clock

    @workflow.run
    async def run(self, start: CaseStart, carry: CaseCarry | None = None) -> str:  # noqa: ARG002  # read by __init__.
        """Lead the case to its contract or its end."""
        case = self._case
        try:
            stage, end = await go(case, _first_stage(case))
        except RunTooLong as long:
            workflow.continue_as_new(args=[case.start_of_next_run(long.stage.next_due), case.carry()])
        if isinstance(end, Signed):
            workflow.continue_as_new(
                args=[case.start_of_next_run(end.due), case.carry()], workflow=WorkflowType.CARE.value
            )
        case.finish(stage.waiting, end.state)
        return end.state.value

    @workflow.signal
    def happened(self, message: Happened) -> None:
        """Something happened to the case."""
        self._case.inbox.put(message)

    @workflow.query
    def next_due(self) -> NextDue:
        """When the case acts by itself, and where its clock stands."""
        return self._case.next_due()


def _first_stage(case: Case) -> CaseStage:
    match case.state:
        case CaseState.DRAFT | CaseState.SUBMITTED | CaseState.DOCS_PENDING:
            return DocumentsStage(case)
        case CaseState.REGISTERED | CaseState.ASSESSMENT_SCHEDULED:
            return AssessmentStage(case)
        case CaseState.ASSESSED | CaseState.INELIGIBLE:
            return EligibilityStage(case)
        case _:
            return PlacementStage(case)
