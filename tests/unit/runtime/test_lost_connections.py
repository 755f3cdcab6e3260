"""A connection that breaks is told from a statement that is wrong."""

from __future__ import annotations

from typing import Any

import asyncpg
import pytest
from sqlalchemy.exc import DBAPIError

from services.runtime.database import ReadTx, is_database_away


class BrokenConnection:
    """Fails as asyncpg does when the server dies in the middle of a message."""

    def __init__(self) -> None:
        self.terminated = False

    async def fetch(self, sql: str, *arguments: Any) -> None:
        raise asyncpg.InternalClientError("cannot switch to state 12; another operation (2) is in progress")

    def terminate(self) -> None:
        self.terminated = True


async def test_a_connection_that_lost_its_place_is_given_up_and_the_database_is_away() -> None:
    connection = BrokenConnection()

    with pytest.raises(DBAPIError) as caught:
        await ReadTx(connection).scalar("SELECT 1")

    assert is_database_away(caught.value)
    assert connection.terminated
