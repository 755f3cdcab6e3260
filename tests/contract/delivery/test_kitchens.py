"""Kitchens, their sheets and routes, and the beds of facilities, over sockets."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any

import pytest

from services.kernel.codes import Role
from services.kernel.dates import Month
from services.runtime.civil import date_from_proto, date_to_proto, month_to_proto
from socialcare.common.v1 import facts_pb2
from socialcare.delivery.v1 import delivery_service_pb2 as delivery
from socialcare.delivery.v1 import kitchens_pb2 as pb
from tests.contract.delivery.conftest import TOWN, Service
from tests.contract.delivery.day import DIET, MEAL, MONDAY, ask, at, cared_for, hire, new, refused, runs

pytestmark = pytest.mark.postgres

TUESDAY = MONDAY + timedelta(days=1)
WEDNESDAY = MONDAY + timedelta(days=2)
LUNCH = facts_pb2.PlanLine(code="CANTEEN_LUNCH", quantity=1, weekdays=MEAL.weekdays)
LUNCH_AT_HOME = facts_pb2.PlanLine(code="CANTEEN_LUNCH_HOME", quantity=1, weekdays=MEAL.weekdays)
NO_ROUTE, AFTER_SHEET = pb.UNCOOKED_REASON_NO_ROUTE, pb.UNCOOKED_REASON_AFTER_SHEET


def kitchen(code: str, *routes: tuple[str, list[str]], **more: Any) -> pb.RegisterKitchenRequest:
    driven = [pb.DeliveryRoute(route_code=route, district_codes=districts) for route, districts in routes]
    described = pb.Kitchen(municipality_id=TOWN, kitchen_id=code, routes=driven, **more)
    return pb.RegisterKitchenRequest(request_id=new(), kitchen=described)


def producing(on: date, code: str = "K-1") -> pb.ProduceKitchenSheetRequest:
    return pb.ProduceKitchenSheetRequest(
        request_id=new(), municipality_id=TOWN, kitchen_id=code, on_date=date_to_proto(on)
    )


async def stops(service: Service, on: date, route: str = "R-1") -> pb.GetRouteSheetResponse:
    request = pb.GetRouteSheetRequest(
        municipality_id=TOWN, kitchen_id="K-1", route_code=route, on_date=date_to_proto(on)
    )
    answer: pb.GetRouteSheetResponse = await ask(service, request, Role.SOCIAL_WORKER)
    return answer


async def lives_in(service: Service, district: str, start: date = MONDAY, *plan: facts_pb2.PlanLine) -> str:
    case = service.signed(start, *(plan or (MEAL,)))
    service.neighbours.contracts[case].district_code = district
    await service.copies(case, at(MONDAY - timedelta(days=6)))
    return case


async def census(service: Service, house: str, on: date) -> tuple[int, int, int, int]:
    """Who is there, away and still to come, and the free beds."""
    request = pb.GetBedCensusRequest(municipality_id=TOWN, facility_code=house, on_date=date_to_proto(on))
    counted = await ask(service, request)
    return counted.occupied, counted.absent, counted.expected, counted.free


def told(uncooked: Iterable[pb.UncookedMeals]) -> list[tuple[date, str, int, int]]:
    """Day, district, reason and number of meals that no kitchen cooks."""
    return [
        (date_from_proto(meals.on_date, "on_date"), meals.district_code, meals.reason, meals.meals)
        for meals in uncooked
    ]


async def not_cooked(service: Service, on: date, **more: Any) -> pb.ListUncookedMealsResponse:
    request = pb.ListUncookedMealsRequest(municipality_id=TOWN, from_date=date_to_proto(on), **more)
    answer: pb.ListUncookedMealsResponse = await ask(service, request, Role.SOCIAL_WORKER)
    return answer


def pausing(case: str, start: date, end: date) -> delivery.RequestPauseRequest:
    return delivery.RequestPauseRequest(
        request_id=new(), application_id=case, start_date=date_to_proto(start), end_date=date_to_proto(end)
    )


async def test_a_kitchen_is_registered_changed_under_an_etag_and_listed(service: Service) -> None:
    first = (await ask(service, kitchen("K-1", ("R-1", ["SREDETS", "BANKYA"])))).kitchen
    changed = kitchen("K-1", ("R-1", ["BANKYA"]), ("R-2", ["SREDETS"]), etag=first.etag)
    answer = await ask(service, changed)
    assert await ask(service, changed) == answer
    assert (answer.kitchen.etag, len(answer.kitchen.routes)) == ('"2"', 2)
    assert (await refused(service, kitchen("K-1", ("R-1", ["BANKYA"]), etag=first.etag)))[0] == "ETAG_MISMATCH"
    listed = await ask(service, pb.ListKitchensRequest(municipality_id=TOWN))
    assert list(listed.kitchens) == [answer.kitchen]


async def test_a_district_has_one_kitchen_and_a_route_known_drivers(service: Service) -> None:
    await ask(service, kitchen("K-1", ("R-1", ["SREDETS"])))
    assert (await refused(service, kitchen("K-2", ("R-1", ["SREDETS"]))))[0] == "ALREADY_EXISTS"
    assert (await refused(service, kitchen("K-2", ("R-1", ["NOWHERE"]))))[0] == "UNKNOWN_DISTRICT"
    twice = kitchen("K-2", ("R-1", ["BANKYA"]), ("R-2", ["BANKYA"]))
    assert (await refused(service, twice))[0] == "INVALID_FIELD"
    driven = kitchen("K-2", ("R-1", ["BANKYA"]))
    driven.kitchen.routes[0].driver_id = "as-1"
    assert (await refused(service, driven))[0] == "NOT_FOUND"
    await hire(service, "as-1")
    assert (await ask(service, driven)).kitchen.routes[0].driver_id == "as-1"


async def test_a_sheet_is_produced_once_and_later_pauses_do_not_change_it(service: Service) -> None:
    cases = [await lives_in(service, "SREDETS") for _ in range(3)]
    await ask(service, kitchen("K-1", ("R-1", ["SREDETS"])))
    assert (await refused(service, producing(TUESDAY)))[0] == "STATE_NOT_ALLOWED"
    await runs(service, MONDAY)
    sheet = (await ask(service, producing(TUESDAY))).sheet
    assert (sheet.meals, [(menu.menu_code, menu.meals) for menu in sheet.menus]) == (3, [("", 3)])
    await ask(service, pausing(cases[0], TUESDAY, TUESDAY))
    assert (await ask(service, producing(TUESDAY))).sheet == sheet
    assert len((await stops(service, TUESDAY)).stops) == 3
    wednesday = (await ask(service, producing(TUESDAY + timedelta(days=1)))).sheet
    assert (wednesday.meals, wednesday.sheet_id != sheet.sheet_id) == (3, True)
    late = producing(MONDAY)
    assert (await refused(service, late, Role.OFFICE_HEAD, at(TUESDAY)))[0] == "INVALID_FIELD"
    assert (await refused(service, producing(TUESDAY, "K-9")))[0] == "NOT_FOUND"


async def test_meals_are_counted_by_menu(service: Service) -> None:
    usual, diet = await lives_in(service, "SREDETS"), await lives_in(service, "SREDETS", MONDAY, DIET)
    await ask(service, kitchen("K-1", ("R-1", ["SREDETS"])))
    await runs(service, MONDAY)
    sheet = (await ask(service, producing(MONDAY))).sheet
    assert [(menu.menu_code, menu.meals) for menu in sheet.menus] == [("", 1), ("DIABETIC", 2)]
    route = {stop.application_id: stop.menu_code for stop in (await stops(service, MONDAY)).stops}
    assert route == {usual: "", diet: "DIABETIC"}


async def test_a_lunch_that_is_eaten_in_the_canteen_is_cooked_but_driven_to_nobody(service: Service) -> None:
    brought = [await lives_in(service, "SREDETS", MONDAY, line) for line in (MEAL, LUNCH_AT_HOME)]
    await lives_in(service, "SREDETS", MONDAY, LUNCH)
    await ask(service, kitchen("K-1", ("R-1", ["SREDETS"])))
    await runs(service, MONDAY)
    answer = await ask(service, producing(MONDAY))
    assert [(menu.meals, menu.canteen_meals) for menu in answer.sheet.menus] == [(3, 1)]
    assert sorted(stop.application_id for stop in (await stops(service, MONDAY)).stops) == sorted(brought)
    assert list(answer.uncooked) == []


async def test_meals_of_a_district_on_no_route_are_named_beside_the_sheet_and_listed(service: Service) -> None:
    await lives_in(service, "SREDETS")
    for start in (MONDAY, MONDAY, TUESDAY):
        await lives_in(service, "IZGREV", start)
    await lives_in(service, "BANKYA", MONDAY, LUNCH)
    await runs(service, MONDAY)
    assert list((await not_cooked(service, MONDAY)).uncooked) == [], "no kitchen: whoever cooks is told otherwise"
    await ask(service, kitchen("K-1", ("R-1", ["SREDETS"])))
    answer = await ask(service, producing(MONDAY))
    assert answer.sheet.meals == 1
    monday = [(MONDAY, "BANKYA", NO_ROUTE, 1), (MONDAY, "IZGREV", NO_ROUTE, 2)]
    assert told(answer.uncooked) == monday
    page = await not_cooked(service, MONDAY, page_size=2)
    assert told(page.uncooked) == monday
    page = await not_cooked(service, MONDAY, page_size=2, page_token=page.next_page_token)
    assert told(page.uncooked) == [(TUESDAY, "BANKYA", NO_ROUTE, 1), (TUESDAY, "IZGREV", NO_ROUTE, 3)]
    assert len((await not_cooked(service, MONDAY, page_size=500)).uncooked) == 2 * 7
    for district, cook in (("SREDETS", "K-1"), ("IZGREV", "")):
        count = delivery.GetKitchenCountRequest(
            municipality_id=TOWN, district_code=district, on_date=date_to_proto(MONDAY)
        )
        assert (await ask(service, count)).kitchen_id == cook
    await ask(service, kitchen("K-2", ("R-1", ["IZGREV", "BANKYA"])))
    assert list((await not_cooked(service, MONDAY)).uncooked) == []


async def test_meals_planned_after_the_sheet_are_listed_until_they_are_recorded(service: Service) -> None:
    back, _ = [await lives_in(service, "SREDETS") for _ in range(2)]
    await ask(service, kitchen("K-1", ("R-1", ["SREDETS"])))
    await runs(service, MONDAY)
    await ask(service, pausing(back, TUESDAY, WEDNESDAY))
    assert (await ask(service, producing(TUESDAY))).sheet.meals == 1
    returns = delivery.EndPauseEarlyRequest(request_id=new(), application_id=back, return_date=date_to_proto(TUESDAY))
    await ask(service, returns)
    assert told((await not_cooked(service, MONDAY)).uncooked) == [(TUESDAY, "SREDETS", AFTER_SHEET, 1)]
    answer = await ask(service, producing(TUESDAY))
    assert (answer.sheet.meals, told(answer.uncooked)) == (1, [(TUESDAY, "SREDETS", AFTER_SHEET, 1)])
    eaten = delivery.RecordDeliveryRequest(
        request_id=new(), application_id=back, code=MEAL.code, units=1, on_date=date_to_proto(TUESDAY)
    )
    await ask(service, eaten, Role.SOCIAL_WORKER, at(TUESDAY, 13))
    assert list((await not_cooked(service, MONDAY)).uncooked) == []


async def test_a_meal_that_was_kept_counts_where_no_kitchen_cooks_it(service: Service) -> None:
    service.neighbours.settings["kitchen.cut_off"] = "15:00"
    case = await lives_in(service, "IZGREV")
    await ask(service, kitchen("K-1", ("R-1", ["SREDETS"])))
    await runs(service, MONDAY)
    await ask(service, pausing(case, TUESDAY, WEDNESDAY), Role.OFFICE_HEAD, at(MONDAY, 15, 30))
    listed = told((await not_cooked(service, TUESDAY)).uncooked)
    assert listed[:2] == [(TUESDAY, "IZGREV", NO_ROUTE, 1), (WEDNESDAY + timedelta(days=1), "IZGREV", NO_ROUTE, 1)]


async def test_stops_go_by_district_then_first_day_of_care_and_the_newest_comes_last(service: Service) -> None:
    far = await lives_in(service, "BANKYA")
    near = sorted([await lives_in(service, "SREDETS"), await lives_in(service, "SREDETS")])
    newest = await lives_in(service, "SREDETS", TUESDAY)
    elsewhere = await lives_in(service, "IZGREV")
    await ask(service, kitchen("K-1", ("R-1", ["SREDETS", "BANKYA"]), ("R-2", ["IZGREV"])))
    await runs(service, MONDAY)
    for day, expected in ((MONDAY, [*near, far]), (TUESDAY, [*near, newest, far])):
        await ask(service, producing(day))
        route = await stops(service, day)
        assert [stop.application_id for stop in route.stops] == expected
        assert [stop.position for stop in route.stops] == list(range(1, len(expected) + 1))
    assert [stop.application_id for stop in (await stops(service, MONDAY, "R-2")).stops] == [elsewhere]
    assert list((await stops(service, MONDAY, "R-9")).stops) == []


async def test_a_driver_sees_the_own_route_only(service: Service) -> None:
    for driver in ("as-1", "as-2", "as-3"):
        await hire(service, driver)
    case = await lives_in(service, "SREDETS")
    registering = kitchen("K-1", ("R-1", ["SREDETS"]), ("R-2", ["IZGREV"]))
    registering.kitchen.routes[0].driver_id = "as-1"
    await ask(service, registering)
    await runs(service, MONDAY)
    await ask(service, producing(MONDAY))
    near, far = (
        pb.GetRouteSheetRequest(municipality_id=TOWN, kitchen_id="K-1", route_code=route, on_date=date_to_proto(MONDAY))
        for route in ("R-1", "R-2")
    )
    sheet = await ask(service, near, Role.ASSISTANT, staff="as-1")
    assert [stop.application_id for stop in sheet.stops] == [case]
    for foreign, who in ((near, "as-2"), (far, "as-1")):
        assert (await refused(service, foreign, Role.ASSISTANT, staff=who))[0] == "NOT_YOURS"
    instead = kitchen("K-1", ("R-1", ["SREDETS"]), ("R-2", ["IZGREV"]))
    instead.kitchen.routes[0].driver_id = "as-3"
    await ask(service, instead)
    for driver in ("as-1", "as-3"):
        assert await ask(service, near, Role.ASSISTANT, staff=driver) == sheet


async def test_a_pause_after_the_cut_off_holds_but_the_meal_stays_planned_and_charged(service: Service) -> None:
    service.neighbours.settings["kitchen.cut_off"] = "15:00"
    early, late = [await lives_in(service, "SREDETS") for _ in range(2)]
    await ask(service, kitchen("K-1", ("R-1", ["SREDETS"])))
    await runs(service, MONDAY)
    assert (await refused(service, producing(TUESDAY), Role.OFFICE_HEAD, at(MONDAY, 14, 59)))[0] == "STATE_NOT_ALLOWED"
    end = TUESDAY + timedelta(days=1)
    await ask(service, pausing(early, TUESDAY, end), Role.OFFICE_HEAD, at(MONDAY, 14, 59))
    await ask(service, pausing(late, TUESDAY, end), Role.OFFICE_HEAD, at(MONDAY, 15))
    sheet = (await ask(service, producing(TUESDAY), Role.OFFICE_HEAD, at(MONDAY, 15, 1))).sheet
    assert sheet.meals == 1
    assert [stop.application_id for stop in (await stops(service, TUESDAY)).stops] == [late]
    count = delivery.GetKitchenCountRequest(
        municipality_id=TOWN, district_code="SREDETS", on_date=date_to_proto(TUESDAY)
    )
    assert (await ask(service, count)).meals == 1
    served = delivery.ListServedDaysRequest(municipality_id=TOWN, month=month_to_proto(Month(2026, 5)))
    cases = (await ask(service, served, Role.SERVICE)).cases
    assert {case.application_id: case.paused_days for case in cases} == {early: 2, late: 1}
    planned = delivery.ListPlannedUnitsRequest(application_id=late, on_date=date_to_proto(TUESDAY))
    assert [unit.units for unit in (await ask(service, planned)).planned] == [1]


async def test_a_meal_that_was_off_at_the_cut_off_is_neither_cooked_nor_charged_whatever_comes_later(
    service: Service,
) -> None:
    service.neighbours.settings["kitchen.cut_off"] = "15:00"
    longer, again = [await lives_in(service, "SREDETS") for _ in range(2)]
    await ask(service, kitchen("K-1", ("R-1", ["SREDETS"])))
    await runs(service, MONDAY)
    end = TUESDAY + timedelta(days=1)
    for case in (longer, again):
        await ask(service, pausing(case, TUESDAY, end), Role.OFFICE_HEAD, at(MONDAY, 14, 59))
    await ask(service, pausing(longer, TUESDAY, end + timedelta(days=2)), Role.OFFICE_HEAD, at(MONDAY, 15, 30))
    back = delivery.EndPauseEarlyRequest(request_id=new(), application_id=again, return_date=date_to_proto(TUESDAY))
    await ask(service, back, Role.OFFICE_HEAD, at(MONDAY, 15, 30))
    await ask(service, pausing(again, TUESDAY, end), Role.OFFICE_HEAD, at(MONDAY, 15, 40))
    assert (await ask(service, producing(TUESDAY), Role.OFFICE_HEAD, at(MONDAY, 15, 50))).sheet.meals == 0
    served = delivery.ListServedDaysRequest(municipality_id=TOWN, month=month_to_proto(Month(2026, 5)))
    cases = (await ask(service, served, Role.SERVICE)).cases
    assert {case.application_id: case.paused_days for case in cases} == {longer: 4, again: 2}


async def test_a_proved_hospital_stay_takes_off_the_meal_that_was_kept_and_corrects_its_month(service: Service) -> None:
    service.neighbours.settings["kitchen.cut_off"] = "15:00"
    case = await lives_in(service, "SREDETS")
    await runs(service, MONDAY)
    await ask(service, pausing(case, TUESDAY, TUESDAY), Role.OFFICE_HEAD, at(MONDAY, 15, 30))
    served = delivery.ListServedDaysRequest(municipality_id=TOWN, month=month_to_proto(Month(2026, 5)))
    assert [one.paused_days for one in (await ask(service, served, Role.SERVICE)).cases] == [0]
    proved = pausing(case, TUESDAY, TUESDAY)
    proved.hospital_proof = True
    june = at(date(2026, 6, 2), 10)
    await ask(service, proved, Role.OFFICE_HEAD, june)
    assert [one.paused_days for one in (await ask(service, served, Role.SERVICE)).cases] == [1]
    advance = delivery.AdvanceCareRequest(request_id=new(), application_id=case)
    assert (await ask(service, advance, Role.WORKER, june)).corrected_from_month == month_to_proto(Month(2026, 5))


async def test_a_pause_lengthened_after_the_cut_off_of_another_day_keeps_that_day_s_meal(service: Service) -> None:
    service.neighbours.settings["kitchen.cut_off"] = "15:00"
    case = await lives_in(service, "SREDETS")
    await runs(service, MONDAY)
    wednesday = TUESDAY + timedelta(days=1)
    await ask(service, pausing(case, wednesday, wednesday), Role.OFFICE_HEAD, at(MONDAY, 15, 30))
    await ask(service, pausing(case, TUESDAY, wednesday), Role.OFFICE_HEAD, at(MONDAY, 15, 40))
    count = delivery.GetKitchenCountRequest(
        municipality_id=TOWN, district_code="SREDETS", on_date=date_to_proto(TUESDAY)
    )
    assert (await ask(service, count)).meals == 1
    count.on_date.CopyFrom(date_to_proto(wednesday))
    assert (await ask(service, count)).meals == 0


async def test_a_census_counts_who_is_there_who_is_away_and_who_will_come(service: Service) -> None:
    service.neighbours.capacity = 5
    cases = []
    for start in (MONDAY, MONDAY, TUESDAY):
        case = service.signed(start, MEAL)
        service.neighbours.contracts[case].facility_code = "HOME-1"
        await service.copies(case, at(MONDAY - timedelta(days=6)))
        cases.append(case)
    await ask(service, pausing(cases[0], TUESDAY, TUESDAY))
    request = pb.GetBedCensusRequest(municipality_id=TOWN, facility_code="HOME-1", on_date=date_to_proto(MONDAY))
    monday = await ask(service, request)
    assert (monday.capacity, monday.occupied, monday.absent, monday.expected, monday.free) == (5, 2, 0, 1, 3)
    request.on_date.CopyFrom(date_to_proto(TUESDAY))
    tuesday = await ask(service, request)
    assert (tuesday.occupied, tuesday.absent, tuesday.expected, tuesday.free) == (2, 1, 0, 2)


async def test_who_moves_is_counted_where_they_live_on_the_day(service: Service) -> None:
    service.neighbours.capacity = 5
    case = service.signed(MONDAY, MEAL)
    contract = service.neighbours.contracts[case]
    contract.facility_code = "HOME-1"
    await service.copies(case, at(MONDAY - timedelta(days=6)))
    contract.facility_code = "HOME-2"
    contract.version += 1
    for first, house in ((MONDAY, "HOME-1"), (WEDNESDAY, "HOME-2")):
        contract.facilities.add(first_date=date_to_proto(first), facility_code=house)
    for _ in range(2):
        await service.copies(case, at(MONDAY))
        counted = {
            (house, on): await census(service, house, on)
            for house in ("HOME-1", "HOME-2")
            for on in (MONDAY - timedelta(days=1), TUESDAY, WEDNESDAY)
        }
        assert counted == {
            ("HOME-1", MONDAY - timedelta(days=1)): (0, 0, 1, 5),
            ("HOME-1", TUESDAY): (1, 0, 0, 4),
            ("HOME-1", WEDNESDAY): (0, 0, 0, 5),
            ("HOME-2", MONDAY - timedelta(days=1)): (0, 0, 1, 5),
            ("HOME-2", TUESDAY): (0, 0, 1, 5),
            ("HOME-2", WEDNESDAY): (1, 0, 0, 4),
        }


async def test_a_copy_that_comes_late_moves_nobody_back(service: Service) -> None:
    case = service.signed(MONDAY, MEAL)
    contract = service.neighbours.contracts[case]
    for version, house in ((contract.version + 1, "HOME-2"), (contract.version, "HOME-1")):
        contract.version, contract.facility_code = version, house
        await service.copies(case, at(MONDAY))
    assert [(await census(service, house, MONDAY))[0] for house in ("HOME-1", "HOME-2")] == [0, 1]


async def test_who_leaves_before_moving_is_expected_nowhere(service: Service) -> None:
    case = service.signed(MONDAY, MEAL)
    contract = service.neighbours.contracts[case]
    contract.facility_code = "HOME-2"
    contract.end_date.CopyFrom(date_to_proto(TUESDAY))
    for first, house in ((MONDAY, "HOME-1"), (WEDNESDAY, "HOME-2")):
        contract.facilities.add(first_date=date_to_proto(first), facility_code=house)
    await service.copies(case, at(MONDAY))
    assert [(await census(service, house, TUESDAY))[:3] for house in ("HOME-1", "HOME-2")] == [(1, 0, 0), (0, 0, 0)]


async def test_kitchens_of_another_town_are_not_yours_and_assistants_register_none(service: Service) -> None:
    asked = kitchen("K-1", ("R-1", ["SREDETS"]))
    assert (await refused(service, asked, Role.ASSISTANT))[0] == "ROLE_MISSING"
    assert (await refused(service, asked, town="VARNA"))[0] == "NOT_YOURS"
    assert (await refused(service, producing(MONDAY), town="VARNA"))[0] == "NOT_YOURS"
    await ask(service, asked)
    unproduced = pb.GetRouteSheetRequest(
        municipality_id=TOWN, kitchen_id="K-1", route_code="R-1", on_date=date_to_proto(MONDAY)
    )
    assert (await refused(service, unproduced))[0] == "NOT_FOUND"
    await cared_for(service, MEAL)
    await runs(service, MONDAY)
    assert len((await ask(service, producing(MONDAY))).sheet.menus) == 1
