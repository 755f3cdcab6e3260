"""The ledger of capacity: facilities and programmes, and what every balance comes from."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from services.kernel.codes import Role
from services.placement.errors import NoFreePlace, UnknownService
from services.runtime.civil import date_to_proto
from services.runtime.errors import InvalidArgument, NotFound
from socialcare.common.v1 import facts_pb2, types_pb2
from socialcare.placement.v1 import amendments_pb2, placement_service_pb2
from socialcare.placement.v1 import capacity_pb2 as pb

pytestmark = pytest.mark.postgres

PLACE, HOUR = pb.CAPACITY_UNIT_PLACE, pb.CAPACITY_UNIT_HOUR
AT = "2026-03-02 10:00"
WEEK = (types_pb2.WEEKDAY_MON, types_pb2.WEEKDAY_TUE, types_pb2.WEEKDAY_WED)


async def limit(office: Any, service: str, capacity: int, unit: int = PLACE, district: str = "") -> Any:
    request = pb.SetProgrammeCapacityRequest(
        request_id=str(uuid4()),
        municipality_id=office.municipality,
        service_code=service,
        district_code=district,
        unit=pb.CapacityUnit.Name(unit),
        capacity=capacity,
    )
    return (await office.ask(request, AT, Role.MUNICIPALITY)).account


async def account(office: Any, code: str) -> Any:
    request = pb.GetCapacityRequest(municipality_id=office.municipality, account_code=code)
    return await office.ask(request, AT, Role.OFFICE_HEAD)


def entries(answer: Any) -> list[tuple[str, int, int, int]]:
    return [
        (
            pb.CapacityCause.Name(one.cause).removeprefix("CAPACITY_CAUSE_"),
            one.capacity_change,
            one.held_change,
            one.offered_change,
        )
        for one in answer.entries
    ]


async def ready(office: Any, service: str = "HSP") -> str:
    case = str(office.accept(service, date(2026, 2, 23)))
    await office.open(case, "2026-02-23 14:00")
    if service == "ASSISTANT_SUPPORT":
        await office.ask(
            placement_service_pb2.RecordReferralRequest(
                request_id=str(uuid4()),
                application_id=case,
                number=case[:8],
                referral_date=date_to_proto(date(2026, 2, 23)),
            ),
            "2026-02-23 15:00",
            Role.MUNICIPALITY,
        )
    return case


async def sign(office: Any, case: str, at: str = AT, **changes: Any) -> Any:
    return await office.ask(office.signing(case, date(2026, 4, 1), **changes), at)


async def test_every_balance_of_a_facility_has_its_entries(office: Any) -> None:
    await office.facility("DC-1", "DAY_CENTRE", "SAD-LYULIN", 1)
    cases = [office.accept("DAY_CENTRE", date(2026, 2, 9), facility="DC-1") for _ in range(2)]
    for number, case in enumerate(cases):
        await office.open(case, "2026-02-09 11:00")
        await office.order(case, f"РД-{number}", "SAD-LYULIN", f"2026-02-1{number} 10:00", "DC-1")
    await office.close(cases[0], "WITHDRAWN", "2026-02-20 10:00")
    await office.answer(cases[1], "2026-02-21 10:00", accepted=True)
    found = await account(office, "DC-1")
    assert (found.account.capacity, found.account.held, found.account.offered) == (1, 1, 0)
    assert entries(found) == [
        ("CAPACITY_SET", 1, 0, 0),
        ("ORDER_RECORDED", 0, 1, 0),
        ("CASE_ENDED", 0, -1, 0),
        ("PLACE_OFFERED", 0, 0, 1),
        ("OFFER_ACCEPTED", 0, 1, -1),
    ]
    assert [one.application_id for one in found.entries] == ["", cases[0], cases[0], cases[1], cases[1]]


async def test_an_institution_counts_beds_and_entries_come_by_page(office: Any) -> None:
    await office.facility("DOM-1", "OLD_PEOPLE_HOME", "SAD-LYULIN", 3)
    for places in (4, 5):
        await office.capacity("DOM-1", places, AT)
    first = await office.ask(
        pb.GetCapacityRequest(municipality_id=office.municipality, account_code="DOM-1", page_size=2), AT
    )
    assert first.account.unit == pb.CAPACITY_UNIT_BED
    rest = await office.ask(
        pb.GetCapacityRequest(
            municipality_id=office.municipality, account_code="DOM-1", page_size=2, page_token=first.next_page_token
        ),
        AT,
    )
    assert [one.capacity for one in (*first.entries, *rest.entries)] == [3, 4, 5]
    with pytest.raises(NotFound):
        await account(office, "DOM-2")


async def test_a_programme_without_a_limit_is_unlimited_and_has_no_account(office: Any) -> None:
    for _ in range(3):
        await sign(office, await ready(office))
    answer = await office.ask(pb.ListCapacityRequest(municipality_id=office.municipality), AT)
    assert list(answer.accounts) == []


async def test_a_contract_beyond_the_limit_of_its_programme_is_not_signed(office: Any) -> None:
    first, second = await ready(office), await ready(office)
    await limit(office, "HSP", 1)
    await sign(office, first)
    with pytest.raises(NoFreePlace):
        await sign(office, second)
    await office.terminate(first, date(2026, 4, 30), "REQUEST", "2026-03-03 10:00")
    with pytest.raises(NoFreePlace):
        await sign(office, second, "2026-03-20 10:00")
    await office.claim(first, "2026-05-01 00:00")
    found = await account(office, "HSP/")
    assert entries(found) == [
        ("TAKEN_OVER", 0, 0, 0),
        ("CAPACITY_SET", 1, 0, 0),
        ("CONTRACT_SIGNED", 0, 1, 0),
        ("CASE_ENDED", 0, -1, 0),
    ]
    assert await office.state(second, "2026-03-20 11:00") == "READY"


async def test_a_limit_takes_over_what_contracts_hold_even_when_it_is_less(office: Any) -> None:
    for _ in range(2):
        await sign(office, await ready(office))
    made = await limit(office, "HSP", 1)
    assert (made.account_code, made.capacity, made.held) == ("HSP/", 1, 2)
    with pytest.raises(NoFreePlace):
        await sign(office, await ready(office))
    assert (await limit(office, "HSP", 3)).held == 2
    await sign(office, await ready(office))


async def test_a_district_has_its_own_account_before_that_of_the_municipality(office: Any) -> None:
    await limit(office, "HSP", 5)
    await limit(office, "HSP", 1, district="LYULIN")
    await sign(office, await ready(office))
    with pytest.raises(NoFreePlace):
        await sign(office, await ready(office))
    answer = await office.ask(pb.ListCapacityRequest(municipality_id=office.municipality), AT)
    assert [(one.account_code, one.held) for one in answer.accounts] == [("HSP/", 0), ("HSP/LYULIN", 1)]


async def test_hours_a_month_are_those_of_the_plan(office: Any) -> None:
    await limit(office, "ASSISTANT_SUPPORT", 60, HOUR)
    line = assistance(*WEEK)
    case = await ready(office, "ASSISTANT_SUPPORT")
    # 12 hours a week are 52 a month.
    await sign(office, case, plan=[line])
    assert (await account(office, "ASSISTANT_SUPPORT/")).account.held == 52
    line.quantity = 1
    with pytest.raises(NoFreePlace):
        await sign(office, await ready(office, "ASSISTANT_SUPPORT"), plan=[line])
    with pytest.raises(InvalidArgument):
        await limit(office, "ASSISTANT_SUPPORT", 60, PLACE)


def assistance(*days: int, hours: int = 4) -> facts_pb2.PlanLine:
    return facts_pb2.PlanLine(
        code="ASSISTANT_SUPPORT", quantity=hours, weekdays=[types_pb2.Weekday.Name(day) for day in days]
    )


async def amend(office: Any, case: str, line: facts_pb2.PlanLine, at: str = "2026-04-02 10:00") -> Any:
    first = date_to_proto(date(2026, 4, 20))
    request = amendments_pb2.AmendContractRequest(
        request_id=str(uuid4()), application_id=case, first_date=first, plan=[line]
    )
    return await office.ask(request, at)


@pytest.mark.parametrize("forgotten", [False, True], ids=["of now", "signed before its account was kept"])
async def test_a_contract_that_takes_no_hours_finds_the_limit_when_its_plan_takes_some(
    office: Any, forgotten: bool
) -> None:
    await limit(office, "ASSISTANT_SUPPORT", 20, HOUR)
    case = await ready(office, "ASSISTANT_SUPPORT")
    await sign(office, case, plan=[assistance()])
    if forgotten:
        async with office.database.write() as tx:
            await tx.run("UPDATE placements SET programme_code = ''")
    with pytest.raises(NoFreePlace):
        await amend(office, case, assistance(*WEEK))
    # 4 hours a week are 18 a month.
    await amend(office, case, assistance(types_pb2.WEEKDAY_MON))
    assert (await account(office, "ASSISTANT_SUPPORT/")).account.held == 18
    await amend(office, case, assistance(), "2026-04-03 10:00")
    with pytest.raises(NoFreePlace):
        await amend(office, case, assistance(*WEEK), "2026-04-03 11:00")
    assert (await account(office, "ASSISTANT_SUPPORT/")).account.held == 0


async def test_what_needs_an_order_is_limited_by_its_facilities(office: Any) -> None:
    with pytest.raises(UnknownService):
        await limit(office, "DAY_CENTRE", 10)


async def test_a_preview_of_a_signing_shows_what_it_takes_and_an_applicant_only_the_own_case(office: Any) -> None:
    await limit(office, "HSP", 2)
    case = await ready(office)
    answer = await sign(office, case, validate_only=True)
    (shown,) = answer.preview.accounts
    assert (shown.account_code, shown.held) == ("HSP/", 1)
    assert [(one.application_id, one.state_after) for one in answer.preview.changes] == [(case, "CONTRACTED")]
    assert (await account(office, "HSP/")).account.held == 0
