"""A day declared later moves the open limits of intake, D-02 and D-05, with the reason on record (T-02, T-09)."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from uuid import uuid4

import pytest

from services.kernel.codes import Role
from services.kernel.dates import SOFIA
from services.runtime.civil import date_from_proto, date_to_proto
from socialcare.common.v1 import catalogue_pb2, types_pb2
from socialcare.intake.v1 import intake_service_pb2 as pb
from tests.contract.intake.test_decision import refused_case

pytestmark = pytest.mark.postgres

NOON = "2026-01-12 12:00"


async def declare(counter: Any, *days: date, at: str = NOON, **fields: Any) -> str:
    """A further version of the calendar; answers its name."""
    declared = [
        catalogue_pb2.DeclaredDay(
            on_date=date_to_proto(day), kind=catalogue_pb2.DAY_KIND_NON_WORKING, source="Заповед № 5 на кмета"
        )
        for day in days
    ]
    request = pb.PutCalendarOverridesRequest(
        request_id=str(uuid4()), municipality_id="SOFIA", declared_days=declared, **fields
    )
    return str((await counter.ask(request, at, Role.ADMIN)).calendar.version)


async def reproject(counter: Any, version: str, at: str = NOON, size: int = 0) -> list[int]:
    """Every page as the workflow asks for it; limits moved by each."""
    moved, token = [], ""
    while True:
        request = pb.ReprojectLimitsRequest(
            request_id=str(uuid4()),
            municipality_id="SOFIA",
            calendar_version=version,
            page_token=token,
            page_size=size,
        )
        answer = await counter.ask(request, at, Role.WORKER)
        moved.append(answer.moved)
        token = answer.next_page_token
        if not token:
            return moved


async def incomplete(counter: Any, submission_of: Any, at: str, identifier: str = "4105069910") -> str:
    """A case that waits three days for papers (D-02)."""
    person: dict[str, Any] = {}
    if identifier != "4105069910":
        person = {"identifier": identifier, "birth_date": date_to_proto(date(1938, 12, 31)), "sex": types_pb2.SEX_MALE}
    case = await counter.submit(submission_of(document_codes=("APPLICATION_FORM",), person=person), at)
    return str(case.application_id)


async def due(counter: Any, case: str, at: str = NOON) -> date:
    return date_from_proto((await counter.look(case, at)).deadlines[0].due_date, "due_date")


async def outbox(counter: Any, case_id: str) -> list[Any]:
    async with counter.server.runtime.db.read() as tx:
        return list(await tx.all("SELECT * FROM outbox WHERE case_id = :id ORDER BY seq", {"id": case_id}))


async def test_the_term_for_papers_that_ends_on_the_day_moves_and_its_case_is_told(
    counter: Any, submission_of: Any
) -> None:
    await counter.set_up()
    moves = await incomplete(counter, submission_of, "2026-01-12 10:00")
    stays = await incomplete(counter, submission_of, "2026-01-10 10:00", "3812319920")
    assert (await due(counter, moves), await due(counter, stays)) == (date(2026, 1, 15), date(2026, 1, 13))
    version = await declare(counter, date(2026, 1, 15))
    assert await reproject(counter, version) == [1]
    assert (await due(counter, moves), await due(counter, stays)) == (date(2026, 1, 16), date(2026, 1, 13))
    told = (await outbox(counter, moves))[-1]
    assert (told.event, told.due) == ("LIMIT_MOVED", datetime(2026, 1, 17, tzinfo=SOFIA))
    assert [row.kind for row in await outbox(counter, stays)] == ["START"]
    assert await reproject(counter, version) == [0]


async def test_a_window_of_appeal_that_runs_moves_and_one_that_was_over_stays(counter: Any, submission_of: Any) -> None:
    await counter.set_up()
    case = (await refused_case(counter, submission_of)).application_id
    assert await due(counter, case, "2025-12-20 10:00") == date(2026, 1, 5)
    version = await declare(counter, date(2026, 1, 5), at="2025-12-22 10:00")
    assert await reproject(counter, version, "2025-12-22 10:01") == [1]
    told = (await outbox(counter, case))[-1]
    assert (told.event, told.due) == ("LIMIT_MOVED", datetime(2026, 1, 7, tzinfo=SOFIA))
    assert told.start_type == "socialcare.common.v1.CaseStart"
    later = await declare(counter, date(2026, 1, 30), at="2026-01-12 10:00")
    assert await reproject(counter, later, "2026-01-12 10:01") == [0]
    request = pb.ExplainDeadlineRequest(application_id=case, kind=types_pb2.LIMIT_KIND_APPEAL)
    answer = await counter.ask(request, "2026-01-12 11:00")
    assert {"D-05", "T-02", "T-10"} < {step.rule for step in answer.trace[:-1]}
    assert answer.trace[-1].rule == "T-09"
    assert [move.calendar_version for move in answer.deadline.moves] == [version]


async def test_a_declaration_taken_back_says_so(counter: Any, submission_of: Any) -> None:
    await counter.set_up()
    case = await incomplete(counter, submission_of, "2026-01-12 10:00")
    await reproject(counter, await declare(counter, date(2026, 1, 15)))
    await reproject(counter, await declare(counter, withdrawn_dates=[date_to_proto(date(2026, 1, 15))]))
    seen = (await counter.look(case, NOON)).deadlines[0]
    assert date_from_proto(seen.due_date, "due_date") == date(2026, 1, 15)
    assert [move.reason for move in seen.moves] == [
        types_pb2.LIMIT_MOVE_REASON_DAY_DECLARED_NON_WORKING,
        types_pb2.LIMIT_MOVE_REASON_DECLARATION_WITHDRAWN,
    ]


async def test_pages_end_where_the_cases_end(counter: Any, submission_of: Any) -> None:
    await counter.set_up()
    await incomplete(counter, submission_of, "2026-01-12 10:00")
    await incomplete(counter, submission_of, "2026-01-12 10:00", "3812319920")
    assert await reproject(counter, await declare(counter, date(2026, 1, 15)), size=1) == [1, 1, 0]


async def test_each_version_starts_its_run_once_and_a_preview_none(counter: Any) -> None:
    await counter.set_up()
    await declare(counter, date(2026, 1, 15), validate_only=True)
    assert await outbox(counter, "calendar/SOFIA") == []
    await declare(counter, date(2026, 1, 15))
    await declare(counter, date(2026, 1, 15))
    await declare(counter, date(2026, 1, 16))
    rows = await outbox(counter, "calendar/SOFIA")
    assert [(row.workflow_id, row.workflow_type) for row in rows] == [
        ("reproject/SOFIA-2", "ReprojectionWorkflow"),
        ("reproject/SOFIA-3", "ReprojectionWorkflow"),
    ]
    assert rows[0].start_input["calendarVersion"] == "SOFIA-2"
