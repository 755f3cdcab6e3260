"""Databases for tests: made once, emptied after a test and handed to the next one.

To make and drop a database for every test costs more than most tests do, and so does to connect anew. What a test left
is deleted row by row, so a database that a test has altered otherwise is seen and dropped; connections stay open where
nothing of a test goes on in them.
"""

from __future__ import annotations

import secrets
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field

import asyncpg
from sqlalchemy import make_url

from services.kernel.codes import Stage
from services.runtime.database import Database
from services.runtime.migrations import migrate
from services.runtime.pool import Pool

__all__ = ["Databases", "KeptOpen"]

_CATALOGUES = {
    **dict.fromkeys(("pg_class", "pg_attribute", "pg_constraint", "pg_index", "pg_proc", "pg_trigger"), "true"),
    **dict.fromkeys(("pg_rewrite", "pg_type", "pg_enum", "pg_sequence", "pg_extension", "pg_policy"), "true"),
    # Schemas of temporary tables stay when their session ends.
    "pg_namespace": "nspname !~ '^pg_'",
    "pg_db_role_setting": "setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())",
}
"""Where a change of anything but rows and counters shows, and in which of their rows."""
_SHAPE = "SELECT concat_ws(' ', {})".format(
    ", ".join(
        f"(SELECT count(*) || ':' || coalesce(max(CAST(CAST(xmin AS text) AS bigint)), 0) FROM {name} WHERE {which})"
        for name, which in _CATALOGUES.items()
    )
)
_TABLES = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY relname"
_COUNTERS = "SELECT format('%I', sequencename) AS name, start_value, last_value FROM pg_sequences ORDER BY sequencename"
_KEPT = "kept from test to test"
_OTHERS = (
    "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid() "
    f"AND (application_name, state) IS DISTINCT FROM ('{_KEPT}', 'idle')"
)
_LONGEST_END_MS = 5000
"""A session that is ended may still have to roll back and to drop its temporary tables."""
_END_OTHERS = f"SELECT application_name, pg_terminate_backend(pid, {_LONGEST_END_MS}) {_OTHERS}"
_ARE_ALONE = f"SELECT NOT EXISTS (SELECT {_OTHERS} AND backend_type = 'client backend')"


@dataclass(frozen=True, slots=True)
class _Standard:
    """What a fresh database of a stage has: its shape, the rows of tables that are not empty, its counters."""

    shape: str
    tables: tuple[str, ...]
    rows: Mapping[str, list[str]]
    counters: Mapping[str, int | None]


class KeptOpen(Database):
    """A database with the connections of those who opened it before, as a request finds them in production."""

    def __init__(self, dsn: str, *, pool_size: int = 10, name: str = "", pools: dict[str, Pool]) -> None:
        super().__init__(dsn, pool_size=pool_size, name=_KEPT)
        self._pool = pools.setdefault(name, self._pool)

    async def close(self) -> None:
        """Leave the connections to the next."""


@dataclass
class Databases:
    """Makes databases on a server, empties them and drops them."""

    server: str
    templates: dict[Stage, str] = field(default_factory=dict)
    _standards: dict[Stage, _Standard] = field(default_factory=dict)
    _free: dict[Stage, list[str]] = field(default_factory=lambda: defaultdict(list))
    _pools: dict[str, dict[str, Pool]] = field(default_factory=lambda: defaultdict(dict))
    _sweepers: dict[str, asyncpg.Connection] = field(default_factory=dict)

    def dsn(self, name: str) -> str:
        return make_url(self.server).set(database=name).render_as_string(hide_password=False)

    async def create(self, template: str = "template1") -> str:
        name = f"test_{secrets.token_hex(6)}"
        await self._execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        return name

    async def drop(self, name: str) -> None:
        await self._let_go(name)
        await self._execute(f"DROP DATABASE {name} WITH (FORCE)")

    async def of(self, stage: Stage) -> str:
        """An empty database at the newest revision of the stage."""
        if self._free[stage]:
            return self._free[stage].pop()
        if stage not in self.templates:
            template = await self.create()
            await migrate(stage, self.dsn(template))
            self.templates[stage] = template
        name = await self.create(self.templates[stage])
        if stage not in self._standards:
            self._standards[stage] = await self._standard(name)
        return name

    def opened(self, dsn: str, *, pool_size: int = 10, name: str = "") -> Database:
        """The database behind connections that stay open; `name` says whose they are."""
        return KeptOpen(dsn, pool_size=pool_size, name=name, pools=self._pools[str(make_url(dsn).database)])

    async def give_back(self, stage: Stage, name: str) -> None:
        """Empty the database for the next test; drop it when it is not as it was."""
        if name not in self._sweepers:
            self._sweepers[name] = await asyncpg.connect(self.dsn(name))
        sweeper = self._sweepers[name]
        ended = await sweeper.fetch(_END_OTHERS)
        if any(row["application_name"] == _KEPT for row in ended):
            await self._close_pools(name)
        if await sweeper.fetchval(_ARE_ALONE) and await _renewed(sweeper, self._standards[stage]):
            self._free[stage].append(name)
        else:
            await self.drop(name)

    async def close(self) -> None:
        """Close every connection."""
        for name in {*self._pools, *self._sweepers}:
            await self._let_go(name)

    async def _let_go(self, name: str) -> None:
        await self._close_pools(name)
        if name in self._sweepers:
            await self._sweepers.pop(name).close()

    async def _close_pools(self, name: str) -> None:
        for pool in self._pools.pop(name, {}).values():
            await pool.close()

    async def _standard(self, name: str) -> _Standard:
        connection = await asyncpg.connect(self.dsn(name))
        try:
            tables = tuple(row["relname"] for row in await connection.fetch(_TABLES))
            return _Standard(
                shape=await connection.fetchval(_SHAPE),
                tables=tables,
                rows={table: await _rows(connection, table) for table in await _filled(connection, tables)},
                counters={row["name"]: row["last_value"] for row in await connection.fetch(_COUNTERS)},
            )
        finally:
            await connection.close()

    async def _execute(self, statement: str) -> None:
        connection = await asyncpg.connect(self.server)
        try:
            await connection.execute(statement)
        finally:
            await connection.close()


async def _renewed(connection: asyncpg.Connection, standard: _Standard) -> bool:
    if await connection.fetchval(_SHAPE) != standard.shape:
        return False
    # Documents are immutable and rows hold each other: neither counts while everything goes.
    await connection.execute("SET session_replication_role = replica")
    for table in await _filled(connection, standard.tables):
        kept = standard.rows.get(table, [])
        await connection.execute(f'DELETE FROM "{table}" t WHERE CAST(t AS text) <> ALL($1::text[])', kept)
    for row in await connection.fetch(_COUNTERS):
        last = standard.counters[row["name"]]
        if row["last_value"] != last:
            await connection.execute(
                "SELECT setval($1::text::regclass, $2, $3)", row["name"], last or row["start_value"], last is not None
            )
    return all([await _rows(connection, table) == rows for table, rows in standard.rows.items()])


async def _filled(connection: asyncpg.Connection, tables: tuple[str, ...]) -> list[str]:
    asked = " UNION ALL ".join(f"SELECT '{table}' AS name WHERE EXISTS (SELECT FROM \"{table}\")" for table in tables)
    return [row["name"] for row in await connection.fetch(asked)]


async def _rows(connection: asyncpg.Connection, table: str) -> list[str]:
    return [row["row"] for row in await connection.fetch(f'SELECT CAST(t AS text) AS row FROM "{table}" t ORDER BY 1')]
