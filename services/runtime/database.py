"""Read and write transactions as two types (design section 3).

A handler opens `read()` or `write()`; a use case receives the transaction and has no way to commit it. Everything
commits once, when the block ends without an exception.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Protocol

from sqlalchemy import Executable, Row, TextClause, make_url, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

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
    "violated_constraint",
]

Parameters = Mapping[str, object]

_NOTIFY = text("NOTIFY outbox")

_CONCURRENT_CHANGE = frozenset({"40001", "40P01", "55P03"})
"""SQLSTATE of a failed serialisation, a deadlock, a lock not available."""

_AWAY = ("08", "57P", "53")
"""SQLSTATE classes of a lost connection, of a server that stops or starts, and of one that has no room."""


class Emission(Protocol):
    """Something that becomes one outbox row; see `outbox.Signal` and `outbox.Start`."""

    def statement(self) -> tuple[str, Parameters]:
        """SQL that stores the row and returns its sequence, with its parameters."""
        ...


@dataclass(slots=True)
class AuditNote:
    """What the audit row of a command will say; a use case may add what it learns."""

    object_id: str = ""
    municipality_id: str = ""
    purpose: str = ""


@lru_cache(maxsize=4096)
def _parsed(statement: str) -> TextClause:
    return text(statement)


def _executable(statement: str | Executable) -> Executable:
    return _parsed(statement) if isinstance(statement, str) else statement


class ReadTx:
    """One consistent, read-only view of the database.

    A statement is SQL with named parameters (`:person_id`) or a SQLAlchemy Core construct.
    """

    __slots__ = ("_connection",)

    def __init__(self, connection: AsyncConnection) -> None:
        self._connection = connection

    async def all(self, statement: str | Executable, parameters: Parameters | None = None) -> Sequence[Row[Any]]:
        """Every row."""
        return (await self._connection.execute(_executable(statement), parameters)).all()

    async def one(self, statement: str | Executable, parameters: Parameters | None = None) -> Row[Any]:
        """The only row.

        Raises:
            NoResultFound: there is none.
            MultipleResultsFound: there are several.
        """
        return (await self._connection.execute(_executable(statement), parameters)).one()

    async def one_or_none(self, statement: str | Executable, parameters: Parameters | None = None) -> Row[Any] | None:
        """The only row, or None.

        Raises:
            MultipleResultsFound: there are several.
        """
        return (await self._connection.execute(_executable(statement), parameters)).one_or_none()

    async def scalar(self, statement: str | Executable, parameters: Parameters | None = None) -> Any:  # noqa: ANN401 a column has the type that the statement gives it
        """First column of the first row, or None when there is no row."""
        return (await self._connection.execute(_executable(statement), parameters)).scalar()


class WriteTx(ReadTx):
    """One change, committed as a whole by whoever opened it."""

    __slots__ = ("audit", "emitted")

    def __init__(self, connection: AsyncConnection) -> None:
        super().__init__(connection)
        self.audit = AuditNote()
        self.emitted = False

    async def run(
        self, statement: str | Executable, parameters: Parameters | Sequence[Parameters] | None = None
    ) -> int:
        """Execute, once or for each of several parameter sets, and give the number of rows touched."""
        return (await self._connection.execute(_executable(statement), parameters)).rowcount

    async def emit(self, emission: Emission) -> int:
        """Store an outbox row in this transaction and give its sequence, from 1 in its case."""
        statement, parameters = emission.statement()
        sequence = await self.scalar(statement, parameters)
        self.emitted = True
        return int(sequence)


def async_dsn(dsn: str) -> str:
    """The same DSN with the driver that this package uses."""
    return make_url(dsn).set(drivername="postgresql+asyncpg").render_as_string(hide_password=False)


class Database:
    """The stage's database behind a pool of connections."""

    def __init__(self, dsn: str, *, pool_size: int = 10, name: str = "socialcare") -> None:
        """Prepare the pool; nothing connects before the first transaction."""
        self._engine = create_async_engine(
            async_dsn(dsn),
            pool_size=pool_size,
            max_overflow=0,
            pool_timeout=10,
            hide_parameters=True,
            connect_args={"server_settings": {"application_name": name, "jit": "off", "timezone": "UTC"}},
        )
        self._reader = self._engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self._after_emission: Callable[[], None] | None = None

    @property
    def engine(self) -> AsyncEngine:
        """The pool itself, for the relay and the migrations."""
        return self._engine

    def after_emission(self, ring: Callable[[], None]) -> None:
        """Have `ring` called after each commit that stored outbox rows, for a relay in the same process.

        Without one the transaction sends a NOTIFY. A server rings instead because PostgreSQL commits transactions that
        notify one at a time.
        """
        self._after_emission = ring

    @asynccontextmanager
    async def read(self) -> AsyncIterator[ReadTx]:
        """A read-only transaction; all its statements see the same snapshot."""
        async with self._reader.connect() as connection:
            yield ReadTx(connection)

    @asynccontextmanager
    async def write(self) -> AsyncIterator[WriteTx]:
        """A transaction at READ COMMITTED that commits when the block ends and rolls back when it raises."""
        async with self._engine.begin() as connection:
            tx = WriteTx(connection)
            yield tx
            if tx.emitted and self._after_emission is None:
                await connection.execute(_NOTIFY)
        if tx.emitted and self._after_emission is not None:
            self._after_emission()

    @asynccontextmanager
    async def rehearsal(self) -> AsyncIterator[WriteTx]:
        """A transaction that is always rolled back, for `validate_only`."""
        async with self._engine.connect() as connection:
            yield WriteTx(connection)

    async def close(self) -> None:
        """Give the connections back to the server."""
        await self._engine.dispose()


def _sqlstate(error: DBAPIError) -> str:
    return str(getattr(error.orig, "sqlstate", "") or "")


def violated_constraint(error: IntegrityError) -> str | None:
    """Name of the constraint that refused the statement, or None when it has none (NOT NULL)."""
    cause = getattr(error.orig, "__cause__", None)
    name = getattr(cause, "constraint_name", None)
    return str(name) if name else None


def is_concurrent_change(error: DBAPIError) -> bool:
    """Whether a concurrent transaction won, so that the same request may be repeated."""
    return _sqlstate(error) in _CONCURRENT_CHANGE


def is_database_away(error: BaseException) -> bool:
    """Whether the error means that no connection to the server can be had now."""
    if isinstance(error, DBAPIError):
        return error.connection_invalidated or _sqlstate(error).startswith(_AWAY)
    return isinstance(error, ConnectionError | TimeoutError | PoolTimeout)
