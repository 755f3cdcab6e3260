"""`socialcare import`."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table

from cli.gateway import Endpoints, Gateway, Refusal
from cli.local.errors import LocalStackError
from cli.local.state import DEFAULT_DIRECTORY, StackState
from cli.stack_commands import StateDirectory
from services.kernel.codes import Stage
from services.runtime.complaints import read_settings

if TYPE_CHECKING:
    from cli.imports.sending import Import, Told

__all__ = ["import_file"]

_NO_ID = re.compile(r"[^A-Za-z0-9._-]+")


def import_file(
    file: Annotated[Path, typer.Argument(help="Applications: .csv with a heading, or .jsonl.")],
    *,
    municipality: Annotated[str, typer.Option(help="The municipality applied to.")],
    import_id: Annotated[str, typer.Option(help="Name of the import; that of the file when none is given.")] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Tell what would become; store nothing.")] = False,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with an import that was begun.")] = False,
    rejected: Annotated[Path | None, typer.Option(help="Where rejected rows go; beside FILE when not said.")] = None,
    part_rows: Annotated[int, typer.Option(min=1, max=500, help="Rows a request.")] = 200,
    at: Annotated[str, typer.Option(help="The business instant, RFC 3339; on simulated time only.")] = "",
    state: StateDirectory = DEFAULT_DIRECTORY,
) -> None:
    """Hand in the applications of a file; exit 1 when rows were rejected. Repeatable: a row that has its case is left
    alone. Address and token: SOCIALCARE_INTAKE_ADDRESS, SOCIALCARE_TOKEN_FILE where set, else the running local stack.
    """
    from cli.imports.files import read_lines, write_rejected  # noqa: PLC0415  # Other commands start faster without it.
    from cli.imports.sending import Import, send  # noqa: PLC0415  # Likewise.

    lines = read_lines(file)
    identity = import_id or _NO_ID.sub("-", file.stem).strip("-._") or "import"
    wanted = Import(municipality, identity, dry_run, resume, _instant(at), part_rows)
    console = Console(stderr=True)

    async def run() -> Told:
        async with _gateway(state) as gateway:
            with _shown(console, wanted) as progress:
                return await send(lines, wanted, gateway, progress)

    try:
        told = asyncio.run(run())
    except Refusal as refusal:
        raise LocalStackError(f"intake refused: {refusal}") from None
    _summarise(told, wanted, Console())
    if told.rejected:
        report = rejected or file.with_name(f"{file.stem}.rejected{file.suffix}")
        write_rejected(report, file, told.rejected)
        typer.echo(f"rejected rows: {report}")
        raise typer.Exit(1)


def _instant(text: str) -> dt.datetime | None:
    if not text:
        return None
    try:
        instant = dt.datetime.fromisoformat(text)
    except ValueError:
        raise LocalStackError(f"--at {text}: no instant in the form of RFC 3339") from None
    if instant.tzinfo is None:
        raise LocalStackError(f"--at {text}: the offset is missing")
    return instant


@asynccontextmanager
async def _gateway(state: Path) -> AsyncIterator[Gateway]:
    gateway = _remote() if "SOCIALCARE_TOKEN_FILE" in os.environ else _local(state)
    try:
        yield gateway
    finally:
        await gateway.close()


def _local(state: Path) -> Gateway:
    from cli.stories.session import endpoints_of  # noqa: PLC0415  # The SDK is slow to import.

    return Gateway(endpoints_of(StackState.read(state)))


def _remote() -> Gateway:
    from workflows.channels import TokenFile, open_channels  # noqa: PLC0415  # The SDK is slow to import.
    from workflows.settings import WorkerSettings  # noqa: PLC0415  # Likewise.

    settings = read_settings(WorkerSettings)
    token = TokenFile(settings.token_file)
    endpoints = Endpoints({}, settings.temporal_address, settings.temporal_namespace, "", lambda _: token.read())
    return Gateway(endpoints, {Stage.INTAKE: open_channels(settings)[Stage.INTAKE]})


@contextmanager
def _shown(console: Console, wanted: Import) -> Iterator[Callable[[Told], None]]:
    """A bar on a terminal; elsewhere a line after each part."""
    name = f"{wanted.import_id}{' (dry run)' if wanted.dry_run else ''}"
    if not console.is_terminal:
        yield lambda told: console.print(
            f"{name}: {told.done} of {told.total} rows, {len(told.rejected)} rejected", highlight=False, soft_wrap=True
        )
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rejected]}"),
    )
    with Progress(*columns, TimeRemainingColumn(), console=console) as progress:
        task = progress.add_task(name, total=None, rejected="")
        yield lambda told: progress.update(
            task, completed=told.done, total=told.total, rejected=f"{len(told.rejected)} rejected"
        )


def _summarise(told: Told, wanted: Import, console: Console) -> None:
    table = Table("rows", "what became of them", title=f"import {wanted.import_id}", title_justify="left")
    would = "would be " if wanted.dry_run else ""
    for state, number in sorted(told.opened.items()):
        table.add_row(str(number), f"{would}{state}")
    if told.before:
        table.add_row(str(told.before), "had their case already")
    for reason, number in sorted(Counter(why.reason for _, why in told.rejected).items()):
        table.add_row(str(number), f"rejected: {reason}")
    console.print(table)
