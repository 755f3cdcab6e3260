"""A day that is declared off, or is none any more, reaches what was planned with the next daily run (T-09)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from types import MappingProxyType
from uuid import UUID

import pytest

from services.delivery.domain.care import MissFault, PlanLine
from services.delivery.storage import days, pages, planning
from services.delivery.storage.local_rules import keep_rules
from services.kernel.calendar import DEFAULT_CALENDAR, BusinessCalendar, DayKind, DayOverride
from services.kernel.dates import start_of_day
from services.kernel.local_rules import SHIPPED_RULES, LocalRules
from services.runtime.ids import new_id
from tests.storage.delivery.conftest import MUNICIPALITY, WORKDAYS, MakeContract, Office
from tests.storage.delivery.test_days import parked
from tests.storage.delivery.test_planning import fixed
from tests.storage.delivery.test_splitting import migrated

pytestmark = pytest.mark.postgres

MONDAY = date(2026, 5, 11)
HOURS = "ASSISTANT_SUPPORT"
CANCELLED, PLANNED = [("CANCELLED", "DAY_OFF")], [("PLANNED", "PLAN")]


def after(number: int) -> date:
    return MONDAY + timedelta(days=number)


OFF = after(10)


def declaring(version: int, *off: date) -> LocalRules:
    """What the municipality has decided: these days are off beside those of the shipped calendar."""
    declared = {day: DayOverride(DayKind.NON_WORKING, "МС") for day in off}
    overrides = MappingProxyType({**DEFAULT_CALENDAR.overrides, **declared})
    return replace(SHIPPED_RULES, calendar=BusinessCalendar(f"SOFIA-{version}", overrides), version=version)


async def helped(office: Office, make_contract: MakeContract, *hours: int, number: int = 1) -> str:
    lines = [PlanLine(HOURS, each, WORKDAYS) for each in hours]
    copy = fixed(make_contract(MONDAY, *lines, service=HOURS), number)
    return await office.signs(copy, MONDAY)


async def defects(office: Office, *on: date) -> list[days.Defect]:
    async with office.db.read() as tx:
        return [defect for day in on for defect in await days.defects_of_day(tx, MUNICIPALITY, day)]


async def test_a_declared_day_off_cancels_what_was_planned_in_every_page(
    office: Office, make_contract: MakeContract
) -> None:
    cases = [await helped(office, make_contract, 4, number=number) for number in range(1, 6)]
    await office.runs(MONDAY)
    office.rules = declaring(2, OFF)
    await office.runs(after(1), size=2)
    for case in cases:
        assert await office.became(case, OFF, HOURS) == CANCELLED
        assert await office.became(case, after(9), HOURS) == await office.became(case, after(11), HOURS) == PLANNED
    assert await defects(office, *map(after, range(29))) == []


async def test_a_declaration_that_is_taken_back_brings_the_hours_back(
    office: Office, make_contract: MakeContract
) -> None:
    office.rules = declaring(2, OFF)
    case = await helped(office, make_contract, 4)
    await office.runs(MONDAY)
    assert await office.became(case, OFF, HOURS) == []
    office.rules = declaring(3)
    await office.runs(after(1))
    assert await office.became(case, OFF, HOURS) == PLANNED
    assert await defects(office, OFF) == []


async def test_a_case_planned_by_a_calendar_that_held_for_a_day_is_planned_again(
    office: Office, make_contract: MakeContract
) -> None:
    case = await helped(office, make_contract, 4)
    await office.runs(MONDAY)
    office.rules = declaring(2, OFF)
    other = await helped(office, make_contract, 3, number=2)
    assert (await office.became(case, OFF, HOURS), await office.became(other, OFF, HOURS)) == (PLANNED, [])
    office.rules = declaring(3)
    await office.runs(after(1))
    assert await office.became(case, OFF, HOURS) == await office.became(other, OFF, HOURS) == PLANNED


async def test_hours_recorded_before_their_day_was_declared_off_stay_and_the_others_are_cancelled(
    office: Office, make_contract: MakeContract
) -> None:
    case = await helped(office, make_contract, 1, 1, 2)
    await office.runs(MONDAY)
    await office.delivers(case, HOURS, MONDAY)
    await office.misses(case, HOURS, MONDAY, MissFault.PROVIDER)
    office.rules = declaring(2, MONDAY)
    await office.runs(after(1))
    assert await office.became(case, MONDAY, HOURS) == [
        ("DONE", "DELIVERED"),
        ("MISSED", "MISSED_BY_PROVIDER"),
        *CANCELLED,
    ]
    assert await defects(office, MONDAY) == []
    async with office.db.read() as tx:
        assert await days.count_unrecorded(tx, MUNICIPALITY) == 0


async def test_a_calendar_that_changes_under_a_run_is_followed_by_the_next_one(
    office: Office, make_contract: MakeContract
) -> None:
    case = await helped(office, make_contract, 4)
    await office.runs(MONDAY)
    now = start_of_day(after(1))
    async with office.db.write() as tx:
        run = await planning.open_run(tx, new_id(), MUNICIPALITY, after(1), now)
    await pages.plan_or_park(office.db, run, "", 10, now)
    office.rules = declaring(2, OFF)
    async with office.db.write() as tx:
        await keep_rules(tx, MUNICIPALITY, office.rules, now)
    async with office.db.write() as tx:
        await planning.close_run(tx, run, now)
    assert await office.became(case, OFF, HOURS) == PLANNED
    await office.runs(after(2))
    assert await office.became(case, OFF, HOURS) == CANCELLED


async def test_a_late_run_leaves_days_beyond_its_end_to_the_next_one(
    office: Office, make_contract: MakeContract
) -> None:
    case = await helped(office, make_contract, 4)
    far = after(31)
    await office.runs(after(7))
    office.rules = declaring(2, far)
    await office.runs(after(1))
    assert await office.became(case, far, HOURS) == PLANNED
    await office.runs(after(8))
    assert await office.became(case, far, HOURS) == CANCELLED


async def test_runs_plan_no_day_twice_while_the_calendar_stays(office: Office, make_contract: MakeContract) -> None:
    await helped(office, make_contract, 4)
    await office.runs(MONDAY)
    office.rules = declaring(2, OFF)
    for number in (1, 2, 3):
        await office.runs(after(number))
    async with office.db.read() as tx:
        begun = await tx.all("SELECT on_day, plan_from FROM daily_run WHERE on_day > :day ORDER BY 1", {"day": MONDAY})
    assert [(row.on_day, row.plan_from) for row in begun] == [
        (after(1), OFF),
        (after(2), after(29)),
        (after(3), after(30)),
    ]


async def test_a_parked_case_is_planned_from_the_changed_day_once_it_can_be(
    office: Office, make_contract: MakeContract
) -> None:
    case = await helped(office, make_contract, 4)
    await office.runs(MONDAY)
    async with office.db.write() as tx:
        bad = f"CHECK (application_id <> '{UUID(case)}' OR on_day < '{after(28)}' AND state <> 'CANCELLED')"
        await tx.run(f"ALTER TABLE unit ADD CONSTRAINT bad_case {bad}")
    await office.runs(after(1))
    assert [first for _, _, first, _ in await parked(office)] == [after(28)]
    office.rules = declaring(2, OFF)
    await office.runs(after(2))
    assert [first for _, _, first, _ in await parked(office)] == [OFF]
    async with office.db.write() as tx:
        await tx.run("ALTER TABLE unit DROP CONSTRAINT bad_case")
    await office.runs(after(3))
    assert await parked(office) == []
    assert await office.became(case, OFF, HOURS) == CANCELLED
    assert await defects(office, *map(after, range(31))) == []


_TOWNS = """
INSERT INTO calendars (version, overrides) VALUES ('SOFIA-2', '{}');
INSERT INTO municipality (id, planned_through, planning_to, settings_copied_at, version, calendar_version)
VALUES ('SOFIA', '2026-05-31', '2026-05-31', now(), 2, 'SOFIA-2'),
       ('PLOVDIV', '2026-05-31', '2026-05-31', now(), 1, 'bg-1');
INSERT INTO daily_run (id, municipality_id, on_day, plan_from, plan_to, opened_at)
SELECT gen_random_uuid(), id, day, day, date '2026-05-31', now()
FROM municipality, (VALUES (date '2026-05-03'), (date '2026-05-04')) d (day)
"""


async def test_what_the_release_before_planned_in_a_municipality_with_a_calendar_of_its_own_is_planned_again(
    empty_database: Callable[[], Awaitable[str]], tmp_path: Path
) -> None:
    question = "SELECT id, replan_from FROM municipality ORDER BY id"
    rows = await migrated(await empty_database(), tmp_path, _TOWNS, question, first="0025")
    assert [tuple(row) for row in rows] == [("PLOVDIV", None), ("SOFIA", date(2026, 5, 4))]
