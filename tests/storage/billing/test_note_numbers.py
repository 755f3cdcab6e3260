"""Credit and debit notes have numbers of their own: one after the other in a municipality, whoever writes them."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from datetime import date
from importlib.resources import as_file, files
from pathlib import Path
from typing import TYPE_CHECKING, Any

import asyncpg
import pytest

from services.kernel.codes import Stage
from services.kernel.dates import Month
from services.kernel.money import Currency, Money
from services.runtime.migrations import migrate, migrate_from

if TYPE_CHECKING:
    Office = Any

pytestmark = pytest.mark.postgres

FEBRUARY = Month(2026, 2)
_NOTE = (
    "INSERT INTO corrections (correction_id, municipality_id, case_id, month, amount_minor, currency, computed_minor, "
    "issued_date, request_id, cause, fact_id, {column}) VALUES (gen_random_uuid(), 'SOFIA', '{case}', '2026-02-01', "
    "100, 'EUR', 100, '2026-03-05', 'r', 'COST', '1', {value})"
)


async def billed(office: Office) -> str:
    case: str = await office.sign(date(2026, 2, 1))
    await office.declare(case, FEBRUARY, Money.of("250.00", Currency.EUR))
    return case


async def noted(office: Office, case: str, pension: str) -> int:
    """The number of the note that another pension brings."""
    await office.declare(case, FEBRUARY, Money.of(pension, Currency.EUR), date(2026, 3, 5))
    number: int = (await office.account(case, date(2026, 3, 5))).corrections[-1].number
    return number


async def test_notes_are_counted_apart_from_invoices_over_all_cases_of_a_municipality(office: Office) -> None:
    one, other = await billed(office), await billed(office)
    await office.bill(FEBRUARY)
    assert [await noted(office, one, "200.00"), await noted(office, other, "210.00")] == [1, 2]
    assert await noted(office, one, "220.00") == 3
    assert await office.value("SELECT last_number FROM invoice_numbers") == 2


async def test_two_municipalities_each_count_from_one(office: Office) -> None:
    for municipality in ("SOFIA", "PLOVDIV"):
        office.municipality_id = municipality
        case = await billed(office)
        await office.bill(FEBRUARY)
        assert await noted(office, case, "200.00") == 1


async def test_a_number_that_somebody_chooses_is_not_taken(office: Office) -> None:
    case = await billed(office)
    await office.bill(FEBRUARY)
    await office.execute(_NOTE.format(case=case, column="number", value=77))
    assert await office.value("SELECT number FROM corrections") == 1


async def test_of_two_notes_at_once_the_second_gets_the_number_that_the_first_gives_back(office: Office) -> None:
    one, other = await billed(office), await billed(office)
    await office.bill(FEBRUARY)
    async with office.db.rehearsal() as tx:
        await tx.run(_NOTE.format(case=one, column="number", value="NULL"))
        taken = await tx.scalar("SELECT number FROM corrections")
        second = asyncio.ensure_future(noted(office, other, "210.00"))
        await until_somebody_waits(office)
        assert not second.done()
    assert (taken, await second) == (1, 1)


async def until_somebody_waits(office: Office) -> None:
    """A lock is waited for: the race has happened."""
    while not await office.value("SELECT count(*) FROM pg_locks WHERE NOT granted"):
        await asyncio.sleep(0.01)


_BEFORE = """
SET session_replication_role = replica;
INSERT INTO municipalities (municipality_id, version, settings, calendar_version, catalogue_changes)
SELECT unnest(ARRAY['ONE', 'TWO']), 1, '{}', 'bg-1', '[]';
INSERT INTO invoice_numbers VALUES ('ONE', 5);
INSERT INTO corrections (correction_id, municipality_id, case_id, month, amount_minor, currency, computed_minor,
                         issued_date, request_id)
SELECT gen_random_uuid(), CASE WHEN n % 3 = 0 THEN 'TWO' ELSE 'ONE' END, gen_random_uuid(), '2026-02-01', n, 'EUR', n,
       '2026-03-05', 'r' FROM generate_series(1, 7) n ORDER BY n;
SET session_replication_role = origin
"""


async def test_notes_from_before_are_numbered_in_the_order_in_which_they_were_issued(
    empty_database: Callable[[], Awaitable[str]], tmp_path: Path
) -> None:
    dsn, before = await empty_database(), tmp_path / "migrations"
    with as_file(files("services.billing") / "migrations") as scripts:
        shutil.copytree(scripts, before)
    for late in before.glob("versions/*.py"):
        if late.name >= "0025":
            late.unlink()
    await migrate_from(str(before), dsn)
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(_BEFORE)
        await migrate(Stage.BILLING, dsn)
        rows = await connection.fetch("SELECT * FROM corrections ORDER BY municipality_id, amount_minor")
        counters = await connection.fetch("SELECT * FROM invoice_numbers ORDER BY municipality_id")
        with pytest.raises(asyncpg.RestrictViolationError):
            await connection.execute("UPDATE corrections SET number = number + 10")
    finally:
        await connection.close()
    assert [(row["municipality_id"], row["amount_minor"], row["number"]) for row in rows] == [
        *(("ONE", amount, number) for number, amount in enumerate((1, 2, 4, 5, 7), 1)),
        *(("TWO", amount, number) for number, amount in enumerate((3, 6), 1)),
    ]
    assert [tuple(row) for row in counters] == [("ONE", 5, 5), ("TWO", 0, 2)]
