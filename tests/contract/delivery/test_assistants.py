"""Assistants, who goes to which visit, and the day sheet, over sockets."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from services.kernel.codes import Role
from services.runtime.civil import date_to_proto
from socialcare.common.v1 import facts_pb2, types_pb2
from socialcare.delivery.v1 import assistants_pb2 as pb
from tests.contract.delivery.conftest import TOWN, Service
from tests.contract.delivery.day import (
    CLEANING,
    LATE_CLEANING,
    MONDAY,
    NURSE,
    ask,
    at,
    cared_for,
    days,
    hire,
    hours,
    new,
    refused,
    runs,
)

pytestmark = pytest.mark.postgres

TUESDAY = MONDAY + timedelta(days=1)
SICK = pb.ASSISTANT_ABSENCE_REASON_SICK_LEAVE


async def sheet(service: Service, assistant: str, on: date = MONDAY) -> list[pb.DayTask]:
    request = pb.GetDaySheetRequest(municipality_id=TOWN, assistant_id=assistant, on_date=date_to_proto(on))
    answer: pb.GetDaySheetResponse = await ask(service, request)
    return list(answer.tasks)


async def unassigned(service: Service, **more: Any) -> list[pb.AssignedVisit]:
    answer: pb.ListUnassignedVisitsResponse = await ask(
        service, pb.ListUnassignedVisitsRequest(municipality_id=TOWN, **more)
    )
    return list(answer.visits)


def away(assistant: str, first: date, last: date, request_id: str = "") -> pb.SetAssistantAbsenceRequest:
    return pb.SetAssistantAbsenceRequest(
        request_id=request_id or new(),
        municipality_id=TOWN,
        assistant_id=assistant,
        days=days(first, last),
        reason=SICK,
    )


async def test_an_assistant_is_registered_changed_under_an_etag_and_listed(service: Service) -> None:
    first = await hire(service, "as-1", skills=[pb.SKILL_NURSING], district_codes=["SREDETS"])
    assert first.etag == '"1"'
    changed = await hire(service, "as-1", hours=hours("10:00", "14:00"), etag=first.etag)
    assert (changed.etag, changed.hours[0].start_time, list(changed.skills)) == ('"2"', "10:00", [])
    request = pb.RegisterAssistantRequest(request_id=new(), assistant=first)
    assert (await refused(service, request))[0] == "ETAG_MISMATCH"
    await hire(service, "as-2")
    page = await ask(service, pb.ListAssistantsRequest(municipality_id=TOWN, page_size=1))
    rest = await ask(
        service, pb.ListAssistantsRequest(municipality_id=TOWN, page_size=1, page_token=page.next_page_token)
    )
    assert [*(each.assistant_id for each in page.assistants), *(each.assistant_id for each in rest.assistants)] == [
        "as-1",
        "as-2",
    ]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"district_codes": ["NOWHERE"]}, "UNKNOWN_DISTRICT"),
        ({"hours": [*hours(), *hours("16:00", "18:00")]}, "INVALID_FIELD"),
        ({"hours": hours("12:00", "12:00")}, "INVALID_FIELD"),
        ({"end_date": date_to_proto(date(2025, 12, 31))}, "INVALID_FIELD"),
    ],
)
async def test_an_assistant_that_cannot_be_is_refused(service: Service, change: dict[str, Any], reason: str) -> None:
    described = pb.Assistant(
        municipality_id=TOWN, assistant_id="as-1", hours=hours(), start_date=date_to_proto(date(2026, 1, 1))
    )
    for name in change:
        described.ClearField(name)  # type: ignore[arg-type]
    described.MergeFrom(pb.Assistant(**change))
    request = pb.RegisterAssistantRequest(request_id=new(), assistant=described)
    assert (await refused(service, request))[0] == reason


async def test_the_daily_run_has_somebody_go_and_the_same_person_comes_again(service: Service) -> None:
    for assistant in ("as-1", "as-2"):
        await hire(service, assistant)
    cases = [await cared_for(service, CLEANING) for _ in range(2)]
    await runs(service, MONDAY)
    monday = {task.application_id: name for name in ("as-1", "as-2") for task in await sheet(service, name)}
    tuesday = {task.application_id: name for name in ("as-1", "as-2") for task in await sheet(service, name, TUESDAY)}
    assert monday.keys() == set(cases)
    assert sorted(monday.values()) == ["as-1", "as-2"]
    assert tuesday == monday
    assert [(task.start_time, task.end_time, task.state) for task in await sheet(service, "as-1")] == [
        ("08:00", "09:00", "PLANNED")
    ]


async def test_a_visit_that_nobody_can_make_is_listed_with_its_reason(service: Service) -> None:
    await hire(service, "as-1")
    case = await cared_for(service, NURSE)
    await runs(service, MONDAY)
    (monday, _) = await unassigned(service)
    assert (monday.application_id, monday.reason) == (case, pb.ASSIGNMENT_STEP_SKILL)
    page = await ask(service, pb.ListUnassignedVisitsRequest(municipality_id=TOWN, page_size=1))
    (rest,) = await unassigned(service, page_token=page.next_page_token)
    assert rest.on_date == date_to_proto(TUESDAY)
    await hire(service, "as-2", skills=[pb.SKILL_NURSING])
    answer = await ask(
        service, pb.AssignVisitsRequest(request_id=new(), municipality_id=TOWN, on_date=date_to_proto(MONDAY))
    )
    assert (answer.assigned, answer.unassigned) == (1, 0)
    assert [visit.on_date for visit in await unassigned(service)] == [date_to_proto(TUESDAY)]


async def test_an_explanation_names_every_assistant_and_adds_up(service: Service) -> None:
    await hire(service, "as-1", district_codes=["BANKYA"])
    await hire(service, "as-2")
    await cared_for(service, CLEANING)
    await runs(service, MONDAY)
    (task,) = await sheet(service, "as-2", TUESDAY)
    answer = await ask(service, pb.ExplainAssignmentRequest(unit_id=task.unit_id))
    far, chosen = answer.candidates
    assert answer.chosen_assistant_id == answer.visit.assistant_id == chosen.assistant_id == "as-2"
    assert far.fell_out_at == pb.ASSIGNMENT_STEP_DISTRICT
    assert [step.outcome for step in far.steps] == ["REGISTERED_MET", "DISTRICT_NOT_MET"]
    assert (chosen.fell_out_at, chosen.start_time) == (pb.ASSIGNMENT_STEP_UNSPECIFIED, "08:00")
    assert chosen.score == chosen.continuity - chosen.load_minutes == 2000


async def test_a_visit_lies_within_the_window_of_its_line_and_needs_its_skills(service: Service) -> None:
    await hire(service, "as-1")
    await hire(service, "as-2", skills=[pb.SKILL_LIFTING])
    await cared_for(service, LATE_CLEANING)
    await runs(service, MONDAY)
    assert [(task.start_time, task.end_time) for task in await sheet(service, "as-2")] == [("14:00", "14:45")]
    assert await sheet(service, "as-1") == []


async def test_the_visits_of_a_line_are_never_made_at_once(service: Service) -> None:
    for assistant in ("as-1", "as-2"):
        await hire(service, assistant)
    twice, narrow = facts_pb2.PlanLine(), facts_pb2.PlanLine()
    twice.MergeFrom(CLEANING)
    twice.quantity = 2
    narrow.MergeFrom(twice)
    narrow.window_start.hours, narrow.window_end.hours = 14, 15
    await cared_for(service, twice)
    tight = await cared_for(service, narrow)
    await runs(service, MONDAY)
    tasks = [task for name in ("as-1", "as-2") for task in await sheet(service, name)]
    assert sorted((task.start_time, task.end_time) for task in tasks if task.application_id != tight) == [
        ("08:00", "09:00"),
        ("09:00", "10:00"),
    ]
    (made,) = [task for task in tasks if task.application_id == tight]
    left = next(each for each in await unassigned(service) if each.on_date == date_to_proto(MONDAY))
    assert (left.application_id, left.reason) == (tight, pb.ASSIGNMENT_STEP_OVERLAP)
    answer = await ask(service, pb.ExplainAssignmentRequest(unit_id=left.unit_id))
    assert {each.fell_out_at for each in answer.candidates} == {pb.ASSIGNMENT_STEP_OVERLAP}
    assert all(f"({made.start_time}-{made.end_time})" in each.steps[-1].text_en for each in answer.candidates)
    for name in ("as-1", "as-2"):
        named = pb.AssignVisitRequest(request_id=new(), unit_id=left.unit_id, assistant_id=name)
        assert await refused(service, named) == ("ASSIGNMENT_NOT_POSSIBLE", {"step": "OVERLAP"})


async def test_who_falls_ill_is_replaced_and_a_repeated_request_answers_the_same(service: Service) -> None:
    await hire(service, "as-1")
    await cared_for(service, CLEANING)
    await runs(service, MONDAY)
    await hire(service, "as-2")
    request = away("as-1", TUESDAY, TUESDAY + timedelta(days=3))
    first = await ask(service, request)
    assert [(visit.on_date.day, visit.assistant_id) for visit in first.visits] == [(5, "as-2")]
    assert await ask(service, request) == first
    assert [task.state for task in await sheet(service, "as-1")] == ["PLANNED"]
    assert await sheet(service, "as-1", TUESDAY) == []
    assert (await refused(service, away("as-1", TUESDAY, TUESDAY)))[0] == "ALREADY_EXISTS"
    assert (await refused(service, away("nobody", TUESDAY, TUESDAY)))[0] == "NOT_FOUND"


async def test_an_absence_ends_early_or_falls_away(service: Service) -> None:
    await hire(service, "as-1")
    absence = (await ask(service, away("as-1", MONDAY, TUESDAY))).absence
    back = {"municipality_id": TOWN, "absence_id": absence.absence_id}
    outside = pb.EndAssistantAbsenceRequest(
        request_id=new(), **back, back_date=date_to_proto(TUESDAY + timedelta(days=1))
    )
    assert (await refused(service, outside))[0] == "INVALID_FIELD"
    shorter = pb.EndAssistantAbsenceRequest(request_id=new(), **back, back_date=date_to_proto(TUESDAY))
    assert (await ask(service, shorter)).absence.days == days(MONDAY, MONDAY)
    gone = pb.EndAssistantAbsenceRequest(request_id=new(), **back, back_date=date_to_proto(MONDAY))
    assert not (await ask(service, gone)).HasField("absence")
    gone.request_id = new()
    assert (await refused(service, gone))[0] == "NOT_FOUND"


async def test_a_day_sheet_is_printed_the_same_however_often(service: Service) -> None:
    await hire(service, "as-1")
    await cared_for(service, CLEANING)
    await runs(service, MONDAY)
    request = pb.GetDaySheetDocumentRequest(municipality_id=TOWN, assistant_id="as-1", on_date=date_to_proto(MONDAY))
    first = (await ask(service, request, Role.ASSISTANT, staff="as-1")).document
    assert first.startswith(b"%PDF-")
    assert (await ask(service, request)).document == first
    request.on_date.CopyFrom(date_to_proto(MONDAY + timedelta(days=9)))
    assert (await ask(service, request)).document.startswith(b"%PDF-")
    assert (await refused(service, request, Role.ASSISTANT, staff="as-2"))[0] == "NOT_YOURS"


async def test_changed_hours_hand_over_the_visits_that_no_longer_fit(service: Service) -> None:
    await hire(service, "as-1")
    await cared_for(service, CLEANING)
    await runs(service, MONDAY)
    await hire(service, "as-2")
    none_on_tuesday = [each for each in hours() if each.weekday != types_pb2.WEEKDAY_TUE]
    await hire(service, "as-1", hours=none_on_tuesday)
    assert len(await sheet(service, "as-1")) == 1
    assert len(await sheet(service, "as-2", TUESDAY)) == 1


async def test_the_office_names_who_goes_within_the_hard_conditions(service: Service) -> None:
    await hire(service, "as-1")
    await hire(service, "as-2", district_codes=["BANKYA"])
    await hire(service, "as-3")
    await cared_for(service, CLEANING)
    await runs(service, MONDAY)
    (task,) = await sheet(service, "as-1")
    asked = {"unit_id": task.unit_id}
    far = pb.AssignVisitRequest(request_id=new(), **asked, assistant_id="as-2")
    assert await refused(service, far) == ("ASSIGNMENT_NOT_POSSIBLE", {"step": "DISTRICT"})
    named = pb.AssignVisitRequest(request_id=new(), **asked, assistant_id="as-3")
    assert (await ask(service, named)).visit.assistant_id == "as-3"
    await ask(service, pb.AssignVisitsRequest(request_id=new(), municipality_id=TOWN, on_date=date_to_proto(MONDAY)))
    assert [each.unit_id for each in await sheet(service, "as-3")] == [task.unit_id]
    unknown = pb.AssignVisitRequest(request_id=new(), **asked, assistant_id="as-9")
    assert (await refused(service, unknown))[0] == "NOT_FOUND"
    late = pb.AssignVisitRequest(request_id=new(), **asked, assistant_id="as-1")
    assert (await refused(service, late, Role.OFFICE_HEAD, at(TUESDAY)))[0] == "INVALID_FIELD"


async def test_an_assistant_sees_the_own_day_only_and_nobody_that_of_another_town(service: Service) -> None:
    await hire(service, "as-1")
    await cared_for(service, CLEANING)
    await runs(service, MONDAY)
    request = pb.GetDaySheetRequest(municipality_id=TOWN, assistant_id="as-1", on_date=date_to_proto(MONDAY))
    assert len((await ask(service, request, Role.ASSISTANT, staff="as-1")).tasks) == 1
    assert (await refused(service, request, Role.ASSISTANT, staff="as-2"))[0] == "NOT_YOURS"
    assert (await refused(service, request, town="VARNA"))[0] == "NOT_YOURS"
    (task,) = await sheet(service, "as-1")
    explain = pb.ExplainAssignmentRequest(unit_id=task.unit_id)
    assert (await refused(service, explain, town="VARNA"))[0] == "NOT_FOUND"
    assert (await refused(service, pb.ExplainAssignmentRequest(unit_id=new())))[0] == "NOT_FOUND"
    for role in (Role.ASSISTANT, Role.APPLICANT):
        assert (await refused(service, away("as-1", MONDAY, MONDAY), role))[0] == "ROLE_MISSING"
