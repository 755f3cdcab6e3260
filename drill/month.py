"""A month of a town, day by day: the daily run as a workflow, commands to the service, the day's records, the proof."""

from __future__ import annotations

import asyncio
import datetime as dt
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from google.protobuf.message import Message
from temporalio.client import Client
from temporalio.common import WorkflowIDConflictPolicy, WorkflowIDReusePolicy

from bench.histories import events_of
from cli.gateway import RETRIED_REASONS, Gateway, Refusal
from cli.stories.patience import patiently
from drill.clerk import Clerk
from drill.month_town import AWAY_SECONDS, FIRST, MonthTown, persistently
from drill.office import Office
from services.kernel.codes import BATCH_TASK_QUEUE, Role, WorkflowType
from services.kernel.dates import start_of_day
from services.kernel.ranges import DateRange
from services.runtime.civil import date_to_proto, instant_to_proto
from socialcare.common.v1 import flow_pb2
from socialcare.delivery.v1 import delivery_service_pb2 as pb

__all__ = ["LivedDay", "Month", "Part"]

DAY = dt.timedelta(days=1)
_PATIENCE = 3 * DAY
"""How long a unit stays on the list of those without a record before the clerk comes to it."""
_ONE_IN = 1_000
_LEAST = 3
_NAMES = uuid.UUID("6f1b1f6e-6d2a-4b52-9a43-0c7f1f8b6f10")


class Part(StrEnum):
    """What is under way in a day."""

    RUN = "the daily run"
    REQUESTS = "requests"
    PAPER = "the batch from paper"
    OVER = "nothing"


@dataclass(slots=True)
class LivedDay:
    """A day that was lived: seconds of the run and of the whole day, commands granted (to whom) and refused."""

    day: dt.date
    run_seconds: float = 0.0
    seconds: float = 0.0
    parts: dict[Part, float] = field(default_factory=dict)
    events: int = 0
    granted: int = 0
    granted_to_imported: int = 0
    refused: int = 0


@dataclass(slots=True)
class Month:
    """The life of a town; `wrong` collects what is not as it should be on a closed day."""

    town: MonthTown
    gateway: Gateway
    client: Client
    days: int
    clerk: Clerk
    office: Office | None = None
    lived: list[LivedDay] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    part: Part = Part.OVER
    _entered: float = 0.0

    @property
    def last(self) -> dt.date:
        """Last day that is lived and closed."""
        return FIRST + (self.days - 1) * DAY

    async def live(self, day: dt.date) -> LivedDay:
        """One day: the run, what people ask for, the batch from paper. Whatever dies, it goes on until it is done."""
        lived = LivedDay(day)
        began = time.perf_counter()
        self._enter(Part.RUN, lived)
        lived.events = await self._run(day)
        lived.run_seconds = time.perf_counter() - began
        if day > FIRST:
            self.wrong += await persistently(lambda: self.town.wrong_with(day - DAY))
        self._enter(Part.REQUESTS, lived)
        if day <= self.last:
            await self._commands(day, lived)
            await self._news(day)
            if self.office is not None:
                await self.office.day(day)
            self._enter(Part.PAPER, lived)
            for ids in await persistently(self.town.pages):
                await self._record(day, ids)
        await self._catch_up(day)
        self._enter(Part.OVER, lived)
        lived.seconds = time.perf_counter() - began
        self.lived.append(lived)
        return lived

    def _enter(self, part: Part, lived: LivedDay) -> None:
        """Go on to a part; `parts` has the seconds of those that are behind."""
        now = time.perf_counter()
        if self._entered:
            lived.parts[self.part] = now - self._entered
        self.part, self._entered = part, now if part is not Part.OVER else 0.0

    async def _catch_up(self, day: dt.date) -> None:
        """Have written down what nobody told of some days ago, and everything when the last day is closed."""
        until = day - _PATIENCE if day <= self.last else self.last
        if until < FIRST:
            return
        await self.clerk.catch_up(day, until)
        if left := await persistently(lambda: self.town.still_planned(DateRange(FIRST, until))):
            self.wrong.append(f"{day}: {left} units up to {until} are not done, missed, cancelled or paused")

    async def proved_whole(self) -> None:
        """Look at every day of the month once more: late records and corrections have changed days that were closed."""
        for day in DateRange(FIRST, self.last):
            self.wrong += await self._defects(day)

    async def _defects(self, day: dt.date) -> list[str]:
        return await persistently(lambda: self.town.defects(day))

    async def _record(self, day: dt.date, ids: list[str]) -> None:
        await persistently(lambda: self.town.record(day, ids))

    async def _run(self, day: dt.date) -> int:
        """Run the day's workflow; gives the events of its history, all runs in which it went on anew together."""
        start = flow_pb2.DailyRunStart(
            municipality_id=self.town.municipality_id,
            on_date=date_to_proto(day),
            business_start_time=instant_to_proto(start_of_day(day)),
        )

        async def finish() -> int:
            handle = await self.client.start_workflow(
                WorkflowType.DAILY_DELIVERY.value,
                start,
                id=f"daily/{self.town.municipality_id}/{day}",
                task_queue=BATCH_TASK_QUEUE,
                id_reuse_policy=WorkflowIDReusePolicy.ALLOW_DUPLICATE,
                id_conflict_policy=WorkflowIDConflictPolicy.USE_EXISTING,
            )
            await handle.result()
            return await events_of(self.client, handle.id)

        return await patiently(finish)

    async def _commands(self, day: dt.date, lived: LivedDay) -> None:
        """Pauses, early returns, single records: from a lot that the seed decides, so a refusal is always the same."""
        number = max(_LEAST, self.town.people // _ONE_IN)
        for tag, command in (("pause", self._pause), ("return", self._back), ("told", self._told)):
            people = await self._drawn(tag, day, number)
            for case, person in people:
                request = command(case, day, len(person) + day.day)
                request.request_id = str(uuid.uuid5(_NAMES, f"{self.town.municipality_id}/{day}/{person}/{tag}"))
                if await self._asked(request, day):
                    lived.granted += 1
                    lived.granted_to_imported += case in self.town.imported
                else:
                    lived.refused += 1

    async def _news(self, day: dt.date) -> None:
        """Contracts that end and plans that change, as the service takes them over from elsewhere."""
        for tag, number, news in (("end", 1, self.town.ends), ("amend", _LEAST, self.town.amends)):
            for case, _ in await self._drawn(tag, day, number):
                # What is elsewhere is known of people whose contract is elsewhere: placement has that of the imported.
                if case not in self.town.imported:
                    await self._told_of(news, case, day)

    @staticmethod
    async def _told_of(news: Callable[[str, dt.date], Awaitable[None]], case: str, day: dt.date) -> None:
        await persistently(lambda: news(case, day))

    async def _drawn(self, tag: str, day: dt.date, number: int) -> list[tuple[str, str]]:
        return await persistently(lambda: self.town.some(tag, day, number))

    @staticmethod
    def _pause(case: str, day: dt.date, lot: int) -> pb.RequestPauseRequest:
        first = day + DAY * (1 + lot % 3)
        return pb.RequestPauseRequest(
            application_id=case, start_date=date_to_proto(first), end_date=date_to_proto(first + DAY * (lot % 9))
        )

    @staticmethod
    def _back(case: str, day: dt.date, lot: int) -> pb.EndPauseEarlyRequest:
        return pb.EndPauseEarlyRequest(application_id=case, return_date=date_to_proto(day + DAY * (lot % 2)))

    @staticmethod
    def _told(case: str, day: dt.date, lot: int) -> pb.RecordDeliveryRequest | pb.RecordMissedRequest:
        code, on = "HSP_MEAL_DELIVERY", date_to_proto(day)
        if lot % 2:
            return pb.RecordMissedRequest(
                application_id=case, code=code, on_date=on, units=1, fault=pb.MISS_FAULT_PROVIDER
            )
        return pb.RecordDeliveryRequest(application_id=case, code=code, on_date=on, units=1)

    async def _asked(self, request: Message, day: dt.date) -> bool:
        """Whether the service granted it; a service that is away is asked again under the same request id."""
        delivery = self.gateway.delivery
        calls: dict[type, tuple[Callable[..., Any], type[Message]]] = {
            pb.RequestPauseRequest: (delivery.RequestPause, pb.RequestPauseResponse),
            pb.EndPauseEarlyRequest: (delivery.EndPauseEarly, pb.EndPauseEarlyResponse),
            pb.RecordDeliveryRequest: (delivery.RecordDelivery, pb.RecordDeliveryResponse),
            pb.RecordMissedRequest: (delivery.RecordMissed, pb.RecordMissedResponse),
        }
        method, answer = calls[type(request)]
        at = start_of_day(day) + dt.timedelta(hours=9)
        while True:
            try:
                await self.gateway.call(method, request, answer, role=Role.SOCIAL_WORKER, at=at)
            except Refusal as refusal:
                if refusal.reason not in RETRIED_REASONS:
                    return False
                await asyncio.sleep(AWAY_SECONDS)
            else:
                return True

    def all_days(self) -> Iterator[dt.date]:
        """The days of the month and the one that closes the last of them."""
        return (FIRST + number * DAY for number in range(self.days + 1))
