"""What a played story left behind in the five databases, in a form that two plays can be compared by."""

from __future__ import annotations

import asyncpg

from cli.local.stack import LocalStack
from cli.stories.playing import Verdict
from services.kernel.codes import Stage

# Reads of health data and refusals are audited as often as they are tried; neither is an effect.
NO_EFFECTS = frozenset({"alembic_version", "audit"})
OWNERS = ("municipality_id", "application_id", "case_id")

_COLUMNS = """
SELECT table_name, column_name FROM information_schema.columns
WHERE table_schema = 'public' AND column_name = ANY($1::text[]) ORDER BY table_name
"""


async def effects_of(stack: LocalStack, verdict: Verdict) -> dict[str, int]:
    """Rows of each table that belong to the municipality of a play or to its cases."""
    found: dict[str, int] = {}
    owned = [verdict.municipality_id, *verdict.cases.values()]
    for stage in Stage:
        connection = await asyncpg.connect(stack.state.dsns[stage].replace("+asyncpg", ""))
        try:
            columns = {row["table_name"]: row["column_name"] for row in await connection.fetch(_COLUMNS, list(OWNERS))}
            for table, column in columns.items():
                if table not in NO_EFFECTS:
                    query = f'SELECT count(*) FROM "{table}" WHERE CAST("{column}" AS text) = ANY($1::text[])'
                    found[f"{stage.package}.{table}"] = await connection.fetchval(query, owned)
        finally:
            await connection.close()
    return found
