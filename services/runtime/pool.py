"""A bounded set of connections, each used by one transaction at a time.

The driver's own pool asks the server to reset a connection at every release; transactions here leave nothing to reset.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeAlias

import asyncpg

__all__ = ["Connection", "Pool"]

Connection: TypeAlias = asyncpg.Connection

_LONGEST_WAIT = 10.0
"""Seconds until a caller that finds no free connection, or no server that lets it in, gives up."""


class Pool:
    """Connections made when needed, the one used last being used first."""

    def __init__(self, connect: Callable[[], Awaitable[Connection]], size: int) -> None:
        """Prepare; at most `size` connections are open at a time."""
        self._connect = connect
        self._places = asyncio.Semaphore(size)
        self._idle: list[Connection] = []
        self._closed = False

    @asynccontextmanager
    async def connection(self) -> AsyncIterator[Connection]:
        """Lend a connection for the block.

        Raises:
            TimeoutError: none became free, or the server did not let us in.
            OSError, asyncpg.PostgresError: the server cannot be reached, or refuses.
        """
        async with asyncio.timeout(_LONGEST_WAIT):
            await self._places.acquire()
        try:
            connection = self._open_one() or await asyncio.wait_for(self._connect(), _LONGEST_WAIT)
            try:
                yield connection
            finally:
                self._take_back(connection)
        finally:
            self._places.release()

    def _open_one(self) -> Connection | None:
        while self._idle:
            connection = self._idle.pop()
            if not connection.is_closed():
                return connection
        return None

    def _take_back(self, connection: Connection) -> None:
        if connection.is_closed():
            return
        if self._closed or connection.is_in_transaction():
            connection.terminate()
        else:
            self._idle.append(connection)

    async def close(self) -> None:
        """Give the idle connections back to the server, and those in use once they are returned."""
        self._closed = True
        while self._idle:
            await self._idle.pop().close()
