"""Days are closed in order, what has no record stays on a list, and one bad case stops nobody."""

from __future__ import annotations

from datetime import date, timedelta
from uuid import UUID

import pytest

from services.delivery.domain.care import MissFault
from services.delivery.domain.days import DefectKind
from services.delivery.domain.units import UnitState
from services.delivery.storage import days, pages
from tests.storage.delivery.conftest import MUNICIPALITY, MakeContract, Office
from tests.storage.delivery.test_constraints import refused
from tests.storage.delivery.test_planning import fixed

pytestmark = pytest.mark.postgres

MONDAY = date(2026, 5, 4)
MEAL = "HSP_MEAL_DELIVERY"
SECOND = (
    "INSERT INTO unit SELECT gen_random_uuid(), line_id, application_id, municipality_id, district_code, code, unit, "
    "on_day, quantity FROM unit"
)


def after(number: int) -> date:
    return MONDAY + timedelta(days=number)


async def closed(office: Office) -> list[tuple[date, int, int]]:
    async with office.db.read() as tx:
        rows = await tx.all("SELECT on_day, done, unrecorded FROM closed_day ORDER BY on_day")
    return [(row.on_day, row.done, row.unrecorded) for row in rows]


async def unrecorded(office: Office) -> list[date]:
    async with office.db.read() as tx:
        first = await days.unrecorded_page(tx, MUNICIPALITY, None, 2)
        rest = await days.unrecorded_page(tx, MUNICIPALITY, (first[-1].on, first[-1].id), 50) if first else []
    return [unit.on for unit in (*first, *rest)]


async def parked(office: Office) -> list[tuple[str, str, date, int]]:
    async with office.db.read() as tx:
        found = await pages.parked_page(tx, MUNICIPALITY, "", 10)
    return [(one.application_id, one.reason, one.plan_from, one.attempts) for one in found]


async def defects(office: Office, day: date) -> set[DefectKind]:
    async with office.db.read() as tx:
        return {defect.kind for defect in await days.defects_of_day(tx, MUNICIPALITY, day)}


async def test_a_run_closes_every_day_before_it_also_after_days_without_a_run(
    office: Office, make_contract: MakeContract
) -> None:
    case = await office.signs(make_contract(MONDAY), MONDAY)
    await office.runs(MONDAY)
    assert await closed(office) == []
    await office.delivers(case, MEAL, MONDAY)
    await office.runs(after(1))
    await office.runs(after(4))
    assert await closed(office) == [(MONDAY, 1, 0), (after(1), 0, 1), (after(2), 0, 1), (after(3), 0, 1)]


async def test_a_unit_without_a_record_stays_on_the_list_until_there_is_one(
    office: Office, make_contract: MakeContract
) -> None:
    case = await office.signs(make_contract(MONDAY), MONDAY)
    await office.runs(MONDAY)
    assert await unrecorded(office) == []
    await office.runs(after(4))
    assert await unrecorded(office) == [after(number) for number in range(4)]
    await office.delivers(case, MEAL, MONDAY)
    await office.misses(case, MEAL, after(2), MissFault.USER)
    assert await unrecorded(office) == [after(1), after(3)]
    async with office.db.read() as tx:
        assert await days.count_unrecorded(tx, MUNICIPALITY) == 2
        counted = await days.count_of_day(tx, MUNICIPALITY, MONDAY)
    assert counted.by_state == {UnitState.DONE: 1}
    assert counted.closed_at is not None
    assert counted.defects == ()


async def test_no_day_is_closed_before_the_one_before_it(office: Office, make_contract: MakeContract) -> None:
    await office.signs(make_contract(MONDAY), MONDAY)
    await office.runs(after(1))
    close = (
        "INSERT INTO closed_day (municipality_id, on_day, follows, closed_at, done, missed, cancelled, paused, "
        "unrecorded) SELECT municipality_id, CAST(:day AS date), CAST(:before AS date), closed_at, 0, 0, 0, 0, 0 "
        "FROM closed_day WHERE :id <> ''"
    )
    assert await refused(office, close, day=after(3), before=after(2)) == "closed_day_by_day"
    assert await refused(office, close, day=after(3), before=None) == "closed_day_begins_once"


@pytest.mark.parametrize(
    ("harm", "kind"),
    [
        ("UPDATE unit SET state = 'CANCELLED', cause = 'DAY_OFF'", DefectKind.FORGOTTEN),
        ("DELETE FROM unit", DefectKind.FORGOTTEN),
        ("UPDATE unit SET state = 'DONE', cause = 'DELIVERED'", DefectKind.OTHER_STATE),
        ("UPDATE unit SET quantity = 2", DefectKind.OTHER_STATE),
        ("UPDATE unit SET part = 2", DefectKind.OTHER_STATE),
        (SECOND, DefectKind.TWICE),
        (SECOND, DefectKind.NOT_DUE),
    ],
)
async def test_a_day_that_is_not_as_its_facts_imply_says_so(
    office: Office, make_contract: MakeContract, harm: str, kind: DefectKind
) -> None:
    await office.signs(make_contract(MONDAY), MONDAY)
    await office.runs(MONDAY)
    assert await defects(office, MONDAY) == set()
    async with office.db.write() as tx:
        await tx.run(f"{harm} WHERE on_day = :day", {"day": MONDAY})
    assert kind in await defects(office, MONDAY)


async def test_a_case_that_cannot_be_planned_is_parked_and_the_others_are_planned(
    office: Office, make_contract: MakeContract
) -> None:
    cases = [await office.signs(fixed(make_contract(MONDAY), number), MONDAY) for number in range(1, 12)]
    bad, bound = cases[6], after(28)
    await office.runs(MONDAY)
    constraint = f"CHECK (application_id <> '{UUID(bad)}' OR on_day < '{bound}')"
    async with office.db.write() as tx:
        await tx.run(f"ALTER TABLE unit ADD CONSTRAINT bad_case {constraint}")
    await office.runs(after(1), size=4)
    assert await parked(office) == [(bad, "BAD_CASE", bound, 1)]
    async with office.db.read() as tx:
        assert await pages.parked_by_municipality(tx) == {MUNICIPALITY: pages.Parked(1, bound)}
    assert await office.meals(bound) == len(cases) - 1
    await office.runs(after(2), size=4)
    assert await parked(office) == [(bad, "BAD_CASE", bound, 2)]
    assert await defects(office, after(29)) == {DefectKind.FORGOTTEN}
    async with office.db.write() as tx:
        await tx.run("ALTER TABLE unit DROP CONSTRAINT bad_case")
    await office.runs(after(3), size=4)
    assert await parked(office) == []
    for number in range(31):
        assert await office.meals(after(number)) == len(cases)
        assert await defects(office, after(number)) == set()
