"""`socialcare play`, `socialcare demo` and `socialcare advance`."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from cli.local.state import DEFAULT_DIRECTORY
from cli.stack_commands import StateDirectory

DEMO_STORIES = Path("tests/stories/public.jsonl")
DEMO_STORIES_PLAYED = ("HSP-01", "AP-01", "INS-01")
"""One of each way in: none needed, the municipality's referral, the directorate's order."""


def play(
    file: Annotated[Path, typer.Argument(help="Stories, one JSON line each.")],
    *,
    only: Annotated[list[str] | None, typer.Option(help="Play only this story; may be repeated.")] = None,
    report: Annotated[Path | None, typer.Option(help="Write a JSON report here.")] = None,
    stack: Annotated[
        Path | None, typer.Option(help="JSON like that of a running stack's stack.json: play on a stack elsewhere.")
    ] = None,
    state: StateDirectory = DEFAULT_DIRECTORY,
) -> None:
    """Play acceptance stories through the public calls on simulated time; exit 1 when one differs."""
    from cli.stories.report import as_json, as_table  # noqa: PLC0415  # The SDK is slow to import.
    from cli.stories.session import play_all, read_stories, running_stack  # noqa: PLC0415  # Likewise.

    console = Console()
    stories = read_stories(file, only or [])

    async def run() -> bool:
        async with running_stack(state, console, elsewhere=stack) as running:
            verdicts = await play_all(stories, running, console)
        console.print(as_table(verdicts))
        if report is not None:
            report.write_text(as_json(verdicts) + "\n", encoding="utf-8")
        return all(verdict.passed for verdict in verdicts)

    if not asyncio.run(run()):
        raise typer.Exit(1)


def demo(
    *,
    once: Annotated[bool, typer.Option("--once", help="Stop the stack when the stories are over.")] = False,
    stories: Annotated[Path, typer.Option(help="File that has the stories.")] = DEMO_STORIES,
    state: StateDirectory = DEFAULT_DIRECTORY,
) -> None:
    """Play three applications side by side, from submission to invoice, and show the way of each."""
    from cli.demonstration import demonstrate  # noqa: PLC0415  # The SDK is slow to import.

    raise typer.Exit(asyncio.run(demonstrate(stories, DEMO_STORIES_PLAYED, state, keep=not once)))


def advance(
    case: Annotated[str, typer.Argument(help="Application id or workflow id of a live case.")],
    *,
    days: Annotated[int, typer.Option(min=1, max=1_000, help="Business days to move on.")],
    state: StateDirectory = DEFAULT_DIRECTORY,
) -> None:
    """Move a live case and its whole municipality on by business days of simulated time, daily and monthly runs
    included, and print what happened. Refused on the system clock.
    """
    from cli.advance import advance as move  # noqa: PLC0415  # The SDK is slow to import.

    asyncio.run(move(state, case, days, Console()))
