"""What a contract takes of an account follows its versions: the plan of each, by the catalogue of its first day."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from services.kernel.catalogue import CATALOGUE
from services.kernel.codes import Role
from services.placement.errors import NoFreePlace
from services.runtime.civil import date_to_proto
from services.runtime.local_rules import catalogue_entry_to_proto
from socialcare.common.v1 import facts_pb2, types_pb2
from socialcare.placement.v1 import amendments_pb2, capacity_pb2
from socialcare.placement.v1 import placement_service_pb2 as pb

pytestmark = pytest.mark.postgres

SERVICE = "ASSISTANT_SUPPORT"
WEEK = (types_pb2.WEEKDAY_MON, types_pb2.WEEKDAY_TUE, types_pb2.WEEKDAY_WED)
MAY, JUNE = date(2026, 5, 1), date(2026, 6, 1)


def hours(quantity: int, code: str = SERVICE, **terms: Any) -> facts_pb2.PlanLine:
    """On three days of each week: 1 hour is 13 a month, 2 are 26, 3 are 39, 4 are 52."""
    return facts_pb2.PlanLine(code=code, quantity=quantity, weekdays=WEEK, **terms)


async def in_care(office: Any, quantity: int) -> str:
    case = str(office.accept(SERVICE, date(2026, 2, 23)))
    await office.open(case, "2026-02-23 14:00")
    await office.ask(
        pb.RecordReferralRequest(
            request_id=str(uuid4()),
            application_id=case,
            number=case[:8],
            referral_date=date_to_proto(date(2026, 2, 23)),
        ),
        "2026-02-23 15:00",
        Role.MUNICIPALITY,
    )
    await office.ask(office.signing(case, date(2026, 4, 1), plan=[hours(quantity)]), "2026-03-02 10:00")
    return case


async def limit(office: Any, capacity: int, at: str = "2026-03-02 09:00", district: str = "") -> Any:
    request = capacity_pb2.SetProgrammeCapacityRequest(
        request_id=str(uuid4()),
        municipality_id=office.municipality,
        service_code=SERVICE,
        district_code=district,
        unit=capacity_pb2.CAPACITY_UNIT_HOUR,
        capacity=capacity,
    )
    return (await office.ask(request, at, Role.MUNICIPALITY)).account


async def amend(office: Any, case: str, line: facts_pb2.PlanLine, first: date, *more: facts_pb2.PlanLine) -> Any:
    request = amendments_pb2.AmendContractRequest(
        request_id=str(uuid4()), application_id=case, first_date=date_to_proto(first), plan=[line, *more]
    )
    return await office.ask(request, "2026-04-10 10:00")


async def held(office: Any, code: str = f"{SERVICE}/") -> int:
    request = capacity_pb2.GetCapacityRequest(municipality_id=office.municipality, account_code=code)
    return int((await office.ask(request, "2026-04-10 10:00")).account.held)


async def test_a_limit_takes_over_the_present_plan_not_the_one_that_was_signed(office: Any) -> None:
    case = await in_care(office, 1)
    await amend(office, case, hours(4), MAY)
    assert (await limit(office, 60, "2026-05-04 10:00")).held == 52


async def test_a_plan_of_every_second_week_takes_half(office: Any) -> None:
    await limit(office, 60)
    case = await in_care(office, 1)
    await amend(office, case, hours(4, every_weeks=2), MAY)
    assert await held(office) == 26


async def test_a_limit_does_not_take_over_what_is_over_by_then(office: Any) -> None:
    case = await in_care(office, 1)
    await amend(office, case, hours(3, last_date=date_to_proto(date(2026, 5, 10))), MAY, hours(1))
    assert (await limit(office, 60, "2026-05-11 10:00")).held == 13


async def test_a_limit_takes_over_what_is_needed_until_an_agreed_change(office: Any) -> None:
    case = await in_care(office, 4)
    await amend(office, case, hours(1), JUNE)
    assert (await limit(office, 60, "2026-05-11 10:00")).held == 52
    with pytest.raises(NoFreePlace):
        await in_care(office, 1)


async def test_a_limit_takes_over_what_an_agreed_change_will_need(office: Any) -> None:
    case = await in_care(office, 1)
    await amend(office, case, hours(4), JUNE)
    await amend(office, case, hours(2), date(2026, 7, 1))
    assert (await limit(office, 60, "2026-05-11 10:00")).held == 52


async def test_an_amended_plan_is_counted_by_the_catalogue_of_its_first_day(office: Any) -> None:
    await limit(office, 60)
    case = await in_care(office, 1)
    night = replace(CATALOGUE.entry(SERVICE, MAY), code="NIGHT_CARE", valid_from=MAY)
    office.neighbours.cases[case].catalogue_changes.append(catalogue_entry_to_proto(night))
    await amend(office, case, hours(4, "NIGHT_CARE"), MAY)
    assert await held(office) == 52


async def test_a_plan_without_hours_takes_none_and_its_next_version_does(office: Any) -> None:
    await limit(office, 60)
    case = await in_care(office, 1)
    await amend(office, case, facts_pb2.PlanLine(code=SERVICE, quantity=1), MAY)
    await amend(office, case, hours(4), JUNE)
    assert await held(office) == 52
    with pytest.raises(NoFreePlace):
        await in_care(office, 1)


async def test_hours_that_are_not_needed_come_back_on_the_day_from_which_they_are_not(office: Any) -> None:
    await limit(office, 60)
    case = await in_care(office, 4)
    await amend(office, case, hours(1), MAY)
    assert await held(office) == 52
    with pytest.raises(NoFreePlace):
        await in_care(office, 2)
    await office.claim(case, "2026-04-30 23:59")
    assert await held(office) == 52
    await office.claim(case, "2026-05-01 00:00")
    assert await held(office) == 13
    await in_care(office, 2)
    await office.claim(case, "2026-05-02 00:00")
    assert await held(office) == 39


async def test_hours_that_a_version_ahead_needs_are_nobody_elses_before_its_day(office: Any) -> None:
    await limit(office, 60)
    case = await in_care(office, 1)
    await amend(office, case, hours(4), MAY)
    assert await held(office) == 52
    with pytest.raises(NoFreePlace):
        await in_care(office, 1)


async def test_a_case_holds_the_most_that_its_versions_need_on_any_day_ahead(office: Any) -> None:
    await limit(office, 60)
    case = await in_care(office, 4)
    for quantity, first, then in ((1, MAY, 52), (3, JUNE, 52), (2, date(2026, 7, 1), 52)):
        await amend(office, case, hours(quantity), first)
        assert await held(office) == then
    request = capacity_pb2.GetCapacityRequest(municipality_id=office.municipality, account_code=f"{SERVICE}/")
    returns = (await office.ask(request, "2026-04-10 10:00")).account.returns
    assert [(back.on_date.month, back.quantity) for back in returns] == [(5, 13), (7, 13)]
    seen = []
    for day in ("2026-04-30", "2026-05-01", "2026-06-01", "2026-07-01"):
        await office.claim(case, f"{day} 00:00")
        seen.append(await held(office))
    assert seen == [52, 39, 39, 26]


async def test_what_is_kept_comes_back_with_the_end_of_the_case(office: Any) -> None:
    await limit(office, 60)
    case = await in_care(office, 4)
    await amend(office, case, hours(1), JUNE)
    await office.terminate(case, date(2026, 5, 10), "REQUEST", "2026-04-11 10:00")
    await office.close(case, "TERMINATED", "2026-05-10 23:59")
    assert await held(office) == 52
    await office.close(case, "TERMINATED", "2026-05-11 00:00")
    assert await held(office) == 0
    request = capacity_pb2.GetCapacityRequest(municipality_id=office.municipality, account_code=f"{SERVICE}/")
    last = (await office.ask(request, "2026-05-11 10:00")).entries[-1]
    assert (last.cause, last.held_change) == (capacity_pb2.CAPACITY_CAUSE_CASE_ENDED, -52)


async def test_a_version_replaced_on_its_first_day_gives_back_at_once_what_it_would_have_needed(office: Any) -> None:
    await limit(office, 60)
    case = await in_care(office, 1)
    await amend(office, case, hours(4), MAY)
    await amend(office, case, hours(2), MAY)
    assert await held(office) == 26
