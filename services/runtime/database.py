"""Read and write transactions as two types (design section 3).

A handler opens `read()` or `write()`; a use case receives the transaction and has no way to commit it. Everything
commits once, when the block ends without an exception.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any, Protocol

import asyncpg
from sqlalchemy import Row, make_url
from sqlalchemy.exc import DBAPIError, IntegrityError, MultipleResultsFound, NoResultFound

from services.runtime.pool import Connection, Pool
from services.runtime.statements import Parameters, Statement, prepared, rows_of, translated

__all__ = [
    "AuditNote",
    "Database",
    "Emission",
    "Parameters",
    "ReadTx",
    "WriteTx",
    "async_dsn",
    "is_concurrent_change",
    "is_database_away",
    "is_refused_value",
    "violated_constraint",
]

_CONCURRENT_CHANGE = frozenset({"40001", "40P01", "55P03"})
"""SQLSTATE of a failed serialisation, a deadlock, a lock not available."""

_AWAY = ("08", "57P", "53")
"""SQLSTATE classes of a lost connection, of a server that stops or starts, and of one that has no room."""

_KEPT_STATEMENTS = 1024
"""Prepared statements of a connection; a stage has some two hundred."""

# What is not said to write cannot: a statement outside a transaction is read-only too.
_SESSION = {
    "default_transaction_isolation": "repeatable read",
    "default_transaction_read_only": "on",
    "jit": "off",
    "timezone": "UTC",
}
_BEGIN_READING = "BEGIN"
_BEGIN_WRITING = "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"


class Emission(Protocol):
    """Something that becomes one outbox row; see `outbox.Signal` and `outbox.Start`."""

    def statement(self) -> tuple[str, Parameters]:
        """SQL that stores the row, with its parameters."""
        ...


@dataclass(slots=True)
class AuditNote:
    """What the audit row of a command will say; a use case may add what it learns."""

    object_id: str = ""
    municipality_id: str = ""
    purpose: str = ""
    on_behalf_of: str = ""
    """Person id of whoever the caller represents; empty: nobody."""


@contextmanager
def _translation(connection: Connection | None, sql: str) -> Iterator[None]:
    try:
        yield
    except (asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        raise translated(error, sql, lost=connection is None or connection.is_closed()) from error
    except asyncpg.InternalClientError as error:
        # The server died in the middle of a message and the driver has lost its place in the conversation.
        if connection is not None:
            connection.terminate()
        raise translated(error, sql, lost=True) from error


class ReadTx:
    """One consistent, read-only view of the database.

    A statement is SQL with named parameters (`:person_id`).
    """

    __slots__ = ("_connection",)

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    async def all(self, statement: Statement, parameters: Parameters | None = None) -> Sequence[Row[Any]]:
        """Every row."""
        return rows_of(await self._fetch(statement, parameters))

    async def one(self, statement: Statement, parameters: Parameters | None = None) -> Row[Any]:
        """The only row.

        Raises:
            NoResultFound: there is none.
            MultipleResultsFound: there are several.
        """
        row = await self.one_or_none(statement, parameters)
        if row is None:
            raise NoResultFound("a row was required and none was found")
        return row

    async def one_or_none(self, statement: Statement, parameters: Parameters | None = None) -> Row[Any] | None:
        """The only row, or None.

        Raises:
            MultipleResultsFound: there are several.
        """
        rows = await self.all(statement, parameters)
        if len(rows) > 1:
            raise MultipleResultsFound("one row was required and several were found")
        return rows[0] if rows else None

    async def scalar(self, statement: Statement, parameters: Parameters | None = None) -> Any:  # noqa: ANN401 a column has the type that the statement gives it
        """First column of the first row, or None when there is no row."""
        records = await self._fetch(statement, parameters)
        return records[0][0] if records else None

    async def _fetch(self, statement: Statement, parameters: Parameters | None) -> list[asyncpg.Record]:
        compiled = prepared(statement)
        with _translation(self._connection, compiled.sql):
            records: list[asyncpg.Record]
            records = await self._connection.fetch(compiled.sql, *compiled.arguments(parameters or {}))
            return records


class _Glance(ReadTx):
    """A view that is good for one statement."""

    __slots__ = ("_used",)

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._used = False

    async def _fetch(self, statement: Statement, parameters: Parameters | None) -> list[asyncpg.Record]:
        if self._used:
            raise RuntimeError("a glance is one statement; two statements that belong together need `read()`")
        self._used = True
        return await super()._fetch(statement, parameters)


class WriteTx(ReadTx):
    """One change, committed as a whole by whoever opened it."""

    __slots__ = ("audit", "emissions", "emitted")

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self.audit = AuditNote()
        self.emissions: list[Emission] = []
        self.emitted = False

    async def run(self, statement: Statement, parameters: Parameters | Sequence[Parameters] | None = None) -> int:
        """Execute and give the number of rows touched.

        Of several parameter sets each is executed, in one round trip; 0 is given then.
        """
        compiled = prepared(statement)
        with _translation(self._connection, compiled.sql):
            if isinstance(parameters, Sequence):
                await self._connection.executemany(compiled.sql, [compiled.arguments(each) for each in parameters])
                return 0
            status = await self._connection.execute(compiled.sql, *compiled.arguments(parameters or {}))
        *_, count = status.split()
        return int(count) if count.isdigit() else 0

    @asynccontextmanager
    async def attempt(self) -> AsyncIterator[None]:
        """Undo what the block wrote when it raises; the transaction goes on if the caller catches that."""
        await self.run("SAVEPOINT attempt")
        try:
            yield
        except DBAPIError:
            if not self._connection.is_closed():
                await self.run("ROLLBACK TO SAVEPOINT attempt")
                await self.run("RELEASE SAVEPOINT attempt")
            raise
        await self.run("RELEASE SAVEPOINT attempt")

    def emit(self, emission: Emission) -> None:
        """Have an outbox row stored when the transaction commits, in the order of emission."""
        self.emissions.append(emission)
        self.emitted = True

    async def store_emissions(self, kept_back: int = 0) -> None:
        """Store what was emitted, all but the last `kept_back`; neighbours of one kind in one round trip."""
        due = [self.emissions.pop(0).statement() for _ in range(len(self.emissions) - kept_back)]
        for sql, alike in groupby(due, key=itemgetter(0)):
            sets = [parameters for _, parameters in alike]
            await self.run(sql, sets if len(sets) > 1 else sets[0])


def async_dsn(dsn: str) -> str:
    """The same DSN with the driver that this package uses."""
    return make_url(dsn).set(drivername="postgresql+asyncpg").render_as_string(hide_password=False)


class Database:
    """The stage's database behind a pool of connections."""

    def __init__(self, dsn: str, *, pool_size: int = 10, name: str = "socialcare") -> None:
        """Prepare; nothing connects before the first transaction."""
        self._dsn = make_url(dsn).set(drivername="postgresql").render_as_string(hide_password=False)
        self._session = {**_SESSION, "application_name": name}
        self._pool = Pool(self._connect, pool_size)
        self._after_emission: Callable[[], None] | None = None

    def after_emission(self, ring: Callable[[], None]) -> None:
        """Have `ring` called after each commit that stored outbox rows, for a relay in the same process.

        Without one the transaction sends a NOTIFY. A server rings instead because PostgreSQL commits transactions that
        notify one at a time.
        """
        self._after_emission = ring

    @asynccontextmanager
    async def read(self) -> AsyncIterator[ReadTx]:
        """A read-only transaction; all its statements see the same snapshot."""
        async with self._transaction(_BEGIN_READING, end="ROLLBACK") as connection:
            yield ReadTx(connection)

    @asynccontextmanager
    async def glance(self) -> AsyncIterator[ReadTx]:
        """A view for one read-only statement, which is its own snapshot; a second one is a RuntimeError.

        It saves two round trips of `read()`.
        """
        async with self._connection() as connection:
            yield _Glance(connection)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[WriteTx]:
        """A transaction at READ COMMITTED that commits when the block ends and rolls back when it raises."""
        async with self._transaction(_BEGIN_WRITING, end="COMMIT") as connection:
            tx = WriteTx(connection)
            yield tx
            await tx.store_emissions()
            if tx.emitted and self._after_emission is None:
                await tx.run("NOTIFY outbox")
        if tx.emitted and self._after_emission is not None:
            self._after_emission()

    @asynccontextmanager
    async def rehearsal(self) -> AsyncIterator[WriteTx]:
        """A transaction that is always rolled back, for `validate_only`."""
        async with self._transaction(_BEGIN_WRITING, end="ROLLBACK") as connection:
            yield WriteTx(connection)

    @asynccontextmanager
    async def listening(self, channel: str, heard: Callable[[], None]) -> AsyncIterator[None]:
        """Call `heard` at each NOTIFY of the channel, for as long as the connection lasts."""

        def tell(*_: object) -> None:
            heard()

        async with self._connection() as connection:
            with _translation(connection, "LISTEN"):
                await connection.add_listener(channel, tell)
            try:
                yield
            finally:
                if not connection.is_closed():
                    with _translation(connection, "UNLISTEN"):
                        await connection.remove_listener(channel, tell)

    async def close(self) -> None:
        """Give the connections back to the server."""
        await self._pool.close()

    @asynccontextmanager
    async def _transaction(self, begin: str, *, end: str) -> AsyncIterator[Connection]:
        async with self._connection() as connection:
            with _translation(connection, begin):
                await connection.execute(begin)
            try:
                yield connection
            except BaseException:
                if not connection.is_closed():
                    with _translation(connection, "ROLLBACK"):
                        await connection.execute("ROLLBACK")
                raise
            with _translation(connection, end):
                ended = await connection.execute(end)
            if ended != end:
                raise RuntimeError("a statement failed and nobody said so: nothing was stored")

    @asynccontextmanager
    async def _connection(self) -> AsyncIterator[Connection]:
        async with self._pool.connection() as connection:
            yield connection

    async def _connect(self) -> Connection:
        with _translation(None, "connect"):
            connection = await asyncpg.connect(
                self._dsn,
                statement_cache_size=_KEPT_STATEMENTS,
                max_cacheable_statement_size=0,
                server_settings=self._session,
            )
            # A parameter is JSON as text, a result is what it says.
            await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=str, decoder=json.loads)
            return connection


def _sqlstate(error: DBAPIError) -> str:
    return str(getattr(error.orig, "sqlstate", "") or "")


def violated_constraint(error: IntegrityError) -> str | None:
    """Name of the constraint that refused the statement, or None when it has none (NOT NULL)."""
    name = getattr(error.orig, "constraint_name", None)
    return str(name) if name else None


def is_concurrent_change(error: DBAPIError) -> bool:
    """Whether a concurrent transaction won, so that the same request may be repeated."""
    return _sqlstate(error) in _CONCURRENT_CHANGE


def is_refused_value(error: DBAPIError) -> bool:
    """Whether the database refused a value: out of range, or against a constraint."""
    return _sqlstate(error).startswith(("22", "23"))


def is_database_away(error: BaseException) -> bool:
    """Whether the error means that no connection to the server can be had now."""
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or _sqlstate(error).startswith(_AWAY)
    return isinstance(error, ConnectionError | TimeoutError)
