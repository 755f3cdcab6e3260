"""ApplicationWorkflow: one case from submission to the signed contract."""

from __future__ import annotations

from temporalio import workflow

from services.kernel.codes import CaseState, WorkflowType
from services.kernel.operator_acts import OperatorVerb
from socialcare.common.v1.flow_pb2 import CaseCarry, CaseStart, Happened, NextDue
from workflows.case.assessment import AssessmentStage
from workflows.case.case import Case, CaseStage, Signed
from workflows.case.documents import DocumentsStage
from workflows.case.eligibility import EligibilityStage
from workflows.case.operators import Asked, carry_out, check_shape
from workflows.case.placement import PlacementStage
from workflows.case.way import RunTooLong, go

__all__ = ["ApplicationWorkflow"]


@workflow.defn(name=WorkflowType.APPLICATION.value)
class ApplicationWorkflow:
    """Documents, home assessment, eligibility, placement; then the same id goes on as CareWorkflow.

    Ends with the state in which the case closed. Signal `happened`: what a service says, each once. Query `next_due`:
    when the clock moves it. Updates: what operators ask for. A rebuilt case starts in its present state and asks the
    owners where they stand.
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
            await case.operators_answered()
            workflow.continue_as_new(args=[case.start_of_next_run(long.stage.next_due), case.carry()])
        await case.operators_answered()
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

    @workflow.update
    async def schedule(self, asked: Asked) -> dict[str, str]:
        """Set the day of the home visit."""
        return await carry_out(self._case, OperatorVerb.SCHEDULE, asked)

    @schedule.validator
    def check_schedule(self, asked: Asked) -> None:
        """Shape only: the owner decides."""
        check_shape(OperatorVerb.SCHEDULE, asked)

    @workflow.update
    async def reassign(self, asked: Asked) -> dict[str, str]:
        """Give the visit to another social worker."""
        return await carry_out(self._case, OperatorVerb.REASSIGN, asked)

    @reassign.validator
    def check_reassign(self, asked: Asked) -> None:
        """Shape only: the owner decides."""
        check_shape(OperatorVerb.REASSIGN, asked)

    @workflow.update
    async def suspend(self, asked: Asked) -> dict[str, str]:
        """Let a limit stand still."""
        return await carry_out(self._case, OperatorVerb.SUSPEND, asked)

    @suspend.validator
    def check_suspend(self, asked: Asked) -> None:
        """Shape only: the owner decides."""
        check_shape(OperatorVerb.SUSPEND, asked)

    @workflow.update
    async def resume(self, asked: Asked) -> dict[str, str]:
        """Let a limit run on earlier than planned."""
        return await carry_out(self._case, OperatorVerb.RESUME, asked)

    @resume.validator
    def check_resume(self, asked: Asked) -> None:
        """Shape only: the owner decides."""
        check_shape(OperatorVerb.RESUME, asked)

    @workflow.update
    async def extend(self, asked: Asked) -> dict[str, str]:
        """Give a limit more days."""
        return await carry_out(self._case, OperatorVerb.EXTEND, asked)

    @extend.validator
    def check_extend(self, asked: Asked) -> None:
        """Shape only: the owner decides."""
        check_shape(OperatorVerb.EXTEND, asked)

    @workflow.update
    async def cancel(self, asked: Asked) -> dict[str, str]:
        """Withdraw the case."""
        return await carry_out(self._case, OperatorVerb.CANCEL, asked)

    @cancel.validator
    def check_cancel(self, asked: Asked) -> None:
        """Shape only: the owner decides."""
        check_shape(OperatorVerb.CANCEL, asked)


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
