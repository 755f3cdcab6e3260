from __future__ import annotations

from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from services.kernel.codes import Role
from services.placement.errors import (
    AppealOutOfTime,
    FacilityExists,
    NoFreePlace,
    OrderMissing,
    OrderNumberTaken,
    OrderWrongDirectorate,
    StepNotAllowed,
    UnknownFacility,
    UnknownService,
)
from socialcare.common.v1 import types_pb2
from socialcare.placement.v1 import placement_service_pb2 as pb

pytestmark = pytest.mark.postgres


def appeal(case: str, against: str, posted: date | None = None) -> pb.FileAppealRequest:
    request = pb.FileAppealRequest(
        request_id=str(uuid4()), application_id=case, against=pb.AppealSubject.Value(f"APPEAL_SUBJECT_{against}")
    )
    if posted is not None:
        request.posted_date.year, request.posted_date.month, request.posted_date.day = posted.timetuple()[:3]
    return request


def decision(case: str, *, granted: bool) -> pb.DecideAppealRequest:
    return pb.DecideAppealRequest(request_id=str(uuid4()), application_id=case, granted=granted)


async def requested(office: Any, code: str, service: str, directorate: str, on: date, *, capacity: int = 12) -> str:
    await office.facility(code, service, directorate, capacity)
    case = str(office.accept(service, on, facility=code))
    await office.open(case, f"{on} 11:00")
    return case


async def test_story_com_01_only_the_competent_directorate_places(office: Any) -> None:
    case = await requested(office, "DC-LYU-1", "DAY_CENTRE", "SAD-LYULIN", date(2026, 5, 12))
    await office.facility("DC-SER-1", "DAY_CENTRE", "SAD-SERDIKA", 5)
    with pytest.raises(OrderMissing):
        await office.ask(office.signing(case, date(2026, 6, 1)), "2026-05-18 10:00")
    with pytest.raises(OrderWrongDirectorate):
        await office.order(case, "РД-26-1407", "SAD-SERDIKA", "2026-05-20 10:00", "DC-LYU-1")
    with pytest.raises(OrderWrongDirectorate):
        await office.order(case, "РД-26-1407", "SAD-SERDIKA", "2026-05-20 10:00", "DC-SER-1")
    assert await office.deadlines(case, "2026-05-20 11:00") == {"ORDER_DECISION": ("2026-05-26", "RUNNING")}
    await office.order(case, "РД-26-1422", "SAD-LYULIN", "2026-05-26 15:00", "DC-LYU-1")
    placed = await office.look(case, "2026-05-26 16:00")
    assert placed.legal_basis == types_pb2.LEGAL_BASIS_ORDER
    assert await office.deadlines(case, "2026-05-26 16:00") == {
        "ORDER_DECISION": ("2026-05-26", "MET"),
        "CONTRACT_SIGNATURE": ("2026-06-25", "RUNNING"),
    }
    await office.ask(office.signing(case, date(2026, 6, 15)), "2026-05-28 10:00")


async def test_story_com_02_a_refusal_is_appealed_by_post_on_the_last_day(office: Any) -> None:
    case = await requested(office, "SRC-POD-1", "SOCIAL_REHAB_CENTRE", "SAD-PODUYANE", date(2026, 10, 16))
    await office.order(case, "РД-26-2090", "SAD-PODUYANE", "2026-10-27 10:00")
    assert await office.state(case, "2026-10-27 11:00") == "ORDER_REFUSED"
    assert await office.deadlines(case, "2026-10-27 11:00") == {
        "ORDER_DECISION": ("2026-10-30", "MET"),
        "APPEAL": ("2026-11-10", "RUNNING"),
    }
    with pytest.raises(AppealOutOfTime):
        await office.ask(appeal(case, "REFUSAL"), "2026-11-12 10:00")
    await office.ask(appeal(case, "REFUSAL", date(2026, 11, 10)), "2026-11-12 10:00")
    assert (await office.deadlines(case, "2026-11-12 11:00"))["APPEAL"] == ("2026-11-10", "MET")
    await office.ask(decision(case, granted=True), "2026-12-11 10:00")
    assert await office.state(case, "2026-12-11 11:00") == "ORDER_AWAITED"
    assert (await office.deadlines(case, "2026-12-11 11:00"))["ORDER_DECISION"] == ("2026-12-29", "RUNNING")
    await office.order(case, "РД-26-2511", "SAD-PODUYANE", "2026-12-22 10:00", "SRC-POD-1")
    assert await office.state(case, "2026-12-22 11:00") == "READY"


async def test_a_dismissed_appeal_changes_nothing(office: Any) -> None:
    case = await requested(office, "SRC-POD-1", "SOCIAL_REHAB_CENTRE", "SAD-PODUYANE", date(2026, 10, 16))
    await office.order(case, "РД-1", "SAD-PODUYANE", "2026-10-27 10:00")
    await office.ask(appeal(case, "REFUSAL"), "2026-10-28 10:00")
    await office.ask(decision(case, granted=False), "2026-12-11 10:00")
    assert await office.state(case, "2026-12-11 11:00") == "ORDER_REFUSED"
    with pytest.raises(StepNotAllowed):
        await office.ask(decision(case, granted=True), "2026-12-12 10:00")


async def test_story_com_05_silence_is_never_consent_and_can_be_challenged(office: Any) -> None:
    case = await requested(office, "CO-VIT-1", "COMMUNITY_OTHER", "SAD-TRIADITSA", date(2026, 8, 31))
    assert await office.deadlines(case, "2026-09-14 23:00") == {"ORDER_DECISION": ("2026-09-14", "RUNNING")}
    claimed = await office.claim(case, "2026-09-15 00:00")
    assert (claimed.overdue, claimed.expired, claimed.HasField("next_due_time")) == (True, False, False)
    assert await office.deadlines(case, "2026-09-15 09:00") == {
        "ORDER_DECISION": ("2026-09-14", "OVERDUE"),
        "TACIT_REFUSAL_APPEAL": ("2026-10-14", "RUNNING"),
    }
    await office.ask(appeal(case, "SILENCE"), "2026-10-14 12:00")
    assert (await office.deadlines(case, "2026-10-14 13:00"))["TACIT_REFUSAL_APPEAL"] == ("2026-10-14", "MET")
    await office.ask(decision(case, granted=True), "2026-11-17 10:00")
    assert (await office.deadlines(case, "2026-11-17 11:00"))["ORDER_DECISION"] == ("2026-12-01", "RUNNING")
    await office.order(case, "РД-26-2317", "SAD-TRIADITSA", "2026-11-24 10:00", "CO-VIT-1")
    assert await office.state(case, "2026-11-24 11:00") == "READY"


async def test_silence_is_not_challenged_before_the_term_is_over(office: Any) -> None:
    case = await requested(office, "CO-VIT-1", "COMMUNITY_OTHER", "SAD-TRIADITSA", date(2026, 8, 31))
    with pytest.raises(StepNotAllowed):
        await office.ask(appeal(case, "SILENCE"), "2026-09-14 12:00")


async def test_story_ins_04_an_unsigned_order_lapses_and_frees_its_place(office: Any) -> None:
    case = await requested(office, "HSD-LOZ-1", "HOME_SENSORY_DISABILITY", "SAD-LOZENETS", date(2026, 4, 2), capacity=1)
    await office.order(case, "РД-26-0905", "SAD-LOZENETS", "2026-04-16 10:00", "HSD-LOZ-1")
    assert (await office.deadlines(case, "2026-05-18 22:00"))["CONTRACT_SIGNATURE"] == ("2026-05-18", "RUNNING")
    assert (await office.claim(case, "2026-05-19 00:00")).expired
    request = pb.GetFacilityRequest(municipality_id=office.municipality, facility_code="HSD-LOZ-1")
    assert (await office.ask(request, "2026-05-19 09:00")).facility.held == 0


async def test_story_com_04_the_court_confirms_a_childs_placement(office: Any) -> None:
    await office.facility("FTC-SLA-1", "FAMILY_TYPE_CENTRE", "SAD-SLATINA", 15)
    child = types_pb2.PLACEMENT_ROUTE_CHILD_PROTECTION
    case = office.accept(
        "FAMILY_TYPE_CENTRE", date(2026, 3, 27), facility="FTC-SLA-1", birth=date(2018, 1, 1), route=child
    )
    await office.open(case, "2026-03-27 10:00")
    ruling = {"year": 2026, "month": 5, "day": 8}
    request = pb.RecordCourtDecisionRequest(
        request_id=str(uuid4()), application_id=case, number="ГД-3318/2026", ruling_date=ruling
    )
    with pytest.raises(StepNotAllowed):
        await office.ask(request, "2026-05-11 09:00", Role.SOCIAL_WORKER)
    await office.order(case, "ЗД-26-0219", "SAD-SLATINA", "2026-04-02 10:00", "FTC-SLA-1")
    await office.ask(office.signing(case, date(2026, 4, 4)), "2026-04-03 10:00")
    confirmed = (await office.ask(request, "2026-05-11 10:00", Role.SOCIAL_WORKER)).placement
    assert confirmed.legal_basis == types_pb2.LEGAL_BASIS_COURT
    assert await office.state(case, "2026-05-11 11:00") == "CONTRACTED"


async def test_story_com_03_more_flags_go_first_then_who_registered_earlier(office: Any) -> None:
    await office.facility("PH-ISK-1", "PROTECTED_HOUSING", "SAD-ISKAR", 0)

    async def waiting(number: str, received: str, **facts: Any) -> str:
        case = str(
            office.accept("PROTECTED_HOUSING", date(2026, 2, 9), facility="PH-ISK-1", received=received, **facts)
        )
        await office.open(case, "2026-02-09 11:00")
        await office.order(case, number, "SAD-ISKAR", "2026-02-11 10:00", "PH-ISK-1")
        return case

    first = await waiting("РД-1", "2026-02-02 10:00", birth=date(1980, 1, 1))
    main = await waiting("РД-2", "2026-02-03 10:00", birth=date(1980, 1, 1), living_alone=True)
    old = await waiting("РД-3", "2026-02-04 10:00", birth=date(1940, 1, 1), living_alone=True)

    async def position(case: str, at: str) -> tuple[int, str]:
        found = (await office.look(case, at)).waiting
        return found.position, found.offered_facility_code

    assert [(await position(case, "2026-02-13 12:00"))[0] for case in (old, main, first)] == [1, 2, 3]
    with pytest.raises(NoFreePlace):
        await office.ask(office.signing(main, date(2026, 3, 1)), "2026-02-14 10:00")
    await office.capacity("PH-ISK-1", 1, "2026-02-16 10:00")
    assert await position(old, "2026-02-16 11:00") == (1, "PH-ISK-1")
    assert await position(main, "2026-02-16 11:00") == (2, "")

    await office.answer(old, "2026-02-17 10:00", accepted=True)
    assert (await office.deadlines(old, "2026-02-17 11:00"))["CONTRACT_SIGNATURE"][1] == "RUNNING"
    await office.ask(office.signing(old, date(2026, 2, 20)), "2026-02-18 10:00")
    assert await position(main, "2026-02-20 09:00") == (1, "")

    await office.terminate(old, date(2026, 3, 5), "MUTUAL_CONSENT", "2026-03-02 10:00")
    assert await office.close(old, "TERMINATED", "2026-03-05 12:00") == "TERMINATED"
    assert await position(main, "2026-03-05 12:00") == (1, "")
    await office.close(old, "TERMINATED", "2026-03-06 00:00")
    assert await position(main, "2026-03-06 09:00") == (1, "PH-ISK-1")

    await office.answer(main, "2026-03-09 10:00", accepted=False)
    assert await position(main, "2026-03-09 11:00") == (1, "")
    assert await position(first, "2026-03-09 11:00") == (2, "PH-ISK-1")
    assert await office.close(first, "WITHDRAWN", "2026-03-10 10:00") == "CLOSED"
    assert await position(main, "2026-03-10 11:00") == (1, "")
    assert [event for event, _ in await office.events(main)] == ["ORDER_RECORDED", "PLACE_OFFERED", "OFFER_DECLINED"]

    answer = await office.ask(pb.ExplainPriorityRequest(application_id=main), "2026-03-10 12:00")
    assert (answer.position, list(answer.flags)) == (1, ["LIVING_ALONE"])


async def test_a_place_that_was_given_up_is_not_offered_until_there_is_one_again(office: Any) -> None:
    await office.facility("SRC-1", "SOCIAL_REHAB_CENTRE", "SAD-ISKAR", 2)
    cases = [office.accept("SOCIAL_REHAB_CENTRE", date(2026, 2, 9), facility="SRC-1") for _ in range(3)]
    for number, case in enumerate(cases):
        await office.open(case, "2026-02-09 11:00")
        await office.order(case, f"РД-{number}", "SAD-ISKAR", f"2026-02-1{number} 10:00", "SRC-1")
    leaves, _, waits = cases

    shrunk = await office.capacity("SRC-1", 1, "2026-02-18 10:00")
    assert (shrunk.capacity, shrunk.held) == (1, 2)
    await office.close(leaves, "WITHDRAWN", "2026-02-19 10:00")
    assert (await office.look(waits, "2026-02-19 11:00")).waiting.offered_facility_code == ""
    await office.capacity("SRC-1", 2, "2026-02-20 10:00")
    assert (await office.look(waits, "2026-02-20 11:00")).waiting.offered_facility_code == "SRC-1"


async def test_a_number_is_used_once_by_an_authority_and_a_refused_order_changes_nothing(office: Any) -> None:
    one = await requested(office, "DC-LYU-1", "DAY_CENTRE", "SAD-LYULIN", date(2026, 5, 12))
    other = str(office.accept("DAY_CENTRE", date(2026, 5, 12), facility="DC-LYU-1"))
    await office.open(other, "2026-05-12 11:00")
    await office.order(one, "РД-1", "SAD-LYULIN", "2026-05-20 10:00", "DC-LYU-1")
    with pytest.raises(OrderNumberTaken):
        await office.order(other, "РД-1", "SAD-LYULIN", "2026-05-20 10:00", "DC-LYU-1")
    with pytest.raises(UnknownFacility):
        await office.order(other, "РД-2", "SAD-LYULIN", "2026-05-20 10:00", "DC-LYU-9")
    assert await office.state(other, "2026-05-20 11:00") == "ORDER_AWAITED"
    request = pb.GetFacilityRequest(municipality_id=office.municipality, facility_code="DC-LYU-1")
    assert (await office.ask(request, "2026-05-20 11:00")).facility.held == 1


async def test_facilities_and_directorates_have_their_codes_once(office: Any) -> None:
    await office.facility("DC-LYU-1", "DAY_CENTRE", "SAD-LYULIN", 1)
    with pytest.raises(FacilityExists):
        await office.facility("DC-LYU-1", "DAY_CENTRE", "SAD-LYULIN", 1)
    with pytest.raises(UnknownService):
        await office.facility("SPA-1", "SPA", "SAD-LYULIN", 1)
    again = pb.CreateDirectorateRequest(
        request_id=str(uuid4()), municipality_id=office.municipality, directorate_code="SAD-LYULIN"
    )
    with pytest.raises(FacilityExists):
        await office.ask(again, "2026-01-01 10:00", Role.MUNICIPALITY)
