"""Placement under what a municipality has decided: its own services, its own calendar."""

from __future__ import annotations

from typing import Any

import pytest

from services.placement.errors import UnknownService

pytestmark = pytest.mark.postgres


async def test_a_facility_gives_a_service_that_only_the_municipality_has(office: Any) -> None:
    with pytest.raises(UnknownService):
        await office.facility("NIGHT-1", "NIGHT_SHELTER", "RDSP-1", 4)
    office.neighbours.offered.add("NIGHT_SHELTER")
    await office.facility("NIGHT-1", "NIGHT_SHELTER", "RDSP-1", 4)
    assert office.neighbours.asked == ["offers NIGHT_SHELTER"] * 2
