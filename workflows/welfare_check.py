"""WelfareCheckWorkflow: keeps the time of one welfare check until it has an outcome (S7, C-29).

Delivery owns the check and starts the workflow by its outbox, once a visit. The workflow knows ids and instants: it
asks delivery to pass on the rungs whose time is over, and waits for the next limit or for somebody's word.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from types import MappingProxyType

from temporalio import workflow
from temporalio.exceptions import ApplicationError

from services.kernel.codes import Event, Role, WorkflowType
from services.kernel.operator_acts import OperatorVerb
from socialcare.common.v1.flow_pb2 import Happened, NextDue, WelfareStart
from socialcare.common.v1.types_pb2 import OperatorAct
from socialcare.delivery.v1.welfare_pb2 import (
    ActOnWelfareCheckRequest,
    ClimbWelfareLadderRequest,
    ClimbWelfareLadderResponse,
    CloseWelfareCheckRequest,
    RecordRungAnswerRequest,
    WelfareOutcome,
    WelfareState,
)
from workflows import search_attributes as attributes
from workflows.activities import DeliveryActivities
from workflows.alarm import Alarm
from workflows.calls import Calls, Refused, request_id_of_update
from workflows.case.inbox import Inbox
from workflows.case.operators import Asked, check_shape
from workflows.clock import BusinessClock
from workflows.desk import Desk, Waiting
from workflows.language import language
from workflows.texts import LABELS, Awaited, FlowStage, Label, Tick
from workflows.wire import optional_instant, timestamp

__all__ = ["WelfareCheckWorkflow"]

_RUNGS: Mapping[WelfareState, tuple[Awaited, Role]] = MappingProxyType(
    {
        WelfareState.WELFARE_STATE_CALL_PERSON: (Awaited.CALL_OF_PERSON, Role.SOCIAL_WORKER),
        WelfareState.WELFARE_STATE_CALL_CONTACT: (Awaited.CALL_OF_CONTACT, Role.SOCIAL_WORKER),
        WelfareState.WELFARE_STATE_SEND_SOMEBODY: (Awaited.SOMEBODY_SENT, Role.SOCIAL_WORKER),
        WelfareState.WELFARE_STATE_OFFICE_HEAD: (Awaited.WELFARE_OUTCOME, Role.OFFICE_HEAD),
    }
)
_MESSAGE_ON_ITS_WAY = timedelta(minutes=10)
"""How long a check that was found closed waits for the message that says so: a run that ends before loses it."""


@workflow.defn(name=WorkflowType.WELFARE_CHECK.value)
class WelfareCheckWorkflow:
    """Climbs the ladder rung by rung; ends with the outcome. A refusal fails it under its reason."""

    @workflow.init
    def __init__(self, start: WelfareStart) -> None:
        self._check_id = start.check_id
        self._office = start.office_code
        self.clock = BusinessClock.begin(optional_instant(start.business_start_time))
        self._calls = Calls(0)
        self._alarm = Alarm(self.clock)
        self._inbox = Inbox((), ())
        self._told = False
        self._waits = False
        self._desk = Desk(
            self.clock,
            LABELS[Label.WELFARE].said(language()).format(service=start.service_code),
            {
                attributes.MUNICIPALITY: start.municipality_id,
                attributes.SERVICE_CODE: start.service_code,
                attributes.DISTRICT: start.district_code,
            },
        )
        self._desk.note(Tick.STARTED, self.clock.now())

    @workflow.run
    async def run(self, start: WelfareStart) -> str:  # noqa: ARG002  # read by __init__.
        """Wait for the outcome."""
        try:
            outcome = await self._climb()
        except Refused as refused:
            self._desk.finish(FlowStage.WELFARE_CHECK, refused.reason, None)
            raise refused.failure() from refused
        if not workflow.all_handlers_finished():
            await workflow.wait_condition(workflow.all_handlers_finished)
        self._desk.finish(FlowStage.WELFARE_CHECK, outcome, None)
        return outcome

    async def _climb(self) -> str:
        while True:
            found = await self._calls.call(
                DeliveryActivities.climb_welfare_ladder, ClimbWelfareLadderRequest(check_id=self._check_id)
            )
            if found.state == WelfareState.WELFARE_STATE_CLOSED:
                await self._told_of_the_end()
                return WelfareOutcome.Name(found.outcome).removeprefix("WELFARE_OUTCOME_")
            if not self._inbox:
                await self._wait(found)
            self._take()

    async def _wait(self, found: ClimbWelfareLadderResponse) -> None:
        due = optional_instant(found.next_due_time)
        waiting = self._waiting(found, due)
        self._alarm.set(due, "" if due is None else self._desk.timer_summary(waiting, due))
        self._desk.show(waiting, None)
        await self._news_or_alarm()

    def _waiting(self, found: ClimbWelfareLadderResponse, due: datetime | None) -> Waiting:
        awaited, role = _RUNGS[found.state]
        with_head = role is Role.OFFICE_HEAD
        return Waiting(
            FlowStage.WELFARE_CHECK,
            awaited,
            role,
            unit=self._office if with_head else "",
            due=due,
            overdue=found.overdue,
            rung=1 if with_head else 0,
            within_the_day=True,
        )

    def _take(self) -> None:
        """Read what was said; without a word, the limit has passed."""
        if not self._inbox:
            self._alarm.take()
            self._desk.note(Tick.LIMIT_PASSED, self.clock.now())
        while self._inbox:
            news = self._inbox.take(self.clock.now())
            self.clock.reach(news.at)
            self._desk.note(news.event, news.at)
            self._told = self._told or news.event is Event.WELFARE_CLOSED

    async def _told_of_the_end(self) -> None:
        if not self._inbox and not self._told:
            on_its_way = LABELS[Label.MESSAGE_ON_ITS_WAY].said(language())
            self._alarm.set(self.clock.now() + _MESSAGE_ON_ITS_WAY, on_its_way)
            await self._news_or_alarm()
        if self._inbox:
            self._take()

    async def _news_or_alarm(self) -> None:
        self._waits = True
        await workflow.wait_condition(lambda: bool(self._inbox) or self._alarm.rang)
        self._waits = False

    @workflow.signal
    def happened(self, message: Happened) -> None:
        """Somebody answered a rung or closed the check."""
        self._inbox.put(message)

    @workflow.query
    def next_due(self) -> NextDue:
        """When the check moves by itself."""
        return NextDue(
            due_time=timestamp(self._alarm.due),
            business_time=timestamp(self.clock.now()),
            settled=self._waits and not self._inbox and not self._alarm.rang,
            clock_offset=self.clock.offset,
        )

    @workflow.update
    async def answer_rung(self, asked: Asked) -> dict[str, str]:
        """Say that nobody was reached on a rung."""
        request_id = _request_id()
        command = RecordRungAnswerRequest(
            request_id=request_id,
            check_id=self._check_id,
            state=f"WELFARE_STATE_{asked['rung']}",
            answer=f"RUNG_ANSWER_{asked['answer']}",
        )
        return await self._act(ActOnWelfareCheckRequest(request_id=request_id, act=_act(asked), answer_rung=command))

    @answer_rung.validator
    def check_answer_rung(self, asked: Asked) -> None:
        """Shape only: the owner decides."""
        check_shape(OperatorVerb.ANSWER_RUNG, asked)

    @workflow.update
    async def close_check(self, asked: Asked) -> dict[str, str]:
        """Say how the check ended."""
        request_id = _request_id()
        command = CloseWelfareCheckRequest(
            request_id=request_id, check_id=self._check_id, outcome=f"WELFARE_OUTCOME_{asked['outcome']}"
        )
        return await self._act(ActOnWelfareCheckRequest(request_id=request_id, act=_act(asked), close_check=command))

    @close_check.validator
    def check_close_check(self, asked: Asked) -> None:
        """Shape only: the owner decides."""
        check_shape(OperatorVerb.CLOSE_CHECK, asked)

    async def _act(self, request: ActOnWelfareCheckRequest) -> dict[str, str]:
        """Have delivery do it; its message to this workflow follows by the outbox."""
        try:
            done = await self._calls.call_as_asked(DeliveryActivities.act_on_welfare_check, request)
        except Refused as refused:
            raise refused.failure() from refused
        return {"state": WelfareState.Name(done.check.state).removeprefix("WELFARE_STATE_")}


def _request_id() -> str:
    update = workflow.current_update_info()
    if update is None:
        raise ApplicationError("NO_UPDATE", type="INTERNAL", non_retryable=True)
    return request_id_of_update(update.id)


def _act(asked: Asked) -> OperatorAct:
    return OperatorAct(
        staff_id=str(asked["staff_id"]), reason_code=str(asked["reason_code"]), evidence_id=str(asked["evidence_id"])
    )
