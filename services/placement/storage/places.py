"""SQL of directorates, facilities and the waiting list."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Row
from sqlalchemy.exc import IntegrityError

from services.placement.domain.capacity import CapacityUnit, Movement
from services.placement.domain.cases import Facility
from services.placement.errors import FacilityExists
from services.placement.storage import capacity
from services.runtime.database import ReadTx, WriteTx, violated_constraint

__all__ = [
    "expire_offer",
    "facility",
    "insert_directorate",
    "insert_facility",
    "insert_offer",
    "locked_facility",
    "next_in_line",
    "save_facility",
]

_FACILITY = """
SELECT municipality_id, account_code AS facility_code, service_code, directorate_code, unit, capacity, held, offered,
       version
FROM capacity_accounts
WHERE municipality_id = :municipality_id AND account_code = :facility_code AND kind = 'FACILITY'
"""
_INSERT_DIRECTORATE = """
INSERT INTO directorates (municipality_id, directorate_code) VALUES (:municipality_id, :directorate_code)
"""
_INSERT_FACILITY = """
INSERT INTO capacity_accounts (municipality_id, account_code, kind, service_code, directorate_code, unit, capacity,
                               held, offered, version)
VALUES (:municipality_id, :facility_code, 'FACILITY', :service_code, :directorate_code, :unit, :capacity, :held,
        :offered, :version)
"""
_UPDATE_FACILITY = """
UPDATE capacity_accounts SET capacity = :capacity, held = :held, offered = :offered, version = :version
WHERE municipality_id = :municipality_id AND account_code = :facility_code
"""
_NEXT_IN_LINE = """
SELECT application_id FROM placements
WHERE municipality_id = :municipality_id AND facility_code = :facility_code AND state = 'WAITLISTED'
  AND NOT EXISTS (
      SELECT FROM offers
      WHERE offers.vacancy_id = :vacancy_id AND offers.application_id = placements.application_id
  )
ORDER BY cardinality(flags) DESC, received_at, application_id
LIMIT 1
"""
_INSERT_OFFER = """
INSERT INTO offers (vacancy_id, application_id, offered_at) VALUES (:vacancy_id, :application_id, :offered_at)
"""
_EXPIRE_OFFER = """
UPDATE offers SET expired_at = :expired_at WHERE vacancy_id = :vacancy_id AND application_id = :application_id
"""


async def facility(tx: ReadTx, municipality_id: str, facility_code: str) -> Facility | None:
    """The facility; None when there is none."""
    return _facility(await tx.one_or_none(_FACILITY, _key(municipality_id, facility_code)))


async def locked_facility(tx: WriteTx, municipality_id: str, facility_code: str) -> Facility | None:
    """The facility, its row locked (FOR UPDATE) until the transaction ends; None when there is none."""
    return _facility(await tx.one_or_none(f"{_FACILITY} FOR UPDATE", _key(municipality_id, facility_code)))


async def insert_directorate(tx: WriteTx, municipality_id: str, directorate_code: str) -> None:
    """Store a directorate; raises FacilityExists."""
    try:
        await tx.run(_INSERT_DIRECTORATE, {"municipality_id": municipality_id, "directorate_code": directorate_code})
    except IntegrityError as error:
        if violated_constraint(error) != "directorates_pkey":
            raise
        raise FacilityExists(resource_type="directorate", resource_id=directorate_code) from error


async def insert_facility(tx: WriteTx, new: Facility, now: datetime) -> None:
    """Store a facility with its first entry, and its directorate when that is new; raises FacilityExists."""
    await tx.run(
        f"{_INSERT_DIRECTORATE} ON CONFLICT DO NOTHING",
        {"municipality_id": new.municipality_id, "directorate_code": new.directorate_code},
    )
    try:
        await tx.run(
            _INSERT_FACILITY,
            {
                **_key(new.municipality_id, new.facility_code),
                "service_code": new.service_code,
                "directorate_code": new.directorate_code,
                "unit": new.unit,
                **_places(new),
            },
        )
    except IntegrityError as error:
        if violated_constraint(error) != "facilities_pkey":
            raise
        raise FacilityExists(resource_type="facility", resource_id=new.facility_code) from error
    await capacity.enter(tx, new.municipality_id, new.facility_code, Movement.of_setting(new.version, now))


async def save_facility(tx: WriteTx, changed: Facility, movement: Movement) -> Facility:
    """Store the places of a locked facility with their entry and give the next version."""
    saved = replace(changed, version=changed.version + 1)
    await tx.run(_UPDATE_FACILITY, {**_key(saved.municipality_id, saved.facility_code), **_places(saved)})
    await capacity.enter(tx, saved.municipality_id, saved.facility_code, movement)
    return saved


async def next_in_line(tx: ReadTx, of: Facility, vacancy_id: str) -> str | None:
    """The first who waits and was not offered this vacancy yet (S5, L-09)."""
    found = await tx.scalar(_NEXT_IN_LINE, {**_key(of.municipality_id, of.facility_code), "vacancy_id": vacancy_id})
    return None if found is None else str(found)


async def expire_offer(tx: WriteTx, vacancy_id: str, application_id: str, expired_at: datetime) -> None:
    """Remember that nobody answered the offer in time."""
    await tx.run(_EXPIRE_OFFER, {"vacancy_id": vacancy_id, "application_id": application_id, "expired_at": expired_at})


async def insert_offer(tx: WriteTx, vacancy_id: str, application_id: str, offered_at: datetime) -> None:
    """Remember who was offered the vacancy."""
    await tx.run(_INSERT_OFFER, {"vacancy_id": vacancy_id, "application_id": application_id, "offered_at": offered_at})


def _key(municipality_id: str, facility_code: str) -> dict[str, object]:
    return {"municipality_id": municipality_id, "facility_code": facility_code}


def _places(of: Facility) -> dict[str, object]:
    return {"capacity": of.capacity, "held": of.held, "offered": of.offered, "version": of.version}


def _facility(row: Row[Any] | None) -> Facility | None:
    if row is None:
        return None
    return Facility(
        municipality_id=row.municipality_id,
        facility_code=row.facility_code,
        service_code=row.service_code,
        directorate_code=row.directorate_code,
        unit=CapacityUnit(row.unit),
        capacity=row.capacity,
        held=row.held,
        offered=row.offered,
        version=row.version,
    )
