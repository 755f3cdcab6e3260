"""What the stages of one case share: its state, clock, calls, inbox, timer and its face to operators."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from temporalio import workflow

from services.kernel.codes import CaseState, Event, Role, Stage
from socialcare.common.v1.flow_pb2 import CaseCarry, CaseStart, NextDue
from socialcare.intake.v1.intake_service_pb2 import AdvanceCaseRequest
from workflows import search_attributes as attributes
from workflows.activities import IntakeActivities
from workflows.alarm import Alarm
from workflows.calls import Calls
from workflows.case.inbox import Inbox, News
from workflows.clock import BusinessClock
from workflows.desk import Desk, Waiting
from workflows.language import language
from workflows.texts import LABELS, Awaited, Label, Tick
from workflows.wire import case_event, case_state, instant, optional_instant, stage_on_wire, state_on_wire, timestamp

__all__ = ["Case", "CaseStage", "Ended", "Move", "Signed"]


_BETWEEN = {
    (CaseState.ELIGIBLE, CaseState.ORDER_ISSUED): CaseState.ORDER_REQUESTED,
    (CaseState.ELIGIBLE, CaseState.ORDER_REFUSED): CaseState.ORDER_REQUESTED,
    (CaseState.ORDER_REQUESTED, CaseState.CONTRACTED): CaseState.ORDER_ISSUED,
    (CaseState.CONTRACTED, CaseState.PAUSED): CaseState.IN_SERVICE,
}
"""Steps that intake's table does not have in one, and the state between (domain.md section 4)."""


@dataclass(frozen=True, slots=True)
class Ended:
    """The case has no further way."""

    state: CaseState


@dataclass(frozen=True, slots=True)
class Signed:
    """The contract is signed and copied; care follows."""

    due: datetime | None
    """When delivery wants to be asked; None: not at all."""


class CaseStage(Protocol):
    """One stage of a case's way. Every step may be taken again: the owners answer as things stand."""

    @property
    def waiting(self) -> Waiting:
        """For what it waits now."""
        ...

    @property
    def next_due(self) -> datetime | None:
        """When the clock moves it; None: only people do."""
        ...

    async def enter(self) -> Move:
        """Begin, or find out from the owners where it stands."""
        ...

    async def happened(self, news: News) -> Move:
        """Somebody did something."""
        ...

    async def due(self) -> Move:
        """`next_due` has come."""
        ...

    async def leave(self, cause: str) -> None:
        """The case ends here: close what is open at the owner."""
        ...


Move = CaseStage | Ended | Signed | None
"""Where a step leads; None: the stage goes on waiting."""


class Case:
    """One case inside its workflow. Holds ids, instants and codes only (design law 4)."""

    def __init__(self, start: CaseStart, carry: CaseCarry | None) -> None:
        self.start = start
        self.state = case_state(start.state)
        self.office = start.office_code
        """Code of the office that serves the case; empty until somebody says it."""
        self.rebuilt = carry is None
        """The owners must be asked where they stand: they may be ahead of what this run has seen."""
        self.review = None if carry is None else optional_instant(carry.review_time)
        self.places = None if carry is None else optional_instant(carry.places_time)
        """When placement gives back what the case held until a change of its contract; None: nothing."""
        self.notice = None if carry is None else optional_instant(carry.authorisation_notice_time)
        """From when on somebody must see to the next order or referral; None: none is needed."""
        self.uncovered = None if carry is None else optional_instant(carry.authorisation_end_time)
        """First instant that the present order or referral does not cover; None as `notice`."""
        self.clock = (
            BusinessClock.begin(optional_instant(start.business_start_time))
            if carry is None
            else BusinessClock(carry.clock)
        )
        self.calls = Calls(0 if carry is None else carry.steps)
        self.inbox = Inbox(start.sequences, () if carry is None else carry.pending)
        self._alarm = Alarm(self.clock)
        self._waits = False
        self._desk = Desk(
            self.clock,
            LABELS[Label.CASE].said(language()).format(service=start.service_code),
            {
                attributes.MUNICIPALITY: start.municipality_id,
                attributes.SERVICE_CODE: start.service_code,
                attributes.DISTRICT: start.district_code,
            },
        )
        if carry is not None and carry.last_event:
            self._desk.note(case_event(carry.last_event), instant(carry.last_event_time))
        else:
            self._desk.note(Tick.STARTED, self.clock.now())

    @property
    def id(self) -> str:
        """The application."""
        return self.start.application_id

    def note(self, tick: Tick) -> None:
        """Tell operators what the clock brought."""
        self._desk.note(tick, self.clock.now())

    async def advance(self, to: CaseState, cause: str, stage: Stage, at: datetime | None = None) -> None:
        """Move the state of the case in intake; nothing when it stands there. Refused when the step is illegal.

        A case that was rebuilt, or whose worker was away for days, may be more than one step behind its owner.
        """
        between = _BETWEEN.get((self.state, to))
        if between is not None:
            await self.advance(between, cause, stage, at)
        if self.state is to:
            return
        answer = await self.calls.call(
            IntakeActivities.advance_case,
            AdvanceCaseRequest(
                application_id=self.id,
                to_state=state_on_wire(to),
                cause=cause,
                stage=stage_on_wire(stage),
                event_time=timestamp(at or self.clock.now()),
            ),
        )
        self.state = case_state(answer.state)

    async def next_news(self, waiting: Waiting, due: datetime | None) -> News | None:
        """Wait for a message, or for the instant: then None. Messages come first."""
        if not self.inbox:
            summary = self._desk.timer_summary(waiting, due) if due is not None else ""
            self._alarm.set(due, summary)
            self._desk.show(self._at_its_office(waiting), self.state)
            await self._until(lambda: bool(self.inbox) or self._alarm.rang)
        if self.inbox:
            return self._take()
        self._alarm.take()
        self._desk.note(Tick.LIMIT_PASSED, self.clock.now())
        return None

    async def next_news_after_refusal(self, waiting: Waiting, reason: str) -> News:
        """Wait for a message only: the clock cannot help. Operators see the reason unless it is a lost race."""
        self.rebuilt = True
        if not self.inbox:
            self._alarm.set(None, "")
            if reason == "STATE_NOT_ALLOWED":
                self._desk.show(Waiting(waiting.stage, Awaited.NEWS, Role.WORKER), self.state)
            else:
                self._desk.show(Waiting(waiting.stage, Awaited.REPAIR, Role.OPERATOR), self.state, reason)
            await self._until(lambda: bool(self.inbox))
        return self._take()

    async def operators_answered(self) -> None:
        """Wait until every update has its answer: a run that ends before loses it."""
        if not workflow.all_handlers_finished():
            await workflow.wait_condition(workflow.all_handlers_finished)

    def finish(self, waiting: Waiting, state: CaseState) -> None:
        """Show operators how the case ended."""
        self.state = state
        self._desk.finish(waiting.stage, state.value, state)

    def next_due(self) -> NextDue:
        """Answer of the query `next_due`."""
        return NextDue(
            due_time=timestamp(self._alarm.due),
            business_time=timestamp(self.clock.now()),
            settled=self._waits and not self.inbox and not self._alarm.rang,
            clock_offset=self.clock.offset,
        )

    def start_of_next_run(self, due: datetime | None) -> CaseStart:
        """Input of the next run: the case as it stands."""
        start = CaseStart()
        start.CopyFrom(self.start)
        start.office_code = self.office
        start.state = state_on_wire(self.state)  # type: ignore[assignment]  # the runtime takes names too.
        del start.sequences[:]
        start.sequences.extend(self.inbox.sequences())
        start.ClearField("due_time")
        if due is not None:
            start.due_time.FromDatetime(due)
        return start

    def carry(self) -> CaseCarry:
        """What the next run needs beside its input."""
        carry = CaseCarry(
            clock=self.clock.carry(),
            pending=self.inbox.pending(),
            steps=self.calls.steps,
            review_time=timestamp(self.review),
            places_time=timestamp(self.places),
            authorisation_notice_time=timestamp(self.notice),
            authorisation_end_time=timestamp(self.uncovered),
        )
        last = self._desk.last_event
        if last is not None and isinstance(last[0], Event):
            carry.last_event = f"CASE_EVENT_{last[0]}"  # type: ignore[assignment]  # as above.
            carry.last_event_time.FromDatetime(last[1])
        return carry

    def _at_its_office(self, waiting: Waiting) -> Waiting:
        """The same, naming the office where its people are to act."""
        of_office = not waiting.unit and waiting.role in {Role.OFFICE_HEAD, Role.SOCIAL_WORKER}
        return replace(waiting, unit=self.office) if of_office else waiting

    async def _until(self, condition: Callable[[], bool]) -> None:
        self._waits = True
        await workflow.wait_condition(condition)
        self._waits = False

    def _take(self) -> News:
        news = self.inbox.take(self.clock.now())
        self.clock.reach(news.at)
        self._desk.note(news.event, news.at)
        return news
