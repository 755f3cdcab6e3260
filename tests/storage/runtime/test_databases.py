"""A test finds its database as if nobody had been there before."""

from __future__ import annotations

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError

from services.kernel.codes import Stage
from tests.databases import Databases

pytestmark = pytest.mark.postgres

RUN = (
    "INSERT INTO municipalities (municipality_id, version, settings, calendar_version, catalogue_changes) "
    "SELECT 'TOWN', 1, '{}', version, '[]' FROM calendars LIMIT 1"
)


async def at(databases: Databases, name: str, *statements: str) -> list[asyncpg.Record]:
    """Run the statements in the database; answers the rows of the last one."""
    connection = await asyncpg.connect(databases.dsn(name))
    try:
        for statement in statements[:-1]:
            await connection.execute(statement)
        found: list[asyncpg.Record] = await connection.fetch(statements[-1])
    finally:
        await connection.close()
    return found


async def test_what_a_test_stored_is_gone_for_the_next_one_and_counters_begin_anew(databases: Databases) -> None:
    name = await databases.of(Stage.BILLING)
    numbers = "SELECT nextval(pg_get_serial_sequence('income_declarations', 'id')) AS number"
    before = await at(databases, name, "SELECT * FROM calendars")
    (first,) = await at(databases, name, RUN, "UPDATE municipalities SET version = 2", numbers)
    await databases.give_back(Stage.BILLING, name)
    assert await databases.of(Stage.BILLING) == name
    assert await at(databases, name, "SELECT FROM municipalities") == []
    assert await at(databases, name, numbers) == [first]
    assert await at(databases, name, "SELECT * FROM calendars") == before
    await databases.drop(name)


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE municipalities ADD note text",
        "ALTER TABLE contracts DISABLE TRIGGER ALL",
        "CREATE OR REPLACE FUNCTION euro_minor(bgn_minor bigint) RETURNS bigint LANGUAGE sql RETURN bgn_minor",
        "ALTER TABLE contracts DROP CONSTRAINT contract_cost_is_whole",
        "DELETE FROM alembic_version",
        "CREATE TYPE mood AS ENUM ('calm')",
        "CREATE DOMAIN small AS int CHECK (VALUE < 10)",
        "ALTER SEQUENCE income_declarations_id_seq INCREMENT BY 2",
        "CREATE SCHEMA aside",
        "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET lock_timeout = 1', current_database()); END $$",
    ],
)
async def test_a_database_that_a_test_altered_is_handed_to_nobody(databases: Databases, change: str) -> None:
    name = await databases.of(Stage.BILLING)
    await at(databases, name, change, "SELECT 1")
    await databases.give_back(Stage.BILLING, name)
    again = await databases.of(Stage.BILLING)
    assert again != name
    await databases.drop(again)


async def test_a_session_that_a_test_left_is_gone_before_the_database_is_looked_at(databases: Databases) -> None:
    name = await databases.of(Stage.BILLING)
    left = await asyncpg.connect(databases.dsn(name))
    # It has much to put in order before it ends.
    await left.execute(
        "DO $$ BEGIN FOR i IN 1..800 LOOP EXECUTE format('CREATE TEMP TABLE t%s (i int)', i); END LOOP; END $$"
    )
    await databases.give_back(Stage.BILLING, name)
    assert left.is_closed()
    assert await databases.of(Stage.BILLING) == name
    await databases.drop(name)


async def test_the_next_test_finds_connections_open_unless_somebody_is_still_at_work_in_one(
    databases: Databases,
) -> None:
    name = await databases.of(Stage.BILLING)

    async def session() -> int:
        async with databases.opened(databases.dsn(name)).read() as tx:
            return int(await tx.scalar("SELECT pg_backend_pid()"))

    first = await session()
    await databases.give_back(Stage.BILLING, name)
    assert await databases.of(Stage.BILLING) == name
    assert await session() == first

    async def work_that_outlasts_its_test() -> None:
        async with databases.opened(databases.dsn(name)).rehearsal() as tx:
            await tx.run(RUN)
            await databases.give_back(Stage.BILLING, name)
            assert await databases.of(Stage.BILLING) == name
            assert await session() != first
            await tx.run(RUN)

    with pytest.raises(DBAPIError):
        await work_that_outlasts_its_test()
    await databases.drop(name)
