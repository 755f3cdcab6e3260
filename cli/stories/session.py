"""Playing stories against a running stack, several side by side, with live progress."""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import AsyncIterator, Collection, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from pydantic import ValidationError
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from temporalio.client import Client

from cli.gateway import Endpoints, Gateway
from cli.local.errors import LocalStackError
from cli.local.options import StackOptions
from cli.local.stack import LocalStack
from cli.local.state import StackState, holder_of
from cli.stories.checks import Difference
from cli.stories.format import Story
from cli.stories.playing import Finding, Telling, Verdict, play_story
from services.kernel.dates import SOFIA
from services.runtime.settings import ClockMode

SIDE_BY_SIDE = 4


class StoriesUnreadable(LocalStackError):
    """The file of stories cannot be used."""


@asynccontextmanager
async def running_stack(directory: Path, console: Console, elsewhere: Path | None = None) -> AsyncIterator[StackState]:
    """The stack that a file describes or that runs from a state directory, or one started for the time being."""
    if elsewhere is not None:
        yield StackState.described_by(elsewhere)
        return
    if holder_of(directory) is not None:
        state = StackState.read(directory)
        if state.clock is not ClockMode.SIMULATED:
            raise LocalStackError("stories need a stack on simulated time: `socialcare up --clock simulated`")
        yield state
        return
    console.print("No stack runs; starting one for this.")
    async with LocalStack(StackOptions(directory=directory, echo=False)) as stack:
        yield stack.state


def endpoints_of(state: StackState) -> Endpoints:
    """Where a client finds the stack."""
    return Endpoints(
        addresses=state.services,
        temporal_address=state.temporal_address,
        temporal_namespace=state.temporal_namespace,
        temporal_ui=state.temporal_ui or "",
        token_for=state.token,
        tls=state.tls,
    )


@asynccontextmanager
async def connected(state: StackState) -> AsyncIterator[tuple[Gateway, Client]]:
    """Channels to the five services and a Temporal client."""
    gateway = Gateway(endpoints_of(state))
    try:
        yield gateway, await Client.connect(state.temporal_address, namespace=state.temporal_namespace)
    finally:
        await gateway.close()


def read_stories(file: Path, only: Collection[str]) -> list[Story | Verdict]:
    """Stories of a file, one a line; a line that has an unknown verb, check or field is a verdict of its own.

    Raises:
        StoriesUnreadable: no such file, or a story asked for is not in it.
    """
    try:
        lines = [line for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    except OSError as error:
        raise StoriesUnreadable(f"{file}: {error.strerror}") from None
    read = [_read_story(line, number) for number, line in enumerate(lines, start=1)]
    named = {_id_of(entry): entry for entry in read}
    if unknown := set(only) - named.keys():
        raise StoriesUnreadable(f"{file} has no story {', '.join(sorted(unknown))}")
    return [entry for identity, entry in named.items() if not only or identity in only]


def _id_of(entry: Story | Verdict) -> str:
    return entry.id if isinstance(entry, Story) else entry.story_id


def _read_story(line: str, number: int) -> Story | Verdict:
    try:
        return Story.model_validate_json(line)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"])
        identity = line.partition('"id": "')[2].partition('"')[0] or f"line {number}"
        broken = Verdict(identity, "", "")
        broken.findings.append(Finding("reading", Difference("supported", "yes", f"{where}: {first['msg']}")))
        return broken


async def play_all(stories: Sequence[Story | Verdict], state: StackState, console: Console) -> list[Verdict]:
    """Play stories side by side; verdicts come in the order of the stories."""
    places = asyncio.Semaphore(SIDE_BY_SIDE)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("{task.fields[day]}"))
    with Progress(*columns, console=console) as progress:
        async with connected(state) as (gateway, client):

            async def play(entry: Story | Verdict) -> Verdict:
                if isinstance(entry, Verdict):
                    return entry
                async with places:
                    task = progress.add_task(entry.id, total=len(entry.steps), day="")
                    telling = Telling(
                        step=lambda _, number, __: progress.update(task, completed=number),
                        clock=lambda _, now: progress.update(task, day=_day(now)),
                    )
                    return await play_story(entry, gateway, client, telling)

            return list(await asyncio.gather(*(play(entry) for entry in stories)))


def _day(now: dt.datetime) -> str:
    return f"{now.astimezone(SOFIA):%a %d.%m.%Y %H:%M}"
