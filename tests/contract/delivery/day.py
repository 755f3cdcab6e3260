"""A small vocabulary for the day of assistants and kitchens."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any
from uuid import uuid4

import grpc
import pytest
from google.type.timeofday_pb2 import TimeOfDay
from grpc_status import rpc_status

from services.kernel.codes import Role
from services.kernel.dates import SOFIA
from services.runtime.civil import date_to_proto
from services.runtime.status import error_of
from socialcare.common.v1 import facts_pb2, types_pb2
from socialcare.delivery.v1 import assistants_pb2 as staff
from socialcare.delivery.v1 import delivery_service_pb2 as pb
from tests.contract.delivery.conftest import TOWN, Service

__all__ = [
    "CLEANING",
    "DIET",
    "LATE_CLEANING",
    "MEAL",
    "MONDAY",
    "NURSE",
    "ask",
    "at",
    "cared_for",
    "days",
    "hire",
    "hours",
    "new",
    "refused",
    "runs",
]

MONDAY = date(2026, 5, 4)
_WEEK = list(range(types_pb2.WEEKDAY_MON, types_pb2.WEEKDAY_SUN + 1))
MEAL = facts_pb2.PlanLine(code="HSP_MEAL_DELIVERY", quantity=1, weekdays=_WEEK)
CLEANING = facts_pb2.PlanLine(code="HSP_HOME_CLEANING", quantity=1, weekdays=_WEEK)
LATE_CLEANING = facts_pb2.PlanLine(
    code="HSP_HOME_CLEANING",
    quantity=1,
    weekdays=_WEEK,
    window_start=TimeOfDay(hours=14),
    window_end=TimeOfDay(hours=14, minutes=45),
    skill_codes=["LIFTING"],
)
DIET = facts_pb2.PlanLine(code="HSP_MEAL_DELIVERY", quantity=2, weekdays=_WEEK, menu_code="DIABETIC")
NURSE = facts_pb2.PlanLine(code="HSP_PRE_PHYSICIAN_CARE", quantity=1, weekdays=_WEEK)


def at(day: date, hour: int = 10, minute: int = 0) -> datetime:
    return datetime(day.year, day.month, day.day, hour, minute, tzinfo=SOFIA)


def new() -> str:
    return str(uuid4())


def days(first: date, last: date) -> types_pb2.DateRange:
    return types_pb2.DateRange(start_date=date_to_proto(first), end_date=date_to_proto(last))


async def ask(
    service: Service, request: Any, role: Role = Role.OFFICE_HEAD, when: datetime | None = None, **more: str
) -> Any:
    method = getattr(service.stub, type(request).__name__.removesuffix("Request"))
    return await method(request, metadata=service.by(role, when or at(MONDAY), **more))


async def refused(service: Service, request: Any, *who: Any, **more: Any) -> tuple[str, dict[str, str]]:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await ask(service, request, *who, **more)
    error = error_of(caught.value.code(), rpc_status.from_call(caught.value))
    assert error is not None
    return error.reason, error.metadata


def hours(start: str = "08:00", end: str = "17:00") -> list[staff.WorkingHours]:
    return [
        staff.WorkingHours(weekday=types_pb2.Weekday.ValueType(day), start_time=start, end_time=end) for day in _WEEK
    ]


async def hire(service: Service, assistant: str, **more: Any) -> staff.Assistant:
    described = {
        "municipality_id": TOWN,
        "assistant_id": assistant,
        "hours": hours(),
        "start_date": date_to_proto(date(2026, 1, 1)),
    }
    request = staff.RegisterAssistantRequest(request_id=new(), assistant=staff.Assistant(**described | more))
    answer: staff.RegisterAssistantResponse = await ask(service, request)
    return answer.assistant


async def runs(service: Service, day: date) -> None:
    """The daily run of the town."""
    worker = service.by(Role.WORKER, at(day, 0))
    opening = pb.OpenDailyRunRequest(request_id=new(), municipality_id=TOWN, on_date=date_to_proto(day))
    run = await service.stub.OpenDailyRun(opening, metadata=worker)
    await service.stub.PlanPage(pb.PlanPageRequest(request_id=new(), run_id=run.run_id), metadata=worker)
    await service.stub.CloseDailyRun(pb.CloseDailyRunRequest(request_id=new(), run_id=run.run_id), metadata=worker)


async def cared_for(service: Service, *plan: facts_pb2.PlanLine, start: date = MONDAY) -> str:
    """A case of a person of its own, whose contract was copied a week before its start."""
    case = service.signed(start, *plan)
    service.neighbours.contracts[case].person_id = f"person-of-{case}"
    await service.copies(case, at(start - timedelta(days=6)))
    return case
