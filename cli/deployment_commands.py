"""Commands of a deployment on containers: secrets, databases, and which build of the worker gets work."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import typer

from cli.local.errors import LocalStackError
from cli.local.options import StackEnvironment
from services.kernel.codes import Stage
from services.runtime.complaints import read_settings
from services.runtime.named_files import read_dsn
from services.runtime.temporal_connection import TemporalConnection


def secrets(
    directory: Annotated[Path, typer.Argument(help="Where the files go; must not exist, or be empty.")],
    *,
    database: Annotated[str, typer.Option(help="host:port of PostgreSQL as the services see it.")] = "postgres:5432",
    token_days: Annotated[int, typer.Option(min=1, max=3650, help="Days for which the processes' tokens hold.")] = 90,
) -> None:
    """Make the secrets of a new installation as files: passwords, keys, tokens of the processes, certificates."""
    from cli.local.installation import make_secrets  # noqa: PLC0415  # The other commands start faster without it.

    make_secrets(directory, database, timedelta(days=token_days))
    typer.echo(f"{directory}: made. {directory / 'issuer'} belongs to your token issuer, not onto the servers.")


def databases(
    further: Annotated[list[Path] | None, typer.Argument(help="Files with further connection strings.")] = None,
) -> None:
    """Make the five databases and roles that do not exist, and further ones; repeatable. Connection strings:
    SOCIALCARE_ADMIN_DSN_FILE, and SOCIALCARE_DSN_FILE with {stage} in it.
    """
    from cli.local.databases import ensure_databases  # noqa: PLC0415  # As above.

    environment = read_settings(StackEnvironment)
    if environment.admin_dsn_file is None or environment.dsn_file is None:
        raise LocalStackError("set SOCIALCARE_ADMIN_DSN_FILE, and SOCIALCARE_DSN_FILE with {stage} in it")
    wanted = [environment.dsn_in_file(stage) or "" for stage in Stage]
    wanted += [read_dsn(file, "further connection string") for file in further or ()]
    administrator = read_dsn(environment.admin_dsn_file, "SOCIALCARE_ADMIN_DSN_FILE")
    for name in asyncio.run(ensure_databases(administrator, wanted)):
        typer.echo(f"{name}: exists")


def rollout(
    build: Annotated[
        str, typer.Argument(help="SOCIALCARE_WORKER_BUILD_ID of the workers; none: list the builds.")
    ] = "",
    *,
    percent: Annotated[int, typer.Option(min=0, max=100, help="Share of the work; less than 100: a trial.")] = 100,
    deployment: Annotated[str, typer.Option(help="SOCIALCARE_WORKER_DEPLOYMENT of the workers.")] = "socialcare",
    patience: Annotated[float, typer.Option(min=0, help="Seconds to wait for the first worker of the build.")] = 60.0,
) -> None:
    """Let a build of the worker take over, or go back to an earlier one; lists the builds and how they stand."""
    from cli.local.rollout import builds, roll_out  # noqa: PLC0415  # The SDK is slow to import.

    async def run() -> list[str]:
        client = await read_settings(TemporalConnection).connect_temporal()
        if build:
            await roll_out(client, deployment, build, percent, patience)
        return await builds(client, deployment)

    for line in asyncio.run(run()):
        typer.echo(line)
