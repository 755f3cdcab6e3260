"""What delivery has on record of a case for its timeline."""

from __future__ import annotations

from datetime import date

import pytest

from tests.storage.delivery.conftest import MakeContract, Office

pytestmark = pytest.mark.postgres


async def test_what_was_granted_and_what_was_given_back_of_a_pause_are_told(
    office: Office, make_contract: MakeContract
) -> None:
    case = await office.signs(make_contract(date(2026, 5, 4)), date(2026, 4, 28))
    await office.pauses(case, date(2026, 6, 10), date(2026, 6, 22), on=date(2026, 6, 5))
    await office.welcomes_back(case, date(2026, 6, 16), on=date(2026, 6, 15))
    async with office.db.read() as tx:
        rows = await tx.all("SELECT cause, ref FROM case_history(:id) ORDER BY at", {"id": case})
    assert [row.cause for row in rows] == ["PAUSE_GRANTED", "PAUSE_ENDED_EARLY"]
    assert len({row.ref for row in rows}) == 2
