"""What is found out after care has ended still reaches the bill (L-12)."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from services.delivery.domain.care import Outcome, PlanLine
from services.delivery.rules.recording import Funds
from services.delivery.storage.store import Store
from services.delivery.usecases.care import RecordCare, record_care
from tests.storage.delivery.conftest import EVERY_DAY, Office, contract, moment_of

pytestmark = pytest.mark.postgres

LATE = date(2026, 4, 5)


async def told(office: Office) -> list[tuple[Any, ...]]:
    async with office.db.read() as tx:
        rows = await tx.all("SELECT event, workflow_type, start_input FROM outbox ORDER BY id")
    return [(row.event, row.workflow_type, row.start_input["state"] if row.start_input else None) for row in rows]


async def records(office: Office, case: str, on: date) -> None:
    command = RecordCare(case, "CANTEEN_LUNCH", on, 1, Outcome.DELIVERED, None, Funds.NONE)
    async with office.db.write() as tx:
        await record_care(command, Store(tx), moment_of(LATE))


async def test_a_day_recorded_after_the_end_begins_the_workflow_anew(office: Office) -> None:
    copy = contract(date(2026, 3, 1), PlanLine("CANTEEN_LUNCH", 1, EVERY_DAY), service="CANTEEN_LUNCH")
    case = await office.signs(copy, date(2026, 3, 1))
    await office.ends(case, date(2026, 3, 20), date(2026, 3, 18))
    await records(office, case, date(2026, 3, 10))
    assert await told(office) == [("CARE_CORRECTED", "CareWorkflow", "CASE_STATE_TERMINATED")]


async def test_a_case_in_care_is_told_and_nothing_is_begun(office: Office) -> None:
    copy = contract(date(2026, 3, 1), PlanLine("CANTEEN_LUNCH", 1, EVERY_DAY), service="CANTEEN_LUNCH")
    case = await office.signs(copy, date(2026, 3, 1))
    await records(office, case, date(2026, 3, 10))
    assert await told(office) == [("CARE_CORRECTED", None, None)]
