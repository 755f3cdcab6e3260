"""DailyDeliveryWorkflow: the rolling horizon of a municipality's care, page by page (design laws 2 and 10, L-11)."""

from __future__ import annotations

from datetime import date

from temporalio import workflow

from services.kernel.codes import WorkflowType
from services.kernel.dates import start_of_day
from socialcare.common.v1.flow_pb2 import DailyRunStart, NextDue, RunCarry
from socialcare.delivery.v1.delivery_service_pb2 import CloseDailyRunRequest, OpenDailyRunRequest, PlanPageRequest
from workflows.activities import DeliveryActivities
from workflows.batch import PAGE_SIZE, BatchRun, scheduled_day
from workflows.calls import Refused
from workflows.desk import Waiting
from workflows.language import language
from workflows.texts import LABELS, Awaited, FlowStage, Label
from workflows.wire import wire_date

__all__ = ["DailyDeliveryWorkflow"]

FINISHED_BEFORE = "FINISHED_BEFORE"
FINISHED = "FINISHED"


@workflow.defn(name=WorkflowType.DAILY_DELIVERY.value)
class DailyDeliveryWorkflow:
    """Opens the day, plans every page of cases, closes the days before it, counts the kitchens.

    A case that cannot be planned is parked by delivery, for the office to look at, and the others go on.

    Ends with FINISHED, or FINISHED_BEFORE when the day was done. A refusal fails the run under its reason.
    """

    @workflow.init
    def __init__(self, start: DailyRunStart, carry: RunCarry | None = None) -> None:
        self._day = _day(start)
        self._run = BatchRun(Label.DAILY, start.municipality_id, start_of_day(self._day), carry)
        self.clock = self._run.clock

    @workflow.run
    async def run(self, start: DailyRunStart, carry: RunCarry | None = None) -> str:  # noqa: ARG002  # read by __init__.
        """Plan the day."""
        run = self._run
        run.show(Waiting(FlowStage.DAILY_RUN, Awaited.NOTHING))
        try:
            outcome = await self._plan(start)
        except Refused as refused:
            run.desk.finish(FlowStage.DAILY_RUN, refused.reason, None)
            raise refused.failure() from refused
        run.desk.finish(FlowStage.DAILY_RUN, outcome, None)
        return outcome

    async def _plan(self, start: DailyRunStart) -> str:
        run, calls = self._run, self._run.calls
        if not run.run_id:
            opened = await calls.call_page(
                DeliveryActivities.open_daily_run,
                OpenDailyRunRequest(municipality_id=start.municipality_id, on_date=wire_date(self._day)),
            )
            if opened.finished:
                return FINISHED_BEFORE
            run.run_id = opened.run_id
        while run.pages == 0 or run.page_token:
            page = await calls.call_page(
                DeliveryActivities.plan_page,
                PlanPageRequest(run_id=run.run_id, page_token=run.page_token, page_size=PAGE_SIZE),
            )
            run.page_done(page.next_page_token)
            run.cases += page.cases
            self._show(page.parked)
            if workflow.info().is_continue_as_new_suggested():
                start.on_date.CopyFrom(wire_date(self._day))
                workflow.continue_as_new(args=[start, run.carry()])
        await calls.call_page(DeliveryActivities.close_daily_run, CloseDailyRunRequest(run_id=run.run_id))
        return FINISHED

    def _show(self, parked: int) -> None:
        run = self._run
        words = LABELS[Label.PLANNED_SO_FAR].said(language())
        run.desk.progress = words.format(pages=run.pages, cases=run.cases, parked=parked)
        run.show(Waiting(FlowStage.DAILY_RUN, Awaited.NOTHING))

    @workflow.query
    def next_due(self) -> NextDue:
        """Where the clock of the run stands."""
        return self._run.next_due(settled=False)


def _day(start: DailyRunStart) -> date:
    if start.HasField("on_date"):
        return date(start.on_date.year, start.on_date.month, start.on_date.day)
    return scheduled_day()
