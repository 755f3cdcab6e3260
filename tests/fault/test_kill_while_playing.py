"""SIGKILL of each process in turn while a story plays: nothing acknowledged is lost, nothing happens twice."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cli.local.stack import LocalStack
from cli.stories.format import Story
from cli.stories.playing import Telling, Verdict, play_story
from cli.stories.session import connected, read_stories
from services.kernel.codes import Stage
from tests.fault.effects import effects_of
from tests.stacks import stack_options

STORIES = Path(__file__).parents[1] / "stories" / "public.jsonl"
STORY = "HSP-01"
SEED = 20260119
KILLED = ("temporal", "postgres", "worker", *(stage.package for stage in Stage))

pytestmark = pytest.mark.stack


class Killer:
    """Kills one process after each of the first steps, at a moment drawn by lot, and starts it again."""

    def __init__(self, stack: LocalStack, seed: int) -> None:
        self._stack = stack
        self._lot = random.Random(seed)
        self._waiting = self._lot.sample(KILLED, len(KILLED))
        self._tasks: list[asyncio.Task[None]] = []
        self._one_at_a_time = asyncio.Lock()
        self.killed: list[str] = []

    def step_done(self, number: int, steps: int) -> None:
        """Let the next process die while the following step is under way; the last step is left in peace."""
        if self._waiting and number < steps:
            self._tasks.append(asyncio.create_task(self._kill(self._waiting.pop())))

    async def _kill(self, name: str) -> None:
        async with self._one_at_a_time:
            await asyncio.sleep(self._lot.uniform(0.0, 0.2))
            await self._stack.supervisor.kill(name)
            self.killed.append(name)
            await asyncio.sleep(self._lot.uniform(0.1, 0.4))
            await self._stack.supervisor.start_again(name)

    async def finished(self) -> None:
        await asyncio.gather(*self._tasks)


@pytest.fixture
async def own_stack(tmp_path: Path) -> AsyncIterator[LocalStack]:
    options = stack_options(tmp_path / "stack", durable=True)
    async with LocalStack(options) as running:
        yield running


async def played(stack: LocalStack, killer: Killer | None) -> Verdict:
    (story,) = read_stories(STORIES, [STORY])
    assert isinstance(story, Story)
    telling = Telling(
        step=lambda _, number, steps: killer.step_done(number, steps) if killer else None,
        clock=lambda _, __: None,
    )
    async with connected(stack.state) as (gateway, client):
        verdict = await play_story(story, gateway, client, telling)
        if killer:
            await killer.finished()
    return verdict


async def test_a_story_ends_the_same_although_every_process_was_killed_once(own_stack: LocalStack) -> None:
    undisturbed = await played(own_stack, None)
    killer = Killer(own_stack, SEED)

    disturbed = await played(own_stack, killer)

    assert sorted(killer.killed) == sorted(KILLED), "the story ended before every process was killed"
    assert undisturbed.findings == []
    assert disturbed.findings == []
    assert await effects_of(own_stack, disturbed) == await effects_of(own_stack, undisturbed)
