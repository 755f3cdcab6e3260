"""The order on which somebody moves is registered, checked and takes the place of the act in force."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from services.kernel.codes import Role
from services.placement.errors import (
    OrderLeavesGap,
    OrderNotCalledFor,
    OrderNumberTaken,
    OrderWrongDirectorate,
)
from services.runtime.civil import date_from_proto, date_to_proto
from services.runtime.errors import Forbidden, InvalidArgument
from socialcare.placement.v1 import amendments_pb2, placement_service_pb2, register_pb2

pytestmark = pytest.mark.postgres

AT = "2026-04-10 10:00"
ORDERED = date(2026, 2, 24)
FROM = date(2026, 4, 20)


async def in_care(office: Any, *, until: date | None = None, number: str = "РД-1") -> str:
    """Somebody in a day centre by the order of one directorate; another centre belongs to another one."""
    case = str(office.accept("DAY_CENTRE", date(2026, 2, 23), facility="DC-1"))
    await office.open(case, "2026-02-23 14:00")
    order = placement_service_pb2.RecordOrderRequest(
        request_id=str(uuid4()),
        application_id=case,
        issued=True,
        number=number,
        order_date=date_to_proto(ORDERED),
        directorate_code="SAD-LYULIN",
        facility_code="DC-1",
        effective_to=None if until is None else date_to_proto(until),
    )
    await office.ask(order, f"{ORDERED} 10:00", Role.DIRECTORATE)
    await office.ask(office.signing(case, date(2026, 3, 9)), "2026-03-02 10:00")
    return case


@pytest.fixture
async def houses(office: Any) -> None:
    await office.facility("DC-1", "DAY_CENTRE", "SAD-LYULIN", 3)
    await office.facility("DC-2", "DAY_CENTRE", "SAD-ISKAR", 3)


def moving(case: str, **changes: Any) -> amendments_pb2.TransferPlacementRequest:
    usual = {
        "request_id": str(uuid4()),
        "application_id": case,
        "first_date": date_to_proto(FROM),
        "facility_code": "DC-2",
        "order_number": "РД-77",
        "order_date": date_to_proto(date(2026, 4, 8)),
        "directorate_code": "SAD-ISKAR",
    }
    return amendments_pb2.TransferPlacementRequest(**{**usual, **changes})


async def acts(office: Any, case: str) -> list[register_pb2.RegisteredAct]:
    request = register_pb2.ListOrdersRequest(municipality_id=office.municipality, application_id=case)
    return list((await office.ask(request, AT)).acts)


def states(found: list[register_pb2.RegisteredAct]) -> list[tuple[str, str, str]]:
    return [(act.number, act.authority, register_pb2.ActState.Name(act.state)[10:]) for act in found]


async def number_told(office: Any, case: str) -> str:
    """Number of the act that delivery and billing copy."""
    request = placement_service_pb2.GetContractRequest(application_id=case)
    contract = (await office.ask(request, AT, Role.SERVICE)).contract
    return str(contract.authorisation_number)


async def authorised(office: Any, case: str) -> tuple[date, date, int]:
    """Days that delivery and billing copy, and the version of the contract."""
    request = placement_service_pb2.GetContractRequest(application_id=case)
    contract = (await office.ask(request, AT, Role.SERVICE)).contract
    days = contract.authorisation
    return date_from_proto(days.start_date, ""), date_from_proto(days.end_date, ""), contract.version


@pytest.mark.usefixtures("houses")
async def test_the_order_of_a_move_is_the_authorisation_from_the_day_on_which_the_one_before_ends(office: Any) -> None:
    case = await in_care(office, until=date(2026, 6, 30))
    assert await authorised(office, case) == (ORDERED, date(2026, 6, 30), 1)
    assert await number_told(office, case) == "РД-1"
    request = moving(
        case,
        order_citation="ППЗСП, чл. 40",
        order_document_sha256="ab" * 32,
        order_effective_to=date_to_proto(date(2026, 12, 31)),
    )
    moved = (await office.ask(request, AT)).amendment
    assert await authorised(office, case) == (ORDERED, date(2026, 12, 31), 2)
    assert await number_told(office, case) == "РД-77"

    before, order = await acts(office, case)
    assert states([before, order]) == [("РД-1", "SAD-LYULIN", "SUPERSEDED"), ("РД-77", "SAD-ISKAR", "RECORDED")]
    assert (before.replaced_by_act_id, order.replaces_act_id) == (order.act_id, before.act_id)
    assert moved.order_act_id == order.act_id
    assert (date_from_proto(order.effective_from, ""), order.citation, order.document_sha256) == (
        FROM,
        "ППЗСП, чл. 40",
        "ab" * 32,
    )
    assert (await office.ask(request, AT)).amendment == moved
    assert await acts(office, case) == [before, order]


@pytest.mark.usefixtures("houses")
async def test_the_order_of_a_move_is_amended_as_any_other(office: Any) -> None:
    case = await in_care(office)
    await office.ask(moving(case), AT)
    (_, order) = await acts(office, case)
    paper = register_pb2.ActPaper(number="РД-78", act_date=date_to_proto(date(2026, 4, 10)))
    last = date(2026, 9, 30)
    request = register_pb2.AmendOrderRequest(
        request_id=str(uuid4()), act_id=order.act_id, paper=paper, effective_to=date_to_proto(last)
    )
    await office.ask(request, AT, Role.DIRECTORATE)
    assert await authorised(office, case) == (ORDERED, last, 3)
    assert await number_told(office, case) == "РД-78"
    assert states(await acts(office, case))[1:] == [
        ("РД-77", "SAD-ISKAR", "AMENDED"),
        ("РД-78", "SAD-ISKAR", "RECORDED"),
    ]


@pytest.mark.usefixtures("houses")
async def test_no_day_lies_between_the_order_before_and_that_of_the_move(office: Any) -> None:
    case = await in_care(office, until=date(2026, 4, 18))
    with pytest.raises(OrderLeavesGap):
        await office.ask(moving(case), AT)
    assert states(await acts(office, case)) == [("РД-1", "SAD-LYULIN", "RECORDED")]
    assert await authorised(office, case) == (ORDERED, date(2026, 4, 18), 1)
    await office.ask(moving(case, first_date=date_to_proto(date(2026, 4, 19))), AT)
    assert await authorised(office, case) == (ORDERED, date(2100, 12, 31), 2)


@pytest.mark.usefixtures("houses")
async def test_an_order_named_for_a_move_between_districts_is_checked_and_registered(office: Any) -> None:
    case = await in_care(office)
    stays = {"facility_code": "", "district_code": "BANKYA"}
    with pytest.raises(OrderWrongDirectorate):
        await office.ask(moving(case, **stays), AT)
    moved = (await office.ask(moving(case, directorate_code="SAD-LYULIN", **stays), AT)).amendment
    assert (await authorised(office, case))[2] == 2
    found = await acts(office, case)
    assert states(found) == [("РД-1", "SAD-LYULIN", "SUPERSEDED"), ("РД-77", "SAD-LYULIN", "RECORDED")]
    assert (moved.order_act_id, moved.district_code) == (found[1].act_id, "BANKYA")


async def test_no_order_is_named_where_nobody_is_placed_by_one(office: Any) -> None:
    case = str(office.accept("HSP", date(2026, 2, 23)))
    await office.open(case, "2026-02-23 14:00")
    await office.ask(office.signing(case, date(2026, 3, 9)), "2026-03-02 10:00")
    for tried in (True, False):
        with pytest.raises(OrderNotCalledFor):
            await office.ask(moving(case, facility_code="", district_code="BANKYA", validate_only=tried), AT)
    assert await acts(office, case) == []
    unnamed = {"order_number": "", "order_date": None, "directorate_code": ""}
    moved = await office.ask(moving(case, facility_code="", district_code="BANKYA", **unnamed), AT)
    assert moved.amendment.order_act_id == ""
    assert await number_told(office, case) == ""


@pytest.mark.usefixtures("houses")
async def test_the_paper_of_a_moves_order_is_checked_as_that_of_any_order(office: Any) -> None:
    case, other = await in_care(office), await in_care(office, number="РД-2")
    for wrong, field in (
        ({"order_date": date_to_proto(date(2026, 4, 11))}, "order_date"),
        ({"order_number": "Н-000001/2026"}, "order_number"),
        ({"order_number": ""}, "order_number"),
        ({"order_effective_to": date_to_proto(date(2026, 4, 19))}, "order_effective_to"),
    ):
        with pytest.raises(InvalidArgument) as refusal:
            await office.ask(moving(case, **wrong), AT)
        assert refusal.value.field == field
    await office.ask(moving(other), AT)
    with pytest.raises(OrderNumberTaken):
        await office.ask(moving(case), AT)
    assert states(await acts(office, case)) == [("РД-1", "SAD-LYULIN", "RECORDED")]


@pytest.mark.usefixtures("houses")
async def test_only_who_may_record_an_order_moves_somebody_by_one(office: Any) -> None:
    case = await in_care(office)
    for tried in (True, False):
        with pytest.raises(Forbidden):
            await office.ask(moving(case, validate_only=tried), AT, Role.SOCIAL_WORKER)
    unnamed = {"order_number": "", "order_date": None, "directorate_code": ""}
    await office.ask(moving(case, facility_code="", district_code="BANKYA", **unnamed), AT, Role.SOCIAL_WORKER)
    assert states(await acts(office, case)) == [("РД-1", "SAD-LYULIN", "RECORDED")]


@pytest.mark.usefixtures("houses")
async def test_an_order_of_the_same_days_is_told_by_a_further_version_of_the_contract(office: Any) -> None:
    case = await in_care(office)
    (order,) = await acts(office, case)
    paper = register_pb2.ActPaper(number="РД-79", act_date=date_to_proto(date(2026, 4, 9)))
    request = register_pb2.SupersedeOrderRequest(request_id=str(uuid4()), act_id=order.act_id, paper=paper)
    await office.ask(request, AT, Role.DIRECTORATE)
    assert await authorised(office, case) == (ORDERED, date(2100, 12, 31), 2)
    assert await number_told(office, case) == "РД-79"
