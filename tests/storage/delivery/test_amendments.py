"""A plan changes for days to come; what was planned stays, in the database too."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import pytest

from services.delivery.domain.care import PlanLine
from services.delivery.errors import HoursLimitExceeded, LineNotAllowed, OutsideService, PlanInThePast, UnknownPlanCode
from services.delivery.rules.plan import PlanFacts
from services.delivery.storage.store import Store
from services.delivery.usecases.plans import AmendPlan, amend_plan
from services.kernel.dates import Weekday
from services.kernel.plan_terms import LAST_TURN, LineTerms
from tests.storage.delivery.conftest import EVERY_DAY, WORKDAYS, MakeContract, Office
from tests.storage.delivery.test_constraints import refused

pytestmark = pytest.mark.postgres

MONDAY = date(2026, 5, 4)
MEAL, CLEANING, LAUNDRY = "HSP_MEAL_DELIVERY", "HSP_HOME_CLEANING", "HSP_LAUNDRY"
DAILY_MEAL = PlanLine(MEAL, 1, EVERY_DAY)


def after(days: int) -> date:
    return MONDAY + timedelta(days=days)


async def amends(office: Office, case: str, first: date, *plan: PlanLine, on: date = MONDAY) -> None:
    async with office.db.write() as tx:
        await amend_plan(AmendPlan(case, first, plan, PlanFacts()), Store(tx), on)


async def planned_days(office: Office, code: str) -> list[date]:
    async with office.db.read() as tx:
        rows = await tx.all(
            "SELECT on_day FROM unit WHERE code = :code AND state <> 'CANCELLED' ORDER BY 1", {"code": code}
        )
    return [row.on_day for row in rows]


@pytest.fixture
async def case(office: Office, make_contract: MakeContract) -> str:
    case = await office.signs(make_contract(MONDAY, DAILY_MEAL, PlanLine(CLEANING, 1, WORKDAYS)), MONDAY)
    await office.runs(MONDAY)
    return case


@pytest.mark.parametrize(
    ("terms", "days"),
    [
        (LineTerms(every_weeks=2), [2, 16]),
        (LineTerms(every_weeks=2, anchor=after(7)), [9, 23]),
        (LineTerms(turns=frozenset({2})), [9]),
        (LineTerms(turns=frozenset({LAST_TURN})), [23]),
        (LineTerms(first=after(10), last=after(17)), [16]),
    ],
)
async def test_lines_are_planned_by_their_rhythm(
    office: Office, make_contract: MakeContract, terms: LineTerms, days: list[int]
) -> None:
    await office.signs(make_contract(MONDAY, PlanLine(LAUNDRY, 1, frozenset({Weekday.WED}), terms)), MONDAY)
    await office.runs(MONDAY)
    assert await planned_days(office, LAUNDRY) == [after(day) for day in days]


async def test_an_amendment_holds_from_its_day_and_cancels_what_it_takes_away(office: Office, case: str) -> None:
    await amends(office, case, after(7), DAILY_MEAL)
    assert (await planned_days(office, CLEANING))[-1] == after(4)
    assert await office.became(case, after(7), CLEANING) == [("CANCELLED", "PLAN_CHANGED")]
    assert await office.became(case, after(7)) == [("PLANNED", "PLAN")]
    await amends(office, case, after(14), DAILY_MEAL, PlanLine(CLEANING, 2, WORKDAYS))
    assert await office.planned(case, after(14)) == {MEAL: 1, CLEANING: 2}
    assert await office.planned(case, after(11)) == {MEAL: 1}


async def test_a_line_that_stays_as_it_was_keeps_its_range_and_units(office: Office, case: str) -> None:
    before = await office.units()
    await amends(office, case, after(7), DAILY_MEAL, PlanLine(CLEANING, 1, WORKDAYS))
    assert await office.units() == before
    async with office.db.read() as tx:
        assert await tx.scalar("SELECT max(plan_version) FROM plan_line") == 1


async def test_an_amendment_that_never_came_to_hold_leaves_an_empty_range(office: Office, case: str) -> None:
    await amends(office, case, after(7), PlanLine(MEAL, 2, EVERY_DAY))
    await amends(office, case, after(5), PlanLine(MEAL, 3, EVERY_DAY))
    assert await office.planned(case, after(4)) == {MEAL: 1, CLEANING: 1}
    assert await office.planned(case, after(7)) == {MEAL: 3}
    async with office.db.read() as tx:
        assert await tx.scalar("SELECT count(*) FROM plan_line WHERE isempty(valid)") == 1


async def test_a_line_is_added_taken_back_and_added_again(office: Office, case: str) -> None:
    added = PlanLine(LAUNDRY, 1, WORKDAYS)
    before = (DAILY_MEAL, PlanLine(CLEANING, 1, WORKDAYS))
    for plan in ((*before, added), before, (*before, added), before, (*before, added)):
        await amends(office, case, after(7), *plan)
    assert await office.planned(case, after(7)) == {MEAL: 1, CLEANING: 1, LAUNDRY: 1}
    async with office.db.read() as tx:
        rows = await tx.all("SELECT plan_version FROM plan_line WHERE code = :code ORDER BY 1", {"code": LAUNDRY})
    assert [row.plan_version for row in rows] == [2, 3, 4]


async def test_a_contract_amended_back_and_forth_is_copied_each_time(office: Office, case: str) -> None:
    signed = office.contracts[case]
    more = (*signed.plan, PlanLine(LAUNDRY, 1, WORKDAYS))
    for version, plan in enumerate((more, signed.plan, more), start=2):
        await office.signs(replace(signed, plan=plan, version=version), MONDAY)
    assert await office.planned(case, after(1)) == {MEAL: 1, CLEANING: 1, LAUNDRY: 1}


async def test_care_on_request_is_possible_while_its_line_holds(office: Office, make_contract: MakeContract) -> None:
    copy = make_contract(MONDAY, DAILY_MEAL, PlanLine(LAUNDRY, 1))
    case = await office.signs(copy, MONDAY)
    await office.delivers(case, LAUNDRY, MONDAY)
    await amends(office, case, after(1), DAILY_MEAL)
    with pytest.raises(UnknownPlanCode):
        await office.delivers(case, LAUNDRY, after(1))


async def test_a_contract_copied_with_another_plan_amends_from_tomorrow(office: Office, case: str) -> None:
    earlier = office.contracts[case]
    await office.signs(replace(earlier, plan=(PlanLine(MEAL, 2, EVERY_DAY),), version=2), after(3))
    assert await office.planned(case, after(3)) == {MEAL: 1, CLEANING: 1}
    assert await office.planned(case, after(4)) == {MEAL: 2}
    await office.signs(replace(earlier, plan=(PlanLine(MEAL, 2, EVERY_DAY),), end=after(20), version=3), after(5))
    assert await office.planned(case, after(6)) == {MEAL: 2}


async def test_a_plan_is_not_amended_for_today_outside_the_contract_or_against_the_rules(
    office: Office, case: str, make_contract: MakeContract
) -> None:
    with pytest.raises(PlanInThePast):
        await amends(office, case, MONDAY, DAILY_MEAL)
    with pytest.raises(UnknownPlanCode):
        await amends(office, case, after(1), PlanLine("ASSISTANT_SUPPORT", 1, WORKDAYS))
    with pytest.raises(LineNotAllowed):
        await amends(office, case, after(1), PlanLine(CLEANING, 1, WORKDAYS, LineTerms(menu="DIABETIC")))
    await office.ends(case, after(2), on=MONDAY)
    with pytest.raises(OutsideService):
        await amends(office, case, after(3), DAILY_MEAL)
    hours = PlanLine("ASSISTANT_SUPPORT", 3, WORKDAYS)
    other = await office.signs(make_contract(MONDAY, hours, service="ASSISTANT_SUPPORT"), MONDAY)
    with pytest.raises(HoursLimitExceeded):
        await amends(office, other, after(1), hours, replace(hours, terms=LineTerms(every_weeks=2)))
    in_turn = [replace(hours, terms=LineTerms(last=after(9))), replace(hours, terms=LineTerms(first=after(10)))]
    await amends(office, other, after(1), *in_turn)


async def test_the_database_lets_nobody_change_the_planned_past(office: Office, case: str) -> None:
    values = {"case": case, "day": after(3)}
    cut = "UPDATE plan_line SET valid = valid * daterange(NULL, :first), cut_on = :day WHERE application_id = :case"
    assert await refused(office, f"{cut} AND :id <> ''", **values, first=after(3)) == "planned_past_stays"
    more = "UPDATE plan_line SET quantity = 9, cut_on = :day WHERE application_id = :case AND :id <> ''"
    assert await refused(office, more, **values) == "planned_past_stays"
    assert (
        await refused(office, "DELETE FROM plan_line WHERE application_id = :case AND :id <> ''", case=case)
        == "plan_line_is_kept"
    )
    late = (
        "INSERT INTO plan_line (id, application_id, line, code, unit, quantity, weekdays, working_days_only, valid, "
        "plan_version, added_on) SELECT :id, application_id, 9, code, unit, 1, weekdays, false, "
        "daterange(:day, NULL), 2, :day FROM plan_line WHERE application_id = :case AND line = 1"
    )
    assert await refused(office, late, **values) == "plan_line_amended_ahead"


async def test_a_day_that_a_run_has_closed_is_past_whoever_says_otherwise(office: Office, case: str) -> None:
    await office.runs(after(3))
    cut = (
        "UPDATE plan_line SET valid = valid * daterange(NULL, :first), cut_on = :day "
        "WHERE application_id = :case AND :id <> ''"
    )
    assert await refused(office, cut, case=case, day=after(1), first=after(2)) == "planned_past_stays"
