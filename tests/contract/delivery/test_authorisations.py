"""An order that ends soon over sockets: on the office's list, and told to the case's workflow."""

from __future__ import annotations

from datetime import date, datetime
from uuid import uuid4

import grpc
import pytest

from services.kernel.codes import Role
from services.kernel.dates import SOFIA, start_of_day
from services.runtime.civil import date_to_proto, instant_from_proto
from socialcare.common.v1 import types_pb2
from socialcare.delivery.v1 import authorisations_pb2
from socialcare.delivery.v1 import delivery_service_pb2 as pb
from tests.contract.delivery.conftest import TOWN, Service
from tests.contract.delivery.test_days import MEAL

pytestmark = pytest.mark.postgres

START, LAST = date(2026, 3, 2), date(2026, 5, 31)


def at(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 10, tzinfo=SOFIA)


async def authorised(service: Service) -> str:
    case = service.signed(START, MEAL)
    contract = service.neighbours.contracts[case]
    contract.authorisation.CopyFrom(types_pb2.DateRange(start_date=date_to_proto(START), end_date=date_to_proto(LAST)))
    contract.authorisation_number = "РД-7"
    await service.copies(case, at(START))
    return case


async def advanced(service: Service, case: str, on: date) -> pb.AdvanceCareResponse:
    request = pb.AdvanceCareRequest(request_id=str(uuid4()), application_id=case)
    return await service.stub.AdvanceCare(request, metadata=service.by(Role.WORKER, at(on)))


async def listed(service: Service, on: date) -> list[authorisations_pb2.EndingAuthorisation]:
    request = authorisations_pb2.ListEndingAuthorisationsRequest(municipality_id=TOWN)
    head = service.by(Role.OFFICE_HEAD, at(on))
    return list((await service.stub.ListEndingAuthorisations(request, metadata=head)).authorisations)


async def test_the_office_sees_what_ends_and_what_has_ended_until_another_order_follows(service: Service) -> None:
    case = await authorised(service)
    assert await listed(service, date(2026, 4, 30)) == []
    (soon,) = await listed(service, date(2026, 5, 1))
    assert (soon.application_id, soon.number, soon.days_left, soon.ended) == (case, "РД-7", 30, False)
    (over,) = await listed(service, date(2026, 6, 2))
    assert (over.days_left, over.ended, over.last_date.day) == (0, True, 31)
    contract = service.neighbours.contracts[case]
    contract.authorisation.end_date.CopyFrom(date_to_proto(date(2027, 5, 31)))
    contract.version = 2
    await service.copies(case, at(date(2026, 6, 2)))
    assert await listed(service, date(2026, 6, 2)) == []


async def test_the_case_is_told_when_somebody_must_act_and_when_care_stops(service: Service) -> None:
    case = await authorised(service)
    told = await advanced(service, case, START)
    assert instant_from_proto(told.authorisation_notice_time) == start_of_day(date(2026, 5, 1))
    assert instant_from_proto(told.authorisation_end_time) == start_of_day(date(2026, 6, 1))
    free = service.signed(START, MEAL)
    await service.copies(free, at(START))
    assert not (await advanced(service, free, START)).HasField("authorisation_notice_time")


async def test_authorisations_of_another_municipality_are_not_shown(service: Service) -> None:
    request = authorisations_pb2.ListEndingAuthorisationsRequest(municipality_id=TOWN)
    for stranger in (service.by(Role.OFFICE_HEAD, at(START), town="PLOVDIV"), service.by(Role.ASSISTANT, at(START))):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await service.stub.ListEndingAuthorisations(request, metadata=stranger)
        assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED
