"""A page of a run reads its own cases: what lies before and behind them costs nothing, however large the town."""

from __future__ import annotations

from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from services.billing import storage
from services.kernel.dates import Month
from services.kernel.money import Currency, Money

if TYPE_CHECKING:
    Office = Any

pytestmark = pytest.mark.postgres

FEBRUARY = Month(2026, 2)
PEOPLE, SIZE = 5_000, 50
MOST = 10 * SIZE
"""Rows that a page may read of one table: its own, some of them more than once."""

_COPIES = f"""
INSERT INTO contracts (case_id, contract_id, municipality_id, person_id, service_code, start_date, version, copied_at)
SELECT md5(n::text)::uuid, contract_id, municipality_id, person_id, service_code, start_date, version, copied_at
FROM contracts CROSS JOIN generate_series(2, {PEOPLE}) n
"""
_SERVED = """
INSERT INTO served_months (case_id, month, served_days, paused_days, units, version)
SELECT case_id, '2026-02-01', 28, 0, 0, 1 FROM contracts
"""
_DRAFTS = """
WITH drafted AS (
    INSERT INTO billed_months (case_id, month, run_id, chargeable_days, days_in_month, units, charge, rate_nano,
                               currency, computed_minor, document_currency, amount_minor, issue_date, due_date,
                               calendar_version)
    SELECT case_id, '2026-02-01', run_id, 28, 28, 0, 'INCOME_PERCENT', 1000000000, 'EUR', 100, 'EUR', 100,
           '2026-03-01', '2026-04-01', 'bg-1'
    FROM contracts CROSS JOIN billing_runs RETURNING case_id
)
UPDATE billing_runs SET drafted = (SELECT count(*) FROM drafted), state = 'APPROVED'
"""
_READ = """
SELECT (coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))::bigint FROM pg_stat_xact_user_tables
WHERE relname = :table
"""


async def town(office: Office) -> Any:
    """A town of copies of one person, and the run of its first month."""
    case = await office.sign(date(2026, 2, 1))
    await office.declare(case, FEBRUARY, Money.of("250.00", Currency.EUR))
    await office.execute(_COPIES)
    return await office.open(FEBRUARY)


async def analyzed(office: Office) -> None:
    for table in ("contracts", "billed_months", "billing_runs"):
        await office.execute(f"ANALYZE {table}")


@pytest.mark.parametrize("after", [0, PEOPLE // 2])
async def test_a_page_to_be_drafted_reads_no_cases_behind_it(office: Office, after: int) -> None:
    run = await town(office)
    await analyzed(office)
    last = await office.value(f"SELECT case_id::text FROM contracts ORDER BY case_id OFFSET {after} LIMIT 1")
    async with office.db.read() as tx:
        before = await tx.scalar(_READ, {"table": "contracts"})
        page = await storage.next_page(tx, run, (FEBRUARY, str(last)), SIZE)
        read = await tx.scalar(_READ, {"table": "contracts"}) - before
    assert len(page.case_ids) == SIZE
    assert read <= MOST


async def test_a_page_of_invoices_reads_no_drafts_that_were_issued(office: Office) -> None:
    run = await town(office)
    await office.execute(_SERVED)
    await office.execute(_DRAFTS)
    await analyzed(office)
    assert await office.write(lambda store: store.issue(run, PEOPLE // 2)) == PEOPLE // 2

    async def page(store: Any) -> tuple[int, int]:
        before = await store._tx.scalar(_READ, {"table": "billed_months"})
        issued = await store.issue(run, SIZE)
        return issued, await store._tx.scalar(_READ, {"table": "billed_months"}) - before

    issued, read = await office.write(page)
    assert issued == SIZE
    assert read <= MOST
