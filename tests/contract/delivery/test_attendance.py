"""Arrivals, sheets of paper, and bundles of devices, over sockets."""

from __future__ import annotations

import asyncio
import random
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from services.kernel.codes import Role
from services.kernel.dates import Month
from services.runtime.civil import date_to_proto, instant_from_proto, instant_to_proto, month_to_proto
from socialcare.common.v1 import facts_pb2
from socialcare.delivery.v1 import assistants_pb2 as staff
from socialcare.delivery.v1 import attendance_pb2 as pb
from socialcare.delivery.v1 import days_pb2
from socialcare.delivery.v1 import delivery_service_pb2 as delivery
from socialcare.delivery.v1 import kitchens_pb2 as kitchens
from tests.contract.delivery.conftest import TOWN, Service
from tests.contract.delivery.day import (
    CLEANING,
    LATE_CLEANING,
    MEAL,
    MONDAY,
    ask,
    at,
    cared_for,
    hire,
    new,
    refused,
    runs,
)
from tests.contract.delivery.holding import care_held

pytestmark = pytest.mark.postgres

DELIVERED, BY_USER = pb.ATTENDANCE_KIND_DELIVERED, pb.ATTENDANCE_KIND_MISSED_BY_USER
RECORDED, SAME, CONFLICT = pb.ENTRY_OUTCOME_RECORDED, pb.ENTRY_OUTCOME_SAME, pb.ENTRY_OUTCOME_CONFLICT


def entry(case: str, on: date = MONDAY, kind: pb.AttendanceKind = DELIVERED, **more: Any) -> pb.AttendanceEntry:
    said = {"entry_id": new(), "code": "HSP_HOME_CLEANING", "units": 1} | more
    return pb.AttendanceEntry(application_id=case, on_date=date_to_proto(on), kind=kind, **said)


def batch(*entries: pb.AttendanceEntry, town: str = TOWN) -> pb.RecordAttendanceBatchRequest:
    return pb.RecordAttendanceBatchRequest(request_id=new(), municipality_id=town, entries=entries)


def bundle(*entries: pb.AttendanceEntry) -> pb.SubmitOfflineBundleRequest:
    return pb.SubmitOfflineBundleRequest(request_id=new(), municipality_id=TOWN, assistant_id="as-1", entries=entries)


async def outcomes(service: Service, request: Any, when: datetime | None = None, **more: str) -> list[tuple[int, str]]:
    answer = await ask(service, request, Role.ASSISTANT if more else Role.OFFICE_HEAD, when or at(MONDAY, 18), **more)
    assert [result.entry_id for result in answer.results] == [each.entry_id for each in request.entries]
    return [(result.outcome, result.reason) for result in answer.results]


async def delivered(service: Service, case: str) -> dict[str, int]:
    request = delivery.ListDeliveredUnitsRequest(application_id=case, month=month_to_proto(Month(2026, 5)))
    return {unit.code: unit.units for unit in (await ask(service, request)).delivered}


async def first_visit(service: Service, *assistants: str) -> tuple[str, str, str]:
    """The case, the planned unit of Monday and who goes there."""
    for assistant in assistants:
        await hire(service, assistant)
    case = await cared_for(service, CLEANING)
    await runs(service, MONDAY)
    for assistant in assistants:
        request = staff.GetDaySheetRequest(municipality_id=TOWN, assistant_id=assistant, on_date=date_to_proto(MONDAY))
        for task in (await ask(service, request)).tasks:
            return case, task.unit_id, assistant
    raise AssertionError("nobody goes")


async def test_who_arrives_and_leaves_has_delivered(service: Service) -> None:
    case, unit, who = await first_visit(service, "as-1")
    arriving = pb.CheckInRequest(request_id=new(), unit_id=unit)
    arrived = await ask(service, arriving, Role.ASSISTANT, at(MONDAY, 8, 2), staff=who)
    assert (arrived.assistant_id, instant_from_proto(arrived.arrived_time)) == ("as-1", at(MONDAY, 8, 2))
    arriving.request_id = new()
    assert await ask(service, arriving, Role.ASSISTANT, at(MONDAY, 8, 9), staff=who) == arrived
    leaving = pb.CheckOutRequest(request_id=new(), unit_id=unit)
    left = await ask(service, leaving, Role.ASSISTANT, at(MONDAY, 9, 1), staff=who)
    assert instant_from_proto(left.left_time) == at(MONDAY, 9, 1)
    leaving.request_id = new()
    assert await ask(service, leaving, Role.ASSISTANT, at(MONDAY, 9, 30), staff=who) == left
    assert await delivered(service, case) == {"HSP_HOME_CLEANING": 1}
    sheet = staff.GetDaySheetRequest(municipality_id=TOWN, assistant_id=who, on_date=date_to_proto(MONDAY))
    assert [task.state for task in (await ask(service, sheet)).tasks] == ["DONE"]
    arriving.request_id = new()
    assert (await refused(service, arriving, Role.OFFICE_HEAD, at(MONDAY, 10)))[0] == "STATE_NOT_ALLOWED"


async def test_of_two_visits_of_a_line_the_one_that_took_place_is_done(service: Service) -> None:
    await hire(service, "as-1")
    twice = facts_pb2.PlanLine()
    twice.CopyFrom(CLEANING)
    twice.quantity = 2
    case = await cared_for(service, twice)
    await runs(service, MONDAY)
    became = []
    check = days_pb2.CheckDayRequest(municipality_id=TOWN, on_date=date_to_proto(MONDAY))
    for hour, part in ((8, 2), (14, 1)):
        (row,) = await service.rows(
            "SELECT id FROM unit WHERE application_id = $1 AND on_day = $2 AND part = $3", UUID(case), MONDAY, part
        )
        arriving = pb.CheckInRequest(request_id=new(), unit_id=str(row["id"]))
        await ask(service, arriving, Role.ASSISTANT, at(MONDAY, hour), staff="as-1")
        assert not (await ask(service, check)).defects
        leaving = pb.CheckOutRequest(request_id=new(), unit_id=str(row["id"]))
        await ask(service, leaving, Role.ASSISTANT, at(MONDAY, hour + 1), staff="as-1")
        assert not (await ask(service, check)).defects
        states = await service.rows(
            "SELECT state FROM unit WHERE application_id = $1 AND on_day = $2 ORDER BY part", UUID(case), MONDAY
        )
        became.append([state["state"] for state in states])
    assert became == [["PLANNED", "DONE"], ["DONE", "DONE"]]
    assert await delivered(service, case) == {"HSP_HOME_CLEANING": 2}


async def test_who_leaves_waits_for_the_care_before_the_visit_is_held(service: Service) -> None:
    case, unit, who = await first_visit(service, "as-1")
    await ask(service, pb.CheckInRequest(request_id=new(), unit_id=unit), Role.ASSISTANT, staff=who)
    async with care_held(service.dsn, case) as held:
        leaving = pb.CheckOutRequest(request_id=new(), unit_id=unit)
        answer = asyncio.create_task(ask(service, leaving, Role.ASSISTANT, staff=who))
        await held.awaited()
        await held.take("SELECT FROM unit WHERE id = $1 FOR UPDATE NOWAIT", UUID(unit))
    assert (await answer).delivery_id


async def test_nobody_arrives_for_somebody_else_on_another_day_or_twice(service: Service) -> None:
    _, unit, who = await first_visit(service, "as-1")
    arriving = pb.CheckInRequest(request_id=new(), unit_id=unit)
    assert (await refused(service, arriving, Role.ASSISTANT, at(MONDAY), staff="as-2"))[0] == "NOT_YOURS"
    assert (await refused(service, arriving, Role.ASSISTANT, at(MONDAY + timedelta(days=1)), staff=who))[
        0
    ] == "INVALID_FIELD"
    assert (await refused(service, arriving, Role.OFFICE_HEAD, at(MONDAY), town="VARNA"))[0] == "NOT_FOUND"
    leaving = pb.CheckOutRequest(request_id=new(), unit_id=unit)
    assert (await refused(service, leaving, Role.ASSISTANT, at(MONDAY), staff=who))[0] == "STATE_NOT_ALLOWED"
    await ask(service, arriving, Role.ASSISTANT, at(MONDAY), staff=who)
    other = pb.CheckInRequest(request_id=new(), unit_id=unit, assistant_id="as-2")
    assert (await refused(service, other, Role.OFFICE_HEAD, at(MONDAY)))[0] == "STATE_NOT_ALLOWED"


async def test_each_row_of_a_sheet_has_its_own_outcome_and_none_is_lost(service: Service) -> None:
    case, other = await cared_for(service, CLEANING), await cared_for(service, MEAL)
    await runs(service, MONDAY)
    sheet = batch(
        entry(case),
        entry(other),
        entry(new()),
        entry(case, MONDAY + timedelta(days=1)),
        entry(case, MONDAY - timedelta(days=1)),
        entry(other, kind=BY_USER, code="HSP_MEAL_DELIVERY"),
        entry(case, kind=BY_USER),
        entry(case),
    )
    found = await outcomes(service, sheet)
    assert found[1:6] == [
        (CONFLICT, "UNKNOWN_PLAN_CODE"),
        (CONFLICT, "NOT_FOUND"),
        (CONFLICT, "INVALID_FIELD"),
        (CONFLICT, "OUTSIDE_SERVICE"),
        (RECORDED, ""),
    ]
    # Of the three rows about one visit the first by id was recorded; which one that is follows from the ids.
    about = sorted((0, 6, 7), key=lambda row: UUID(sheet.entries[row].entry_id).hex)
    first_kind = sheet.entries[about[0]].kind
    for row in about[1:]:
        same = sheet.entries[row].kind == first_kind
        assert found[row] == ((SAME, "") if same else (CONFLICT, "ALREADY_EXISTS"))
    assert found[about[0]] == (RECORDED, "")
    before = await delivered(service, case)
    sheet.request_id = new()
    assert await outcomes(service, sheet) == found
    assert await delivered(service, case) == before


async def test_an_entry_id_is_never_used_for_something_else(service: Service) -> None:
    case = await cared_for(service, CLEANING)
    await runs(service, MONDAY)
    said = entry(case)
    assert await outcomes(service, batch(said)) == [(RECORDED, "")]
    said.kind = BY_USER
    assert await outcomes(service, batch(said)) == [(CONFLICT, "REQUEST_ID_REUSED")]
    assert await delivered(service, case) == {"HSP_HOME_CLEANING": 1}
    assert (await refused(service, batch(said, said), Role.OFFICE_HEAD, at(MONDAY, 18)))[0] == "INVALID_FIELD"
    reused = batch(entry(case))
    await outcomes(service, reused)
    reused.entries.append(entry(case))
    assert (await refused(service, reused, Role.OFFICE_HEAD, at(MONDAY, 18)))[0] == "REQUEST_ID_REUSED"


async def test_sheets_and_bundles_are_for_the_own_town_and_the_own_day(service: Service) -> None:
    case = await cared_for(service, CLEANING)
    said = entry(case, assistant_id="as-2")
    assert (await refused(service, batch(said), Role.ASSISTANT, staff="as-1"))[0] == "NOT_YOURS"
    assert (await refused(service, bundle(said), Role.ASSISTANT, staff="as-2"))[0] == "NOT_YOURS"
    assert (await refused(service, batch(said), town="VARNA"))[0] == "NOT_YOURS"
    assert (await refused(service, batch(said), Role.BILLING_CLERK))[0] == "ROLE_MISSING"
    taken = pb.GetOfflineBundleRequest(municipality_id=TOWN, assistant_id="as-1", on_date=date_to_proto(MONDAY))
    assert (await refused(service, taken, Role.ASSISTANT, staff="as-2"))[0] == "NOT_YOURS"
    elsewhere = batch(said, town="VARNA")
    assert await outcomes(service, elsewhere, town="VARNA", staff="as-2") == [(CONFLICT, "NOT_FOUND")]


async def test_a_device_takes_the_day_along_and_brings_back_what_was_done(service: Service) -> None:
    case, unit, _ = await first_visit(service, "as-1")
    taken = pb.GetOfflineBundleRequest(municipality_id=TOWN, assistant_id="as-1", on_date=date_to_proto(MONDAY))
    found = await ask(service, taken, Role.ASSISTANT, staff="as-1")
    assert [task.unit_id for task in found.tasks] == [unit]
    late = at(MONDAY + timedelta(days=2))
    assert await outcomes(service, bundle(entry(case)), late, staff="as-1") == [(RECORDED, "")]
    assert await delivered(service, case) == {"HSP_HOME_CLEANING": 1}


async def test_an_assistant_writes_down_the_own_visits_only(service: Service) -> None:
    case, _, _ = await first_visit(service, "as-1")
    codes = {"application_id": case, "code": "HSP_HOME_CLEANING", "on_date": date_to_proto(MONDAY), "units": 1}
    given = delivery.RecordDeliveryRequest(request_id=new(), **codes)
    missed = delivery.RecordMissedRequest(request_id=new(), fault=delivery.MISS_FAULT_USER, **codes)
    for foreign in (given, missed):
        assert (await refused(service, foreign, Role.ASSISTANT, staff="as-2"))[0] == "NOT_YOURS"
    assert await outcomes(service, batch(entry(case)), staff="as-2") == [(CONFLICT, "NOT_YOURS")]
    assert await delivered(service, case) == {}
    await ask(service, given, Role.ASSISTANT, staff="as-1")
    await ask(service, missed, Role.OFFICE_HEAD)
    nobodys = entry(await cared_for(service, LATE_CLEANING))
    assert await outcomes(service, batch(nobodys), staff="as-2") == [(RECORDED, "")]


async def test_of_two_visits_the_one_to_which_nobody_was_sent_is_written_down_by_who_took_it(service: Service) -> None:
    await hire(service, "as-1")
    twice = facts_pb2.PlanLine()
    twice.CopyFrom(CLEANING)
    twice.quantity = 2
    case = await cared_for(service, twice)
    await runs(service, MONDAY)
    await service.rows("DELETE FROM visit_assignment a USING unit u WHERE u.id = a.unit_id AND u.part = 2")
    assert await outcomes(service, batch(entry(case)), staff="as-2") == [(RECORDED, "")]
    assert await outcomes(service, batch(entry(case)), staff="as-1") == [(RECORDED, "")]
    assert await delivered(service, case) == {"HSP_HOME_CLEANING": 2}


async def test_a_meal_is_written_down_by_who_drives_it(service: Service) -> None:
    for driver in ("as-1", "as-2"):
        await hire(service, driver)
    case = await cared_for(service, MEAL)
    route = kitchens.DeliveryRoute(route_code="R-1", driver_id="as-1", district_codes=["SREDETS"])
    described = kitchens.Kitchen(municipality_id=TOWN, kitchen_id="K-1", routes=[route])
    await ask(service, kitchens.RegisterKitchenRequest(request_id=new(), kitchen=described))
    await runs(service, MONDAY)
    said = entry(case, code="HSP_MEAL_DELIVERY")
    sheet = kitchens.ProduceKitchenSheetRequest(
        request_id=new(), municipality_id=TOWN, kitchen_id="K-1", on_date=date_to_proto(MONDAY)
    )
    await ask(service, sheet)
    foreign = batch(entry(case, code="HSP_MEAL_DELIVERY"))
    assert await outcomes(service, foreign, staff="as-2") == [(CONFLICT, "NOT_YOURS")]
    described.routes[0].driver_id = "as-2"
    await ask(service, kitchens.RegisterKitchenRequest(request_id=new(), kitchen=described))
    assert await outcomes(service, batch(said), staff="as-2") == [(RECORDED, "")]


async def test_a_bundle_sent_twice_at_once_is_recorded_once(service: Service) -> None:
    case = await cared_for(service, CLEANING)
    await runs(service, MONDAY)
    said = [entry(case), entry(case, MONDAY - timedelta(days=1))]
    sent = [bundle(*said) for _ in range(6)]
    answers = await asyncio.gather(*(ask(service, each, Role.ASSISTANT, at(MONDAY, 18), staff="as-1") for each in sent))
    settled = {
        tuple((result.outcome, result.reason) for result in answer.results)
        for answer in answers
        if all(result.outcome != pb.ENTRY_OUTCOME_TRY_AGAIN for result in answer.results)
    }
    assert settled == {((RECORDED, ""), (CONFLICT, "OUTSIDE_SERVICE"))}
    assert await delivered(service, case) == {"HSP_HOME_CLEANING": 1}


@pytest.mark.parametrize("seed", range(12))
async def test_any_order_and_repetition_of_submissions_leads_to_the_same_records(service: Service, seed: int) -> None:
    """Entries about one visit agree unless they come in one bundle, where the earlier written one counts."""
    chance = random.Random(seed)
    twins = [await cared_for(service, CLEANING, MEAL), await cared_for(service, CLEANING, MEAL)]
    await runs(service, MONDAY)
    days = [MONDAY - timedelta(days=1), *(MONDAY + timedelta(days=n) for n in range(3))]
    kinds = {day: chance.choice([DELIVERED, BY_USER]) for day in days}
    codes = ("HSP_HOME_CLEANING", "HSP_MEAL_DELIVERY", "HSP_LAUNDRY")
    lines = [(chance.choice(days), chance.choice(codes)) for _ in range(chance.randint(1, 8))]
    contradicted = [(MONDAY, "HSP_HOME_CLEANING", kind, minute) for minute, kind in enumerate((BY_USER, DELIVERED))]
    when = at(MONDAY + timedelta(days=4))

    def bundles(case: str) -> list[list[pb.AttendanceEntry]]:
        plain = [entry(case, day, kinds[day], code=code) for day, code in lines if day != MONDAY]
        clash = [
            entry(case, day, kind, code=code, written_time=instant_to_proto(at(day, 12, minute)))
            for day, code, kind, minute in contradicted
        ]
        return [*([each] for each in plain), clash]

    ordered, shuffled = bundles(twins[0]), bundles(twins[1])
    for each in ordered:
        await ask(service, bundle(*each), Role.ASSISTANT, when, staff="as-1")
    sent = [*shuffled, *chance.sample(shuffled, chance.randint(0, len(shuffled)))]
    chance.shuffle(sent)
    answers: dict[str, str] = {}
    for each in sent:
        chance.shuffle(each)
        answer = await ask(service, bundle(*each), Role.ASSISTANT, when, staff="as-1")
        for result in answer.results:
            assert answers.setdefault(result.entry_id, str(result)) == str(result)
    assert await records(service, twins[1]) == await records(service, twins[0])


async def records(service: Service, case: str) -> list[tuple[Any, ...]]:
    rows = await service.rows(
        "SELECT code, on_day, units, outcome, fault FROM delivery WHERE application_id = $1 ORDER BY 1, 2, 4, 5",
        UUID(case),
    )
    return [tuple(row.values()) for row in rows]
