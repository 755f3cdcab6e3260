"""A repeated request has its answer without anybody else: the other services may be away by then."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any
from uuid import uuid4

import pytest
from google.protobuf.message import Message

from services.kernel.catalogue import CATALOGUE
from services.kernel.codes import Role
from services.runtime.civil import date_to_proto
from services.runtime.errors import PeerUnavailable, RequestIdReused
from socialcare.common.v1 import facts_pb2, types_pb2
from socialcare.placement.v1 import amendments_pb2, capacity_pb2
from socialcare.placement.v1 import placement_service_pb2 as pb

pytestmark = pytest.mark.postgres

AT = "2026-04-10 10:00"
LATER = "2026-04-11 10:00"
LINE = facts_pb2.PlanLine(code="HSP_MEAL_DELIVERY", quantity=2, weekdays=[types_pb2.WEEKDAY_MON])


async def in_care(office: Any) -> str:
    case = str(office.accept("HSP", date(2026, 2, 23)))
    await office.open(case, "2026-02-23 14:00")
    await office.ask(office.signing(case, date(2026, 3, 9)), "2026-03-02 10:00")
    return case


def amending(case: str) -> amendments_pb2.AmendContractRequest:
    return amendments_pb2.AmendContractRequest(
        request_id=str(uuid4()), application_id=case, first_date=date_to_proto(date(2026, 4, 20)), plan=[LINE]
    )


def moving(case: str, district: str) -> amendments_pb2.TransferPlacementRequest:
    return amendments_pb2.TransferPlacementRequest(
        request_id=str(uuid4()),
        application_id=case,
        first_date=date_to_proto(date(2026, 4, 20)),
        district_code=district,
    )


async def repeated(office: Any, request: Message, first: Any, role: Role = Role.OFFICE_HEAD) -> None:
    asked = list(office.neighbours.asked)
    office.neighbours.away = True
    assert await office.ask(request, LATER, role) == first
    assert office.neighbours.asked == asked


async def test_an_amendment_repeated_asks_nobody(office: Any) -> None:
    request = amending(await in_care(office))
    await repeated(office, request, await office.ask(request, AT))


async def test_a_move_repeated_after_the_next_one_asks_nobody(office: Any) -> None:
    case = await in_care(office)
    request = moving(case, "BANKYA")
    first = await office.ask(request, AT)
    await office.ask(moving(case, "ISKAR"), AT)
    await repeated(office, request, first)


async def test_an_end_for_arrears_repeated_after_a_death_asks_nobody(office: Any) -> None:
    case = await in_care(office)
    request = pb.TerminateRequest(
        request_id=str(uuid4()), application_id=case, last_date=date_to_proto(date(2026, 9, 29)), ground="ARREARS"
    )
    await office.ask(request, AT)
    await office.terminate(case, date(2026, 4, 10), "DEATH", AT)
    await repeated(office, request, pb.TerminateResponse(placement=await office.look(case, LATER)))


async def test_a_facility_made_again_asks_nobody(office: Any) -> None:
    office.neighbours.decides(replace(CATALOGUE.entry("DAY_CENTRE", date(2026, 4, 1)), code="NIGHT_SHELTER"))
    request = pb.CreateFacilityRequest(
        request_id=str(uuid4()),
        municipality_id=office.municipality,
        facility_code="NS-1",
        service_code="NIGHT_SHELTER",
        directorate_code="SAD-LYULIN",
        capacity=3,
    )
    await repeated(office, request, await office.ask(request, AT, Role.MUNICIPALITY), Role.MUNICIPALITY)


async def test_a_limit_of_a_programme_set_again_asks_nobody(office: Any) -> None:
    await in_care(office)
    request = capacity_pb2.SetProgrammeCapacityRequest(
        request_id=str(uuid4()),
        municipality_id=office.municipality,
        service_code="HSP",
        unit=capacity_pb2.CAPACITY_UNIT_PLACE,
        capacity=5,
    )
    await repeated(office, request, await office.ask(request, AT))


async def test_a_page_of_limits_counted_again_asks_nobody(office: Any) -> None:
    await in_care(office)
    request = pb.ReprojectLimitsRequest(
        request_id=str(uuid4()), municipality_id=office.municipality, calendar_version="bg-1"
    )
    await repeated(office, request, await office.ask(request, AT, Role.WORKER), Role.WORKER)


async def test_the_same_request_id_for_something_else_is_refused_before_anybody_is_asked(office: Any) -> None:
    request = amending(await in_care(office))
    await office.ask(request, AT)
    office.neighbours.away = True
    request.plan[0].quantity = 1
    with pytest.raises(RequestIdReused):
        await office.ask(request, AT)


async def test_a_question_is_no_repetition(office: Any) -> None:
    request = amending(await in_care(office))
    await office.ask(request, AT)
    request.validate_only = True
    office.neighbours.away = True
    with pytest.raises(PeerUnavailable):
        await office.ask(request, AT)
