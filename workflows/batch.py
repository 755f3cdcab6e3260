"""What the runs of a municipality share: their day, their clock, their face to operators."""

from __future__ import annotations

from datetime import date, datetime

from temporalio import workflow
from temporalio.common import SearchAttributeKey

from services.kernel.dates import local_date
from socialcare.common.v1.flow_pb2 import NextDue, RunCarry
from workflows import search_attributes as attributes
from workflows.calls import Calls
from workflows.clock import BusinessClock
from workflows.desk import Desk, Waiting
from workflows.language import language
from workflows.texts import LABELS, Label, Tick
from workflows.wire import timestamp

__all__ = ["PAGE_SIZE", "BatchRun", "is_scheduled", "scheduled_day"]

PAGE_SIZE = 5_000
"""Cases a page: at this size the history of a month's runs stays below a tenth of an event a person (design section
10)."""

_SCHEDULED_START = SearchAttributeKey.for_datetime("TemporalScheduledStartTime")


def scheduled_day() -> date:
    """The local day of the scheduled start, also when the run began late; the present day without a Schedule."""
    at = workflow.info().typed_search_attributes.get(_SCHEDULED_START)
    return local_date(at if at is not None else workflow.now())


def is_scheduled() -> bool:
    """Whether a Schedule started the run."""
    return workflow.info().typed_search_attributes.get(_SCHEDULED_START) is not None


class BatchRun:
    """One run of a municipality inside its workflow."""

    def __init__(
        self, title: Label, municipality: str, begins: datetime | None, carry: RunCarry | None, month: str = ""
    ) -> None:
        self.clock = BusinessClock.begin(begins) if carry is None else BusinessClock(carry.clock)
        self.calls = Calls(0 if carry is None else carry.steps)
        self.run_id = "" if carry is None else carry.run_id
        self.page_token = "" if carry is None else carry.page_token
        self.pages = 0 if carry is None else carry.pages
        self.phases = 0 if carry is None else carry.phases
        self.moved = 0 if carry is None else carry.moved
        self.cases = 0 if carry is None else carry.cases
        self._waits = False
        fixed = {attributes.MUNICIPALITY: municipality}
        if month:
            fixed[attributes.BILLING_MONTH] = month
        shown = LABELS[title].said(language()).format(unit=municipality)
        self.desk = Desk(self.clock, f"{shown} · {month}" if month else shown, fixed)
        self.desk.note(Tick.STARTED, self.clock.now())

    def page_done(self, next_token: str) -> None:
        """Remember where the next page begins."""
        self.page_token = next_token
        self.pages += 1
        self.desk.note(Tick.PAGE_DONE, self.clock.now())

    def show(self, waiting: Waiting) -> None:
        """Show operators what the run waits for."""
        self.desk.show(waiting, None)

    def carry(self) -> RunCarry:
        """What the next run goes on from."""
        return RunCarry(
            clock=self.clock.carry(),
            steps=self.calls.steps,
            run_id=self.run_id,
            page_token=self.page_token,
            pages=self.pages,
            phases=self.phases,
            moved=self.moved,
            cases=self.cases,
        )

    def next_due(self, *, settled: bool) -> NextDue:
        """Answer of the query `next_due`: the clock never moves a run that has begun."""
        return NextDue(business_time=timestamp(self.clock.now()), settled=settled, clock_offset=self.clock.offset)
