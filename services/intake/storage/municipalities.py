"""The port of the use cases on one write transaction: municipalities."""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import datetime

from sqlalchemy.exc import IntegrityError

from services.intake.domain.application import Municipality
from services.intake.storage import reading
from services.kernel.calendar import BusinessCalendar
from services.kernel.service_entry import ServiceEntry
from services.runtime.database import WriteTx, violated_constraint
from services.runtime.errors import AlreadyExists, ConcurrentChange
from services.runtime.local_rules import entry_to_text, keep_calendar
from services.runtime.outbox import Start

__all__ = ["Municipalities", "require_in_force"]


class Municipalities:
    """Municipalities in one write transaction; implements the port `MunicipalityStore`."""

    def __init__(self, tx: WriteTx) -> None:
        self._tx = tx

    async def emit(self, emission: Start) -> None:
        self._tx.emit(emission)

    async def insert_municipality(self, municipality: Municipality, now: datetime) -> None:
        await keep_calendar(self._tx, municipality.rules.calendar)
        try:
            await self._tx.run(
                "INSERT INTO municipality (id, settings, calendar_version, version, created_at) "
                "VALUES (:id, CAST(CAST(:settings AS text) AS jsonb), :calendar_version, :version, :now)",
                {
                    "id": municipality.id,
                    "settings": json.dumps(dict(municipality.rules.settings.own)),
                    "calendar_version": municipality.rules.calendar.version,
                    "version": municipality.version,
                    "now": now,
                },
            )
        except IntegrityError as error:
            if violated_constraint(error) != "municipality_pkey":
                raise
            raise AlreadyExists(resource_type="municipality", resource_id=municipality.id) from error
        await self._tx.run(
            "INSERT INTO office (municipality_id, code, head_staff_id, district_codes) "
            "VALUES (:municipality_id, :code, :head_staff_id, CAST(:district_codes AS text[]))",
            [
                {
                    "municipality_id": municipality.id,
                    "code": office.code,
                    "head_staff_id": office.head_staff_id,
                    "district_codes": list(office.district_codes),
                }
                for office in municipality.offices
            ],
        )

    async def lock_municipality(self, municipality_id: str) -> Municipality:
        await self._tx.run("SELECT FROM municipality WHERE id = :id FOR UPDATE", {"id": municipality_id})
        return await reading.municipality(self._tx, municipality_id)

    async def save_municipality(self, municipality: Municipality) -> None:
        await self._tx.run(
            "UPDATE municipality SET settings = CAST(CAST(:settings AS text) AS jsonb), "
            "calendar_version = :calendar_version, version = :version WHERE id = :id",
            {
                "id": municipality.id,
                "settings": json.dumps(dict(municipality.rules.settings.own)),
                "calendar_version": municipality.rules.calendar.version,
                "version": municipality.version,
            },
        )

    async def next_calendar_number(self, municipality_id: str) -> int:
        newest = await self._tx.scalar(
            "SELECT max(number) FROM calendar_version WHERE municipality_id = :id", {"id": municipality_id}
        )
        return int(newest or 1) + 1

    async def add_calendar(self, municipality_id: str, number: int, calendar: BusinessCalendar, now: datetime) -> None:
        await keep_calendar(self._tx, calendar)
        await self._tx.run(
            "INSERT INTO calendar_version (municipality_id, number, version, declared_at) "
            "VALUES (:municipality_id, :number, :version, :now)",
            {"municipality_id": municipality_id, "number": number, "version": calendar.version, "now": now},
        )

    async def replace_entries(
        self, municipality_id: str, put: ServiceEntry, entries: Iterable[ServiceEntry], now: datetime
    ) -> None:
        await self._tx.run(
            "UPDATE catalogue_entry SET replaced_at = :now WHERE municipality_id = :municipality_id AND code = :code "
            "AND replaced_at IS NULL AND valid && daterange(CAST(:first AS date), CAST(:last AS date), '[]')",
            {
                "now": now,
                "municipality_id": municipality_id,
                "code": put.code,
                "first": put.valid_from,
                "last": put.valid_to,
            },
        )
        await self._tx.run(
            "INSERT INTO catalogue_entry (municipality_id, entry, put_at) "
            "VALUES (:municipality_id, CAST(CAST(:entry AS text) AS jsonb), :now)",
            [{"municipality_id": municipality_id, "entry": entry_to_text(entry), "now": now} for entry in entries],
        )


async def require_in_force(tx: WriteTx, municipality_id: str, calendar_version: str) -> None:
    """ConcurrentChange when limits that begin now were counted by another calendar than the one in force.

    The row is shared until the commit: a recount by the next version comes after it and finds them.
    """
    in_force = await tx.scalar(
        "SELECT calendar_version FROM municipality WHERE id = :id FOR SHARE", {"id": municipality_id}
    )
    if in_force != calendar_version:
        raise ConcurrentChange
