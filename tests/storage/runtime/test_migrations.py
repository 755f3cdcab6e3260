from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from services.runtime.database import Database
from services.runtime.migrations import migrate_from


async def test_migrating_twice_changes_nothing(dsn: str, scripts: str, database: Database) -> None:
    await migrate_from(scripts, dsn)
    async with database.read() as tx:
        assert await tx.scalar("SELECT version_num FROM alembic_version") == "0001"


async def test_two_processes_may_migrate_at_the_same_time(
    empty_database: Callable[[], Awaitable[str]], scripts: str
) -> None:
    dsn = await empty_database()
    await asyncio.gather(migrate_from(scripts, dsn), migrate_from(scripts, dsn))
