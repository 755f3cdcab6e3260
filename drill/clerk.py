"""The clerk who works off the list of units without a record: what nobody had written down ends after some days."""

from __future__ import annotations

import asyncio
import datetime as dt
import uuid
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from cli.gateway import Gateway
from services.kernel.codes import Role
from services.kernel.dates import start_of_day
from services.runtime.civil import date_from_proto
from socialcare.delivery.v1 import attendance_pb2, days_pb2

__all__ = ["Clerk"]

_BATCH = 100
_SIDE_BY_SIDE = 3
_HOUR = dt.timedelta(hours=17)
_NAMES = uuid.UUID("0d1c4b4e-2f5e-4a52-8d0b-5b1a0a6de8a1")
_KINDS = (
    attendance_pb2.ATTENDANCE_KIND_MISSED_BY_PROVIDER,
    attendance_pb2.ATTENDANCE_KIND_MISSED_BY_USER,
    attendance_pb2.ATTENDANCE_KIND_DELIVERED,
    attendance_pb2.ATTENDANCE_KIND_DELIVERED,
)


@dataclass(slots=True)
class Clerk:
    """Reads `ListUnrecordedUnits` and types what the papers say by `RecordAttendanceBatch`."""

    gateway: Gateway
    municipality_id: str
    recorded: int = 0
    refused: list[str] = field(default_factory=list)
    """Entries that were not taken, with the reason."""

    async def catch_up(self, today: dt.date, until: dt.date) -> None:
        """Record every unit up to the day `until` that still has no record."""
        at = start_of_day(today) + _HOUR
        batches = [batch async for batch in self._unrecorded(at, until)]
        places = asyncio.Semaphore(_SIDE_BY_SIDE)

        async def type_in(batch: Sequence[days_pb2.Unit]) -> None:
            async with places:
                await self._recorded(batch, at)

        await asyncio.gather(*map(type_in, batches))

    async def _unrecorded(self, at: dt.datetime, until: dt.date) -> AsyncIterator[Sequence[days_pb2.Unit]]:
        """The list up to a day, batch by batch; it has the oldest first."""
        request = days_pb2.ListUnrecordedUnitsRequest(municipality_id=self.municipality_id, page_size=_BATCH)
        while True:
            answer = await self.gateway.patient_call(
                self.gateway.delivery.ListUnrecordedUnits,
                request,
                days_pb2.ListUnrecordedUnitsResponse,
                role=Role.SOCIAL_WORKER,
                at=at,
            )
            old = [unit for unit in answer.units if _day(unit) <= until]
            if old:
                yield old
            if not answer.next_page_token or len(old) < len(answer.units):
                return
            request.page_token = answer.next_page_token

    async def _recorded(self, batch: Sequence[days_pb2.Unit], at: dt.datetime) -> None:
        """Send a batch until every entry is decided; again under the same ids it changes nothing."""
        request = attendance_pb2.RecordAttendanceBatchRequest(
            request_id=_name("batch", *(unit.unit_id for unit in batch)),
            municipality_id=self.municipality_id,
            entries=map(_entry, batch),
        )
        while True:
            answer = await self.gateway.patient_call(
                self.gateway.delivery.RecordAttendanceBatch,
                request,
                attendance_pb2.RecordAttendanceBatchResponse,
                role=Role.SOCIAL_WORKER,
                at=at,
            )
            if all(each.outcome != attendance_pb2.ENTRY_OUTCOME_TRY_AGAIN for each in answer.results):
                break
        for unit, result in zip(batch, answer.results, strict=True):
            if result.outcome == attendance_pb2.ENTRY_OUTCOME_RECORDED:
                self.recorded += 1
            else:
                self.refused.append(
                    f"{_day(unit)} {unit.code} {unit.unit_id}: "
                    f"{attendance_pb2.EntryOutcome.Name(result.outcome)} {result.reason}"
                )


def _day(unit: days_pb2.Unit) -> dt.date:
    return date_from_proto(unit.on_date, "on_date")


def _entry(unit: days_pb2.Unit) -> attendance_pb2.AttendanceEntry:
    """What the paper says of a unit: by a lot that its id is."""
    return attendance_pb2.AttendanceEntry(
        entry_id=_name("entry", unit.unit_id),
        application_id=unit.application_id,
        code=unit.code,
        on_date=unit.on_date,
        kind=_KINDS[uuid.UUID(unit.unit_id).int % len(_KINDS)],
        units=unit.quantity,
    )


def _name(what: str, *ids: str) -> str:
    return str(uuid.uuid5(_NAMES, "/".join((what, *ids))))
