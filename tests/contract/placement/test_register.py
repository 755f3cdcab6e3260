from __future__ import annotations

import asyncio
from datetime import date, timedelta
from itertools import pairwise
from typing import Any
from uuid import uuid4

import pytest

from services.kernel.codes import Role
from services.placement.errors import OrderLeavesGap, OrderMissing, OrderNumberTaken, StepNotAllowed
from services.runtime.auth import Caller
from services.runtime.civil import date_from_proto, date_to_proto, optional_date
from services.runtime.errors import EtagMismatch, Forbidden, InvalidArgument, NotFound
from socialcare.placement.v1 import placement_service_pb2 as pb
from socialcare.placement.v1 import register_pb2

pytestmark = pytest.mark.postgres

DIRECTORATE = "SAD-LYULIN"
ORDERED = date(2026, 5, 20)


async def placed(office: Any, *, until: date | None = None, signed: bool = True) -> str:
    """A case with an order of 20 May and, when signed, a contract from 1 June."""
    await office.facility("DC-1", "DAY_CENTRE", DIRECTORATE, 3)
    case = str(office.accept("DAY_CENTRE", date(2026, 5, 12), facility="DC-1"))
    await office.open(case, "2026-05-12 11:00")
    request = pb.RecordOrderRequest(
        request_id=str(uuid4()),
        application_id=case,
        issued=True,
        number="РД-1",
        order_date=date_to_proto(ORDERED),
        directorate_code=DIRECTORATE,
        facility_code="DC-1",
        citation="ППЗСП, чл. 40",
        document_sha256="ab" * 32,
        effective_to=None if until is None else date_to_proto(until),
    )
    await office.ask(request, "2026-05-20 10:00", Role.DIRECTORATE)
    if signed:
        await office.ask(office.signing(case, date(2026, 6, 1)), "2026-05-25 10:00")
    return case


async def acts(office: Any, at: str = "2026-06-30 10:00", **of: Any) -> list[register_pb2.RegisteredAct]:
    request = register_pb2.ListOrdersRequest(municipality_id=office.municipality, **of)
    return list((await office.ask(request, at)).acts)


def paper(number: str, on: date) -> register_pb2.ActPaper:
    return register_pb2.ActPaper(number=number, act_date=date_to_proto(on))


def amending(act: str, number: str, on: date, last: date | None, **more: Any) -> register_pb2.AmendOrderRequest:
    until = None if last is None else date_to_proto(last)
    return register_pb2.AmendOrderRequest(
        request_id=str(uuid4()), act_id=act, paper=paper(number, on), effective_to=until, **more
    )


def superseding(act: str, number: str, first: date, **more: Any) -> register_pb2.SupersedeOrderRequest:
    return register_pb2.SupersedeOrderRequest(
        request_id=str(uuid4()),
        act_id=act,
        paper=paper(number, date(2026, 6, 10)),
        effective_from=date_to_proto(first),
        **more,
    )


def revoking(act: str, number: str, first: date, **more: Any) -> register_pb2.RevokeOrderRequest:
    return register_pb2.RevokeOrderRequest(
        request_id=str(uuid4()),
        act_id=act,
        paper=paper(number, date(2026, 6, 10)),
        revoked_from=date_to_proto(first),
        **more,
    )


async def authorised(office: Any, case: str) -> tuple[date, date, int]:
    """Days that delivery and billing copy, and the version of the contract."""
    asked = pb.GetContractRequest(application_id=case)
    contract = (await office.ask(asked, "2026-06-30 10:00", Role.SERVICE)).contract
    days = contract.authorisation
    return date_from_proto(days.start_date, ""), date_from_proto(days.end_date, ""), contract.version


def states(found: list[register_pb2.RegisteredAct]) -> list[tuple[str, str, str]]:
    return [
        (act.number, register_pb2.ActKind.Name(act.kind)[9:], register_pb2.ActState.Name(act.state)[10:])
        for act in found
    ]


async def test_the_register_keeps_what_the_paper_says(office: Any) -> None:
    await placed(office, until=date(2027, 5, 31))
    (order,) = await acts(office)
    assert (order.authority, order.number, order.citation, order.document_sha256) == (
        DIRECTORATE,
        "РД-1",
        "ППЗСП, чл. 40",
        "ab" * 32,
    )
    assert date_from_proto(order.effective_from, "") == ORDERED
    assert date_from_proto(order.effective_to, "") == date(2027, 5, 31)
    read = (await office.ask(register_pb2.GetOrderRequest(act_id=order.act_id), "2026-06-30 10:00")).act
    assert read == order
    stranger = Caller("staff-9", frozenset({Role.OFFICE_HEAD}), frozenset({"OTHER-1"}))
    with pytest.raises(NotFound):
        await office.ask(register_pb2.GetOrderRequest(act_id=order.act_id), "2026-06-30 10:00", caller=stranger)


async def test_an_amended_order_reaches_the_contract_with_its_new_last_day(office: Any) -> None:
    case = await placed(office)
    assert await authorised(office, case) == (ORDERED, date(2100, 12, 31), 1)
    (order,) = await acts(office)
    request = amending(order.act_id, "РД-2", date(2026, 6, 10), date(2026, 12, 31), etag=order.etag)
    tried = register_pb2.AmendOrderRequest()
    tried.CopyFrom(request)
    tried.validate_only = True
    shown = (await office.ask(tried, "2026-06-10 10:00", Role.DIRECTORATE)).consequences
    assert (date_from_proto(shown.covered_to, ""), shown.has_contract) == (date(2026, 12, 31), True)
    assert await authorised(office, case) == (ORDERED, date(2100, 12, 31), 1)

    request.request_id = str(uuid4())
    first = await office.ask(request, "2026-06-10 10:00", Role.DIRECTORATE)
    assert await office.ask(request, "2026-06-10 10:00", Role.DIRECTORATE) == first
    assert await authorised(office, case) == (ORDERED, date(2026, 12, 31), 2)
    found = await acts(office)
    assert states(found) == [("РД-1", "ORDER", "AMENDED"), ("РД-2", "AMENDMENT", "RECORDED")]
    assert (found[0].replaced_by_act_id, found[1].replaces_act_id) == (found[1].act_id, found[0].act_id)
    assert (await office.events(case))[-1] == ("AUTHORISATION_CHANGED", None)

    with pytest.raises(StepNotAllowed):
        await office.ask(amending(order.act_id, "РД-3", date(2026, 6, 11), None), "2026-06-11 10:00")
    with pytest.raises(EtagMismatch):
        await office.ask(amending(found[1].act_id, "РД-3", date(2026, 6, 11), None, etag='"7"'), "2026-06-11 10:00")
    await office.ask(amending(found[1].act_id, "РД-3", date(2026, 6, 11), None), "2026-06-11 10:00")
    assert await authorised(office, case) == (ORDERED, date(2100, 12, 31), 3)


async def covered(office: Any, case: str) -> list[tuple[str, date, date | None]]:
    """Which act covers which days, and that they are one after the other what the contract is covered by."""
    answer = await office.ask(pb.GetContractRequest(application_id=case), "2026-06-30 10:00", Role.SERVICE)
    days = [
        (each.number, date_from_proto(each.from_date, ""), optional_date(each.to_date, "")) for each in answer.covered
    ]
    first, last, _ = await authorised(office, case)
    assert (days[0][1], days[-1][2] or date(2100, 12, 31)) == (first, last)
    assert all(one[2] and one[2] + timedelta(days=1) == other[1] for one, other in pairwise(days))
    ids = {act.act_id: act.number for act in await acts(office)}
    assert [ids[each.act_id] for each in answer.covered] == [number for number, _, _ in days]
    return days


async def test_each_day_is_covered_by_the_act_that_held_then_not_by_the_one_that_came_later(office: Any) -> None:
    case = await placed(office, until=date(2026, 9, 30))
    (order,) = await acts(office)
    until = [("РД-1", ORDERED, date(2026, 9, 30))]
    assert await covered(office, case) == until
    await office.ask(amending(order.act_id, "РД-2", date(2026, 6, 10), date(2026, 12, 31)), "2026-06-10 10:00")
    longer = [*until, ("РД-2", date(2026, 10, 1), date(2026, 12, 31))]
    assert await covered(office, case) == longer
    later = (await acts(office))[-1]
    await office.ask(superseding(later.act_id, "РД-3", date(2026, 11, 1)), "2026-06-11 10:00")
    replaced = [*until, ("РД-2", date(2026, 10, 1), date(2026, 10, 31)), ("РД-3", date(2026, 11, 1), None)]
    assert await covered(office, case) == replaced
    newest = (await acts(office))[-1]
    await office.ask(amending(newest.act_id, "РД-4", date(2026, 6, 12), date(2027, 1, 31)), "2026-06-12 10:00")
    shorter = [*replaced[:-1], ("РД-3", date(2026, 11, 1), date(2027, 1, 31))]
    assert await covered(office, case) == shorter
    last = (await acts(office))[-1]
    await office.ask(revoking(last.act_id, "РД-5", date(2027, 1, 10)), "2026-06-13 10:00")
    assert await covered(office, case) == [*shorter[:-1], ("РД-3", date(2026, 11, 1), date(2027, 1, 9))]


async def test_the_timeline_tells_what_became_of_an_order(office: Any) -> None:
    case = await placed(office)
    (order,) = await acts(office)
    await office.ask(amending(order.act_id, "РД-2", date(2026, 6, 10), None), "2026-06-10 10:00")
    amendment = (await acts(office))[-1].act_id
    await office.ask(superseding(amendment, "РД-3", date(2026, 6, 12)), "2026-06-10 11:00")
    await office.ask(revoking((await acts(office))[-1].act_id, "РД-4", date(2026, 6, 20)), "2026-06-10 12:00")
    async with office.database.read() as tx:
        rows = await tx.all("SELECT cause, ref FROM case_history(:case) ORDER BY at", {"case": case})
    of_acts = {act.act_id for act in await acts(office)}
    assert [row.cause for row in rows if row.ref in of_acts] == [
        "ORDER_RECORDED",
        "ACT_AMENDED",
        "ACT_SUPERSEDED",
        "ACT_REVOKED",
    ]


async def test_an_order_that_follows_leaves_no_day_of_the_contract_without_one(office: Any) -> None:
    case = await placed(office, until=date(2026, 8, 31))
    (order,) = await acts(office)
    with pytest.raises(OrderLeavesGap):
        await office.ask(superseding(order.act_id, "РД-2", date(2026, 9, 2)), "2026-06-10 10:00")
    await office.ask(superseding(order.act_id, "РД-2", date(2026, 9, 1)), "2026-06-10 10:00")
    assert await authorised(office, case) == (ORDERED, date(2100, 12, 31), 2)
    assert states(await acts(office)) == [("РД-1", "ORDER", "SUPERSEDED"), ("РД-2", "ORDER", "RECORDED")]


async def test_a_revoked_order_covers_no_day_from_then_on(office: Any) -> None:
    case = await placed(office)
    (order,) = await acts(office)
    with pytest.raises(InvalidArgument):
        await office.ask(revoking(order.act_id, "РД-2", ORDERED - timedelta(days=1)), "2026-06-10 10:00")
    await office.ask(revoking(order.act_id, "РД-2", ORDERED), "2026-06-10 10:00")
    eve = ORDERED - timedelta(days=1)
    assert await authorised(office, case) == (eve, eve, 2), "no day of the contract is authorised"
    revocation = (await acts(office))[-1]
    with pytest.raises(StepNotAllowed):
        await office.ask(revoking(revocation.act_id, "РД-3", ORDERED), "2026-06-10 11:00")
    await office.ask(superseding(revocation.act_id, "РД-3", date(2026, 6, 1)), "2026-06-10 12:00")
    assert await authorised(office, case) == (date(2026, 6, 1), date(2100, 12, 31), 3)


async def test_nothing_is_signed_on_a_day_that_no_order_covers(office: Any) -> None:
    case = await placed(office, signed=False)
    (order,) = await acts(office)
    await office.ask(revoking(order.act_id, "РД-2", date(2026, 6, 10)), "2026-06-10 10:00")
    with pytest.raises(OrderMissing):
        await office.ask(office.signing(case, date(2026, 6, 12)), "2026-06-11 10:00")
    revocation = (await acts(office))[-1]
    await office.ask(superseding(revocation.act_id, "РД-3", date(2026, 6, 15)), "2026-06-11 10:00")
    with pytest.raises(OrderMissing):
        await office.ask(office.signing(case, date(2026, 6, 14)), "2026-06-11 10:00")
    await office.ask(office.signing(case, date(2026, 6, 15)), "2026-06-11 10:00")


async def test_the_acts_of_a_case_that_has_ended_stay_as_they_are(office: Any) -> None:
    case = await placed(office)
    (order,) = await acts(office)
    await office.terminate(case, date(2026, 6, 5), "REQUEST", "2026-06-03 10:00")
    await office.ask(amending(order.act_id, "РД-2", date(2026, 6, 5), date(2026, 6, 4)), "2026-06-05 10:00")
    act = (await acts(office))[-1].act_id
    with pytest.raises(StepNotAllowed):
        await office.ask(amending(act, "РД-3", date(2026, 6, 6), None), "2026-06-06 10:00")


async def test_a_number_is_free_again_in_the_next_year(office: Any) -> None:
    await placed(office)
    (order,) = await acts(office)
    taken = superseding(order.act_id, "РД-1", date(2026, 6, 10))
    with pytest.raises(OrderNumberTaken):
        await office.ask(taken, "2026-06-10 10:00")
    request = amending(order.act_id, "РД-1", date(2027, 1, 4), date(2027, 6, 30))
    await office.ask(request, "2027-01-04 10:00")


async def test_authorisations_that_end_soon_are_listed_and_pages_lead_on(office: Any) -> None:
    case = await placed(office, until=date(2026, 8, 31))
    (order,) = await acts(office)
    assert await acts(office, ends_before=date_to_proto(date(2026, 8, 31))) == []
    assert await acts(office, ends_before=date_to_proto(date(2026, 9, 1))) == [order]
    await office.ask(amending(order.act_id, "РД-2", date(2026, 6, 10), date(2027, 8, 31)), "2026-06-10 10:00")
    assert await acts(office, ends_before=date_to_proto(date(2026, 9, 1))) == []

    request = register_pb2.ListOrdersRequest(municipality_id=office.municipality, application_id=case, page_size=1)
    first = await office.ask(request, "2026-06-30 10:00")
    request.page_token = first.next_page_token
    second = await office.ask(request, "2026-06-30 10:00")
    assert states([*first.acts, *second.acts]) == [("РД-1", "ORDER", "AMENDED"), ("РД-2", "AMENDMENT", "RECORDED")]
    request.page_token = "forged"
    with pytest.raises(InvalidArgument):
        await office.ask(request, "2026-06-30 10:00")


async def referral_awaited(office: Any) -> str:
    case = str(office.accept("ASSISTANT_SUPPORT", date(2026, 5, 12)))
    await office.open(case, "2026-05-12 11:00")
    return case


def referral(case: str, number: str = "", on: date = date(2026, 5, 13)) -> pb.RecordReferralRequest:
    return pb.RecordReferralRequest(
        request_id=str(uuid4()), application_id=case, number=number, referral_date=date_to_proto(on)
    )


async def test_the_municipality_numbers_its_referrals_by_year_and_without_a_gap(office: Any) -> None:
    cases = [await referral_awaited(office) for _ in range(5)]
    await office.ask(referral(cases[0]), "2026-05-13 10:00")
    with pytest.raises(StepNotAllowed):
        await office.ask(referral(cases[0]), "2026-05-13 11:00")
    with pytest.raises(InvalidArgument):
        await office.ask(referral(cases[1], "Н-000002/2026"), "2026-05-13 11:00")
    await asyncio.gather(*(office.ask(referral(case), "2026-05-13 12:00") for case in cases[1:4]))
    await office.ask(referral(cases[4], on=date(2027, 1, 4)), "2027-01-04 10:00")
    assert sorted(act.number for act in await acts(office)) == [
        "Н-000001/2026",
        "Н-000001/2027",
        "Н-000002/2026",
        "Н-000003/2026",
        "Н-000004/2026",
    ]


async def test_a_referral_is_amended_under_a_number_of_our_own(office: Any) -> None:
    case = await referral_awaited(office)
    await office.ask(referral(case, "НС-7"), "2026-05-13 10:00")
    (act,) = await acts(office)
    await office.ask(amending(act.act_id, "", date(2026, 5, 14), date(2026, 12, 31)), "2026-05-14 10:00")
    assert states(await acts(office)) == [
        ("НС-7", "REFERRAL", "AMENDED"),
        ("Н-000001/2026", "AMENDMENT", "RECORDED"),
    ]


def following(act: str, number: str) -> list[Any]:
    """The three steps that a covering act allows."""
    return [
        amending(act, number, date(2026, 6, 10), date(2026, 12, 31)),
        superseding(act, number, date(2026, 6, 10)),
        revoking(act, number, date(2026, 6, 10)),
    ]


@pytest.mark.parametrize("tried", [False, True], ids=["taken", "tried"])
async def test_an_act_is_followed_by_who_may_record_one_of_its_authority(office: Any, *, tried: bool) -> None:
    await placed(office)
    await office.ask(referral(await referral_awaited(office), "НС-7"), "2026-05-13 10:00")
    order, referred = sorted(await acts(office), key=lambda act: act.authority == "MUNICIPALITY")
    for act, stranger, recorder in (
        (order, Role.MUNICIPALITY, Role.DIRECTORATE),
        (referred, Role.DIRECTORATE, Role.MUNICIPALITY),
    ):
        for step in following(act.act_id, f"Ч-{act.number}"):
            step.validate_only = tried
            with pytest.raises(Forbidden):
                await office.ask(step, "2026-06-10 10:00", stranger)
        amend = following(act.act_id, f"Н-{act.number}")[0]
        amend.validate_only = tried
        await office.ask(amend, "2026-06-10 10:00", recorder)
    assert len(await acts(office)) == (2 if tried else 4)
