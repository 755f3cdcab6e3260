"""What an office does in a day beside the batch from paper: who goes or is away, what is cooked, who is looked for."""

from __future__ import annotations

import datetime as dt
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

from google.protobuf.message import Message

from cli.gateway import Gateway, Refusal
from drill.month_town import MonthTown, PlannedUnit, persistently
from services.kernel.codes import Role
from services.kernel.dates import start_of_day
from services.kernel.ranges import DateRange
from services.runtime.civil import date_to_proto, range_to_proto
from socialcare.common.v1.types_pb2 import Weekday
from socialcare.delivery.v1 import assistants_pb2, attendance_pb2, corrections_pb2, kitchens_pb2, welfare_pb2
from socialcare.delivery.v1 import delivery_service_pb2 as pb

__all__ = ["CUT_OFF", "Office"]

Answer = TypeVar("Answer", bound=Message)

DAY = dt.timedelta(days=1)
CUT_OFF = "08:30"
"""Before the hour of the day's requests, so that a pause from tomorrow on comes too late for tomorrow's meal."""
_ASSISTANTS = ("assistant-1", "assistant-2", "assistant-3", "assistant-4")
_DISTRICTS = ("LYULIN", "SREDETS", "OVCHA_KUPEL", "MLADOST")
_KITCHEN = "KITCHEN-1"
_WATCHED = 12
_VISITED = 2
_MISSED = 2
_NAMES = uuid.UUID("c0c3f4f8-5b0e-4d3f-8a5c-6f3f3f1d2b77")


@dataclass(slots=True)
class Office:
    """Asks delivery for what offices ask for; every request id follows from town, day and what is asked."""

    gateway: Gateway
    town: MonthTown
    granted: int = 0
    refused: list[str] = field(default_factory=list)
    """Requests that were refused, with the reason."""

    async def open(self, first: dt.date) -> None:
        """Register assistants, one with few hours, and a kitchen that brings to every district; mark people."""
        stub, at = self.gateway.delivery, start_of_day(first)
        for number, name in enumerate(_ASSISTANTS):
            person = assistants_pb2.Assistant(
                municipality_id=self.town.municipality_id,
                assistant_id=name,
                hours=_hours("08:00", "16:00" if number else "10:00"),
                start_date=date_to_proto(first),
            )
            register = assistants_pb2.RegisterAssistantRequest(request_id=self._id(name), assistant=person)
            await self._ask(stub.RegisterAssistant, register, assistants_pb2.RegisterAssistantResponse, at)
        route = kitchens_pb2.DeliveryRoute(route_code="ROUTE-1", driver_id=_ASSISTANTS[-1], district_codes=_DISTRICTS)
        kitchen = kitchens_pb2.RegisterKitchenRequest(
            request_id=self._id(_KITCHEN),
            kitchen=kitchens_pb2.Kitchen(
                municipality_id=self.town.municipality_id, kitchen_id=_KITCHEN, routes=[route]
            ),
        )
        await self._ask(stub.RegisterKitchen, kitchen, kitchens_pb2.RegisterKitchenResponse, at)
        for case, _ in await persistently(lambda: self.town.some("watched", first, _WATCHED)):
            mark = welfare_pb2.SetVulnerableRequest(
                request_id=self._id("mark", case), application_id=case, vulnerable=True
            )
            await self._ask(stub.SetVulnerable, mark, welfare_pb2.SetVulnerableResponse, at)

    async def day(self, day: dt.date) -> None:
        """One day of the office, after the daily run and before the batch from paper."""
        await self._cook(day)
        await self._visit(day)
        await self._look_for(day)
        await self._correct(day)
        await self._stay_away(day)

    async def _cook(self, day: dt.date) -> None:
        """Tomorrow's meals are counted once."""
        request = kitchens_pb2.ProduceKitchenSheetRequest(
            request_id=self._id("sheet", str(day)),
            municipality_id=self.town.municipality_id,
            kitchen_id=_KITCHEN,
            on_date=date_to_proto(day + DAY),
        )
        method = self.gateway.delivery.ProduceKitchenSheet
        await self._ask(method, request, kitchens_pb2.ProduceKitchenSheetResponse, _hour(day, 10))

    async def _visit(self, day: dt.date) -> None:
        """Two assistants arrive and leave; of the other visits the paper tells in the evening."""
        stub = self.gateway.delivery
        for unit in await persistently(lambda: self.town.assigned(day, _VISITED)):
            arrives = attendance_pb2.CheckInRequest(
                request_id=self._id("in", unit.id), unit_id=unit.id, assistant_id=unit.assistant_id
            )
            leaves = attendance_pb2.CheckOutRequest(request_id=self._id("out", unit.id), unit_id=unit.id)
            if await self._ask(stub.CheckIn, arrives, attendance_pb2.CheckInResponse, _hour(day, 11)):
                await self._ask(stub.CheckOut, leaves, attendance_pb2.CheckOutResponse, _hour(day, 12))

    async def _look_for(self, day: dt.date) -> None:
        """Whoever was looked for since yesterday is well; some of the vulnerable are not met today."""
        stub = self.gateway.delivery
        await self.town.until_checks_are_read()
        for check in await persistently(self.town.open_checks):
            well = welfare_pb2.CloseWelfareCheckRequest(
                request_id=self._id("well", check), check_id=check, outcome=welfare_pb2.WELFARE_OUTCOME_FOUND_WELL
            )
            await self._ask(stub.CloseWelfareCheck, well, welfare_pb2.CloseWelfareCheckResponse, _hour(day, 12))
        for unit in await persistently(lambda: self.town.of_vulnerable(day, _MISSED)):
            request = pb.RecordMissedRequest(**_record("miss", unit, self._id), fault=pb.MISS_FAULT_USER)
            await self._ask(stub.RecordMissed, request, pb.RecordMissedResponse, _hour(day, 13))

    async def _correct(self, day: dt.date) -> None:
        """A unit is recorded as delivered by mistake, and corrected at once."""
        stub = self.gateway.delivery
        for unit in await persistently(lambda: self.town.planned(day, 1)):
            told = pb.RecordDeliveryRequest(**_record("told", unit, self._id))
            answer = await self._ask(stub.RecordDelivery, told, pb.RecordDeliveryResponse, _hour(day, 14))
            if answer is not None:
                request = corrections_pb2.RequestCorrectionRequest(
                    request_id=self._id("correct", unit.id),
                    application_id=unit.application_id,
                    delivery_id=answer.delivery_id,
                    kind=attendance_pb2.ATTENDANCE_KIND_MISSED_BY_PROVIDER,
                    units=unit.quantity,
                    reason=corrections_pb2.CORRECTION_REASON_WRITTEN_WRONGLY,
                )
                response = corrections_pb2.RequestCorrectionResponse
                await self._ask(stub.RequestCorrection, request, response, _hour(day, 15))

    async def _stay_away(self, day: dt.date) -> None:
        """An assistant is ill for the next two days, another one every other day."""
        if day.day % 2:
            return
        request = assistants_pb2.SetAssistantAbsenceRequest(
            request_id=self._id("ill", str(day)),
            municipality_id=self.town.municipality_id,
            assistant_id=_ASSISTANTS[day.day // 2 % len(_ASSISTANTS)],
            days=range_to_proto(DateRange(day + DAY, day + 2 * DAY)),
            reason=assistants_pb2.ASSISTANT_ABSENCE_REASON_SICK_LEAVE,
        )
        method = self.gateway.delivery.SetAssistantAbsence
        await self._ask(method, request, assistants_pb2.SetAssistantAbsenceResponse, _hour(day, 16))

    async def _ask(
        self, method: Callable[..., Any], request: Message, answer: type[Answer], at: dt.datetime
    ) -> Answer | None:
        """Ask until there is an answer; None when the service says no."""
        try:
            given = await self.gateway.patient_call(method, request, answer, role=Role.OFFICE_HEAD, at=at)
        except Refusal as refusal:
            self.refused.append(f"{at:%Y-%m-%d} {type(request).__name__}: {refusal.reason}")
            return None
        self.granted += 1
        return given

    def _id(self, *what: str) -> str:
        return str(uuid.uuid5(_NAMES, "/".join((self.town.municipality_id, *what))))


def _record(what: str, unit: PlannedUnit, name: Callable[..., str]) -> dict[str, Any]:
    return {
        "request_id": name(what, unit.id),
        "application_id": unit.application_id,
        "code": unit.code,
        "on_date": date_to_proto(unit.on),
        "units": unit.quantity,
    }


def _hours(starts: str, ends: str) -> list[assistants_pb2.WorkingHours]:
    days = [name for name in Weekday.DESCRIPTOR.values_by_name if name != "WEEKDAY_UNSPECIFIED"]
    return [assistants_pb2.WorkingHours(weekday=day, start_time=starts, end_time=ends) for day in days]


def _hour(day: dt.date, hour: int) -> dt.datetime:
    return start_of_day(day) + dt.timedelta(hours=hour)
