"""The rows that one command leaves in a database, found without knowing its tables, and stored again with fresh ids.

Two runs of the command are compared: a value of a key that differs between them is an id of the command, whatever is
alike is a constant. Identity columns and generated columns are left to the database.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import asyncpg

__all__ = ["LeftRows", "Snapshot", "left_rows", "snapshot", "writable_columns"]

_TABLES = """
SELECT c.relname AS name FROM pg_class c
WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND c.relname <> 'alembic_version' ORDER BY 1
"""
_REFERENCES = """
SELECT conrelid::regclass::text AS child, confrelid::regclass::text AS parent FROM pg_constraint
WHERE contype = 'f' AND conrelid <> confrelid
"""
_WRITABLE = """
SELECT attname AS name FROM pg_attribute
WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attidentity = '' AND attgenerated = ''
ORDER BY attnum
"""
_UNIQUE = """
SELECT DISTINCT a.attname AS name
FROM pg_index i JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey)
WHERE i.indrelid = $1::regclass AND i.indisunique
"""

Value = object
Row = tuple[Value, ...]
Snapshot = Mapping[str, Mapping[str, Row]]
"""By table, the rows by their text."""


@dataclass(frozen=True, slots=True)
class TableRows:
    """Rows of one table. `unique` are the positions of columns that belong to a unique index."""

    table: str
    columns: tuple[str, ...]
    unique: frozenset[int]
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class LeftRows:
    """What one command stored, parents before children."""

    tables: tuple[TableRows, ...]
    ids: tuple[str, ...]

    @property
    def count(self) -> int:
        """Rows in all."""
        return sum(len(each.rows) for each in self.tables)

    def statements(self) -> list[str]:
        """One INSERT a table."""
        return [_insert(each) for each in self.tables]

    def fresh(self) -> list[list[Value]]:
        """Arguments of the statements, with ids and unique bytes that nobody has used."""
        exchange = {old: _fresh_like(old) for old in self.ids}
        return [_arguments(each, exchange) for each in self.tables]


async def snapshot(connection: asyncpg.Connection) -> Snapshot:
    """Every row of every table."""
    seen: dict[str, dict[str, Row]] = {}
    for table in await connection.fetch(_TABLES):
        name = table["name"]
        columns = ", ".join(await _columns(connection, _WRITABLE, name))
        rows = await connection.fetch(f"SELECT {name}::text AS whole, {columns} FROM {name} ORDER BY 1")
        seen[name] = {row["whole"]: tuple(row)[1:] for row in rows}
    return seen


async def left_rows(connection: asyncpg.Connection, before: Snapshot, first: Snapshot, second: Snapshot) -> LeftRows:
    """What lies between `before` and `first`, told apart from constants by what came until `second`."""
    tables = []
    for name in _parents_first(first, await connection.fetch(_REFERENCES)):
        rows = [row for whole, row in first[name].items() if whole not in before[name]]
        if not rows:
            continue
        columns = await _columns(connection, _WRITABLE, name)
        unique = set(await _columns(connection, _UNIQUE, name))
        positions = frozenset(number for number, column in enumerate(columns) if column in unique)
        tables.append(TableRows(name, tuple(columns), positions, tuple(rows)))
    others = {
        value
        for name in first
        for whole, row in second[name].items()
        if whole not in first[name]
        for value in row
        if isinstance(value, str)
    }
    ids = {
        value
        for each in tables
        for row in each.rows
        for position in each.unique
        if isinstance(value := row[position], str) and value not in others
    }
    known = {value for rows in before.values() for row in rows.values() for value in row if isinstance(value, str)}
    # The longest first: `case/<id>` is exchanged by way of its id only when the id is not contained in another one.
    atoms = sorted(ids - known, key=len)
    plain = [each for each in atoms if not any(other != each and other in each for other in atoms)]
    return LeftRows(tuple(tables), tuple(plain))


async def writable_columns(connection: asyncpg.Connection, table: str) -> list[str]:
    """Columns that an INSERT may name: no identity, nothing generated."""
    return await _columns(connection, _WRITABLE, table)


async def _columns(connection: asyncpg.Connection, query: str, table: str) -> list[str]:
    return [row["name"] for row in await connection.fetch(query, table)]


def _parents_first(tables: Iterable[str], references: Sequence[asyncpg.Record]) -> list[str]:
    left, ordered = set(tables), []
    parents = {name: {row["parent"] for row in references if row["child"] == name} for name in left}
    while left:
        ready = sorted(name for name in left if not parents[name] & left)
        ordered += ready
        left -= set(ready)
    return ordered


def _insert(each: TableRows) -> str:
    width = len(each.columns)
    groups = (
        "(" + ", ".join(f"${number * width + place}" for place in range(1, width + 1)) + ")"
        for number in range(len(each.rows))
    )
    return f"INSERT INTO {each.table} ({', '.join(each.columns)}) VALUES {', '.join(groups)}"


def _arguments(each: TableRows, exchange: Mapping[str, str]) -> list[Value]:
    return [
        _exchanged(value, exchange, is_key=position in each.unique)
        for row in each.rows
        for position, value in enumerate(row)
    ]


def _exchanged(value: Value, exchange: Mapping[str, str], *, is_key: bool) -> Value:
    if isinstance(value, bytes):
        return secrets.token_bytes(len(value)) if is_key else value
    if not isinstance(value, str):
        return value
    for old, fresh in exchange.items():
        value = value.replace(old, fresh)
    return value


def _fresh_like(old: str) -> str:
    """The same length and the same beginning, so that it falls into the same part of an index."""
    tail = min(12, len(old))
    return old[: len(old) - tail] + secrets.token_hex(tail)[:tail]
