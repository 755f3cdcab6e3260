"""What billing has on record of a case for its timeline."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest

from services.kernel.dates import Month
from services.kernel.money import Currency, Money

if TYPE_CHECKING:
    Office = Any

pytestmark = pytest.mark.postgres

FEBRUARY = Month(2026, 2)


async def test_declarations_invoices_and_payments_stand_with_their_ids_at_their_instants(office: Office) -> None:
    case = await office.sign(cost=Money.of("218.40", Currency.EUR))
    await office.declare(case, FEBRUARY, Money.of("331.70", Currency.EUR))
    await office.bill(FEBRUARY)
    await office.pay(case, FEBRUARY, Money.of("142.16", Currency.EUR), date(2026, 3, 10))
    async with office.db.read() as tx:
        rows = await tx.all("SELECT at, cause, ref FROM case_history(:id) ORDER BY at, cause", {"id": case})
        invoice = str(await tx.scalar("SELECT invoice_id FROM invoices"))
    told = [(row.cause, row.at) for row in rows if row.cause != "ARREARS_CHANGED"]
    assert told == [
        ("INCOME_DECLARED", datetime(2026, 1, 19, 22, 0, tzinfo=UTC)),
        ("INVOICE_ISSUED", datetime(2026, 2, 28, 22, 0, tzinfo=UTC)),
        ("PAYMENT_RECORDED", datetime(2026, 3, 9, 22, 0, tzinfo=UTC)),
    ]
    assert invoice in {row.ref for row in rows}


async def test_an_unknown_case_has_no_records(office: Office) -> None:
    async with office.db.read() as tx:
        assert await tx.all("SELECT * FROM case_history(:id)", {"id": str(uuid4())}) == []
