"""The horizon: the same rows however the runs came, and nothing on days without care."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from uuid import UUID

import pytest

from services.delivery.domain.care import ContractCopy, PlanLine
from services.delivery.errors import HoursLimitExceeded
from services.delivery.storage import planning
from services.kernel.calendar import DEFAULT_CALENDAR, DayKind, DayOverride
from services.kernel.dates import Weekday
from services.kernel.local_rules import SHIPPED_RULES
from services.kernel.ranges import DateRange
from tests.storage.delivery.conftest import EVERY_DAY, MakeContract, MakeOffice, Office

pytestmark = pytest.mark.postgres

MONDAY = date(2026, 5, 4)


def fixed(copy: ContractCopy, number: int) -> ContractCopy:
    return replace(copy, application_id=str(UUID(int=number)), contract_id=str(UUID(int=1000 + number)))


async def every_unit(office: Office) -> list[tuple[str, date, int, int, str, str]]:
    async with office.db.read() as tx:
        rows = await tx.all(
            "SELECT CAST(application_id AS text), on_day, part, quantity, state, cause FROM unit ORDER BY 1, 2, 3"
        )
    return [tuple(row) for row in rows]


async def test_a_run_plans_each_weekday_of_the_lines_for_twenty_eight_days(
    office: Office, make_contract: MakeContract
) -> None:
    case = await office.signs(make_contract(MONDAY, PlanLine("HSP_HOME_CLEANING", 1, frozenset({Weekday.WED}))), MONDAY)
    await office.runs(MONDAY)
    assert [day for _, _, day, _ in await office.units()] == [
        MONDAY + timedelta(days=2 + 7 * week) for week in range(4)
    ]
    assert await office.planned(case, MONDAY + timedelta(days=2)) == {"HSP_HOME_CLEANING": 1}
    assert await office.planned(case, MONDAY + timedelta(days=3)) == {}


async def test_a_page_of_cases_is_never_planned_by_what_fits_one_case(
    office: Office, make_contract: MakeContract
) -> None:
    cases = [await office.signs(make_contract(MONDAY), MONDAY) for _ in range(2)]
    async with office.db.write() as tx:
        for ids, mode in ((cases[:1], "auto"), (cases, "force_custom_plan")):
            await planning.plan(tx, ids, DateRange(MONDAY, MONDAY), DEFAULT_CALENDAR)
            assert await tx.scalar("SHOW plan_cache_mode") == mode
    async with office.db.read() as tx:
        assert await tx.scalar("SHOW plan_cache_mode") == "auto"


async def test_late_repeated_and_skipped_runs_lead_to_the_same_rows(
    new_office: MakeOffice, make_contract: MakeContract
) -> None:
    async def rows(*days: int) -> list[tuple[str, str, date, int]]:
        office = await new_office()
        for number in range(1, 6):
            await office.signs(fixed(make_contract(MONDAY + timedelta(days=number)), number), MONDAY)
        for day in days:
            await office.runs(MONDAY + timedelta(days=day), size=2)
        return await office.units()

    daily = await rows(*range(41))
    assert await rows(0, 40) == daily
    assert await rows(40) == daily
    assert await rows(0, 40, 3, 3, 40) == daily


async def test_a_day_beyond_the_runs_is_answered_as_the_next_run_will_plan_it(
    office: Office, make_contract: MakeContract
) -> None:
    case = await office.signs(make_contract(MONDAY), MONDAY)
    far = MONDAY + timedelta(days=100)
    before = await office.planned(case, far), await office.meals(far)
    await office.runs(far)
    assert before == (await office.planned(case, far), await office.meals(far)) == ({"HSP_MEAL_DELIVERY": 1}, 1)


async def test_what_the_release_before_planned_for_several_is_planned_again_by_the_next_run(
    office: Office, make_contract: MakeContract
) -> None:
    lines = (PlanLine("HSP_HOME_CLEANING", 2, EVERY_DAY), PlanLine("HSP_MEAL_DELIVERY", 2, EVERY_DAY))
    cases = [await office.signs(make_contract(MONDAY, line), MONDAY) for line in (*lines, lines[0])]
    await office.runs(MONDAY)
    await office.pauses(cases[0], MONDAY + timedelta(days=5), MONDAY + timedelta(days=6), MONDAY)
    # No day that is new to the next run has care in it.
    await office.ends(cases[2], MONDAY + timedelta(days=9), MONDAY)
    before = await every_unit(office)
    async with office.db.write() as tx:
        after = "on_day > :day AND state <> 'CANCELLED'"
        await tx.run(f"UPDATE unit SET quantity = 2 WHERE part = 1 AND {after}", {"day": MONDAY})
        await tx.run(
            f"UPDATE unit SET state = 'CANCELLED', cause = 'PLAN_CHANGED' WHERE part = 2 AND {after}", {"day": MONDAY}
        )
    harmed = await every_unit(office)
    assert len(harmed) == len(before)
    assert harmed != before
    # Pages of two: each looks after as many.
    await office.runs(MONDAY + timedelta(days=1), size=2)
    last = MONDAY + timedelta(days=27)
    assert [row for row in await every_unit(office) if row[1] <= last] == before


async def test_each_day_is_planned_in_the_district_of_that_day(office: Office, make_contract: MakeContract) -> None:
    copy = make_contract(MONDAY)
    case = await office.signs(copy, MONDAY)
    await office.runs(MONDAY)
    moved_on, today = MONDAY + timedelta(days=10), MONDAY + timedelta(days=5)
    districts = ((MONDAY, copy.district_code), (moved_on, "BANKYA"))
    await office.signs(replace(copy, district_code="BANKYA", districts=districts, version=copy.version + 1), today)
    async with office.db.read() as tx:
        rows = await tx.all(
            "SELECT district_code, min(on_day) AS first, max(on_day) AS last FROM unit "
            "WHERE application_id = :case GROUP BY district_code ORDER BY first",
            {"case": case},
        )
    last = MONDAY + timedelta(days=27)
    assert [tuple(row) for row in rows] == [
        (copy.district_code, MONDAY, moved_on - timedelta(days=1)),
        ("BANKYA", moved_on, last),
    ]
    assert await office.meals(MONDAY + timedelta(days=100)) == 0


async def test_assistant_support_is_not_planned_on_a_holiday_and_patronage_is(
    office: Office, make_contract: MakeContract
) -> None:
    liberation_day = date(2026, 3, 3)
    tuesday = frozenset({Weekday.TUE})
    support = make_contract(date(2026, 2, 23), PlanLine("ASSISTANT_SUPPORT", 4, tuesday), service="ASSISTANT_SUPPORT")
    patronage = make_contract(date(2026, 2, 23), PlanLine("HSP_MEAL_DELIVERY", 1, tuesday))
    first, second = await office.signs(support, support.start), await office.signs(patronage, patronage.start)
    await office.runs(liberation_day)
    assert await office.planned(first, liberation_day) == {}
    assert await office.planned(first, liberation_day + timedelta(days=7)) == {"ASSISTANT_SUPPORT": 4}
    assert await office.planned(second, liberation_day) == {"HSP_MEAL_DELIVERY": 1}


async def test_assistant_support_is_not_planned_on_a_day_that_the_municipality_declared_free(
    office: Office, make_contract: MakeContract
) -> None:
    tuesday = MONDAY + timedelta(days=1)
    free = {tuesday: DayOverride(DayKind.NON_WORKING, "МС")}
    office.rules = replace(SHIPPED_RULES, calendar=DEFAULT_CALENDAR.with_overrides("SOFIA-2", free), version=2)
    plan = PlanLine("ASSISTANT_SUPPORT", 4, frozenset({Weekday.TUE}))
    case = await office.signs(make_contract(MONDAY, plan, service="ASSISTANT_SUPPORT"), MONDAY)
    await office.runs(MONDAY)
    assert await office.planned(case, tuesday) == {}
    assert await office.planned(case, tuesday + timedelta(days=7)) == {"ASSISTANT_SUPPORT": 4}
    with pytest.raises(HoursLimitExceeded):
        await office.delivers(case, "ASSISTANT_SUPPORT", tuesday)


async def test_a_pause_takes_its_days_out_of_the_plan_and_an_early_return_gives_them_back(
    office: Office, make_contract: MakeContract
) -> None:
    case = await office.signs(make_contract(MONDAY), MONDAY)
    await office.runs(date(2026, 6, 5))
    await office.pauses(case, date(2026, 6, 10), date(2026, 6, 30), on=date(2026, 6, 5))
    assert await office.meals(date(2026, 6, 9)) == 1
    assert await office.meals(date(2026, 6, 10)) == 0
    assert await office.planned(case, date(2026, 6, 22)) == {}
    await office.welcomes_back(case, date(2026, 6, 22), on=date(2026, 6, 19))
    assert await office.planned(case, date(2026, 6, 21)) == {}
    assert await office.meals(date(2026, 6, 22)) == 1


async def test_nothing_is_planned_after_the_last_day(office: Office, make_contract: MakeContract) -> None:
    case = await office.signs(make_contract(MONDAY), MONDAY)
    await office.runs(MONDAY)
    await office.ends(case, MONDAY + timedelta(days=5), on=MONDAY + timedelta(days=1))
    await office.runs(MONDAY + timedelta(days=2))
    assert max(day for _, _, day, _ in await office.units()) == MONDAY + timedelta(days=5)


async def test_a_closed_run_keeps_its_kitchen_counts(office: Office, make_contract: MakeContract) -> None:
    await office.signs(make_contract(MONDAY), MONDAY)
    await office.signs(make_contract(MONDAY), MONDAY)
    await office.signs(make_contract(MONDAY, district="SREDETS"), MONDAY)
    run = await office.runs(MONDAY)
    assert await office.runs(MONDAY) == run
    async with office.db.read() as tx:
        rows = await tx.all(
            "SELECT district_code, meals FROM kitchen_count WHERE run_id = :run ORDER BY 1", {"run": run}
        )
        totals = await tx.one("SELECT meals, units FROM daily_run WHERE id = :run", {"run": run})
    assert [tuple(row) for row in rows] == [("OVCHA_KUPEL", 2), ("SREDETS", 1)]
    assert tuple(totals) == (3, 3)
