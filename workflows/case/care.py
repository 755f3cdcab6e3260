"""CareWorkflow: one case from the signed contract to the end of care."""

from __future__ import annotations

from temporalio import workflow

from services.kernel.codes import WorkflowType
from socialcare.common.v1.flow_pb2 import CaseCarry, CaseStart, Happened, NextDue
from workflows.case.case import Case, Ended
from workflows.case.delivery import DeliveryStage, ReviewDue
from workflows.case.way import RunTooLong, go

__all__ = ["CareWorkflow"]


@workflow.defn(name=WorkflowType.CARE.value)
class CareWorkflow:
    """Starts, pauses, resumes and ends care at 00:00 of its days; goes on anew at each yearly review.

    Ends with TERMINATED. Signal and query are those of ApplicationWorkflow, whose id it keeps.
    """

    @workflow.init
    def __init__(self, start: CaseStart, carry: CaseCarry | None = None) -> None:
        self._case = Case(start, carry)
        self.clock = self._case.clock

    @workflow.run
    async def run(self, start: CaseStart, carry: CaseCarry | None = None) -> str:  # noqa: ARG002  # read by __init__.
        """Lead care to its end."""
        case = self._case
        care = DeliveryStage(case)
        try:
            _, end = await go(case, care)
        except (RunTooLong, ReviewDue):
            workflow.continue_as_new(args=[case.start_of_next_run(care.care_due), case.carry()])
        if isinstance(end, Ended):
            case.finish(care.waiting, end.state)
        return case.state.value

    @workflow.signal
    def happened(self, message: Happened) -> None:
        """Something happened to the case."""
        self._case.inbox.put(message)

    @workflow.query
    def next_due(self) -> NextDue:
        """When the case acts by itself, and where its clock stands."""
        return self._case.next_due()
