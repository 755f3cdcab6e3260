"""Every table of delivery's database, so that two lives of one month can be compared row for row, ids and all.

Both lives have the same municipality, cases, plans and units by id. An id that delivery draws by lot is told as the
row that it names; an instant on the clock of a workflow, which runs on while a process is away, as its day. The rest is
compared as it is stored, in every table that the catalogue of the database knows, but for `LEFT_OUT`.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

import asyncpg

from services.kernel.dates import local_date
from services.runtime.audit import DONE

__all__ = ["Tables", "differences", "read_tables", "told", "unknown_names", "unwritten"]

DRAWN = ("assistant_absence", "correction", "daily_run", "delivery", "kitchen_sheet", "pause")
"""Tables whose `id` is drawn by lot when delivery stores a row."""
BY_DAY = frozenset({"assignment_event.at", "audit.at", "closed_day.closed_at", "daily_run.finished_at"})
"""Instants on the clock of the daily run's workflow."""
LEFT_OUT: Mapping[str, str] = {
    "idempotency.request_id": "a workflow's follows from the id of its run, which Temporal draws",
    "idempotency.body_hash": "a workflow's request has the id of the run in it, which is drawn",
    "idempotency.created_at": "when it came to be by the machine's clock",
    "outbox.stored_at": "when it came to be by the machine's clock",
    "outbox.retry_at": "when it was tried, by the machine's clock",
    "outbox.delivered_at": "when it was tried, by the machine's clock",
    "outbox.state": "one that is tried again after a crash may find that its workflow took it and has ended",
    "outbox.attempts": "how often it was tried while processes were away",
    "outbox.last_error_code": "why it was tried again",
}
"""Columns that are not compared, with the reason; nor are numbers of a sequence, which skips some at a crash."""
ONLY: Mapping[str, str] = {
    "audit": f"outcome = '{DONE}' AND rpc IN (SELECT rpc FROM idempotency)",
}
"""Reads and refusals are audited as often as they are tried, a command that was carried out once."""
UNWRITTEN: Mapping[str, str] = {
    "conflict_settlement": "the office settles no conflict in this month",
    "data_keys": "nothing that is sealed is written in this month",
    "parked_case": "nobody's plan breaks a constraint",
}
"""Tables that the month leaves empty, with the reason."""

Tables = Mapping[str, Counter[str]]
"""Rows as they are compared by table, with their number."""

_MOST_SHOWN = 12
_TABLES = """
SELECT c.relname AS name, coalesce(array_agg(a.attname) FILTER (WHERE a.attidentity <> ''), '{}') AS numbered,
       array_agg(a.attname) AS columns
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relkind IN ('r', 'p') AND c.relnamespace = 'public'::regnamespace GROUP BY 1 ORDER BY 1
"""
_ID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


async def read_tables(dsn: str) -> Tables:
    """Read the database as it is now."""
    rows: dict[str, list[dict[str, Any]]] = {}
    connection = await asyncpg.connect(dsn)
    try:
        for table in await connection.fetch(_TABLES):
            name = table["name"]
            dropped = [*table["numbered"], *(column for column in table["columns"] if f"{name}.{column}" in LEFT_OUT)]
            query = f'SELECT CAST(to_jsonb(t) - $1::text[] AS text) FROM "{name}" t WHERE {ONLY.get(name, "true")}'
            rows[name] = [json.loads(record[0]) for record in await connection.fetch(query, dropped)]
    finally:
        await connection.close()
    return told(rows)


def told(rows: Mapping[str, Iterable[Mapping[str, Any]]]) -> Tables:
    """Stored rows as they are compared, without ids that are drawn by lot."""
    names = _names(rows)
    return {table: Counter(_told(table, row, names) for row in stored) for table, stored in rows.items()}


async def unknown_names(dsn: str) -> list[str]:
    """What is named here and the database does not have: an exception that no table needs any more."""
    connection = await asyncpg.connect(dsn)
    try:
        known = {table["name"]: set(table["columns"]) for table in await connection.fetch(_TABLES)}
    finally:
        await connection.close()
    columns = (each.partition(".") for each in (*LEFT_OUT, *BY_DAY))
    return [
        *(f"{table}.{column}" for table, _, column in columns if column not in known.get(table, set())),
        *(table for table in (*DRAWN, *ONLY, *UNWRITTEN) if table not in known),
    ]


def unwritten(tables: Tables) -> list[str]:
    """Tables that have no row although the month should write them: comparing them proves nothing."""
    return [f"{name} has no row" for name, rows in tables.items() if not rows and name not in UNWRITTEN]


def differences(undisturbed: Tables, disturbed: Tables) -> list[str]:
    """Rows that one life has and the other has not, some of each table."""
    found = []
    for table, mine in undisturbed.items():
        theirs = disturbed[table]
        found += [f"{table}: {row} is missing" for row in list((mine - theirs).elements())[:_MOST_SHOWN]]
        found += [f"{table}: {row} is too much" for row in list((theirs - mine).elements())[:_MOST_SHOWN]]
    return found


def _names(rows: Mapping[str, Iterable[Mapping[str, Any]]]) -> dict[str, str]:
    """What the ids that are drawn are told as: their table and the rest of the row, other such ids left out."""
    named = [(table, row) for table in DRAWN for row in rows.get(table, ())]
    drawn = {row["id"]: "<id>" for _, row in named}
    return {row["id"]: _told(table, {**row, "id": table}, drawn) for table, row in named}


def _told(table: str, row: Mapping[str, Any], names: Mapping[str, str]) -> str:
    by_day = {column: _day(at) for column, at in row.items() if f"{table}.{column}" in BY_DAY and at is not None}
    text = json.dumps({**row, **by_day}, sort_keys=True, ensure_ascii=False)
    return _ID.sub(lambda found: names.get(found[0], found[0]), text)


def _day(instant: str) -> str:
    return str(local_date(dt.datetime.fromisoformat(instant)))
