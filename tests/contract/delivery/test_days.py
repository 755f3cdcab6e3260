"""Days over sockets: closed by the run, counted, checked, and what is left to look at."""

from __future__ import annotations

from datetime import date, datetime
from uuid import uuid4

import grpc
import pytest

from services.kernel.codes import Role
from services.kernel.dates import SOFIA
from services.runtime.civil import date_to_proto
from socialcare.common.v1 import facts_pb2, types_pb2
from socialcare.delivery.v1 import days_pb2
from socialcare.delivery.v1 import delivery_service_pb2 as pb
from tests.contract.delivery.conftest import TOWN, Service

pytestmark = pytest.mark.postgres

MEAL = facts_pb2.PlanLine(
    code="HSP_MEAL_DELIVERY", quantity=1, weekdays=range(types_pb2.WEEKDAY_MON, types_pb2.WEEKDAY_SUN + 1)
)
FIRST, SECOND, THIRD = date(2026, 5, 4), date(2026, 5, 5), date(2026, 5, 6)


def at(day: date) -> datetime:
    return datetime(day.year, day.month, day.day, 10, tzinfo=SOFIA)


async def runs(service: Service, day: date) -> pb.CloseDailyRunResponse:
    worker = service.by(Role.WORKER, at(day))
    opened = await service.stub.OpenDailyRun(
        pb.OpenDailyRunRequest(request_id=str(uuid4()), municipality_id=TOWN, on_date=date_to_proto(day)),
        metadata=worker,
    )
    page = await service.stub.PlanPage(
        pb.PlanPageRequest(request_id=str(uuid4()), run_id=opened.run_id), metadata=worker
    )
    assert page.parked == 0
    return await service.stub.CloseDailyRun(
        pb.CloseDailyRunRequest(request_id=str(uuid4()), run_id=opened.run_id), metadata=worker
    )


async def test_an_office_sees_what_became_of_every_unit_and_which_have_no_record(service: Service) -> None:
    case = service.signed(FIRST, MEAL)
    await service.copies(case, at(FIRST))
    head = service.by(Role.OFFICE_HEAD, at(THIRD))
    await service.stub.RecordDelivery(
        pb.RecordDeliveryRequest(
            request_id=str(uuid4()), application_id=case, code=MEAL.code, on_date=date_to_proto(FIRST), units=1
        ),
        metadata=head,
    )
    assert (await runs(service, THIRD)).unrecorded == 1
    days = {"first_date": date_to_proto(FIRST), "last_date": date_to_proto(THIRD)}
    units = (await service.stub.ListUnits(days_pb2.ListUnitsRequest(application_id=case, **days), metadata=head)).units
    assert [unit.cause for unit in units] == ["DELIVERED", "PLAN", "PLAN"]
    left = await service.stub.ListUnrecordedUnits(
        days_pb2.ListUnrecordedUnitsRequest(municipality_id=TOWN, page_size=1), metadata=head
    )
    assert [unit.unit_id for unit in left.units] == [units[1].unit_id]
    rest = await service.stub.ListUnrecordedUnits(
        days_pb2.ListUnrecordedUnitsRequest(municipality_id=TOWN, page_token=left.next_page_token), metadata=head
    )
    assert not rest.units
    checked = await service.stub.CheckDay(
        days_pb2.CheckDayRequest(municipality_id=TOWN, on_date=date_to_proto(FIRST)), metadata=head
    )
    assert (checked.done, checked.unrecorded, list(checked.defects)) == (1, 0, [])
    assert checked.HasField("close_time")
    parked = await service.stub.ListParkedCases(days_pb2.ListParkedCasesRequest(municipality_id=TOWN), metadata=head)
    assert not parked.cases


async def test_days_of_another_municipality_are_not_shown(service: Service) -> None:
    stranger = service.by(Role.OFFICE_HEAD, at(THIRD), town="PLOVDIV")
    for ask in (
        service.stub.ListUnrecordedUnits(days_pb2.ListUnrecordedUnitsRequest(municipality_id=TOWN), metadata=stranger),
        service.stub.ListParkedCases(days_pb2.ListParkedCasesRequest(municipality_id=TOWN), metadata=stranger),
        service.stub.CheckDay(
            days_pb2.CheckDayRequest(municipality_id=TOWN, on_date=date_to_proto(FIRST)), metadata=stranger
        ),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await ask
        assert refused.value.code() is grpc.StatusCode.PERMISSION_DENIED
