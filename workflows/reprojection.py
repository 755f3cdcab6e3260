"""ReprojectionWorkflow: every open limit of a municipality by a changed calendar, page by page (T-02, T-09)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from temporalio import workflow

from services.kernel.codes import WorkflowType
from socialcare.assessment.v1.assessment_service_pb2 import ReprojectLimitsRequest as AssessmentRequest
from socialcare.billing.v1.billing_service_pb2 import ReprojectLimitsRequest as BillingRequest
from socialcare.common.v1.flow_pb2 import NextDue, ReprojectionStart, RunCarry
from socialcare.intake.v1.intake_service_pb2 import ReprojectLimitsRequest as IntakeRequest
from socialcare.placement.v1.placement_service_pb2 import ReprojectLimitsRequest as PlacementRequest
from workflows.activities import AssessmentActivities, BillingActivities, IntakeActivities, PlacementActivities
from workflows.batch import BatchRun
from workflows.calls import Refused
from workflows.desk import Waiting
from workflows.language import language
from workflows.texts import LABELS, Awaited, FlowStage, Label
from workflows.wire import optional_instant

__all__ = ["ReprojectionWorkflow"]

FINISHED = "FINISHED"


class _Owner(NamedTuple):
    """One service that keeps limits: how it is asked for a page."""

    method: Callable[[Any, Any], Awaitable[Any]]
    request: Callable[..., Any]


_OWNERS = (
    _Owner(IntakeActivities.reproject_limits, IntakeRequest),
    _Owner(AssessmentActivities.reproject_limits, AssessmentRequest),
    _Owner(PlacementActivities.reproject_limits, PlacementRequest),
    _Owner(BillingActivities.reproject_limits, BillingRequest),
)
"""In the order of a case's way. Delivery keeps no limit: what it planned follows with its next daily run."""


@workflow.defn(name=WorkflowType.REPROJECTION.value)
class ReprojectionWorkflow:
    """Has each owner count its open limits by the calendar in force; the owners tell the cases whose instant moved.

    Ends with FINISHED. A page that is repeated finds nothing left to move. A refusal fails the run under its reason.
    """

    @workflow.init
    def __init__(self, start: ReprojectionStart, carry: RunCarry | None = None) -> None:
        begins = optional_instant(start.business_start_time)
        self._run = BatchRun(Label.REPROJECTION, start.municipality_id, begins, carry)
        self.clock = self._run.clock

    @workflow.run
    async def run(self, start: ReprojectionStart, carry: RunCarry | None = None) -> str:  # noqa: ARG002  # read by __init__.
        """Count every limit."""
        run = self._run
        try:
            await self._count(start)
        except Refused as refused:
            run.desk.finish(FlowStage.REPROJECTION, refused.reason, None)
            raise refused.failure() from refused
        run.desk.finish(FlowStage.REPROJECTION, FINISHED, None)
        return FINISHED

    async def _count(self, start: ReprojectionStart) -> None:
        run = self._run
        while run.phases < len(_OWNERS):
            self._show()
            owner = _OWNERS[run.phases]
            page = await run.calls.call_page(
                owner.method,
                owner.request(
                    municipality_id=start.municipality_id,
                    calendar_version=start.calendar_version,
                    page_token=run.page_token,
                ),
            )
            run.moved += page.moved
            run.page_done(page.next_page_token)
            if not run.page_token:
                run.phases += 1
            if workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(args=[start, run.carry()])
        self._show()

    def _show(self) -> None:
        run = self._run
        run.desk.progress = (
            LABELS[Label.RECOUNTED]
            .said(language())
            .format(done=run.phases, of=len(_OWNERS), pages=run.pages, moved=run.moved)
        )
        run.show(Waiting(FlowStage.REPROJECTION, Awaited.NOTHING))

    @workflow.query
    def next_due(self) -> NextDue:
        """Where the clock of the run stands."""
        return self._run.next_due(settled=False)
