"""The demonstration: stories played on a stack of their own or the running one, and the ways of their cases shown."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console

from cli.case_view import invoices_of, print_invoices, print_link, print_way, way_of
from cli.gateway import Gateway
from cli.local.errors import LocalStackError
from cli.local.foreground import run_in_foreground
from cli.local.options import StackOptions
from cli.local.stack import LocalStack
from cli.local.state import DEFAULT_DIRECTORY, StackState, holder_of
from cli.stack_commands import summary
from cli.stories.playing import Verdict
from cli.stories.report import as_table
from cli.stories.session import connected, play_all, read_stories
from services.kernel.codes import Role, Stage, case_workflow_id
from services.runtime.settings import ClockMode

__all__ = ["demonstrate", "play_and_show"]


async def demonstrate(stories: Path, story_ids: Sequence[str], directory: Path, *, keep: bool) -> int:
    """Play the stories side by side and show the way of each case; the exit status.

    A stack that runs already is used; one started here is kept until Ctrl-C if `keep` says so.
    """
    console = Console()
    if holder_of(directory) is not None:
        state = StackState.read(directory)
        if state.clock is not ClockMode.SIMULATED:
            raise LocalStackError(
                "the demonstration needs a stack on simulated time: `socialcare up --clock simulated`"
            )
        return 0 if await play_and_show(stories, story_ids, state, console, directory) else 1

    async def work(stack: LocalStack) -> int | None:
        if not await play_and_show(stories, story_ids, stack.state, console, directory):
            return 1
        if not keep:
            console.print("\nThis stack stops now; `make run` starts it again with everything it knows.")
            return 0
        console.print()
        console.print(summary(stack.state), highlight=False, soft_wrap=True)
        return None

    console.print("Starting PostgreSQL, Temporal, five services and a worker…")
    return await run_in_foreground(StackOptions(directory=directory, echo=False), work)


async def play_and_show(
    stories: Path, story_ids: Sequence[str], state: StackState, console: Console, directory: Path
) -> bool:
    """Play the stories, show the way of each case and what to try next; whether all went as told."""
    told = read_stories(stories, story_ids)
    verdicts = await play_all(told, state, console)
    console.print(as_table(verdicts))
    async with connected(state) as (gateway, _):
        for verdict in verdicts:
            await _show(gateway, verdict, state, console)
    passed = all(verdict.passed for verdict in verdicts)
    if passed:
        _invite(verdicts[0], state, console, directory)
    else:
        console.print("[red]A story went another way than told; see the differences above.[/]")
    return passed


async def _show(gateway: Gateway, verdict: Verdict, state: StackState, console: Console) -> None:
    console.print()
    console.rule(f"[bold]{verdict.story_id}[/]", align="left")
    console.print(verdict.title, highlight=False)
    for application_id in verdict.cases.values():
        print_way(console, f"The way of case {application_id}", await way_of(gateway, application_id, verdict.until))
        if verdict.until is not None:
            invoices = await invoices_of(gateway, application_id, verdict.until)
            await print_invoices(console, gateway, application_id, invoices, verdict.until)
        print_link(console, state.case_link(case_workflow_id(application_id)))


def _invite(verdict: Verdict, state: StackState, console: Console, directory: Path) -> None:
    """Three things to try next, each in one piece whatever the width."""
    application_id = next(iter(verdict.cases.values()))
    link = state.case_link(case_workflow_id(application_id))
    at = f"{verdict.until.astimezone(dt.UTC):%Y-%m-%dT%H:%M:%SZ}" if verdict.until else ""
    where = "" if directory == DEFAULT_DIRECTORY else f" --state {directory}"
    command = ".venv/bin/socialcare"
    console.print()
    console.rule("[bold]Try next[/]", align="left")
    read_way = (
        f".venv/bin/grpcurl -plaintext -H 'x-business-time: {at}'"
        f' -H "authorization: Bearer $({command} token {Role.OFFICE_HEAD}{where})"'
        f' -d \'{{"application_id": "{application_id}"}}\' {state.services[Stage.INTAKE]}'
        " socialcare.intake.v1.IntakeService/GetCaseTimeline"
    )
    for line in (f"{command} advance {application_id} --days 5{where}", read_way, link or ""):
        console.print(line, highlight=False, markup=False, soft_wrap=True)
