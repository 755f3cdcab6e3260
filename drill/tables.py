"""What a play left in the five databases, in a form that two plays can be compared by, row for row.

Rows belong to a play when a chain of ids leads from them to its municipality. Ids become `<id>`, hashes of them
`<hash>`, sealed bytes their length, instants the local day: the clock of a workflow runs on while a process is away.
What only tells of the way, not of the effect, is left out.
"""

from __future__ import annotations

import datetime as dt
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import asyncpg

from services.kernel.codes import Stage
from services.kernel.dates import local_date
from services.runtime.audit import DONE

__all__ = ["Contents", "Difference", "Rows", "differences"]

Contents = Mapping[str, Counter[str]]
"""Normalised rows by `stage.table`, with their number."""

_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|\b[A-Z]+-\d\d-[0-9A-F]{8}\b")
_INSTANT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")
# What is hashed has ids in it, so two plays never have one hash.
_HASH = re.compile(r"\b(?:[0-9a-f]{64}|[0-9a-f]{32})\b")
_BYTES = re.compile(r"\\\\x([0-9a-f]{8,})")

_A_DOCUMENT = 4096
"""Sealed bytes from which on they are a document."""

# The last two are places in a list that all municipalities share.
_OF_THE_WAY = (
    *("stored_at", "state_since", "retry_at", "delivered_at", "attempts", "last_error_code", "created_at"),
    *("tariffs_read", "rules_read"),
)
_COLUMNS = """
SELECT c.relname AS name, coalesce(array_agg(a.attname) FILTER (WHERE a.attidentity <> ''), '{}') AS numbered
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace AND c.relname <> 'alembic_version'
GROUP BY 1 ORDER BY 1
"""


@dataclass(frozen=True, slots=True)
class _Row:
    table: str
    ids: frozenset[str]
    text: str


@dataclass(frozen=True, slots=True)
class Difference:
    """A row that one play has more often than the other."""

    table: str
    row: str
    undisturbed: int
    disturbed: int


class Rows:
    """Every row of the five databases, findable by id."""

    def __init__(self, rows: Iterable[_Row]) -> None:
        self._by_id: dict[str, list[_Row]] = defaultdict(list)
        for row in rows:
            for each in row.ids:
                self._by_id[each].append(row)

    @classmethod
    async def read(cls, dsns: Mapping[Stage, str]) -> Rows:
        """Read the databases as they are now."""
        rows: list[_Row] = []
        for stage, dsn in dsns.items():
            connection = await asyncpg.connect(dsn)
            try:
                rows += await _rows_of(connection, stage)
            finally:
                await connection.close()
        return cls(rows)

    def of(self, municipality_id: str) -> Contents:
        """The rows of a play, normalised and counted."""
        reached, waiting = {municipality_id}, [municipality_id]
        found: dict[int, _Row] = {}
        while waiting:
            for row in self._by_id[waiting.pop()]:
                found[id(row)] = row
                fresh = row.ids - reached
                reached |= fresh
                waiting.extend(fresh)
        contents: dict[str, Counter[str]] = defaultdict(Counter)
        for row in found.values():
            contents[row.table][row.text] += 1
        return contents


def differences(undisturbed: Contents, disturbed: Contents) -> list[Difference]:
    """Rows that are not alike; empty when the plays ended the same."""
    return [
        Difference(table, row, undisturbed.get(table, Counter())[row], disturbed.get(table, Counter())[row])
        for table in sorted({*undisturbed, *disturbed})
        for row in sorted({*undisturbed.get(table, ()), *disturbed.get(table, ())})
        if undisturbed.get(table, Counter())[row] != disturbed.get(table, Counter())[row]
    ]


async def _rows_of(connection: asyncpg.Connection, stage: Stage) -> list[_Row]:
    rows = []
    for table in await connection.fetch(_COLUMNS):
        name = table["name"]
        dropped = [*_OF_THE_WAY, *table["numbered"]]
        query = f'SELECT CAST(to_jsonb(t) - $1::text[] AS text) AS row FROM "{name}" t{_condition(name)}'
        for record in await connection.fetch(query, dropped):
            text = str(record["row"])
            rows.append(_Row(f"{stage.package}.{name}", frozenset(_ID.findall(text)), _normalised(text)))
    return rows


def _condition(table: str) -> str:
    """Reads and refusals are audited as often as they are tried; a command that was carried out once."""
    if table != "audit":
        return ""
    return f" WHERE outcome = '{DONE}' AND rpc IN (SELECT rpc FROM idempotency)"


def _normalised(text: str) -> str:
    without_ids = _HASH.sub("<hash>", _ID.sub("<id>", _BYTES.sub(_sealed, text)))
    return _INSTANT.sub(lambda found: f"{local_date(dt.datetime.fromisoformat(found[0]))}", without_ids)


def _sealed(found: re.Match[str]) -> str:
    """The length of what is sealed; a document has ids in it, and how far they can be compressed differs."""
    length = len(found[1]) // 2
    return "<document>" if length >= _A_DOCUMENT else f"<{length} bytes>"
