"""No visit goes to somebody who cannot make it, and a kitchen is told once, whoever writes."""

from __future__ import annotations

from asyncio import create_task, sleep
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
from sqlalchemy.exc import IntegrityError

from services.delivery.domain.care import PlanLine
from services.delivery.domain.kitchens import Kitchen, Route
from services.delivery.domain.staff import Absence, AbsenceReason, Assistant, Skill, Span
from services.delivery.rules.pauses import HospitalProof
from services.delivery.storage.assignment import (
    AssignmentStore,
    counts_of_day,
    day_of_visits,
    unassigned_count,
    unassigned_page,
)
from services.delivery.storage.kitchens import KitchenStore
from services.delivery.storage.staff import StaffStore
from services.delivery.storage.store import Store
from services.delivery.usecases.care import PauseRequest, request_pause
from services.delivery.usecases.kitchens import produce_sheet, register_kitchen
from services.delivery.usecases.staff import AssignedDay, assign_day, register_assistant
from services.kernel.dates import Weekday
from services.kernel.ranges import DateRange
from services.runtime.database import violated_constraint
from services.runtime.ids import new_id
from tests.storage.delivery.conftest import EVERY_DAY, MUNICIPALITY, MakeContract, Office, moment_of

pytestmark = pytest.mark.postgres

MONDAY = date(2026, 5, 4)
TUESDAY = MONDAY + timedelta(days=1)
MORNING = Span(480, 720)
WAITED_FOR = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid)))"
GIVE = """
INSERT INTO visit_assignment (unit_id, municipality_id, assistant_id, person_id, on_day, span, skills, named)
SELECT id, municipality_id, CAST(:assistant AS text), 'p', CAST(:day AS date), int4range(:start, :end),
       CAST(:skills AS text[]), true
FROM unit WHERE on_day = :planned ORDER BY id LIMIT 1 OFFSET :number
"""
VISIT: dict[str, Any] = {
    "assistant": "as-1",
    "day": MONDAY,
    "planned": MONDAY,
    "start": 480,
    "end": 540,
    "skills": [],
    "number": 0,
}


def assistant(*skills: Skill, districts: frozenset[str] = frozenset()) -> Assistant:
    hours = dict.fromkeys(Weekday, (MORNING,))
    return Assistant(MUNICIPALITY, "as-1", frozenset(skills), districts, hours, MONDAY, MONDAY + timedelta(days=20))


async def hire(office: Office, hired: Assistant) -> None:
    async with office.db.write() as tx:
        await register_assistant(hired, "", StaffStore(tx), AssignmentStore(tx), moment_of(MONDAY))


async def refused(office: Office, statement: str, **values: object) -> str | None:
    with pytest.raises(IntegrityError) as caught:
        async with office.db.write() as tx:
            await tx.run(statement, values)
    return violated_constraint(caught.value)


@pytest.fixture
async def town(office: Office, make_contract: MakeContract) -> Office:
    for _ in range(2):
        await office.signs(make_contract(MONDAY, PlanLine("HSP_HOME_CLEANING", 1, EVERY_DAY)), MONDAY)
    await office.runs(MONDAY)
    await hire(office, assistant())
    return office


@pytest.mark.parametrize(
    "change",
    [
        {"start": 470, "end": 530},
        {"start": 700, "end": 730},
        {"skills": ["NURSING"]},
        {"day": MONDAY + timedelta(days=1)},
        {"day": MONDAY + timedelta(days=21), "planned": MONDAY + timedelta(days=21)},
    ],
    ids=["before work", "after work", "skill", "another day", "no longer employed"],
)
async def test_no_visit_breaks_a_hard_condition(town: Office, change: dict[str, Any]) -> None:
    assert await refused(town, GIVE, **VISIT | change) == "assignment_meets_conditions"


async def test_no_visit_lies_in_another_district(town: Office) -> None:
    await hire(town, assistant(districts=frozenset({"BANKYA"})))
    assert await refused(town, GIVE, **VISIT) == "assignment_meets_conditions"


async def test_no_visit_lies_in_an_absence_and_no_absence_over_visits(town: Office) -> None:
    add = (
        "INSERT INTO assistant_absence (id, municipality_id, assistant_id, days, reason) "
        "VALUES (:id, :town, 'as-1', daterange(:day, :day, '[]'), 'OTHER_DUTY')"
    )
    absence = {"id": new_id(), "town": MUNICIPALITY, "day": MONDAY}
    async with town.db.write() as tx:
        await tx.run(GIVE, VISIT)
    assert await refused(town, add, **absence) == "absence_without_visits"
    tuesday = MONDAY + timedelta(days=1)
    async with town.db.write() as tx:
        off = Absence(new_id(), "as-1", DateRange(tuesday, tuesday), AbsenceReason.OTHER_DUTY)
        await StaffStore(tx).add_absence(MUNICIPALITY, off)
    assert await refused(town, GIVE, **VISIT | {"day": tuesday, "planned": tuesday}) == "assignment_meets_conditions"


async def test_nobody_is_in_two_places_at_once(town: Office) -> None:
    async with town.db.write() as tx:
        await tx.run(GIVE, VISIT)
    assert await refused(town, GIVE, **VISIT | {"number": 1, "start": 539, "end": 599}) == "one_visit_at_a_time"
    async with town.db.write() as tx:
        await tx.run(GIVE, VISIT | {"number": 1, "start": 540, "end": 600})


async def test_nobody_is_visited_by_two_at_once(town: Office) -> None:
    await hire(town, replace(assistant(), id="as-2"))
    async with town.db.write() as tx:
        await tx.run(GIVE, VISIT)
    second = VISIT | {"assistant": "as-2", "number": 1}
    assert await refused(town, GIVE, **second | {"start": 539, "end": 599}) == "one_visitor_at_a_time"
    async with town.db.write() as tx:
        await tx.run(GIVE, second | {"start": 540, "end": 600})


async def test_a_visit_that_is_planned_no_more_is_nobodys_whoever_plans(town: Office) -> None:
    async with town.db.write() as tx:
        await assign_day(MUNICIPALITY, TUESDAY, AssignmentStore(tx), moment_of(MONDAY))
    paused, ended = town.contracts
    await town.pauses(paused, TUESDAY, TUESDAY, on=MONDAY)
    await town.ends(ended, MONDAY, MONDAY)
    async with town.db.read() as tx:
        assert await tx.all("SELECT FROM visit_assignment") == []
        events = await tx.all("SELECT cause, count(*) AS times FROM assignment_event GROUP BY 1 ORDER BY 1")
        assert [(row.cause, row.times) for row in events] == [("CHOSEN", 2), ("RELEASED", 2)]
        assert await unassigned_page(tx, MUNICIPALITY, MONDAY, after=None, size=9) == []
    assert await refused(town, GIVE, **VISIT | {"day": TUESDAY, "planned": TUESDAY}) == "assignment_meets_conditions"


async def test_a_visit_planned_since_its_day_was_assigned_is_nobodys_without_a_reason(
    town: Office, make_contract: MakeContract
) -> None:
    async with town.db.write() as tx:
        await assign_day(MUNICIPALITY, MONDAY, AssignmentStore(tx), moment_of(MONDAY))
    case = await town.signs(make_contract(MONDAY, PlanLine("HSP_HOME_CLEANING", 1, EVERY_DAY)), MONDAY)
    async with town.db.read() as tx:
        listed = await unassigned_page(tx, MUNICIPALITY, MONDAY, after=None, size=9)
        assert [(visit.application_id, visit.on, visit.reason) for visit in listed] == [(case, MONDAY, None)]
        assert await unassigned_page(tx, MUNICIPALITY, MONDAY, after=(MONDAY, listed[0].unit_id), size=9) == []
        assert await unassigned_count(tx) == {None: 1}
        assert await counts_of_day(tx, MUNICIPALITY, MONDAY) == (2, 1)


async def test_a_visit_that_is_being_paused_is_given_to_nobody(town: Office) -> None:
    case = next(iter(town.contracts))

    async def assigned() -> AssignedDay:
        async with town.db.write() as tx:
            return await assign_day(MUNICIPALITY, TUESDAY, AssignmentStore(tx), moment_of(MONDAY))

    async with town.db.write() as pausing:
        request = PauseRequest(case, TUESDAY, TUESDAY, HospitalProof.NONE)
        await request_pause(request, Store(pausing), moment_of(MONDAY))
        waiting = create_task(assigned())
        while not await pausing.scalar(WAITED_FOR):
            await sleep(0.01)
    assert await waiting == AssignedDay(1, 1, {})
    async with town.db.read() as tx:
        (given,) = await tx.all("SELECT application_id FROM visit_assignment a JOIN unit u ON u.id = a.unit_id")
    assert str(given.application_id) != case


async def test_what_happened_to_an_assignment_is_never_changed(town: Office) -> None:
    async with town.db.write() as tx:
        await assign_day(MUNICIPALITY, MONDAY, AssignmentStore(tx), moment_of(MONDAY))
    with pytest.raises(IntegrityError):
        async with town.db.write() as tx:
            await tx.run("DELETE FROM assignment_event")


async def test_assigning_a_day_again_changes_nothing_and_a_paused_visit_is_released(town: Office) -> None:
    seen = []
    for _ in range(2):
        async with town.db.write() as tx:
            await assign_day(MUNICIPALITY, MONDAY + timedelta(days=1), AssignmentStore(tx), moment_of(MONDAY))
        async with town.db.read() as tx:
            seen.append((await day_of_visits(tx, MUNICIPALITY, MONDAY + timedelta(days=1))).visits)
    assert set(seen[0]) == set(seen[1])
    paused = seen[0][0].standing
    await town.pauses(paused.application_id, MONDAY + timedelta(days=1), MONDAY + timedelta(days=1), on=MONDAY)
    async with town.db.write() as tx:
        counted = await assign_day(MUNICIPALITY, MONDAY + timedelta(days=1), AssignmentStore(tx), moment_of(MONDAY))
    assert counted == AssignedDay(1, 0, {})
    async with town.db.read() as tx:
        left = await tx.all("SELECT unit_id FROM visit_assignment")
    assert paused.unit_id not in {str(row.unit_id) for row in left}


async def test_a_kitchen_is_told_once_and_what_it_was_told_is_never_changed(
    office: Office, make_contract: MakeContract
) -> None:
    await office.signs(make_contract(MONDAY), MONDAY)
    await office.runs(MONDAY)
    told = []
    async with office.db.write() as tx:
        route = Route("R-1", "", ("OVCHA_KUPEL",))
        await register_kitchen(Kitchen(MUNICIPALITY, "K-1", (route,)), "", KitchenStore(tx))
        for _ in range(2):
            effect = await produce_sheet(MUNICIPALITY, "K-1", MONDAY, KitchenStore(tx), moment_of(MONDAY))
            told.append(effect.resource)
    assert told[0] == told[1]
    again = (
        "INSERT INTO kitchen_sheet "
        "SELECT gen_random_uuid(), municipality_id, kitchen_id, on_day, produced_at FROM kitchen_sheet"
    )
    assert await refused(office, again) == "kitchen_sheet_once"
    for table in ("kitchen_sheet", "kitchen_stop", "kitchen_guest"):
        with pytest.raises(IntegrityError):
            async with office.db.write() as tx:
                await tx.run(f"DELETE FROM {table}")
