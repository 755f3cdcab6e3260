"""The look for missed visits: one statement says of everybody what the rules say of one."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, time, timedelta

import pytest

from services.delivery.domain.care import MissFault, PlanLine
from services.delivery.domain.visits import VisitState, state_at
from services.delivery.domain.welfare import WelfareOutcome
from services.delivery.rules.welfare import LOOK_BACK
from services.delivery.storage.visits import missed_unseen, visits_of
from services.delivery.storage.welfare import WelfareStore, find_check, open_checks
from services.delivery.usecases.welfare import Closing, Miss, close_check, open_after_miss, open_unseen
from services.kernel.dates import SOFIA
from services.kernel.local_rules import SHIPPED_RULES
from services.kernel.plan_terms import LineTerms
from tests.storage.delivery.conftest import EVERY_DAY, MUNICIPALITY, MakeContract, Office
from tests.storage.delivery.test_constraints import refused

pytestmark = pytest.mark.postgres

MONDAY = date(2026, 5, 4)
CLEANING, MEAL = "HSP_HOME_CLEANING", "HSP_MEAL_DELIVERY"
WINDOWS = [(time(8, 0), time(9, 30)), (time(12, 0), time(13, 0)), (time(17, 0), time(20, 15)), None]


def at(hour: int, minute: int = 0, day: date = MONDAY) -> datetime:
    return datetime.combine(day, time(hour, minute), SOFIA)


async def person(office: Office, make_contract: MakeContract, *, start: date = MONDAY, alone: bool = True) -> str:
    lines = [PlanLine(CLEANING, 1, EVERY_DAY, LineTerms(window=window)) for window in WINDOWS]
    case = await office.signs(make_contract(start, *lines), start)
    async with office.db.write() as tx:
        await WelfareStore(tx).copy_risk(case, living_alone=alone, office_code="MAIN")
    return case


async def found(office: Office, now: datetime) -> set[str]:
    async with office.db.read() as tx:
        missed = await missed_unseen(tx, MUNICIPALITY, office.rules, now, now.astimezone(SOFIA).date())
    return {visit.id for visit in missed}


async def by_rule(office: Office, now: datetime, on: date) -> set[str]:
    async with office.db.read() as tx:
        visits = await visits_of(tx, MUNICIPALITY, office.rules, on)
    return {visit.id for visit in visits if state_at(visit.unit, visit.limits, now) is VisitState.MISSED}


@pytest.mark.parametrize("start", [MONDAY, date(2026, 3, 29), date(2026, 10, 25)])
@pytest.mark.parametrize("grace", ["60", "0", "60,HSP:15"])
async def test_the_statement_finds_what_the_rule_calls_missed_at_every_quarter_of_an_hour(
    office: Office, make_contract: MakeContract, start: date, grace: str
) -> None:
    office.rules = replace(SHIPPED_RULES, settings=SHIPPED_RULES.settings.changed({"visit.grace_minutes": grace}))
    await person(office, make_contract, start=start)
    seen = set()
    for quarter in range(24, 105):
        now = at(0, day=start) + timedelta(minutes=15 * quarter)
        missed = await found(office, now)
        assert missed == await by_rule(office, now, start)
        seen.add(len(missed))
    assert seen == set(range(len(WINDOWS) + 1))


async def test_each_missed_visit_of_a_day_has_a_check_of_its_own_and_only_one(
    office: Office, make_contract: MakeContract
) -> None:
    case = await person(office, make_contract)
    opened = []
    for now in (at(10, 30), at(10, 31), at(14, 0), at(14, 1)):
        async with office.db.write() as tx:
            missed = await missed_unseen(tx, MUNICIPALITY, office.rules, now, MONDAY)
            opened.append(await open_unseen(missed, WelfareStore(tx), now))
    assert opened == [1, 0, 1, 0]
    await office.misses(case, CLEANING, MONDAY, MissFault.USER)
    assert await found(office, at(15, 0)) == set()


async def two_of(code: str, office: Office, make_contract: MakeContract) -> str:
    twice = PlanLine(code, 2, EVERY_DAY, LineTerms(window=WINDOWS[1]))
    case = await office.signs(make_contract(MONDAY, twice), MONDAY)
    async with office.db.write() as tx:
        await WelfareStore(tx).copy_risk(case, living_alone=True, office_code="MAIN")
    return case


async def looks(office: Office, now: datetime) -> list[str]:
    """The visits whose checks a look opens."""
    async with office.db.write() as tx:
        missed = await missed_unseen(tx, MUNICIPALITY, office.rules, now, now.date())
        await open_unseen(missed, WelfareStore(tx), now)
    return [visit.id for visit in missed]


async def test_a_line_that_was_met_by_half_is_missed_for_its_second_unit_when_the_grace_is_over(
    office: Office, make_contract: MakeContract
) -> None:
    case = await two_of(CLEANING, office, make_contract)
    await office.delivers(case, CLEANING, MONDAY)
    async with office.db.read() as tx:
        (second,) = await visits_of(tx, MUNICIPALITY, office.rules, MONDAY)
    assert [state_at(second.unit, second.limits, now) for now in (at(13, 59), at(14))] == [
        VisitState.LATE,
        VisitState.MISSED,
    ]
    assert [await looks(office, now) for now in (at(13, 59), at(14), at(14, 1))] == [[], [second.id], []]


async def test_two_units_missed_together_lead_to_one_ladder_and_one_missed_later_to_another(
    office: Office, make_contract: MakeContract
) -> None:
    together, apart = [await two_of(MEAL, office, make_contract) for _ in range(2)]
    told = Miss(await office.care(apart), MEAL, MONDAY, "")
    effect = await office.misses(apart, MEAL, MONDAY, MissFault.USER)
    async with office.db.write() as tx:
        await open_after_miss(replace(told, record_id=effect.resource), WelfareStore(tx), at(10), MONDAY)
    (first,) = await open_ids(office)
    await found_well(office, at(11), first)
    of_both = await looks(office, at(14))
    assert len(of_both) == 2
    async with office.db.read() as tx:
        rows = await tx.all("SELECT id, application_id, part FROM unit WHERE on_day = :day", {"day": MONDAY})
    parts = {str(row.id): (str(row.application_id), row.part) for row in rows}
    assert {parts[unit] for unit in of_both} == {(together, 1), (apart, 2)}
    await found_well(office, at(14, 20), *of_both)
    assert [await looks(office, now) for now in (at(14, 21), at(23))] == [[], []]


async def test_two_meals_recorded_as_missed_at_once_are_one_ladder(office: Office, make_contract: MakeContract) -> None:
    case = await two_of(MEAL, office, make_contract)
    for units in (1, 1):
        effect = await office.misses(case, MEAL, MONDAY, MissFault.USER, units)
        async with office.db.write() as tx:
            missed = Miss(await office.care(case), MEAL, MONDAY, effect.resource)
            await open_after_miss(missed, WelfareStore(tx), at(12, 30), MONDAY)
    (check,) = await open_ids(office)
    assert await looks(office, at(14)) == []
    await found_well(office, at(14, 30), check)
    assert await looks(office, at(14, 31)) == []


async def open_ids(office: Office) -> list[str]:
    async with office.db.read() as tx:
        return [check.id for check in await open_checks(tx, MUNICIPALITY)]


async def found_well(office: Office, now: datetime, *checks: str) -> None:
    for check in checks:
        async with office.db.write() as tx:
            closing = Closing(check, WelfareOutcome.FOUND_WELL, "sw-1", "SOCIAL_WORKER")
            await close_check(closing, WelfareStore(tx), now)


async def test_nobody_looks_for_who_lives_with_others_was_met_later_is_in_hospital_or_died(
    office: Office, make_contract: MakeContract
) -> None:
    await person(office, make_contract, alone=False)
    met, died, ill = [await person(office, make_contract) for _ in range(3)]
    tuesday, wednesday = MONDAY + timedelta(days=1), MONDAY + timedelta(days=2)
    assert len(await found(office, at(23, 0, MONDAY))) == 3 * 3
    await office.delivers(met, CLEANING, tuesday)
    ended = replace(office.contracts[died], end=MONDAY, deceased=True, version=2)
    await office.signs(ended, MONDAY)
    await office.pauses(ill, tuesday, wednesday, on=MONDAY, proof="SHOWN")
    assert await found(office, at(0, 5, tuesday)) == set()


async def test_a_visit_of_the_last_day_before_a_pause_or_the_end_of_care_is_missed_behind_it(
    office: Office, make_contract: MakeContract
) -> None:
    cases = []
    for _ in range(3):
        case = await office.signs(make_contract(MONDAY, PlanLine(CLEANING, 1, EVERY_DAY)), MONDAY)
        async with office.db.write() as tx:
            await WelfareStore(tx).copy_risk(case, living_alone=True, office_code="MAIN")
        cases.append(case)
    paused, ended, lapsed = cases
    tuesday = MONDAY + timedelta(days=1)
    await office.pauses(paused, tuesday, tuesday + timedelta(days=9), on=MONDAY)
    await office.ends(ended, MONDAY, MONDAY)
    await office.signs(replace(office.contracts[lapsed], authorised_to=MONDAY, version=2), MONDAY)
    assert await found(office, at(23, 59)) == set()
    now = at(0, day=tuesday)
    async with office.db.read() as tx:
        missed = await missed_unseen(tx, MUNICIPALITY, office.rules, now, tuesday)
    assert sorted((visit.application_id, visit.on) for visit in missed) == sorted((case, MONDAY) for case in cases)


async def test_washed_laundry_is_nobody_who_met_the_person(office: Office, make_contract: MakeContract) -> None:
    lines = (PlanLine(CLEANING, 1, EVERY_DAY), PlanLine("HSP_LAUNDRY", 1))
    case = await office.signs(make_contract(MONDAY, *lines), MONDAY)
    async with office.db.write() as tx:
        await WelfareStore(tx).copy_risk(case, living_alone=True, office_code="MAIN")
    tuesday = MONDAY + timedelta(days=1)
    await office.delivers(case, "HSP_LAUNDRY", tuesday)
    assert len(await found(office, at(9, day=tuesday))) == 1
    await office.delivers(case, CLEANING, tuesday)
    assert await found(office, at(10, day=tuesday)) == set()


async def test_who_was_found_vulnerable_is_seen_by_the_clock_too(office: Office, make_contract: MakeContract) -> None:
    case = await person(office, make_contract, alone=False)
    assert await found(office, at(0, day=MONDAY + timedelta(days=1))) == set()
    async with office.db.write() as tx:
        await WelfareStore(tx).copy_risk(case, living_alone=False, vulnerable=True, office_code="MAIN")
    assert await found(office, at(0, day=MONDAY + timedelta(days=1))) != set()


async def test_an_older_visit_than_some_days_alarms_nobody(office: Office, make_contract: MakeContract) -> None:
    await person(office, make_contract)
    late = at(9, day=MONDAY + LOOK_BACK + timedelta(days=4))
    async with office.db.read() as tx:
        missed = await missed_unseen(tx, MUNICIPALITY, office.rules, late, late.date())
    assert min(visit.on for visit in missed) == late.date() - LOOK_BACK


async def test_the_database_refuses_a_check_without_its_outcome_and_a_change_of_a_closed_one(
    office: Office, make_contract: MakeContract
) -> None:
    await person(office, make_contract)
    now = at(10, 30)
    async with office.db.write() as tx:
        missed = await missed_unseen(tx, MUNICIPALITY, office.rules, now, MONDAY)
        await open_unseen(missed, WelfareStore(tx), now)
    (visit,) = missed
    async with office.db.read() as tx:
        assert await find_check(tx, visit.id) is not None
    rung = "INSERT INTO welfare_rung (check_id, number, state, begun_at, due_at, answer, answered_at) SELECT id, "
    soon = "begun_at, begun_at + interval '1 minute', "
    for statement, constraint in (
        ("UPDATE welfare_check SET state = 'CLOSED'", "welfare_check_ends_with_outcome"),
        (f"{rung} 2, 'CALL_CONTACT', {soon} NULL, NULL FROM welfare_check", "welfare_rung_stood_on"),
        (f"{rung} 2, 'OFFICE_HEAD', {soon} 'NO_ANSWER', begun_at FROM welfare_check", "welfare_rung_in_order"),
    ):
        assert await refused(office, statement) == constraint
    async with office.db.write() as tx:
        await close_check(Closing(visit.id, WelfareOutcome.AWAY, "sw-1", "SOCIAL_WORKER"), WelfareStore(tx), now)
    for statement in (
        "UPDATE welfare_check SET outcome = 'FOUND_WELL'",
        "UPDATE welfare_rung SET answer = 'NO_ANSWER'",
        "DELETE FROM welfare_check",
    ):
        assert await refused(office, statement) is None
