"""Placement under what a municipality has decided: its own services, its own calendar."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from services.kernel.catalogue import CATALOGUE
from services.kernel.service_entry import Unit
from services.placement.errors import UnknownService
from socialcare.placement.v1 import capacity_pb2

pytestmark = pytest.mark.postgres

DAY = date(2025, 1, 1)
NIGHT_SHELTER = replace(CATALOGUE.entry("DAY_CENTRE", DAY), code="NIGHT_SHELTER")


async def test_a_facility_gives_a_service_that_only_the_municipality_has(office: Any) -> None:
    with pytest.raises(UnknownService):
        await office.facility("NIGHT-1", "NIGHT_SHELTER", "RDSP-1", 4)
    office.neighbours.decides(NIGHT_SHELTER)
    await office.facility("NIGHT-1", "NIGHT_SHELTER", "RDSP-1", 4)


async def test_a_facility_of_a_service_by_bed_days_has_beds_as_the_municipality_has_it_on_the_day(office: Any) -> None:
    office.neighbours.decides(
        replace(NIGHT_SHELTER, valid_to=date(2024, 12, 31)),
        replace(NIGHT_SHELTER, unit=Unit.BED_DAY, valid_from=date(2025, 1, 1)),
        replace(CATALOGUE.entry("PROTECTED_HOUSING", DAY), unit=Unit.DAY, valid_from=DAY),
    )
    assert await unit(office, "NIGHT_SHELTER") == capacity_pb2.CAPACITY_UNIT_BED
    assert await unit(office, "PROTECTED_HOUSING") == capacity_pb2.CAPACITY_UNIT_PLACE
    assert await unit(office, "FAMILY_TYPE_CENTRE") == capacity_pb2.CAPACITY_UNIT_BED


async def unit(office: Any, service: str) -> capacity_pb2.CapacityUnit:
    """Unit of a facility of the service that is made on the day."""
    code = service.replace("_", "-")
    await office.facility(code, service, "RDSP-1", 4)
    request = capacity_pb2.GetCapacityRequest(municipality_id=office.municipality, account_code=code)
    return (await office.ask(request, "2025-01-01 10:00")).account.unit
