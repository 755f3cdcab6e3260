"""The port of the use cases on one write transaction: municipalities."""

from __future__ import annotations

import json
from datetime import datetime

from sqlalchemy.exc import IntegrityError

from services.intake.domain.application import Municipality
from services.intake.storage import reading
from services.runtime.database import WriteTx, violated_constraint
from services.runtime.errors import AlreadyExists

__all__ = ["Municipalities"]


class Municipalities:
    """Municipalities in one write transaction; implements the port `MunicipalityStore`."""

    def __init__(self, tx: WriteTx) -> None:
        self._tx = tx

    async def insert_municipality(self, municipality: Municipality, now: datetime) -> None:
        try:
            await self._tx.run(
                "INSERT INTO municipality (id, settings, calendar_version, version, created_at) "
                "VALUES (:id, CAST(CAST(:settings AS text) AS jsonb), :calendar_version, :version, :now)",
                {
                    "id": municipality.id,
                    "settings": json.dumps(dict(municipality.settings.own)),
                    "calendar_version": municipality.calendar_version,
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

    async def save_settings(self, municipality: Municipality) -> None:
        await self._tx.run(
            "UPDATE municipality SET settings = CAST(CAST(:settings AS text) AS jsonb), version = :version "
            "WHERE id = :id",
            {
                "id": municipality.id,
                "settings": json.dumps(dict(municipality.settings.own)),
                "version": municipality.version,
            },
        )
