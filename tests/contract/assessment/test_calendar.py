"""Limits are counted by the calendar that the municipality had when they began."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from services.runtime.civil import date_from_proto, date_to_proto
from socialcare.assessment.v1 import assessment_service_pb2 as pb
from socialcare.common.v1 import catalogue_pb2

pytestmark = pytest.mark.postgres


def calendar(version: str, *declared: date) -> catalogue_pb2.BusinessCalendar:
    kind = catalogue_pb2.DAY_KIND_NON_WORKING
    days = [catalogue_pb2.DeclaredDay(on_date=date_to_proto(day), kind=kind, source="МС") for day in declared]
    return catalogue_pb2.BusinessCalendar(version=version, declared_days=days)


async def versions(office: Any, case: str) -> set[str]:
    async with office.database.read() as tx:
        rows = await tx.all("SELECT calendar_version FROM time_limits WHERE application_id = :id", {"id": case})
    return {row.calendar_version for row in rows}


async def test_a_declared_day_moves_d_01_of_a_new_case_and_not_of_one_that_runs(office: Any, deadlines_of: Any) -> None:
    earlier = office.register(date(2026, 1, 19), calendar=calendar("bg-1"), municipality_version=1)
    await office.open(earlier, "2026-01-19 10:00")
    later = office.register(date(2026, 1, 19), calendar=calendar("TEST-1-2", date(2026, 1, 26)), municipality_version=2)
    await office.open(later, "2026-01-19 11:00")
    due = [deadlines_of(await office.look(case, "2026-01-19 12:00"))["HOME_ASSESSMENT"][0] for case in (earlier, later)]
    assert due == ["2026-01-26", "2026-01-27"]
    assert [await versions(office, case) for case in (earlier, later)] == [{"bg-1"}, {"TEST-1-2"}]


async def test_a_limit_that_begins_anew_is_counted_by_the_calendar_of_its_own_day(
    office: Any, deadlines_of: Any
) -> None:
    case = office.register(date(2026, 1, 19), calendar=calendar("bg-1"), municipality_version=1)
    await office.open(case, "2026-01-19 10:00")
    other = office.register(date(2026, 1, 19), calendar=calendar("TEST-1-2", date(2026, 1, 28)), municipality_version=2)
    await office.open(other, "2026-01-19 11:00")
    await office.schedule(case, date(2026, 1, 21), "2026-01-19 12:00")
    failed = await office.visit(case, "ABSENT", "2026-01-21 10:00")
    assert deadlines_of(failed)["HOME_ASSESSMENT"][0] == "2026-01-29"
    assert await versions(office, case) == {"bg-1", "TEST-1-2"}


async def test_a_copy_that_arrives_late_does_not_undo_a_later_one(office: Any, deadlines_of: Any) -> None:
    new = office.register(date(2026, 1, 19), calendar=calendar("TEST-1-2", date(2026, 1, 28)), municipality_version=2)
    await office.open(new, "2026-01-19 10:00")
    await office.open(
        office.register(date(2026, 1, 19), calendar=calendar("bg-1"), municipality_version=1), "2026-01-19 11:00"
    )
    await office.schedule(new, date(2026, 1, 21), "2026-01-19 12:00")
    failed = await office.visit(new, "ABSENT", "2026-01-21 10:00")
    assert deadlines_of(failed)["HOME_ASSESSMENT"][0] == "2026-01-29"


async def test_a_question_may_declare_days_beyond_the_shipped_calendar(office: Any) -> None:
    free = calendar("", date(2026, 1, 26)).declared_days
    asked = pb.CheckWorkingDayRequest(on_date=date_to_proto(date(2026, 1, 26)), declared_days=free)
    answer = await office.ask(asked, "2026-01-19 10:00")
    assert (answer.working, answer.reason) == (False, "DECLARED")
    term = pb.ExplainTimeLimitRequest(event_date=date_to_proto(date(2026, 1, 19)), rule="D-01", declared_days=free)
    assert date_from_proto((await office.ask(term, "2026-01-19 10:00")).due_date, "due") == date(2026, 1, 27)
