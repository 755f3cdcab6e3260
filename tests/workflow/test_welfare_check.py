"""A welfare check climbs by the clock and by what staff says, and ends with its outcome."""

from __future__ import annotations

import asyncio
import uuid
from datetime import date, datetime, timedelta
from typing import Any

import grpc
import pytest
from temporalio.client import WorkflowFailureError, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from services.delivery.domain.welfare import (
    MissedVisit,
    WelfareOutcome,
    WelfareState,
    WelfareStep,
    answered,
    closed,
    opened,
)
from services.kernel.codes import CASE_TASK_QUEUE, Event, Stage, WorkflowType, welfare_workflow_id
from services.kernel.dates import SOFIA
from socialcare.common.v1.flow_pb2 import WelfareStart
from tests.workflow.cases import PATIENCE_SECONDS, CaseDriver, business, eventually
from tests.workflow.known import MINUTES
from workflows.wire import timestamp

pytestmark = pytest.mark.temporal

MISSED = datetime(2026, 5, 6, 13, 0, tzinfo=SOFIA)
WHO = {"staff_id": "head-1", "evidence_id": "call-7"}


def after(minutes: int) -> datetime:
    return MISSED + timedelta(minutes=minutes)


async def begin(case: CaseDriver) -> None:
    """As delivery's outbox does."""
    visit = MissedVisit(
        case.id, str(uuid.uuid4()), "TEST-TOWN", "ISKAR", "HSP", "MAIN", "HSP_MEAL_DELIVERY", date(2026, 5, 6)
    )
    case.town.checks[case.id] = opened(visit, MINUTES, MISSED)
    start = WelfareStart(
        check_id=case.id,
        municipality_id="TEST-TOWN",
        service_code="HSP",
        district_code="ISKAR",
        office_code="MAIN",
        business_start_time=timestamp(MISSED),
    )
    case.handle = await case.skipper.client.start_workflow(
        WorkflowType.WELFARE_CHECK.value,
        start,
        id=welfare_workflow_id(case.id),
        task_queue=CASE_TASK_QUEUE,
        result_type=str,
    )
    await case.settled()


async def nobody_answers(case: CaseDriver, minutes: int) -> None:
    """Staff says so to delivery, which tells the workflow."""
    check = case.town.checks[case.id]
    case.town.checks[case.id] = answered(check, WelfareStep.NO_ANSWER, MINUTES, after(minutes), "sw-1")
    await case.say(Stage.DELIVERY, Event.WELFARE_RUNG_ANSWERED, after(minutes))


async def ends(case: CaseDriver, outcome: WelfareOutcome, minutes: int) -> None:
    case.town.checks[case.id] = closed(case.town.checks[case.id], outcome, after(minutes), "sw-1")
    await case.say(Stage.DELIVERY, Event.WELFARE_CLOSED, after(minutes))


async def ask(case: CaseDriver, verb: str, asked: dict[str, Any]) -> Any:
    return await asyncio.wait_for(
        case.handle.execute_update(verb, asked, id=str(uuid.uuid4()), result_type=dict), PATIENCE_SECONDS
    )


async def test_a_check_without_a_word_climbs_to_the_office_head_and_waits_there(case: CaseDriver) -> None:
    await begin(case)
    seen = []
    for minutes in (0, 15, 45, 105):
        await case.move_to(after(minutes))
        due = (await case.next_due()).due_time
        left = (business(due) - MISSED).total_seconds() / 60 if due.seconds else None
        names = ("WaitingFor", "Overdue", "EscalationRung")
        seen.append((left, *[await case.attribute(name) for name in names]))
    assert seen == [
        (15, "SOCIAL_WORKER", False, 0),
        (45, "SOCIAL_WORKER", True, 0),
        (105, "SOCIAL_WORKER", True, 0),
        (None, "OFFICE_HEAD", True, 1),
    ]
    assert await case.attribute("WaitingUnit") == "MAIN"
    await ends(case, WelfareOutcome.NOT_FOUND, 600)
    assert await case.end() == "NOT_FOUND"


async def test_an_answered_call_ends_the_check_on_its_first_rung(case: CaseDriver) -> None:
    await begin(case)
    await ends(case, WelfareOutcome.FOUND_WELL, 4)
    assert await case.end() == "FOUND_WELL"
    assert await case.attribute("Outcome") == "FOUND_WELL"
    assert case.town.checks[case.id].state is WelfareState.CLOSED


async def test_an_answer_of_nobody_begins_the_next_rung_with_its_own_time(case: CaseDriver) -> None:
    await begin(case)
    await nobody_answers(case, 4)
    assert business((await case.next_due()).due_time) == after(34)
    await case.move_to(after(34))
    assert case.town.checks[case.id].state is WelfareState.SEND_SOMEBODY
    await ends(case, WelfareOutcome.EMERGENCY_CALLED, 60)
    assert await case.end() == "EMERGENCY_CALLED"


async def test_operators_read_the_rung_who_acts_and_until_when_to_the_minute(case: CaseDriver) -> None:
    await begin(case)
    details = await case.details()
    assert "Проверка след пропуснато посещение · HSP" in details
    assert "обаждане на човека" in details
    assert "06.05.2026 13:15" in details
    await nobody_answers(case, 4)
    assert "никой не е открит" in await case.details()
    await ends(case, WelfareOutcome.AWAY, 5)
    await case.end()


async def test_an_operator_answers_a_rung_and_ends_the_check(case: CaseDriver) -> None:
    await begin(case)
    asked = {**WHO, "reason_code": "CALLED", "rung": "CALL_PERSON", "answer": "NO_ANSWER"}
    assert await ask(case, "answer_rung", asked) == {"state": "CALL_CONTACT"}
    await case.say(Stage.DELIVERY, Event.WELFARE_RUNG_ANSWERED, after(2))
    outcome = {**WHO, "reason_code": "SPOKE_TO_CONTACT", "outcome": "AWAY"}
    assert await ask(case, "close_check", outcome) == {"state": "CLOSED"}
    await case.say(Stage.DELIVERY, Event.WELFARE_CLOSED, after(6))
    assert await case.end() == "AWAY"
    assert [rung.by for rung in case.town.checks[case.id].rungs] == ["head-1", "head-1"]


async def test_a_check_found_closed_waits_for_the_message_that_says_so(case: CaseDriver) -> None:
    await begin(case)
    case.town.checks[case.id] = closed(case.town.checks[case.id], WelfareOutcome.AWAY, after(14), "sw-1")
    await case.move_to(after(15))
    assert (await case.handle.describe()).close_time is None
    await case.say(Stage.DELIVERY, Event.WELFARE_CLOSED, after(14))
    assert await case.end() == "AWAY"


async def test_a_check_ends_also_when_its_last_message_never_comes(case: CaseDriver) -> None:
    await begin(case)
    case.town.checks[case.id] = closed(case.town.checks[case.id], WelfareOutcome.AWAY, after(14), "sw-1")
    await case.skipper.fast_forward(case.handle, timedelta(minutes=26))
    assert await case.end() == "AWAY"


async def test_a_message_that_comes_twice_steps_once(case: CaseDriver) -> None:
    await begin(case)
    check = case.town.checks[case.id]
    case.town.checks[case.id] = answered(check, WelfareStep.NO_ANSWER, MINUTES, after(4), "sw-1")
    message = await case.say(Stage.DELIVERY, Event.WELFARE_RUNG_ANSWERED, after(4))
    asked = case.town.calls_of("ClimbWelfareLadder", case.id)
    await case.deliver(message)
    assert case.town.calls_of("ClimbWelfareLadder", case.id) == asked
    await ends(case, WelfareOutcome.FOUND_WELL, 5)
    await case.end()


@pytest.mark.parametrize(
    ("verb", "asked", "field"),
    [
        ("answer_rung", {"reason_code": "CALLED", "rung": "OFFICE_HEAD", "answer": "NO_ANSWER"}, "rung"),
        ("answer_rung", {"reason_code": "CALLED", "rung": "CALL_PERSON", "answer": "TIME_PASSED"}, "answer"),
        ("close_check", {"reason_code": "WENT_THERE", "outcome": "Мария Петрова е добре"}, "outcome"),
        ("close_check", {"reason_code": "WENT_THERE", "outcome": "UNSPECIFIED"}, "outcome"),
    ],
)
async def test_a_wrong_shape_is_refused_and_leaves_no_event(
    case: CaseDriver, verb: str, asked: dict[str, Any], field: str
) -> None:
    await begin(case)
    before = (await case.handle.describe()).history_length
    with pytest.raises(WorkflowUpdateFailedError) as failed:
        await ask(case, verb, {**WHO, **asked})
    assert isinstance(failed.value.cause, ApplicationError)
    assert list(failed.value.cause.details) == [field]
    assert (await case.handle.describe()).history_length == before
    await ends(case, WelfareOutcome.AWAY, 1)
    await case.end()


async def test_a_delivery_that_is_away_is_asked_until_it_answers(case: CaseDriver) -> None:
    case.town.failures["ClimbWelfareLadder"] = [(grpc.StatusCode.UNAVAILABLE, "PEER_UNAVAILABLE")] * 2
    await begin(case)

    def asked() -> list[Any]:
        return [told for name, about, told in case.town.calls if (name, about) == ("ClimbWelfareLadder", case.id)]

    async def answered_in_the_end() -> bool:
        return len(asked()) >= 3

    # Two refusals and an answer; a busy machine may let an answer come too late and ask once more.
    await eventually(answered_in_the_end)
    assert len(set(asked())) == 1
    await ends(case, WelfareOutcome.FOUND_WELL, 3)
    assert await case.end() == "FOUND_WELL"


async def test_a_check_that_delivery_does_not_know_fails_under_its_reason(case: CaseDriver) -> None:
    case.town.failures["ClimbWelfareLadder"] = [(grpc.StatusCode.NOT_FOUND, "NOT_FOUND")]
    await begin(case)
    with pytest.raises(WorkflowFailureError) as failure:
        await case.handle.result()
    assert isinstance(failure.value.cause, ApplicationError)
    assert failure.value.cause.type == "NOT_FOUND"
