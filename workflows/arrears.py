"""Arrears of an invoice from its due date to their end, and the daily look for overdue invoices (D-08, L-13)."""

from __future__ import annotations

from temporalio import workflow

from services.kernel.codes import Event, Role, WorkflowType
from socialcare.billing.v1.arrears_pb2 import (
    AdvanceArrearsRequest,
    AdvanceArrearsResponse,
    ArrearsStart,
    ArrearsState,
    ArrearsSweepStart,
    SweepArrearsRequest,
)
from socialcare.common.v1.flow_pb2 import Happened, NextDue, RunCarry
from workflows import search_attributes as attributes
from workflows.activities import BillingActivities
from workflows.alarm import Alarm
from workflows.batch import BatchRun
from workflows.calls import Calls, Refused
from workflows.clock import BusinessClock
from workflows.desk import Desk, Waiting
from workflows.language import language
from workflows.texts import LABELS, Awaited, FlowStage, Label, Tick
from workflows.wire import case_event, instant, optional_instant, timestamp

__all__ = ["ArrearsSweepWorkflow", "ArrearsWorkflow"]

FINISHED = "FINISHED"

_ENDS = {ArrearsState.ARREARS_STATE_SETTLED: "SETTLED", ArrearsState.ARREARS_STATE_WRITTEN_OFF: "WRITTEN_OFF"}

_AWAITED = {
    ArrearsState.ARREARS_STATE_OVERDUE: (Awaited.PAYMENT, None),
    ArrearsState.ARREARS_STATE_REMINDED: (Awaited.PAYMENT, None),
    ArrearsState.ARREARS_STATE_INSTALMENTS: (Awaited.INSTALMENT, None),
    ArrearsState.ARREARS_STATE_HARDSHIP: (Awaited.HARDSHIP_DECISION, Role.OFFICE_HEAD),
    ArrearsState.ARREARS_STATE_TO_DECIDE: (Awaited.ARREARS_DECISION, Role.OFFICE_HEAD),
    ArrearsState.ARREARS_STATE_CARE_KEPT: (Awaited.PAYMENT, None),
    ArrearsState.ARREARS_STATE_END_ADVISED: (Awaited.CARE_END, Role.OFFICE_HEAD),
}


@workflow.defn(name=WorkflowType.ARREARS.value)
class ArrearsWorkflow:
    """Asks billing to move the arrears when their next day has come, or when somebody paid or decided.

    Care is never ended here. Ends with SETTLED or WRITTEN_OFF; owed again, a run of the same id follows. Signal
    `happened` with ARREARS_CHANGED asks billing anew, once or often.
    """

    @workflow.init
    def __init__(self, start: ArrearsStart, steps: int = 0) -> None:
        self.clock = BusinessClock.begin(optional_instant(start.business_start_time))
        self._calls = Calls(steps)
        self._alarm = Alarm(self.clock)
        self._news = False
        self._settled = False
        title = LABELS[Label.ARREARS].said(language())
        self._desk = Desk(self.clock, title, {attributes.MUNICIPALITY: start.municipality_id})
        self._desk.note(Tick.STARTED, self.clock.now())

    @workflow.run
    async def run(self, start: ArrearsStart, steps: int = 0) -> str:  # noqa: ARG002  # read by __init__.
        """Lead the arrears to their end."""
        try:
            return await self._lead(start)
        except Refused as refused:
            self._desk.finish(FlowStage.ARREARS, refused.reason, None)
            raise refused.failure() from refused

    @workflow.signal
    def happened(self, message: Happened) -> None:
        """Somebody paid or decided."""
        if case_event(message.event) is Event.ARREARS_CHANGED:
            at = instant(message.event_time)
            self._news = True
            self.clock.reach(at)
            self._desk.note(Event.ARREARS_CHANGED, at)

    @workflow.query
    def next_due(self) -> NextDue:
        """When the arrears move by themselves, and where their clock stands."""
        return NextDue(
            due_time=timestamp(self._alarm.due),
            business_time=timestamp(self.clock.now()),
            settled=self._settled and not self._news,
            clock_offset=self.clock.offset,
        )

    async def _lead(self, start: ArrearsStart) -> str:
        while True:
            self._news = False
            answer = await self._calls.call(
                BillingActivities.advance_arrears, AdvanceArrearsRequest(invoice_id=start.invoice_id)
            )
            outcome = _ENDS.get(answer.state)
            if outcome is not None and not self._news:
                self._desk.finish(FlowStage.ARREARS, outcome, None)
                return outcome
            await self._wait(answer)
            if workflow.info().is_continue_as_new_suggested():
                anew = ArrearsStart(
                    invoice_id=start.invoice_id,
                    municipality_id=start.municipality_id,
                    business_start_time=timestamp(self.clock.now()),
                )
                workflow.continue_as_new(args=[anew, self._calls.steps])

    async def _wait(self, answer: AdvanceArrearsResponse) -> None:
        due = optional_instant(answer.next_due_time)
        awaited, role = _AWAITED.get(answer.state, (Awaited.NEWS, None))
        waiting = Waiting(
            FlowStage.ARREARS,
            awaited,
            role,
            limit="ARREARS_TERMINATION" if due is not None else "",
            due=optional_instant(answer.termination_possible_time) if due is not None else None,
            overdue=True,
            rung=answer.reminders,
        )
        self._desk.show(waiting, None)
        self._alarm.set(due, "" if due is None else self._desk.timer_summary(waiting, due))
        self._settled = True
        await workflow.wait_condition(lambda: self._news or self._alarm.rang)
        self._settled = False
        if self._alarm.rang:
            self._alarm.take()


@workflow.defn(name=WorkflowType.ARREARS_SWEEP.value)
class ArrearsSweepWorkflow:
    """Looks through a municipality's invoices once a day, page by page; billing starts what has to be started.

    Ends with FINISHED. A page that is repeated finds nothing left to begin.
    """

    @workflow.init
    def __init__(self, start: ArrearsSweepStart, carry: RunCarry | None = None) -> None:
        begins = optional_instant(start.business_start_time)
        self._run = BatchRun(Label.ARREARS_SWEEP, start.municipality_id, begins, carry)
        self.clock = self._run.clock

    @workflow.run
    async def run(self, start: ArrearsSweepStart, carry: RunCarry | None = None) -> str:  # noqa: ARG002  # read by __init__.
        """Look at every page."""
        run = self._run
        run.show(Waiting(FlowStage.ARREARS, Awaited.NOTHING))
        more = True
        while more:
            page = await run.calls.call_page(
                BillingActivities.sweep_arrears, SweepArrearsRequest(municipality_id=start.municipality_id)
            )
            more = page.more
            run.page_done("")
            if more and workflow.info().is_continue_as_new_suggested():
                workflow.continue_as_new(args=[start, run.carry()])
        run.desk.finish(FlowStage.ARREARS, FINISHED, None)
        return FINISHED

    @workflow.query
    def next_due(self) -> NextDue:
        """Where the clock of the run stands."""
        return self._run.next_due(settled=False)
