"""A day that the municipality declares off, from intake to what was planned and to who is looked after."""

from __future__ import annotations

from datetime import date, timedelta

import pytest

from services.kernel.codes import Role
from services.runtime.civil import date_to_proto
from socialcare.common.v1 import catalogue_pb2, facts_pb2, types_pb2
from socialcare.delivery.v1 import days_pb2
from socialcare.delivery.v1 import delivery_service_pb2 as pb
from socialcare.delivery.v1 import visits_pb2 as visits
from tests.contract.delivery.conftest import TOWN, Service
from tests.contract.delivery.day import ask, at, new, runs

pytestmark = pytest.mark.postgres

HELP = facts_pb2.PlanLine(
    code="ASSISTANT_SUPPORT", quantity=2, weekdays=range(types_pb2.WEEKDAY_MON, types_pb2.WEEKDAY_FRI + 1)
)
MONDAY, TUESDAY, WEDNESDAY = date(2026, 5, 11), date(2026, 5, 12), date(2026, 5, 13)


async def helped(service: Service) -> str:
    """Somebody who lives alone and has an assistant."""
    service.neighbours.alone = True
    case = service.signed(MONDAY, HELP)
    service.neighbours.contracts[case].service_code = "ASSISTANT_SUPPORT"
    await service.copies(case, at(MONDAY - timedelta(days=6)))
    await runs(service, MONDAY)
    return case


def declares(service: Service, *off: date) -> None:
    """What intake says of the municipality's calendar from now on."""
    service.neighbours.version += 1
    service.neighbours.calendar = catalogue_pb2.BusinessCalendar(
        version=f"{TOWN}-{service.neighbours.version}",
        declared_days=[
            catalogue_pb2.DeclaredDay(on_date=date_to_proto(day), kind=catalogue_pb2.DAY_KIND_NON_WORKING, source="МС")
            for day in off
        ],
    )


async def records(service: Service, case: str, on: date) -> None:
    given = pb.RecordDeliveryRequest(
        request_id=new(), application_id=case, code=HELP.code, on_date=date_to_proto(on), units=2
    )
    await ask(service, given, Role.ASSISTANT, at(on, 12))


async def causes(service: Service, case: str) -> list[str]:
    """What became of Monday, Tuesday and Wednesday, and why."""
    request = days_pb2.ListUnitsRequest(
        application_id=case, first_date=date_to_proto(MONDAY), last_date=date_to_proto(WEDNESDAY)
    )
    return [unit.cause for unit in (await ask(service, request)).units]


async def test_nobody_is_looked_for_because_of_a_day_that_was_declared_off(service: Service) -> None:
    case = await helped(service)
    await records(service, case, MONDAY)
    declares(service, TUESDAY)
    await runs(service, TUESDAY)
    assert await causes(service, case) == ["DELIVERED", "DAY_OFF", "PLAN"]
    look = visits.SweepVisitsRequest(request_id=new(), municipality_id=TOWN)
    assert (await ask(service, look, Role.WORKER, at(WEDNESDAY, 0, 1))).opened == 0
    checked = await ask(service, days_pb2.CheckDayRequest(municipality_id=TOWN, on_date=date_to_proto(TUESDAY)))
    assert not checked.defects


async def test_what_was_recorded_before_its_day_was_declared_off_stays(service: Service) -> None:
    case = await helped(service)
    await records(service, case, MONDAY)
    declares(service, MONDAY)
    await runs(service, TUESDAY)
    assert await causes(service, case) == ["DELIVERED", "PLAN", "PLAN"]


async def test_a_day_that_is_off_no_more_is_planned(service: Service) -> None:
    declares(service, TUESDAY)
    case = await helped(service)
    assert await causes(service, case) == ["PLAN", "PLAN"]
    declares(service)
    await runs(service, TUESDAY)
    assert await causes(service, case) == ["PLAN", "PLAN", "PLAN"]
    await records(service, case, TUESDAY)
