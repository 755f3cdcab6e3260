"""Operators act by updates: shape first, the owner decides, each update once, and nothing else in the history."""

from __future__ import annotations

import asyncio
import uuid
from typing import Any

import grpc
import pytest
from temporalio.client import Client, WorkflowUpdateFailedError
from temporalio.exceptions import ApplicationError

from services.kernel.codes import CaseState, Event, Stage
from tests.workflow.cases import PATIENCE_SECONDS, CaseDriver, day
from tests.workflow.known import Town

pytestmark = pytest.mark.temporal

WHO = {"staff_id": "head-1", "evidence_id": "letter-17"}
SCHEDULE = {**WHO, "reason_code": "AGREED_WITH_APPLICANT", "on_date": "2026-01-23"}


async def ask(case: CaseDriver, verb: str, asked: dict[str, Any], update_id: str = "") -> Any:
    """Send an update as the UI does: a name and plain JSON."""
    return await asyncio.wait_for(
        case.handle.execute_update(verb, asked, id=update_id or str(uuid.uuid4()), result_type=dict), PATIENCE_SECONDS
    )


async def refusal(case: CaseDriver, verb: str, asked: dict[str, Any]) -> ApplicationError:
    with pytest.raises(WorkflowUpdateFailedError) as failed:
        await ask(case, verb, asked)
    assert isinstance(failed.value.cause, ApplicationError)
    return failed.value.cause


async def test_an_operator_sets_the_day_of_the_visit(case: CaseDriver) -> None:
    await case.start()
    assert await ask(case, "schedule", SCHEDULE) == {"state": "VISIT_SCHEDULED"}
    assert case.record.acts == [("schedule", "head-1", "AGREED_WITH_APPLICANT")]
    await case.say(Stage.ASSESSMENT, Event.VISIT_SCHEDULED, day("2026-01-21"), due=day("2026-01-24"))
    assert await case.attribute("WaitingFor") == "SOCIAL_WORKER"


@pytest.mark.parametrize(
    ("verb", "asked"),
    [
        ("reassign", {"reason_code": "WORKER_ABSENT", "social_worker_id": "sw-2"}),
        (
            "suspend",
            {
                "reason_code": "HOSPITAL",
                "limit": "HOME_ASSESSMENT",
                "from_date": "2026-01-22",
                "to_date": "2026-01-24",
            },
        ),
        ("resume", {"reason_code": "REASON_ENDED", "limit": "HOME_ASSESSMENT", "to_date": "2026-01-23"}),
        ("extend", {"reason_code": "FORCE_MAJEURE", "limit": "NEEDS_ASSESSMENT_AND_PLAN", "days": 3}),
    ],
)
async def test_every_other_verb_reaches_its_owner(case: CaseDriver, verb: str, asked: dict[str, Any]) -> None:
    await case.start()
    assert await ask(case, verb, {**WHO, **asked}) == {"state": "OPEN"}
    assert case.record.acts == [(verb, "head-1", asked["reason_code"])]


async def test_a_cancelled_case_answers_the_operator_before_it_ends(case: CaseDriver) -> None:
    await case.start()
    answered = asyncio.create_task(ask(case, "cancel", {**WHO, "reason_code": "APPLICANT_WISH"}))
    await case.say(Stage.INTAKE, Event.WITHDRAWN, day("2026-01-21"))
    assert await answered == {"state": "WITHDRAWN"}
    assert await case.end() == CaseState.WITHDRAWN


async def test_a_no_of_the_owner_is_the_failure_of_the_update_and_the_case_goes_on(
    case: CaseDriver, town: Town
) -> None:
    await case.start()
    town.failures["ActForOperator"] = [(grpc.StatusCode.FAILED_PRECONDITION, "STAFF_NOT_ALLOWED")]
    error = await refusal(case, "schedule", SCHEDULE)
    assert (error.type, error.message) == ("STAFF_NOT_ALLOWED", "STAFF_NOT_ALLOWED")
    assert await ask(case, "schedule", SCHEDULE) == {"state": "VISIT_SCHEDULED"}


async def test_an_owner_that_is_away_is_asked_again_with_the_same_request(case: CaseDriver, town: Town) -> None:
    await case.start()
    town.failures["ActForOperator"] = [(grpc.StatusCode.UNAVAILABLE, "PEER_UNAVAILABLE")]
    await ask(case, "schedule", SCHEDULE)
    requests = [request for name, about, request in town.calls if (name, about) == ("ActForOperator", case.id)]
    assert len(requests) == 2
    assert len(set(requests)) == 1


async def test_the_same_update_id_has_its_effect_once(case: CaseDriver, town: Town) -> None:
    await case.start()
    first = await ask(case, "schedule", SCHEDULE, "operator-4711")
    assert await ask(case, "schedule", SCHEDULE, "operator-4711") == first
    assert len(case.record.acts) == 1


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({**SCHEDULE, "on_date": "23.01.2026"}, "on_date"),
        ({**SCHEDULE, "staff_id": "Мария Петрова"}, "staff_id"),
        ({**SCHEDULE, "reason_code": "because she asked"}, "reason_code"),
        ({key: value for key, value in SCHEDULE.items() if key != "evidence_id"}, "evidence_id"),
        ({**SCHEDULE, "comment": "Мария Петрова"}, None),
    ],
)
async def test_a_wrong_shape_is_refused_and_leaves_no_event(
    case: CaseDriver, temporal: Client, asked: dict[str, Any], field: str | None
) -> None:
    await case.start()
    before = (await case.handle.describe()).history_length
    error = await refusal(case, "schedule", asked)
    assert error.type == "INVALID_FIELD"
    assert list(error.details) == ([field] if field else [])
    assert (await case.handle.describe()).history_length == before
    (history,) = await case.runs()
    assert "Мария" not in history.to_json()
    assert case.record.acts == []
