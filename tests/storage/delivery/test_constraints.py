"""The database has the last word: nothing lies outside contract, authorisation and service."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from uuid import uuid4

import pytest
from sqlalchemy.exc import IntegrityError

from services.delivery.domain.care import PlanLine
from services.kernel.dates import Weekday
from services.runtime.database import violated_constraint
from tests.storage.delivery.conftest import MakeContract, Office

pytestmark = pytest.mark.postgres

MONDAY = date(2026, 5, 4)

UNIT = """
INSERT INTO unit (id, line_id, application_id, municipality_id, district_code, code, unit, on_day, quantity)
SELECT CAST(:id AS uuid), id, application_id, 'SOFIA', 'SREDETS', code, unit, CAST(:day AS date), 1 FROM plan_line
WHERE application_id = :case
"""
DELIVERY = """
INSERT INTO delivery (id, application_id, code, on_day, units, outcome, at)
VALUES (:id, :case, 'HSP_MEAL_DELIVERY', :day, 1, 'DELIVERED', now())
"""
PAUSE = (
    "INSERT INTO pause (id, application_id, days, hospital) VALUES (:id, :case, daterange(:day, :last, '[]'), false)"
)


async def refused(office: Office, statement: str, **values: object) -> str | None:
    with pytest.raises(IntegrityError) as caught:
        async with office.db.write() as tx:
            await tx.run(statement, {"id": str(uuid4()), **values})
    return violated_constraint(caught.value)


@pytest.fixture
async def case(office: Office, make_contract: MakeContract) -> str:
    copy = replace(make_contract(MONDAY, PlanLine("HSP_MEAL_DELIVERY", 1, frozenset({Weekday.SUN}))))
    copy = replace(copy, end=MONDAY + timedelta(days=20), authorised_to=MONDAY + timedelta(days=10))
    return await office.signs(copy, MONDAY)


@pytest.mark.parametrize("days_after_start", [-1, 11, 21])
async def test_no_unit_outside_contract_and_authorisation(office: Office, case: str, days_after_start: int) -> None:
    day = MONDAY + timedelta(days=days_after_start)
    assert await refused(office, UNIT, case=case, day=day) == "unit_within_care"


@pytest.mark.parametrize("days_after_start", [-1, 11, 21])
async def test_no_delivery_outside_contract_and_authorisation(office: Office, case: str, days_after_start: int) -> None:
    day = MONDAY + timedelta(days=days_after_start)
    assert await refused(office, DELIVERY, case=case, day=day) == "delivery_within_care"


@pytest.mark.parametrize(("first", "last"), [(-1, 3), (9, 11), (12, 13)])
async def test_no_pause_outside_contract_and_authorisation(office: Office, case: str, first: int, last: int) -> None:
    days = {"day": MONDAY + timedelta(days=first), "last": MONDAY + timedelta(days=last)}
    assert await refused(office, PAUSE, case=case, **days) == "pause_within_care"


async def test_no_unit_and_no_delivery_in_a_pause(office: Office, case: str) -> None:
    await office.pauses(case, MONDAY + timedelta(days=2), MONDAY + timedelta(days=4), on=MONDAY)
    day = MONDAY + timedelta(days=3)
    assert await refused(office, UNIT, case=case, day=day) == "unit_within_care"
    assert await refused(office, DELIVERY, case=case, day=day) == "delivery_within_care"


async def test_only_a_hospital_stay_is_a_pause_over_days_with_care(office: Office, case: str) -> None:
    admitted = MONDAY + timedelta(days=2)
    await office.delivers(case, "HSP_MEAL_DELIVERY", admitted)
    assert await refused(office, PAUSE, case=case, day=admitted, last=admitted) == "pause_within_care"
    await office.pauses(case, admitted, admitted + timedelta(days=1), on=MONDAY + timedelta(days=7), proof="SHOWN")


@pytest.mark.parametrize(("first", "last"), [(3, 5), (5, 6), (1, 1)])
async def test_pauses_neither_overlap_nor_touch(office: Office, case: str, first: int, last: int) -> None:
    await office.pauses(case, MONDAY + timedelta(days=2), MONDAY + timedelta(days=4), on=MONDAY)
    days = {"day": MONDAY + timedelta(days=first), "last": MONDAY + timedelta(days=last)}
    assert await refused(office, PAUSE, case=case, **days) == "pause_merged"


async def test_a_hospital_stay_may_touch_a_pause_and_has_its_paper_alone(office: Office, case: str) -> None:
    proved = (
        "INSERT INTO pause (id, application_id, days, hospital, evidence_id) "
        "VALUES (:id, :case, daterange(:day, :last, '[]'), {hospital}, 'paper')"
    )
    await office.pauses(case, MONDAY + timedelta(days=2), MONDAY + timedelta(days=4), on=MONDAY)
    stay, beside = proved.format(hospital="true"), MONDAY + timedelta(days=5)
    assert await refused(office, stay, case=case, day=MONDAY + timedelta(days=4), last=beside) == "pause_once"
    letter = proved.format(hospital="false")
    assert await refused(office, letter, case=case, day=beside, last=beside) == "pause_evidence_of_hospital"
    async with office.db.write() as tx:
        await tx.run(stay, {"id": str(uuid4()), "case": case, "day": beside, "last": beside})
    assert await refused(office, stay, case=case, day=beside, last=beside) == "pause_merged"


async def test_care_does_not_shrink_away_from_its_rows(office: Office, case: str) -> None:
    async with office.db.write() as tx:
        await tx.run(DELIVERY, {"id": str(uuid4()), "case": case, "day": MONDAY + timedelta(days=9)})
    shrink = "UPDATE care SET end_on = :day WHERE application_id = :case AND :id <> ''"
    assert await refused(office, shrink, case=case, day=MONDAY + timedelta(days=7)) == "care_holds_its_rows"


async def test_a_line_has_one_range_a_day(office: Office, case: str) -> None:
    again = (
        "INSERT INTO plan_line (id, application_id, line, code, unit, quantity, weekdays, working_days_only, valid) "
        "SELECT :id, application_id, line, code, unit, 2, weekdays, false, valid FROM plan_line "
        "WHERE application_id = :case"
    )
    assert await refused(office, again, case=case) == "plan_line_once"


async def test_only_the_first_unit_of_a_line_may_stand_for_several_as_the_release_before_plans_them(
    office: Office, case: str
) -> None:
    sunday = MONDAY + timedelta(days=6)
    several = UNIT.replace("quantity)", "quantity, part)").replace(", 1 FROM", ", 2, CAST(:part AS smallint) FROM")
    assert await refused(office, several, case=case, day=sunday, part=2) == "unit_of_several_is_the_first"
    async with office.db.write() as tx:
        assert await tx.run(several, {"id": str(uuid4()), "case": case, "day": sunday, "part": 1}) == 1


@pytest.mark.parametrize(
    ("houses", "moves", "constraint"),
    [
        ("{A,B}", "{}", "care_facilities_lead_on"),
        ("{A,B,A}", "{2026-05-12,2026-05-11}", "care_facilities_do_not_overlap"),
        ("{A,B,A}", "{2026-05-12,2026-05-12}", "care_facilities_do_not_overlap"),
    ],
)
async def test_nobody_lives_in_two_facilities_on_a_day(
    office: Office, case: str, houses: str, moves: str, constraint: str
) -> None:
    housed = (
        "UPDATE care SET facilities = CAST(CAST(:houses AS text) AS text[]), "
        "rehoused_on = CAST(CAST(:moves AS text) AS date[]) WHERE application_id = :case AND :id <> ''"
    )
    assert await refused(office, housed, case=case, houses=houses, moves=moves) == constraint
