"""Contracts, pauses and records of care, as the cases tell them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest

from services.delivery.domain.care import CareState, PlanLine, Served
from services.delivery.errors import (
    HoursLimitExceeded,
    NoPauseOnThatDay,
    OutsideService,
    PauseAllowanceExceeded,
    PauseNotAvailable,
    PauseStartTooEarly,
    UnknownPlanCode,
    UserFundsMissing,
)
from services.delivery.rules.pauses import Usage, usage_by_year
from services.delivery.rules.recording import Funds
from services.delivery.storage.reading import served_page
from services.kernel.dates import Month, Weekday
from services.kernel.local_rules import SHIPPED_RULES
from tests.storage.delivery.conftest import MakeContract, Office

pytestmark = pytest.mark.postgres

MAY, JUNE = Month(2026, 5), Month(2026, 6)


async def served(office: Office, month: Month, *ids: str) -> list[Served]:
    async with office.db.read() as tx:
        return await served_page(tx, "SOFIA", month, SHIPPED_RULES.catalogue, ids=ids)


async def events(office: Office, case: str) -> list[tuple[str, object]]:
    async with office.db.read() as tx:
        rows = await tx.all("SELECT event, due FROM outbox WHERE case_id = :id ORDER BY seq", {"id": case})
    return [(row.event, row.due) for row in rows]


async def test_overlapping_pauses_become_one_and_the_early_return_shortens_it(
    office: Office, make_contract: MakeContract
) -> None:
    case = await office.signs(make_contract(date(2026, 5, 4)), date(2026, 4, 28))
    await office.pauses(case, date(2026, 6, 10), date(2026, 6, 22), on=date(2026, 6, 5))
    await office.pauses(case, date(2026, 6, 18), date(2026, 6, 30), on=date(2026, 6, 8))
    care = await office.care(case)
    assert len(care.pauses) == 1
    assert usage_by_year(care.paused) == {2026: Usage(0, 21)}
    await office.welcomes_back(case, date(2026, 6, 22), on=date(2026, 6, 19))
    care = await office.care(case)
    assert usage_by_year(care.paused) == {2026: Usage(0, 12)}
    assert [care.state_on(date(2026, 6, day)) for day in (9, 10, 21, 22)] == [
        CareState.IN_SERVICE,
        CareState.PAUSED,
        CareState.PAUSED,
        CareState.IN_SERVICE,
    ]
    (row,) = await served(office, JUNE)
    assert (row.served_days, row.paused_days) == (30, 12)


async def test_a_hospital_stay_pauses_past_days_and_corrects_their_month_once(
    office: Office, make_contract: MakeContract
) -> None:
    case = await office.signs(make_contract(date(2026, 3, 2)), date(2026, 2, 24))
    await office.runs(date(2026, 6, 8))
    with pytest.raises(PauseStartTooEarly):
        await office.pauses(case, date(2026, 5, 11), date(2026, 6, 5), on=date(2026, 6, 8))
    await office.pauses(case, date(2026, 5, 11), date(2026, 6, 5), on=date(2026, 6, 8), proof="SHOWN")
    assert [event for event, _ in await events(office, case)] == ["PAUSE_CHANGED"]
    (row,) = await served(office, MAY)
    assert (row.served_days, row.paused_days) == (31, 21)
    first = await office.advances(case, "first")
    assert first.answered == ("first", MAY)
    assert first.correction is None
    assert (await office.advances(case, "second")).answered == ("first", MAY)


async def test_a_pause_needs_care_in_service(office: Office, make_contract: MakeContract) -> None:
    case = await office.signs(make_contract(date(2026, 5, 4)), date(2026, 4, 28))
    with pytest.raises(PauseNotAvailable):
        await office.pauses(case, date(2026, 5, 10), date(2026, 5, 12), on=date(2026, 4, 30))
    await office.pauses(case, date(2026, 5, 10), date(2026, 5, 12), on=date(2026, 5, 5))
    with pytest.raises(PauseNotAvailable):
        await office.pauses(case, date(2026, 5, 20), date(2026, 5, 22), on=date(2026, 5, 11))


async def test_the_refusal_names_the_last_admissible_end(office: Office, make_contract: MakeContract) -> None:
    case = await office.signs(make_contract(date(2026, 3, 2)), date(2026, 2, 24))
    with pytest.raises(PauseAllowanceExceeded) as caught:
        await office.pauses(case, date(2026, 5, 5), date(2026, 8, 5), on=date(2026, 4, 14))
    assert caught.value.metadata["last_admissible_end"] == "2026-08-04"


async def test_an_early_return_needs_a_pause(office: Office, make_contract: MakeContract) -> None:
    case = await office.signs(make_contract(date(2026, 3, 2)), date(2026, 2, 24))
    with pytest.raises(NoPauseOnThatDay):
        await office.welcomes_back(case, date(2026, 5, 5), on=date(2026, 5, 4))


async def test_a_hospital_stay_covers_the_day_of_admission_with_its_meal(
    office: Office, make_contract: MakeContract
) -> None:
    case = await office.signs(make_contract(date(2026, 5, 4)), date(2026, 4, 28))
    await office.delivers(case, "HSP_MEAL_DELIVERY", date(2026, 5, 11))
    await office.pauses(case, date(2026, 5, 11), date(2026, 5, 13), on=date(2026, 5, 14), proof="SHOWN")
    (row,) = await served(office, MAY)
    assert (row.paused_days, row.delivered) == (3, (("HSP_MEAL_DELIVERY", 1),))


async def test_a_recorded_end_is_taken_over_and_voids_what_lies_behind_it(
    office: Office, make_contract: MakeContract
) -> None:
    case = await office.signs(make_contract(date(2026, 5, 4)), date(2026, 4, 28))
    await office.delivers(case, "HSP_MEAL_DELIVERY", date(2026, 5, 28))
    await office.pauses(case, date(2026, 6, 10), date(2026, 6, 20), on=date(2026, 5, 29))
    await office.ends(case, date(2026, 5, 26), on=date(2026, 6, 2))
    care = await office.care(case)
    assert care.pauses == ()
    assert care.state_on(date(2026, 5, 27)) is CareState.TERMINATED
    assert care.correction == MAY
    (row,) = await served(office, MAY)
    assert (row.served_days, row.delivered) == (23, ())
    assert await served(office, JUNE) == []
    assert [left.served_days for left in await served(office, JUNE, case)] == [0]


async def test_an_order_that_covers_less_takes_planned_and_recorded_care_behind_it_away(
    office: Office, make_contract: MakeContract
) -> None:
    covered = replace(make_contract(date(2026, 5, 4)), authorised_from=date(2026, 4, 20))
    case = await office.signs(covered, date(2026, 4, 28))
    await office.delivers(case, "HSP_MEAL_DELIVERY", date(2026, 5, 28))
    await office.signs(replace(covered, authorised_to=date(2026, 5, 26), version=2), date(2026, 6, 2))
    assert (await office.care(case)).correction == MAY
    (row,) = await served(office, MAY)
    assert (row.served_days, row.delivered) == (23, ())
    with pytest.raises(OutsideService):
        await office.delivers(case, "HSP_MEAL_DELIVERY", date(2026, 5, 27))
    await office.signs(replace(covered, authorised_to=date(2026, 4, 19), version=3), date(2026, 6, 3))
    assert [left.served_days for left in await served(office, MAY, case)] == [0]


async def test_a_known_copy_changes_nothing(office: Office, make_contract: MakeContract) -> None:
    copy = make_contract(date(2026, 5, 4))
    case = await office.signs(copy, date(2026, 4, 28))
    await office.signs(copy, date(2026, 4, 29))
    assert (await office.care(case)).version == 1


async def test_care_is_recorded_within_service_and_plan_only(office: Office, make_contract: MakeContract) -> None:
    case = await office.signs(make_contract(date(2026, 5, 4)), date(2026, 4, 28))
    await office.pauses(case, date(2026, 5, 10), date(2026, 5, 12), on=date(2026, 5, 5))
    for day in (date(2026, 5, 3), date(2026, 5, 10)):
        with pytest.raises(OutsideService):
            await office.delivers(case, "HSP_MEAL_DELIVERY", day)
    with pytest.raises(UnknownPlanCode):
        await office.delivers(case, "HSP_LAUNDRY", date(2026, 5, 5))


async def test_assistant_support_stays_within_four_hours_of_a_working_day(
    office: Office, make_contract: MakeContract
) -> None:
    plan = PlanLine("ASSISTANT_SUPPORT", 4, frozenset({Weekday.WED}))
    case = await office.signs(make_contract(date(2026, 2, 23), plan, service="ASSISTANT_SUPPORT"), date(2026, 2, 17))
    with pytest.raises(HoursLimitExceeded):
        await office.delivers(case, "ASSISTANT_SUPPORT", date(2026, 3, 3), 2)
    await office.delivers(case, "ASSISTANT_SUPPORT", date(2026, 3, 4), 3)
    with pytest.raises(HoursLimitExceeded):
        await office.delivers(case, "ASSISTANT_SUPPORT", date(2026, 3, 4), 2)
    await office.delivers(case, "ASSISTANT_SUPPORT", date(2026, 3, 4), 1)


async def test_shopping_needs_the_users_own_money(office: Office, make_contract: MakeContract) -> None:
    case = await office.signs(make_contract(date(2026, 7, 1), PlanLine("HSP_SHOPPING", 1)), date(2026, 6, 15))
    with pytest.raises(UserFundsMissing):
        await office.delivers(case, "HSP_SHOPPING", date(2026, 7, 2))
    await office.delivers(case, "HSP_SHOPPING", date(2026, 7, 2), funds=Funds.RECORDED)


async def test_served_days_come_by_page_in_order_of_the_case(office: Office, make_contract: MakeContract) -> None:
    cases = sorted([await office.signs(make_contract(date(2026, 5, 4)), date(2026, 4, 28)) for _ in range(5)])
    await office.delivers(cases[2], "HSP_MEAL_DELIVERY", date(2026, 5, 4), 2)
    async with office.db.read() as tx:
        first = await served_page(tx, "SOFIA", MAY, SHIPPED_RULES.catalogue, size=3)
        rest = await served_page(tx, "SOFIA", MAY, SHIPPED_RULES.catalogue, after=first[-1].application_id, size=3)
    assert [row.application_id for row in (*first, *rest)] == cases
    assert first[2].delivered == (("HSP_MEAL_DELIVERY", 2),)
    assert {row.served_days for row in rest} == {28}
