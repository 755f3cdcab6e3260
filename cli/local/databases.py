"""Makes the databases and roles of the five services on a server that somebody else runs."""

from __future__ import annotations

from collections.abc import Iterable

import asyncpg
from sqlalchemy import make_url

from cli.local.errors import LocalStackError

__all__ = ["ensure_databases"]


async def ensure_databases(administrator: str, wanted: Iterable[str]) -> list[str]:
    """One database for each connection string, owned by its role, whose password becomes what the string says.

    Repeatable. Gives the names.

    Raises:
        LocalStackError: a connection string lacks user, password or database.
    """
    connection = await asyncpg.connect(administrator)
    try:
        return [await _ensure(connection, dsn) for dsn in wanted]
    finally:
        await connection.close()


async def _ensure(connection: asyncpg.Connection, dsn: str) -> str:
    url = make_url(dsn)
    if not url.username or not url.password or not url.database:
        raise LocalStackError("a connection string of a service has user, password and database")
    role, name = _quoted(url.username), _quoted(url.database)
    if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", url.username):
        await connection.execute(f"CREATE ROLE {role} LOGIN")
    password = str(url.password).replace("'", "''")
    await connection.execute(f"ALTER ROLE {role} PASSWORD '{password}'")
    if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", url.database):
        # A managed server's administrator is no superuser and must be a member of whom it gives a database to.
        await connection.execute(f"GRANT {role} TO CURRENT_USER")
        await connection.execute(f"CREATE DATABASE {name} OWNER {role}")
    await connection.execute(f"REVOKE ALL ON DATABASE {name} FROM PUBLIC")
    return str(url.database)


def _quoted(identifier: str) -> str:
    return '"' + identifier.replace('"', '""') + '"'
