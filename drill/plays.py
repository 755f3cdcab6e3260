"""Stories side by side: one undisturbed play of each, then lanes that always have one under way."""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cli.stories.format import Story
from cli.stories.playing import Telling, Verdict, play_story
from cli.stories.session import read_stories
from drill.ground import Ground

__all__ = ["Lanes", "chosen_stories", "play_once"]

STORIES = Path(__file__).parents[1] / "tests" / "stories" / "public.jsonl"
SILENT = Telling(step=lambda _, __, ___: None, clock=lambda _, __: None)


def chosen_stories(kinds: Sequence[str]) -> list[Story]:
    """The stories of these ids, in the order of the file."""
    return [entry for entry in read_stories(STORIES, kinds) if isinstance(entry, Story)]


async def play_once(stories: Sequence[Story], ground: Ground) -> dict[str, Verdict]:
    """Play each story once, side by side, with nobody disturbing; by id."""
    verdicts = await asyncio.gather(*(play_story(story, ground.gateway, ground.client, SILENT) for story in stories))
    return {verdict.story_id: verdict for verdict in verdicts}


@dataclass(slots=True)
class Lanes:
    """Plays stories in a number of lanes, one after the other in each, until it is told that it is enough."""

    ground: Ground
    stories: Sequence[Story]
    lanes: int
    lot: random.Random
    enough: asyncio.Event = field(default_factory=asyncio.Event)
    verdicts: list[Verdict] = field(default_factory=list)
    _steps: dict[int, int] = field(default_factory=dict)
    _next: deque[Story] = field(default_factory=deque)

    @property
    def under_way(self) -> int:
        """Stories whose first step is done and whose last is not."""
        return sum(done > 0 for done in self._steps.values())

    async def all_under_way(self) -> None:
        """Wait until no lane is between two stories."""
        while self.under_way < self.lanes:
            await asyncio.sleep(0.001)

    async def run(self) -> None:
        """Play until `enough` is set, and each story that has begun to its end."""
        await asyncio.gather(*map(self._lane, range(self.lanes)))

    async def _lane(self, lane: int) -> None:
        while True:
            self._steps[lane] = 0
            telling = Telling(
                step=lambda _, number, steps: self._steps.__setitem__(lane, number % steps),
                clock=lambda _, __: None,
            )
            story = self._draw()
            self.verdicts.append(await play_story(story, self.ground.gateway, self.ground.client, telling))
            if self.enough.is_set():
                return

    def _draw(self) -> Story:
        """Every story comes before one comes again."""
        if not self._next:
            self._next.extend(self.lot.sample(list(self.stories), len(self.stories)))
        return self._next.popleft()
