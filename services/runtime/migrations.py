"""Forward-only migrations of a stage's database, run by `socialcare migrate` and by tests."""

from __future__ import annotations

from importlib.resources import files
from typing import cast

from alembic import command, context
from alembic.config import Config
from sqlalchemy import Connection, text
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from services.kernel.codes import Stage
from services.runtime.database import async_dsn

__all__ = ["migrate", "run_migrations"]

_LOCK = 0x50C1A1
"""Advisory lock of migrations: of two starting at once the second waits and finds nothing to do."""


async def migrate(stage: Stage, dsn: str) -> None:
    """Bring the database of the stage to its newest revision, in one transaction."""
    await migrate_from(str(files(f"services.{stage.package}") / "migrations"), dsn)


async def migrate_from(scripts: str, dsn: str) -> None:
    """Bring a database to the newest revision of a folder of migrations, in one transaction."""
    engine = create_async_engine(async_dsn(dsn), poolclass=NullPool)
    try:
        async with engine.begin() as connection:
            await connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
            await connection.run_sync(_upgrade, scripts)
    finally:
        await engine.dispose()


def _upgrade(connection: Connection, scripts: str) -> None:
    config = Config()
    config.set_main_option("script_location", scripts.replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def run_migrations() -> None:
    """The whole of a stage's `migrations/env.py`: run on the connection that `migrate` opened."""
    connection = cast("Connection", context.config.attributes["connection"])
    context.configure(connection=connection, transactional_ddl=True)
    with context.begin_transaction():
        context.run_migrations()
