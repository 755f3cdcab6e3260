"""An invoice is listed under the status that its account has, also where leva and euro are left of its month."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date

import asyncpg
import pytest

from services.billing.domain.accounts import InvoiceStatus
from services.billing.rules.accounts import invoice_view
from services.billing.storage.registers import InvoicesAsked, invoices
from services.kernel.codes import Stage
from services.runtime.database import Database
from tests.storage.billing.rows_of_tables import ROWS, write

pytestmark = pytest.mark.postgres

TODAY = date(2026, 4, 1)


@pytest.mark.parametrize(
    ("billed", "noted", "status"),
    [
        (("BGN", 200), ("EUR", -101), InvoiceStatus.OVERDUE),
        (("BGN", 200), ("EUR", -102), InvoiceStatus.PAID),
        (("BGN", 2), ("EUR", -1), InvoiceStatus.PAID),
        (("BGN", 1), ("BGN", -1), InvoiceStatus.PAID),
        (("BGN", 1), ("EUR", 1), InvoiceStatus.OVERDUE),
        (("EUR", 100), ("BGN", -195), InvoiceStatus.PAID),
        (("EUR", 100), ("BGN", -194), InvoiceStatus.OVERDUE),
    ],
)
async def test_the_list_of_a_status_has_what_the_account_says(
    migrated_database: Callable[[Stage], Awaitable[str]],
    billed: tuple[str, int],
    noted: tuple[str, int],
    status: InvoiceStatus,
) -> None:
    dsn = await migrated_database(Stage.BILLING)
    connection = await asyncpg.connect(dsn)
    await write(connection, "invoices", {**ROWS["invoices"], "currency": billed[0], "amount_minor": billed[1]})
    await write(connection, "corrections", {**ROWS["corrections"], "currency": noted[0], "amount_minor": noted[1]})
    await connection.close()
    database = Database(dsn)
    async with database.read() as tx:
        (all_,) = await invoices(tx, InvoicesAsked("TOWN", 0, 10), TODAY)
        found = {each: await invoices(tx, InvoicesAsked("TOWN", 0, 10, status=each), TODAY) for each in InvoiceStatus}
    await database.close()
    assert invoice_view(all_.invoice, all_.open, TODAY).status is status
    assert found == {each: [all_] if each is status else [] for each in InvoiceStatus}
