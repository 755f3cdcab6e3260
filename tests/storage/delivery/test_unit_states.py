"""Every planned unit is in exactly one state, whatever happens to its day."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from services.delivery.domain.care import MissFault, PlanLine
from services.delivery.storage import days, reading
from services.delivery.storage.attendance import AttendanceStore
from services.kernel.calendar import DEFAULT_CALENDAR, DayKind, DayOverride
from services.kernel.dates import Month, Weekday
from services.kernel.local_rules import SHIPPED_RULES
from services.kernel.ranges import DateRange
from tests.storage.delivery.conftest import EVERY_DAY, MakeContract, Office
from tests.storage.delivery.test_constraints import refused

pytestmark = pytest.mark.postgres

MONDAY = date(2026, 5, 4)
MEAL, CLEANING = "HSP_MEAL_DELIVERY", "HSP_HOME_CLEANING"
TUESDAY, WEDNESDAY = MONDAY + timedelta(days=1), MONDAY + timedelta(days=2)


@pytest.fixture
async def case(office: Office, make_contract: MakeContract) -> str:
    case = await office.signs(make_contract(MONDAY), MONDAY)
    await office.runs(MONDAY)
    return case


async def test_a_record_makes_a_unit_done_or_missed(office: Office, case: str) -> None:
    await office.delivers(case, MEAL, MONDAY)
    await office.misses(case, MEAL, TUESDAY, MissFault.USER)
    assert await office.became(case, MONDAY) == [("DONE", "DELIVERED")]
    assert await office.became(case, TUESDAY) == [("MISSED", "MISSED_BY_USER")]
    assert await office.became(case, WEDNESDAY) == [("PLANNED", "PLAN")]
    assert await office.planned(case, MONDAY) == await office.planned(case, TUESDAY) == {MEAL: 1}


async def test_what_was_missed_and_delivered_after_all_is_done(office: Office, case: str) -> None:
    await office.misses(case, MEAL, MONDAY, MissFault.PROVIDER)
    await office.delivers(case, MEAL, MONDAY)
    assert await office.became(case, MONDAY) == [("DONE", "DELIVERED")]


async def test_records_count_for_the_lines_of_a_code_in_their_order(
    office: Office, make_contract: MakeContract
) -> None:
    lines = [PlanLine(MEAL, quantity, EVERY_DAY) for quantity in (2, 1, 1)]
    case = await office.signs(make_contract(MONDAY, *lines), MONDAY)
    await office.delivers(case, MEAL, MONDAY, units=2)
    await office.misses(case, MEAL, MONDAY, MissFault.PROVIDER)
    assert [state for state, _ in await office.became(case, MONDAY)] == ["DONE", "DONE", "MISSED", "PLANNED"]


async def test_each_of_two_visits_of_a_line_is_a_unit_of_its_own(office: Office, make_contract: MakeContract) -> None:
    case = await office.signs(make_contract(MONDAY, PlanLine(CLEANING, 2, EVERY_DAY)), MONDAY)
    await office.runs(MONDAY)
    thursday = MONDAY + timedelta(days=3)
    await office.delivers(case, CLEANING, MONDAY)
    await office.delivers(case, CLEANING, TUESDAY)
    await office.misses(case, CLEANING, TUESDAY, MissFault.USER)
    await office.pauses(case, thursday, thursday, on=MONDAY)
    await office.ends(case, thursday, on=MONDAY)
    became = {day: await office.became(case, day, CLEANING) for day in (MONDAY, TUESDAY, WEDNESDAY, thursday)}
    assert became == {
        MONDAY: [("DONE", "DELIVERED"), ("PLANNED", "PLAN")],
        TUESDAY: [("DONE", "DELIVERED"), ("MISSED", "MISSED_BY_USER")],
        WEDNESDAY: [("PLANNED", "PLAN")] * 2,
        thursday: [("PAUSED", "PAUSE")] * 2,
    }
    assert await office.became(case, thursday + timedelta(days=1), CLEANING) == [("CANCELLED", "CARE_ENDED")] * 2
    assert await office.planned(case, MONDAY) == await office.planned(case, WEDNESDAY) == {CLEANING: 2}
    async with office.db.read() as tx:
        for day in became:
            assert (await days.count_of_day(tx, "SOFIA", day)).defects == ()


async def test_a_row_that_the_release_before_wrote_for_two_visits_is_told_apart_when_its_day_is_planned(
    office: Office, make_contract: MakeContract
) -> None:
    case = await office.signs(make_contract(MONDAY, PlanLine(CLEANING, 2, EVERY_DAY)), MONDAY)
    await office.runs(MONDAY)
    async with office.db.write() as tx:
        await tx.run("UPDATE unit SET quantity = 2, state = 'DONE', cause = 'DELIVERED' WHERE part = 1")
        await tx.run("UPDATE unit SET state = 'CANCELLED', cause = 'PLAN_CHANGED' WHERE part = 2")
    await office.delivers(case, CLEANING, MONDAY)
    assert await office.became(case, MONDAY, CLEANING) == [("DONE", "DELIVERED"), ("PLANNED", "PLAN")]
    assert await office.planned(case, MONDAY) == {CLEANING: 2}


async def test_the_hours_of_a_visit_are_one_unit(office: Office, make_contract: MakeContract) -> None:
    plan = PlanLine("ASSISTANT_SUPPORT", 3, frozenset({Weekday.TUE}))
    case = await office.signs(make_contract(MONDAY, plan, service="ASSISTANT_SUPPORT"), MONDAY)
    await office.runs(MONDAY)
    assert await office.became(case, TUESDAY, plan.code) == [("PLANNED", "PLAN")]
    assert await office.planned(case, TUESDAY) == {plan.code: 3}


async def test_billing_is_told_the_units_that_were_served_and_not_those_of_the_plan(
    office: Office, make_contract: MakeContract
) -> None:
    case = await office.signs(make_contract(MONDAY, PlanLine(MEAL, 2, EVERY_DAY)), MONDAY)
    await office.runs(MONDAY)
    await office.delivers(case, MEAL, MONDAY)
    await office.misses(case, MEAL, MONDAY, MissFault.PROVIDER)
    await office.delivers(case, MEAL, TUESDAY, units=2)
    async with office.db.read() as tx:
        (served,) = await reading.served_page(tx, "SOFIA", Month(2026, 5), SHIPPED_RULES.catalogue)
        states = [unit.state for unit in await days.units_of_case(tx, case, DateRange(MONDAY, TUESDAY))]
    assert (served.delivered, served.missed) == (((MEAL, 3),), ((MEAL, 1),))
    assert (states.count("DONE"), states.count("MISSED")) == (3, 1)


async def test_a_pause_pauses_what_was_planned_and_the_return_plans_it_again(office: Office, case: str) -> None:
    last = WEDNESDAY + timedelta(days=2)
    await office.pauses(case, TUESDAY, last, on=MONDAY)
    assert await office.became(case, TUESDAY) == await office.became(case, last) == [("PAUSED", "PAUSE")]
    await office.welcomes_back(case, WEDNESDAY, on=MONDAY)
    assert await office.became(case, TUESDAY) == [("PAUSED", "PAUSE")]
    assert await office.became(case, WEDNESDAY) == [("PLANNED", "PLAN")]


async def test_a_pause_that_is_known_when_its_days_are_planned_pauses_their_units(office: Office, case: str) -> None:
    far = MONDAY + timedelta(days=40)
    await office.pauses(case, far, far, on=MONDAY)
    await office.runs(MONDAY + timedelta(days=20))
    assert await office.became(case, far) == [("PAUSED", "PAUSE")]
    assert await office.planned(case, far) == {}
    assert await office.meals(far) == 0


async def test_a_hospital_stay_pauses_missed_units_and_what_was_still_delivered(office: Office, case: str) -> None:
    await office.delivers(case, MEAL, MONDAY)
    await office.misses(case, MEAL, TUESDAY, MissFault.USER)
    await office.pauses(case, MONDAY, WEDNESDAY, on=MONDAY + timedelta(days=5), proof="SHOWN")
    for day in (MONDAY, TUESDAY, WEDNESDAY):
        assert await office.became(case, day) == [("PAUSED", "HOSPITAL")]
    await office.welcomes_back(case, MONDAY, on=MONDAY + timedelta(days=6))
    assert await office.became(case, MONDAY) == [("DONE", "DELIVERED")]
    assert await office.became(case, TUESDAY) == [("MISSED", "MISSED_BY_USER")]


async def test_the_end_of_care_cancels_what_lies_behind_it_and_a_pause_there(office: Office, case: str) -> None:
    paused = MONDAY + timedelta(days=10)
    await office.pauses(case, paused, paused, on=MONDAY)
    await office.ends(case, TUESDAY, on=MONDAY)
    assert await office.became(case, TUESDAY) == [("PLANNED", "PLAN")]
    assert await office.became(case, WEDNESDAY) == await office.became(case, paused) == [("CANCELLED", "CARE_ENDED")]
    assert await office.meals(WEDNESDAY) == 0


async def test_an_authorisation_that_is_prolonged_again_brings_its_units_back(office: Office, case: str) -> None:
    ordered = office.contracts[case]
    await office.signs(replace(ordered, authorised_to=MONDAY, version=2), MONDAY)
    assert await office.became(case, TUESDAY) == [("CANCELLED", "CARE_ENDED")]
    await office.signs(replace(ordered, version=3), MONDAY)
    assert await office.became(case, TUESDAY) == [("PLANNED", "PLAN")]


async def test_records_that_a_shortened_order_cut_off_come_back_when_it_is_mended(office: Office, case: str) -> None:
    await office.delivers(case, MEAL, MONDAY)
    await office.delivers(case, MEAL, TUESDAY)
    await office.misses(case, MEAL, WEDNESDAY, MissFault.PROVIDER)
    ordered = office.contracts[case]
    short = replace(ordered, authorised_from=MONDAY, authorised_to=MONDAY, version=2)
    await office.signs(short, WEDNESDAY)
    for day in (TUESDAY, WEDNESDAY):
        assert await office.became(case, day) == [("CANCELLED", "CARE_ENDED")]
    async with office.db.read() as tx:
        (served,) = await reading.served_page(tx, "SOFIA", Month(2026, 5), SHIPPED_RULES.catalogue)
    assert (served.delivered, served.missed) == (((MEAL, 1),), ())
    await office.signs(replace(short, authorised_to=TUESDAY, version=3), WEDNESDAY)
    assert await office.became(case, TUESDAY) == [("DONE", "DELIVERED")]
    await office.signs(replace(ordered, version=4), WEDNESDAY)
    assert await office.became(case, WEDNESDAY) == [("MISSED", "MISSED_BY_PROVIDER")]
    async with office.db.read() as tx:
        (served,) = await reading.served_page(tx, "SOFIA", Month(2026, 5), SHIPPED_RULES.catalogue)
    assert (served.delivered, served.missed) == (((MEAL, 2),), ((MEAL, 1),))


async def test_a_record_that_was_withdrawn_does_not_come_back_with_its_day(office: Office, case: str) -> None:
    record = (await office.delivers(case, MEAL, TUESDAY)).resource
    async with office.db.write() as tx:
        await AttendanceStore(tx).withdraw(record)
    ordered = office.contracts[case]
    await office.signs(replace(ordered, authorised_to=MONDAY, version=2), WEDNESDAY)
    await office.signs(replace(ordered, version=3), WEDNESDAY)
    assert await office.became(case, TUESDAY) == [("PLANNED", "PLAN")]


async def test_the_database_knows_what_a_record_said_only_of_one_that_was_cut_off(office: Office, case: str) -> None:
    await office.delivers(case, MEAL, MONDAY)
    cut = "UPDATE delivery SET {}cut_outcome = :said, cut_fault = :fault WHERE application_id = :case AND :id <> ''"
    standing, void = cut.format(""), cut.format("outcome = 'VOID', ")
    assert await refused(office, standing, case=case, said="DELIVERED", fault=None) == "delivery_cut_is_void"
    assert await refused(office, void, case=case, said="MISSED", fault=None) == "delivery_cut_is_void"
    assert await refused(office, void, case=case, said="DELIVERED", fault="USER") == "delivery_cut_is_void"


async def test_a_day_declared_free_cancels_the_hours_of_assistant_support(
    office: Office, make_contract: MakeContract
) -> None:
    plan = PlanLine("ASSISTANT_SUPPORT", 4, frozenset({Weekday.TUE}))
    copy = make_contract(MONDAY, plan, service="ASSISTANT_SUPPORT")
    case = await office.signs(copy, MONDAY)
    assert await office.became(case, TUESDAY, plan.code) == [("PLANNED", "PLAN")]
    free = {TUESDAY: DayOverride(DayKind.NON_WORKING, "МС")}
    office.rules = replace(SHIPPED_RULES, calendar=DEFAULT_CALENDAR.with_overrides("SOFIA-2", free), version=2)
    await office.signs(replace(copy, version=2), MONDAY)
    assert await office.became(case, TUESDAY, plan.code) == [("CANCELLED", "DAY_OFF")]


async def test_the_database_knows_which_fact_leads_to_which_state(office: Office, case: str) -> None:
    move = "UPDATE unit SET state = :state, cause = :cause WHERE application_id = :case AND :id <> ''"
    assert await refused(office, move, case=case, state="DONE", cause="PAUSE") == "unit_state_has_its_cause"
    assert await refused(office, move, case=case, state="LOST", cause="PLAN") == "unit_state_has_its_cause"
    assert await refused(office, move, case=case, state="PAUSED", cause="PAUSE") == "unit_within_care"


async def test_the_database_refuses_a_pause_that_its_units_do_not_know(office: Office, case: str) -> None:
    pause = (
        "INSERT INTO pause (id, application_id, days, hospital) VALUES (:id, :case, daterange(:day, :day, '[]'), false)"
    )
    assert await refused(office, pause, case=case, day=TUESDAY) == "pause_of_its_units"
    await office.pauses(case, TUESDAY, TUESDAY, on=MONDAY)
    lift = "DELETE FROM pause WHERE application_id = :case AND :id <> ''"
    assert await refused(office, lift, case=case) == "pause_of_its_units"
