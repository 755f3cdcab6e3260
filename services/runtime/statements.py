"""SQL with named parameters, as the driver wants it, and its rows, as everybody else does.

The driver is called directly: a statement is compiled once for the process and prepared once a connection, and nothing
stands between it and the socket. SQLAlchemy gives the syntax of parameters, the sealed type, the row and the errors.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import asyncpg
from sqlalchemy import Row, TextClause, text
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.engine import result_tuple
from sqlalchemy.exc import DBAPIError, IntegrityError

__all__ = ["Parameters", "Prepared", "Statement", "columns_of", "prepared", "rows_of", "rows_within", "translated"]

Parameters = Mapping[str, object]
Statement = str | TextClause
"""SQL with `:name` for a parameter; a `text(...).bindparams(...)` kept by its module where a parameter has a type."""

_DIALECT = PGDialect_asyncpg()  # type: ignore[no-untyped-call]  # SQLAlchemy leaves it untyped.


@dataclass(frozen=True, slots=True)
class Prepared:
    """A statement with numbered parameters."""

    sql: str
    names: tuple[str, ...]
    checks: tuple[tuple[int, Callable[[Any], Any]], ...]
    """What becomes of the values of typed parameters, by position."""

    def arguments(self, parameters: Parameters) -> list[object]:
        """Values by position; KeyError when one is missing."""
        values = [parameters[name] for name in self.names]
        for position, check in self.checks:
            values[position] = check(values[position])
        return values


@lru_cache(maxsize=4096)
def prepared(statement: Statement) -> Prepared:
    """Compile; statements are constants of the program, so each is compiled once."""
    clause = text(statement) if isinstance(statement, str) else statement
    compiled: Any = clause.compile(dialect=_DIALECT)
    names = tuple(compiled.positiontup or ())
    checks = []
    for position, name in enumerate(names):
        check = compiled.binds[name].type.dialect_impl(_DIALECT).bind_processor(_DIALECT)
        if check is not None:
            checks.append((position, check))
    return Prepared(str(compiled), names, tuple(checks))


def columns_of(rows: Sequence[Parameters]) -> dict[str, list[object]]:
    """The same parameters by name, a list each, for a statement that unnests them; ValueError when there is no row."""
    if not rows:
        raise ValueError("no row to store")
    return {name: [row[name] for row in rows] for name in rows[0]}


@lru_cache(maxsize=4096)
def _row_maker(columns: tuple[str, ...]) -> Callable[[Sequence[object]], Row[Any]]:
    return result_tuple(columns)


def rows_of(records: Sequence[asyncpg.Record]) -> list[Row[Any]]:
    """The same rows, with their columns as attributes."""
    if not records:
        return []
    make = _row_maker(tuple(records[0].keys()))
    return [make(tuple(record)) for record in records]


def rows_within(records: Sequence[Sequence[object]], columns: str) -> list[Row[Any]]:
    """Rows that one column holds, `ARRAY(SELECT ROW(a, b) ...)` say, with `columns` as attributes in that order.

    A whole record with what belongs to it is one statement this way. The driver reads no arrays and no JSON inside.
    """
    make = _row_maker(tuple(name.strip() for name in columns.split(",")))
    return [make(tuple(record)) for record in records]


def translated(
    error: asyncpg.PostgresError | asyncpg.InterfaceError | asyncpg.InternalClientError, sql: str, *, lost: bool
) -> DBAPIError:
    """The driver's error as SQLAlchemy's, without parameters; `lost` says that the connection is gone."""
    branch = IntegrityError if isinstance(error, asyncpg.IntegrityConstraintViolationError) else DBAPIError
    return branch(sql, None, error, hide_parameters=True, connection_invalidated=lost)
