"""`socialcare check-rules`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from cli.local.state import DEFAULT_DIRECTORY
from cli.stack_commands import StateDirectory


def check_rules(
    file: Annotated[Path, typer.Argument(help="Rule cases, JSON.")],
    *,
    only: Annotated[list[str] | None, typer.Option(help="Put only cases of this kind; may be repeated.")] = None,
    report: Annotated[Path | None, typer.Option(help="Write a JSON report here.")] = None,
    state: StateDirectory = DEFAULT_DIRECTORY,
) -> None:
    """Put every rule case to the service that owns it and compare; exit 1 when one differs."""
    from cli.rules.session import check_file  # noqa: PLC0415  # The contracts are slow to import.

    if status := check_file(file, only or [], report, state):
        raise typer.Exit(status)
