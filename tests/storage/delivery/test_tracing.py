"""From a month of a case to its planned units, and from a unit to its month."""

from __future__ import annotations

from datetime import date
from typing import Any
from uuid import uuid4

import pytest

from services.delivery.storage import tracing
from services.kernel.dates import Month

pytestmark = pytest.mark.postgres

Office = Any
MONDAY = date(2026, 5, 4)


async def test_every_unit_of_a_month_leads_to_its_plan_line_and_back_to_its_month(
    office: Office, make_contract: Any
) -> None:
    case, month = await office.signs(make_contract(MONDAY), MONDAY), Month.of(MONDAY)
    await office.runs(MONDAY)
    async with office.db.read() as tx:
        units = await tracing.units_of_month(tx, case, month)
        rows = await tx.all("SELECT id::text AS id FROM plan_line WHERE application_id = :id", {"id": case})
        assert units
        assert {unit.line_id for unit in units} <= {row.id for row in rows}
        assert await tracing.month_of_unit(tx, units[0].unit_id) == (case, month)
        assert await tracing.units_of_month(tx, case, month.plus(-1)) == []


async def test_a_unit_that_was_never_planned_leads_nowhere(office: Office) -> None:
    async with office.db.read() as tx:
        assert await tracing.month_of_unit(tx, str(uuid4())) is None
