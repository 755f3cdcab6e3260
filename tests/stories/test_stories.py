"""The acceptance stories, played through the public calls on real servers and simulated time."""

from __future__ import annotations

from pathlib import Path

import pytest
from rich.console import Console

from cli.local.stack import LocalStack
from cli.stories.playing import Verdict
from cli.stories.session import play_all, read_stories

STORIES = Path(__file__).with_name("public.jsonl")
PLAYED_WHOLE = ("HSP-01",)

pytestmark = pytest.mark.stack


def told(verdict: Verdict) -> list[str]:
    return [
        f"{finding.step}: {finding.difference.what}: {finding.difference.expected} != {finding.difference.got}"
        for finding in verdict.findings
    ]


@pytest.mark.parametrize("story_id", PLAYED_WHOLE)
async def test_a_story_is_lived_to_its_last_check(story_id: str, stack: LocalStack) -> None:
    (verdict,) = await play_all(read_stories(STORIES, [story_id]), stack.state, Console(quiet=True))

    assert told(verdict) == []
    assert verdict.steps_done == verdict.steps


async def test_stories_side_by_side_do_not_disturb_each_other(stack: LocalStack) -> None:
    verdicts = await play_all(read_stories(STORIES, PLAYED_WHOLE) * 2, stack.state, Console(quiet=True))

    assert [told(verdict) for verdict in verdicts] == [[]] * len(verdicts)
