"""A day declared later moves exactly the limits it should, once, with the reason on record (T-02, T-09, T-14)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime
from typing import cast
from uuid import uuid4

import pytest
from sqlalchemy.exc import DBAPIError

from services.kernel.calendar import DayKind, DayOverride
from services.kernel.codes import Role
from services.kernel.dates import SOFIA
from services.runtime.errors import NotFound
from socialcare.assessment.v1 import assessment_service_pb2 as pb
from socialcare.assessment.v1 import resources_pb2
from socialcare.common.v1 import types_pb2
from tests.contract.assessment.conftest import Office

Deadlines = Callable[[resources_pb2.Assessment], dict[str, tuple[str, str]]]

VISIT = types_pb2.LIMIT_KIND_HOME_ASSESSMENT
MOVED_AT = "2026-01-20 12:00"
"""When most tests have the municipality declare Monday 26 January 2026 non-working."""


def declare(office: Office, number: int, *days: date, kind: DayKind = DayKind.NON_WORKING) -> str:
    """The municipality's next version in intake; answers its name."""
    before = office.intake.local_rules
    version = f"{office.municipality}-{number}"
    declared = {day: DayOverride(kind, "Заповед № 5 на кмета") for day in days}
    calendar = before.calendar.with_overrides(version, declared)
    office.intake.local_rules = replace(before, calendar=calendar, version=number)
    return version


async def reproject(office: Office, version: str, at: str = MOVED_AT, size: int = 0) -> list[int]:
    """Every page as the workflow asks for it; limits moved by each."""
    moved, token = [], ""
    while True:
        request = pb.ReprojectLimitsRequest(
            request_id=str(uuid4()),
            municipality_id=office.municipality,
            calendar_version=version,
            page_token=token,
            page_size=size,
        )
        answer = cast("pb.ReprojectLimitsResponse", await office.ask(request, at, Role.WORKER))
        moved.append(answer.moved)
        token = answer.next_page_token
        if not token:
            return moved


async def opened(office: Office, registered: date) -> str:
    """A case whose visit is due seven days after the day, moved off non-working days."""
    case = office.register(registered)
    await office.open(case, f"{registered} 10:00")
    return case


async def test_only_the_limit_that_ends_on_the_declared_day_moves(office: Office, deadlines_of: Deadlines) -> None:
    on_it, before_it, after_it = [await opened(office, date(2026, 1, day)) for day in (19, 15, 20)]
    version = declare(office, 2, date(2026, 1, 26))
    assert await reproject(office, version) == [1]
    visits = {
        case: deadlines_of(await office.look(case, MOVED_AT))["HOME_ASSESSMENT"][0] for case in (on_it, before_it)
    }
    assert visits == {on_it: "2026-01-27", before_it: "2026-01-22"}
    assert deadlines_of(await office.look(after_it, MOVED_AT))["HOME_ASSESSMENT"][0] == "2026-01-27"


async def test_the_case_whose_instant_moved_is_told_and_no_other(office: Office) -> None:
    moved, stays = await opened(office, date(2026, 1, 19)), await opened(office, date(2026, 1, 15))
    await reproject(office, declare(office, 2, date(2026, 1, 26)))
    reminder = datetime(2026, 1, 25, tzinfo=SOFIA)
    assert await office.events(moved) == [("LIMIT_MOVED", reminder)]
    assert await office.events(stays) == []


async def test_the_move_stands_on_record_with_its_reason(office: Office) -> None:
    case = await opened(office, date(2026, 1, 19))
    version = declare(office, 2, date(2026, 1, 26))
    await reproject(office, version)
    request = pb.ExplainDeadlineRequest(application_id=case, kind=VISIT)
    answer = await office.ask(request, MOVED_AT)
    (move,) = answer.deadline.moves
    assert (move.old_due_date.day, move.new_due_date.day, move.calendar_version) == (26, 27, version)
    assert move.reason == types_pb2.LIMIT_MOVE_REASON_DAY_DECLARED_NON_WORKING
    assert [day.day for day in move.changed_dates] == [26]
    steps = {step.rule: step for step in answer.trace}
    assert "Заповед № 5" in steps["T-02"].text_bg
    assert answer.trace[-1].rule == "T-09"
    assert steps["T-09"].inputs["old_due_date"] == "2026-01-26"
    assert steps["T-09"].text_en.endswith("the last day moved from 26.01.2026 to 27.01.2026.")


async def test_a_declaration_taken_back_moves_the_limit_back(office: Office, deadlines_of: Deadlines) -> None:
    case = await opened(office, date(2026, 1, 19))
    shipped = office.intake.local_rules
    await reproject(office, declare(office, 2, date(2026, 1, 26)))
    office.intake.local_rules = replace(shipped, calendar=replace(shipped.calendar, version="TEST-1-3"), version=3)
    assert await reproject(office, "TEST-1-3") == [1]
    look = await office.look(case, MOVED_AT)
    assert deadlines_of(look)["HOME_ASSESSMENT"][0] == "2026-01-26"
    assert [move.reason for move in look.deadlines[0].moves] == [
        types_pb2.LIMIT_MOVE_REASON_DAY_DECLARED_NON_WORKING,
        types_pb2.LIMIT_MOVE_REASON_DECLARATION_WITHDRAWN,
    ]


async def test_a_version_is_applied_once_however_often_it_is_asked_for(office: Office) -> None:
    case = await opened(office, date(2026, 1, 19))
    version = declare(office, 2, date(2026, 1, 26))
    assert await reproject(office, version) == [1]
    assert await reproject(office, version) == [0]
    assert len(await office.events(case)) == 1


async def test_an_older_version_that_comes_late_does_not_undo_a_newer_one(
    office: Office, deadlines_of: Deadlines
) -> None:
    case = await opened(office, date(2026, 1, 19))
    older = declare(office, 2, date(2026, 1, 26))
    newer = declare(office, 3, date(2026, 1, 27))
    assert await reproject(office, newer) == [1]
    assert await reproject(office, older) == [0]
    assert deadlines_of(await office.look(case, MOVED_AT))["HOME_ASSESSMENT"][0] == "2026-01-28"


async def test_pages_end_where_the_cases_end(office: Office) -> None:
    for _ in range(3):
        await opened(office, date(2026, 1, 19))
    assert await reproject(office, declare(office, 2, date(2026, 1, 26)), size=2) == [2, 1]


async def test_rungs_that_were_taken_stay_taken_and_the_next_call_moves(office: Office) -> None:
    case = await opened(office, date(2026, 1, 12))
    await office.claim(case, "2026-01-20 00:00")
    version = declare(office, 2, date(2026, 1, 22))
    assert await reproject(office, version) == [1]
    assert (await office.events(case))[-1] == ("LIMIT_MOVED", datetime(2026, 1, 26, tzinfo=SOFIA))
    assert list((await office.claim(case, "2026-01-25 12:00")).claimed) == []
    assert list((await office.claim(case, "2026-01-26 00:00")).claimed) == [resources_pb2.RUNG_CALL_2]


async def test_a_limit_that_was_met_stays_as_it_was(office: Office, deadlines_of: Deadlines) -> None:
    case = await opened(office, date(2026, 1, 19))
    await office.visit(case, "COMPLETED", "2026-01-20 10:00")
    await reproject(office, declare(office, 2, date(2026, 1, 26)))
    assert deadlines_of(await office.look(case, MOVED_AT))["HOME_ASSESSMENT"] == ("2026-01-26", "MET")


async def test_a_limit_that_begins_afterwards_counts_by_the_new_calendar(
    office: Office, deadlines_of: Deadlines
) -> None:
    first = await opened(office, date(2026, 1, 12))
    await reproject(office, declare(office, 2, date(2026, 1, 26)), "2026-01-18 10:00")
    look = await office.visit(first, "ABSENT", "2026-01-19 10:00")
    assert deadlines_of(look)["HOME_ASSESSMENT"][0] == "2026-01-27"
    assert list(look.deadlines[0].moves) == []
    stale = await opened(office, date(2026, 1, 19))
    assert deadlines_of(await office.look(stale, MOVED_AT))["HOME_ASSESSMENT"][0] == "2026-01-27"


async def test_the_record_of_moves_is_append_only(office: Office) -> None:
    await opened(office, date(2026, 1, 19))
    await reproject(office, declare(office, 2, date(2026, 1, 26)))
    for change in ("UPDATE limit_moves SET reason = 'DAY_DECLARED_WORKING'", "DELETE FROM limit_moves"):
        with pytest.raises(DBAPIError, match="never changed"):
            async with office.database.write() as tx:
                await tx.run(change)


async def test_a_limit_that_the_case_never_had_is_not_found(office: Office) -> None:
    case = await opened(office, date(2026, 1, 19))
    with pytest.raises(NotFound):
        await office.ask(pb.ExplainDeadlineRequest(application_id=case, kind=types_pb2.LIMIT_KIND_APPEAL), MOVED_AT)
