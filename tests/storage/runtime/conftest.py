from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from services.runtime.database import Database
from services.runtime.migrations import migrate_from

_ENV = "from services.runtime.migrations import run_migrations\n\nrun_migrations()\n"
_FIRST = """
from alembic import op
from services.runtime.schema import allow_reopening_signals_v2, create_runtime_tables_v1
from services.runtime.schema import name_the_evidence_v4, name_the_represented_v3

revision = "0001"
down_revision = None

def upgrade():
    create_runtime_tables_v1(op)
    allow_reopening_signals_v2(op)
    name_the_represented_v3(op)
    name_the_evidence_v4(op)
    op.execute("CREATE TABLE note (id text PRIMARY KEY, body text NOT NULL, version bigint NOT NULL DEFAULT 1)")
"""


@pytest.fixture
def scripts(tmp_path: Path) -> str:
    """A folder of migrations as a stage has it."""
    folder = tmp_path / "migrations"
    (folder / "versions").mkdir(parents=True)
    (folder / "env.py").write_text(_ENV)
    (folder / "versions" / "0001_first.py").write_text(_FIRST)
    return str(folder)


@pytest.fixture
async def dsn(empty_database: Callable[[], Awaitable[str]], scripts: str) -> str:
    made = await empty_database()
    await migrate_from(scripts, made)
    return made


@pytest.fixture
async def database(dsn: str) -> AsyncIterator[Database]:
    opened = Database(dsn)
    yield opened
    await opened.close()
