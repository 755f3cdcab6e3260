"""BillingRunWorkflow: a municipality's month, drafted by page, reviewed, issued (D-07, L-01, L-12)."""

from __future__ import annotations

from temporalio import workflow

from services.kernel.codes import Event, Role, WorkflowType
from services.kernel.dates import Month, start_of_day
from socialcare.billing.v1.billing_service_pb2 import (
    CloseBillingRunRequest,
    DraftPageRequest,
    IssuePageRequest,
    OpenBillingRunRequest,
)
from socialcare.common.v1.flow_pb2 import BillingRunStart, Happened, NextDue, RunCarry
from workflows.activities import BillingActivities
from workflows.batch import PAGE_SIZE, BatchRun, scheduled_day
from workflows.calls import Refused
from workflows.desk import Waiting
from workflows.texts import Awaited, FlowStage, Label
from workflows.wire import case_event, instant, optional_instant, wire_month

__all__ = ["BillingRunWorkflow"]

FINISHED_BEFORE = "FINISHED_BEFORE"
FINISHED = "FINISHED"


@workflow.defn(name=WorkflowType.BILLING_RUN.value)
class BillingRunWorkflow:
    """Opens the month, drafts every page, waits at the review gate, issues, closes.

    Ends with FINISHED, or FINISHED_BEFORE when the month was done. A refusal (a red invariant) fails the run under its
    reason. Signal `happened` with RUN_APPROVED opens the gate, once or often.
    """

    @workflow.init
    def __init__(self, start: BillingRunStart, carry: RunCarry | None = None) -> None:
        self._month = _month(start)
        begins = optional_instant(start.business_start_time) or start_of_day(self._month.next().first)
        self._run = BatchRun(Label.BILLING, start.municipality_id, begins, carry, str(self._month))
        self._approved = carry is not None and carry.approved
        self._waits = False
        self.clock = self._run.clock

    @workflow.run
    async def run(self, start: BillingRunStart, carry: RunCarry | None = None) -> str:  # noqa: ARG002  # read by __init__.
        """Bill the month."""
        run = self._run
        run.show(Waiting(FlowStage.BILLING_RUN, Awaited.NOTHING))
        try:
            outcome = await self._bill(start)
        except Refused as refused:
            run.desk.finish(FlowStage.BILLING_RUN, refused.reason, None)
            raise refused.failure() from refused
        run.desk.finish(FlowStage.BILLING_RUN, outcome, None)
        return outcome

    @workflow.signal
    def happened(self, message: Happened) -> None:
        """The billing clerk approved the month."""
        if case_event(message.event) is Event.RUN_APPROVED:
            self._approved = True
            self.clock.reach(instant(message.event_time))
            self._run.desk.note(Event.RUN_APPROVED, instant(message.event_time))

    @workflow.query
    def next_due(self) -> NextDue:
        """Where the clock of the run stands; settled while it waits at the gate."""
        return self._run.next_due(settled=self._waits and not self._approved)

    async def _bill(self, start: BillingRunStart) -> str:
        run, calls = self._run, self._run.calls
        if not run.run_id:
            opened = await calls.call_page(
                BillingActivities.open_billing_run,
                OpenBillingRunRequest(
                    municipality_id=start.municipality_id,
                    month=wire_month(self._month),
                    workflow_id=workflow.info().workflow_id,
                ),
            )
            if opened.finished:
                return FINISHED_BEFORE
            run.run_id = opened.run_id
            self._approved = self._approved or opened.auto_approve
        await self._draft(start)
        await self._review()
        await self._issue(start)
        await calls.call_page(BillingActivities.close_billing_run, CloseBillingRunRequest(run_id=run.run_id))
        return FINISHED

    async def _draft(self, start: BillingRunStart) -> None:
        run = self._run
        while run.pages == 0 or run.page_token:
            page = await run.calls.call_page(
                BillingActivities.draft_page,
                DraftPageRequest(run_id=run.run_id, page_token=run.page_token, page_size=PAGE_SIZE),
            )
            run.page_done(page.next_page_token)
            self._go_on_anew_when_long(start)

    async def _review(self) -> None:
        if self._approved:
            return
        self._run.show(Waiting(FlowStage.BILLING_RUN, Awaited.APPROVAL, Role.BILLING_CLERK))
        self._waits = True
        await workflow.wait_condition(lambda: self._approved)
        self._waits = False
        self._run.show(Waiting(FlowStage.BILLING_RUN, Awaited.NOTHING))

    async def _issue(self, start: BillingRunStart) -> None:
        more = True
        while more:
            page = await self._run.calls.call_page(
                BillingActivities.issue_page, IssuePageRequest(run_id=self._run.run_id, page_size=PAGE_SIZE)
            )
            more = page.more
            self._go_on_anew_when_long(start)

    def _go_on_anew_when_long(self, start: BillingRunStart) -> None:
        if workflow.info().is_continue_as_new_suggested():
            carry = self._run.carry()
            carry.approved = self._approved
            start.month.CopyFrom(wire_month(self._month))
            workflow.continue_as_new(args=[start, carry])


def _month(start: BillingRunStart) -> Month:
    """The month asked for, or the one before the scheduled start."""
    if start.HasField("month"):
        return Month(start.month.year, start.month.month)
    return Month.of(scheduled_day()).plus(-1)
