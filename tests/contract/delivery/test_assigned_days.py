"""A day that was assigned follows what changes afterwards, and one case never keeps the others from their visits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, timedelta

import pytest
from google.type.timeofday_pb2 import TimeOfDay

from services.kernel.codes import Role
from services.runtime.civil import date_to_proto
from socialcare.common.v1 import facts_pb2
from socialcare.delivery.v1 import assistants_pb2 as pb
from socialcare.delivery.v1 import days_pb2, plan_pb2
from socialcare.delivery.v1 import delivery_service_pb2 as delivery
from tests.contract.delivery.conftest import TOWN, Service
from tests.contract.delivery.day import (
    CLEANING,
    MEAL,
    MONDAY,
    NURSE,
    ask,
    at,
    cared_for,
    hire,
    new,
    refused,
    runs,
)
from tests.contract.delivery.test_assistants import away, sheet, unassigned
from tests.contract.delivery.test_kitchens import pausing

pytestmark = pytest.mark.postgres

TUESDAY = MONDAY + timedelta(days=1)
BOTH = ("as-1", "as-2")


async def returns(service: Service, case: str, day: date, on: date) -> None:
    request = delivery.EndPauseEarlyRequest(request_id=new(), application_id=case, return_date=date_to_proto(day))
    await ask(service, request, Role.SOCIAL_WORKER, at(on, 8))


async def visits_of(service: Service, day: date, names: Sequence[str] = BOTH) -> list[tuple[str, str, str]]:
    """Case, assistant and begin of the visits on the sheets of a day."""
    return [(task.application_id, name, task.start_time) for name in names for task in await sheet(service, name, day)]


async def catches_up(service: Service, day: date, on: date) -> None:
    """The daily run of a day that nobody ran, at a later one."""
    worker = service.by(Role.WORKER, at(on, 9))
    opening = delivery.OpenDailyRunRequest(request_id=new(), municipality_id=TOWN, on_date=date_to_proto(day))
    run = await service.stub.OpenDailyRun(opening, metadata=worker)
    await service.stub.PlanPage(delivery.PlanPageRequest(request_id=new(), run_id=run.run_id), metadata=worker)
    await service.stub.CloseDailyRun(
        delivery.CloseDailyRunRequest(request_id=new(), run_id=run.run_id), metadata=worker
    )


async def paused_until(service: Service, day: date) -> str:
    """A case in care for long, in a pause to the day from before the runs that assigned today and tomorrow."""
    case = await cared_for(service, CLEANING, start=MONDAY - timedelta(days=14))
    away_from = MONDAY - timedelta(days=2)
    await ask(service, pausing(case, away_from, day), Role.SOCIAL_WORKER, at(MONDAY - timedelta(days=4)))
    await runs(service, MONDAY)
    return case


async def test_whoever_returns_today_is_on_a_sheet_at_once(service: Service) -> None:
    await hire(service, "as-1")
    case = await paused_until(service, MONDAY + timedelta(days=5))
    assert await visits_of(service, MONDAY, ["as-1"]) == []
    await returns(service, case, MONDAY, MONDAY)
    for day in (MONDAY, TUESDAY):
        assert await visits_of(service, day, ["as-1"]) == [(case, "as-1", "08:00")]
    assert await unassigned(service) == []


async def test_a_return_that_was_not_heard_of_in_full_is_repeated_to_the_end(service: Service) -> None:
    await hire(service, "as-1")
    case = await paused_until(service, MONDAY)
    back = delivery.EndPauseEarlyRequest(request_id=new(), application_id=case, return_date=date_to_proto(MONDAY))
    await ask(service, back, Role.SOCIAL_WORKER, at(MONDAY, 8))
    await service.rows("DELETE FROM visit_assignment WHERE on_day = $1", MONDAY)
    (left,) = await unassigned(service)
    assert (left.application_id, left.reason) == (case, pb.ASSIGNMENT_STEP_UNSPECIFIED)
    await ask(service, back, Role.SOCIAL_WORKER, at(MONDAY, 8))
    assert await visits_of(service, MONDAY, ["as-1"]) == [(case, "as-1", "08:00")]


async def test_whoever_returns_and_nobody_can_go_to_is_listed_at_once_with_the_reason(service: Service) -> None:
    await hire(service, "as-1", district_codes=["BANKYA"])
    case = await paused_until(service, MONDAY)
    assert {each.on_date.day for each in await unassigned(service)} == {TUESDAY.day}
    await returns(service, case, MONDAY, MONDAY)
    listed = await unassigned(service)
    assert [(each.on_date.day, each.reason) for each in listed] == [
        (MONDAY.day, pb.ASSIGNMENT_STEP_DISTRICT),
        (TUESDAY.day, pb.ASSIGNMENT_STEP_DISTRICT),
    ]


async def test_care_that_begins_today_is_on_a_sheet_at_once(service: Service) -> None:
    await hire(service, "as-1")
    await cared_for(service, CLEANING, start=MONDAY - timedelta(days=14))
    await runs(service, MONDAY)
    case = service.signed(MONDAY, CLEANING)
    await service.copies(case, at(MONDAY, 8))
    for day in (MONDAY, TUESDAY):
        assert (case, "as-1", "09:00") in await visits_of(service, day, ["as-1"])
    assert await visits_of(service, TUESDAY + timedelta(days=1), ["as-1"]) == [], "nobody has assigned that day yet"


async def test_a_line_added_for_tomorrow_is_on_a_sheet_at_once_and_a_removed_one_on_none(service: Service) -> None:
    await hire(service, "as-1")
    case = await cared_for(service, MEAL)
    await runs(service, MONDAY)
    for plan, begins in (([MEAL, CLEANING], ["08:00"]), ([MEAL], [])):
        request = plan_pb2.AmendPlanRequest(
            request_id=new(), application_id=case, first_date=date_to_proto(TUESDAY), plan=plan
        )
        await ask(service, request, Role.SOCIAL_WORKER)
        assert [begin for _, _, begin in await visits_of(service, TUESDAY, ["as-1"])] == begins
    assert await service.rows("SELECT unit_id FROM visit_assignment WHERE on_day = $1", TUESDAY) == []


async def test_a_visit_that_comes_back_does_not_come_back_to_somebody_who_is_away_by_then(service: Service) -> None:
    await hire(service, "as-1")
    case = await cared_for(service, CLEANING)
    await runs(service, MONDAY)
    await ask(service, pausing(case, TUESDAY, TUESDAY), Role.SOCIAL_WORKER)
    assert await unassigned(service) == []
    await ask(service, away("as-1", TUESDAY, TUESDAY))
    await returns(service, case, TUESDAY, MONDAY)
    assert await sheet(service, "as-1", TUESDAY) == []
    (left,) = await unassigned(service)
    assert (left.application_id, left.reason) == (case, pb.ASSIGNMENT_STEP_ABSENCE)
    await hire(service, "as-2")
    named = pb.AssignVisitRequest(request_id=new(), unit_id=left.unit_id, assistant_id="as-2")
    assert (await ask(service, named)).visit.assistant_id == "as-2"
    assert await unassigned(service) == []


async def test_a_visit_that_somebody_is_named_for_is_nobodys_no_more(service: Service) -> None:
    await hire(service, "as-1")
    await cared_for(service, NURSE)
    await runs(service, MONDAY)
    monday, tuesday = await unassigned(service)
    await hire(service, "as-2", skills=[pb.SKILL_NURSING])
    named = pb.AssignVisitRequest(request_id=new(), unit_id=monday.unit_id, assistant_id="as-2")
    answer = (await ask(service, named)).visit
    assert (answer.assistant_id, answer.reason) == ("as-2", pb.ASSIGNMENT_STEP_UNSPECIFIED)
    assert [each.unit_id for each in await unassigned(service)] == [tuesday.unit_id]
    assert await service.rows("SELECT unit_id FROM visit_unassigned WHERE unit_id = $1", monday.unit_id) == []


async def test_somebody_is_named_into_the_gap_that_a_paused_visit_leaves(service: Service) -> None:
    for name in BOTH:
        await hire(service, name)
    for _ in range(2):
        await cared_for(service, CLEANING)
    await runs(service, MONDAY)
    (paused,), (other,) = [await sheet(service, name, TUESDAY) for name in BOTH]
    await ask(service, pausing(paused.application_id, TUESDAY, TUESDAY), Role.SOCIAL_WORKER)
    named = pb.AssignVisitRequest(request_id=new(), unit_id=other.unit_id, assistant_id="as-1")
    answer = (await ask(service, named)).visit
    assert (answer.assistant_id, answer.start_time) == ("as-1", paused.start_time)


async def test_a_line_keeps_its_assistant_though_another_comes_for_another_line(service: Service) -> None:
    nurse_on_monday = facts_pb2.PlanLine(
        code="HSP_PRE_PHYSICIAN_CARE",
        quantity=1,
        weekdays=[1],
        window_start=TimeOfDay(hours=15),
        window_end=TimeOfDay(hours=16),
    )
    await hire(service, "as-2")
    await cared_for(service, CLEANING, nurse_on_monday, start=MONDAY - timedelta(days=2))
    for day in (2, 1):
        await runs(service, MONDAY - timedelta(days=day))
    await hire(service, "as-1", skills=[pb.SKILL_NURSING])
    for day in (MONDAY, TUESDAY):
        await ask(service, pb.AssignVisitsRequest(request_id=new(), municipality_id=TOWN, on_date=date_to_proto(day)))
    assert [(name, begin) for _, name, begin in await visits_of(service, MONDAY)] == [
        ("as-1", "15:00"),
        ("as-2", "08:00"),
    ]
    assert [name for _, name, _ in await visits_of(service, TUESDAY)] == ["as-2"]


async def test_an_amended_line_keeps_who_came_for_its_item(service: Service) -> None:
    await hire(service, "as-2")
    case = await cared_for(service, CLEANING)
    await runs(service, MONDAY)
    await hire(service, "as-1")
    longer = facts_pb2.PlanLine()
    longer.MergeFrom(CLEANING)
    longer.window_start.hours, longer.window_end.hours = 10, 12
    request = plan_pb2.AmendPlanRequest(
        request_id=new(), application_id=case, first_date=date_to_proto(TUESDAY), plan=[longer]
    )
    await ask(service, request, Role.SOCIAL_WORKER)
    assert await visits_of(service, TUESDAY) == [(case, "as-2", "10:00")]


async def test_two_lines_of_a_person_are_never_visited_at_once(service: Service) -> None:
    hygiene = facts_pb2.PlanLine(code="HSP_PERSONAL_HYGIENE", quantity=1, weekdays=CLEANING.weekdays)
    for name in BOTH:
        await hire(service, name)
    await cared_for(service, CLEANING, hygiene)
    await runs(service, MONDAY)
    assert sorted(begin for _, _, begin in await visits_of(service, MONDAY)) == ["08:00", "09:00"]


async def test_a_run_that_catches_up_sends_nobody_to_a_day_that_is_over(service: Service) -> None:
    for name in BOTH:
        await hire(service, name)
    case = await cared_for(service, CLEANING)
    friday = MONDAY + timedelta(days=4)
    await catches_up(service, MONDAY, friday)
    assert await service.rows("SELECT unit_id FROM visit_assignment") == []
    told = delivery.RecordDeliveryRequest(
        request_id=new(), application_id=case, code="HSP_HOME_CLEANING", on_date=date_to_proto(MONDAY), units=1
    )
    await ask(service, told, Role.ASSISTANT, at(friday), staff="as-2")
    await catches_up(service, friday - timedelta(days=1), friday)
    assert [row["on_day"] for row in await service.rows("SELECT on_day FROM visit_assignment")] == [friday]


async def test_a_case_that_the_database_refuses_is_parked_and_the_others_have_their_visits(service: Service) -> None:
    await hire(service, "as-1")
    cases = [await cared_for(service, CLEANING) for _ in range(5)]
    bad = cases[2]
    await service.rows(f"ALTER TABLE visit_assignment ADD CONSTRAINT bad_case CHECK (person_id <> 'person-of-{bad}')")
    try:
        await runs(service, MONDAY)
        for day in (MONDAY, TUESDAY):
            assert {case for case, _, _ in await visits_of(service, day, ["as-1"])} == {*cases} - {bad}
        left = await unassigned(service)
        assert [(each.application_id, each.on_date.day) for each in left] == [
            (bad, MONDAY.day),
            (bad, TUESDAY.day),
        ]
        (parked,) = (await ask(service, days_pb2.ListParkedCasesRequest(municipality_id=TOWN))).cases
        assert (parked.application_id, parked.reason) == (bad, "BAD_CASE")
        named = pb.AssignVisitRequest(request_id=new(), unit_id=left[0].unit_id, assistant_id="as-1")
        assert (await refused(service, named))[0] == "STATE_NOT_ALLOWED"
    finally:
        await service.rows("ALTER TABLE visit_assignment DROP CONSTRAINT bad_case")
    await runs(service, TUESDAY)
    assert (await ask(service, days_pb2.ListParkedCasesRequest(municipality_id=TOWN))).cases == []
    assert bad in {case for case, _, _ in await visits_of(service, TUESDAY, ["as-1"])}
    last = MONDAY + timedelta(days=28)
    planned = await service.rows("SELECT application_id FROM unit WHERE on_day = $1", last)
    assert {str(row["application_id"]) for row in planned} == {*cases}
