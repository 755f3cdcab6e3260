"""The commands of the welfare check. Every message of a check has the id of its visit as the order in which it goes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Protocol

from services.delivery.domain.care import Care
from services.delivery.domain.units import UnitState
from services.delivery.domain.welfare import (
    OUTCOMES_OF_THE_HEAD,
    TRANSITIONS,
    MissedVisit,
    WelfareCheck,
    WelfareOutcome,
    WelfareState,
    WelfareStep,
    answered,
    climbed,
    closed,
    next_due,
    opened,
)
from services.delivery.errors import OutcomeNotYours, RungNotOpen
from services.delivery.rules.welfare import AtRisk, asks_for_check, comes_home, home_codes, is_past_looking, whereabouts
from services.kernel.codes import CASE_TASK_QUEUE, Event, Role, WorkflowType, welfare_workflow_id
from services.kernel.local_rules import LocalRules
from services.runtime.civil import instant_to_proto
from services.runtime.commands import Effect
from services.runtime.errors import NotFound
from services.runtime.outbox import Signal, Start, StartAttributes
from socialcare.common.v1.flow_pb2 import WelfareStart

__all__ = [
    "Answer",
    "Closing",
    "Miss",
    "WelfareStorePort",
    "answer_rung",
    "climb_ladder",
    "close_check",
    "open_after_miss",
    "open_unseen",
]


class WelfareStorePort(Protocol):
    """What the commands need of the database."""

    async def emit(self, emission: Signal | Start) -> None: ...
    async def rules(self, municipality_id: str) -> LocalRules: ...
    async def safeguard(self, application_id: str) -> tuple[AtRisk, str]: ...
    async def planned_visit(self, application_id: str, code: str, on: date) -> tuple[str, UnitState] | None: ...
    async def last_met(self, application_id: str, codes: Sequence[str]) -> date | None: ...
    async def locked_check(self, check_id: str) -> WelfareCheck | None: ...
    async def add(self, check: WelfareCheck) -> bool: ...
    async def save(self, check: WelfareCheck) -> None: ...


@dataclass(frozen=True, slots=True)
class Miss:
    """Care of one code that was recorded as missed on a day."""

    care: Care
    code: str
    on: date
    record_id: str


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a rung: `state` is the rung that whoever answers stands on."""

    check_id: str
    state: WelfareState
    step: WelfareStep
    by: str


@dataclass(frozen=True, slots=True)
class Closing:
    """How a check ended, said by `by` in a role."""

    check_id: str
    outcome: WelfareOutcome
    by: str
    role: str


async def open_after_miss(miss: Miss, store: WelfareStorePort, now: datetime, today: date) -> bool:
    """Open the check that a missed visit asks for; false when it asks for none, or has one.

    The planned unit of code and day is the visit; without one the record itself. A unit that was delivered, or lies in
    a pause, was not missed whatever is recorded beside.
    """
    care, code, on = miss.care, miss.code, miss.on
    contract = care.contract
    rules = await store.rules(contract.municipality_id)
    if not comes_home(code, on, rules.catalogue) or is_past_looking(care, on, today):
        return False
    risk, office = await store.safeguard(care.id)
    met = await store.last_met(care.id, home_codes(today, rules.catalogue))
    if not asks_for_check(risk, whereabouts(care, today), on, met):
        return False
    visit_id, became = await store.planned_visit(care.id, code, on) or (miss.record_id, UnitState.MISSED)
    if became is not UnitState.MISSED:
        return False
    visit = MissedVisit(
        id=visit_id,
        application_id=care.id,
        municipality_id=contract.municipality_id,
        district_code=contract.district_code,
        service_code=contract.service_code,
        office_code=office,
        code=code,
        on=on,
    )
    return await _begun(opened(visit, rules.settings.wholes("welfare.rung_minutes"), now), store)


async def open_unseen(missed: Sequence[MissedVisit], store: WelfareStorePort, now: datetime) -> int:
    """Open checks for visits of one municipality that nobody recorded in time; gives how many were opened."""
    if not missed:
        return 0
    rules = await store.rules(missed[0].municipality_id)
    minutes = rules.settings.wholes("welfare.rung_minutes")
    checks = [opened(visit, minutes, now) for visit in missed]
    return sum([await _begun(check, store) for check in checks])


async def climb_ladder(check_id: str, store: WelfareStorePort, now: datetime) -> Effect:
    """Pass on every rung whose time is over; a closed check stays as it is.

    Raises:
        NotFound: no such check.
    """
    check = await _existing(store, check_id)
    after = climbed(check, await _minutes(check, store), now)
    if after is not check:
        await store.save(after)
    return Effect(after.id, after.version)


async def answer_rung(answer: Answer, store: WelfareStorePort, now: datetime) -> Effect:
    """Step on to the next rung because nobody was reached.

    Raises:
        NotFound: no such check.
        RungNotOpen: the check stands on another rung by now, or the rung takes no answer but an outcome.
    """
    check = await _existing(store, answer.check_id)
    minutes = await _minutes(check, store)
    present = climbed(check, minutes, now)
    if present.state is not answer.state or (present.state, answer.step) not in TRANSITIONS:
        raise RungNotOpen(metadata={"state": present.state})
    after = answered(present, answer.step, minutes, now, answer.by)
    await store.save(after)
    await store.emit(_signal_of(after, Event.WELFARE_RUNG_ANSWERED, now))
    return Effect(after.id, after.version)


async def close_check(closing: Closing, store: WelfareStorePort, now: datetime) -> Effect:
    """End a check with its outcome.

    Raises:
        NotFound: no such check.
        RungNotOpen: it has an outcome.
        OutcomeNotYours: only an office head gives this outcome, on the last rung.
    """
    check = await _existing(store, closing.check_id)
    present = climbed(check, await _minutes(check, store), now)
    if (present.state, WelfareStep.CLOSE) not in TRANSITIONS:
        raise RungNotOpen(metadata={"state": present.state})
    of_the_head = closing.outcome in OUTCOMES_OF_THE_HEAD
    if of_the_head and (closing.role != Role.OFFICE_HEAD or present.state is not WelfareState.OFFICE_HEAD):
        raise OutcomeNotYours(metadata={"outcome": closing.outcome, "state": present.state})
    after = closed(present, closing.outcome, now, closing.by)
    await store.save(after)
    await store.emit(_signal_of(after, Event.WELFARE_CLOSED, now))
    return Effect(after.id, after.version)


async def _begun(check: WelfareCheck, store: WelfareStorePort) -> bool:
    """Store the check with the start of its workflow; false when its visit has one."""
    if not await store.add(check):
        return False
    await store.emit(_start_of(check))
    return True


async def _existing(store: WelfareStorePort, check_id: str) -> WelfareCheck:
    check = await store.locked_check(check_id)
    if check is None:
        raise NotFound(resource_type="welfare_check", resource_id=check_id)
    return check


async def _minutes(check: WelfareCheck, store: WelfareStorePort) -> tuple[int, ...]:
    rules = await store.rules(check.visit.municipality_id)
    return rules.settings.wholes("welfare.rung_minutes")


def start_input(check: WelfareCheck, now: datetime) -> WelfareStart:
    """What the check's workflow starts from at an instant."""
    visit = check.visit
    return WelfareStart(
        check_id=check.id,
        municipality_id=visit.municipality_id,
        service_code=visit.service_code,
        district_code=visit.district_code,
        office_code=visit.office_code,
        business_start_time=instant_to_proto(now),
    )


def _start_of(check: WelfareCheck) -> Start:
    visit = check.visit
    return Start(
        case_id=check.id,
        municipality_id=visit.municipality_id,
        workflow_id=welfare_workflow_id(check.id),
        workflow_type=WorkflowType.WELFARE_CHECK,
        task_queue=CASE_TASK_QUEUE,
        input=start_input(check, check.begun),
        instant=check.begun,
        attributes=StartAttributes(visit.service_code, visit.district_code),
    )


def _signal_of(check: WelfareCheck, event: Event, now: datetime) -> Signal:
    return Signal(
        case_id=check.id,
        municipality_id=check.visit.municipality_id,
        workflow_id=welfare_workflow_id(check.id),
        event=event,
        instant=now,
        due=next_due(check),
    )
