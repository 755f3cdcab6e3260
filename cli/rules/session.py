"""Checking a file of rule cases against a running stack, or one started for it, with live progress."""

from __future__ import annotations

import asyncio
from pathlib import Path

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from cli.gateway import Gateway
from cli.local.foreground import run_in_foreground
from cli.local.options import StackOptions
from cli.local.stack import LocalStack
from cli.local.state import DEFAULT_DIRECTORY, StackState, holder_of
from cli.rules.checking import Report, Verdict, check_rules
from cli.rules.kinds import KINDS
from cli.rules.reading import CasesFile, UnreadableFileError, read_cases
from cli.rules.report import as_json, as_table
from cli.stories.session import endpoints_of

__all__ = ["check_file"]


def check_file(file: Path, only: list[str], report: Path | None, state: Path = DEFAULT_DIRECTORY) -> int:
    """Check a file against the stack of a state directory, or one started for it; the exit status of the command.

    Raises:
        typer.BadParameter: the file is no file of rule cases, or `only` names an unknown kind.
    """
    if unknown := sorted(set(only) - KINDS.keys()):
        raise typer.BadParameter(f"no such kind: {', '.join(unknown)}; known are {', '.join(KINDS)}")
    try:
        cases = read_cases(file)
    except UnreadableFileError as error:
        raise typer.BadParameter(str(error)) from error
    console = Console()

    async def check(stack: StackState) -> int:
        checked = await _checked(stack, cases, only, console)
        console.print(as_table(checked))
        if report is not None:
            report.write_text(as_json(checked) + "\n", encoding="utf-8")
        return 0 if checked.passed else 1

    async def accompany(stack: LocalStack) -> int:
        return await check(stack.state)

    if holder_of(state) is not None:
        return asyncio.run(check(StackState.read(state)))
    console.print("No stack runs; starting one for this.")
    return asyncio.run(run_in_foreground(StackOptions(directory=state, ui=False, echo=False), accompany))


async def _checked(stack: StackState, cases: CasesFile, only: list[str], console: Console) -> Report:
    gateway = Gateway(endpoints_of(stack))
    columns = (
        TextColumn("rule cases"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("[red]{task.fields[failed]}[/]"),
        TimeElapsedColumn(),
    )
    total = sum(1 for case in cases.cases if not only or case.kind in only)
    failed = 0
    with Progress(*columns, console=console) as progress:
        task = progress.add_task("", total=total, failed="")

        def watch(verdict: Verdict) -> None:
            nonlocal failed
            failed += not verdict.passed
            progress.update(task, advance=1, failed=f"{failed} failed" if failed else "")

        try:
            return await check_rules(gateway, cases, only=only, watch=watch)
        finally:
            await gateway.close()
