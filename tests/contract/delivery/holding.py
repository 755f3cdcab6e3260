"""Another transaction that holds the care of a case: who takes locks in another order would wait for it in a ring."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

import asyncpg

__all__ = ["HeldCare", "care_held"]

_WAITING = "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted AND pg_backend_pid() = ANY(pg_blocking_pids(pid)))"


@dataclass(frozen=True, slots=True)
class HeldCare:
    """The transaction that holds it."""

    connection: asyncpg.Connection

    async def awaited(self) -> None:
        """Wait until somebody waits for it."""
        while not await self.connection.fetchval(_WAITING):
            await asyncio.sleep(0.01)

    async def take(self, statement: str, *arguments: object) -> None:
        """Lock something else of the case; LockNotAvailableError when it is held by who waits for the care."""
        await self.connection.execute(statement, *arguments)


@asynccontextmanager
async def care_held(dsn: str, case: str) -> AsyncIterator[HeldCare]:
    """Hold the care while the block runs."""
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction():
            await connection.execute("SELECT FROM care WHERE application_id = $1 FOR UPDATE", UUID(case))
            yield HeldCare(connection)
    finally:
        await connection.close()
