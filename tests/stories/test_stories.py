"""The acceptance stories, played through the public calls on real servers and simulated time."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from rich.console import Console

from cli.local.stack import LocalStack
from cli.stories.playing import Verdict
from cli.stories.session import play_all, read_stories

STORIES = Path(__file__).with_name("public.jsonl")
FILES = sorted(Path(__file__).parent.glob("*.jsonl"))
PLAYED_WHOLE = ("HSP-01",)
FURTHER_PLAYED_WHOLE = {"own.jsonl": ("XA-02", "XA-10"), "own_care.jsonl": ("XB-20", "XB-33")}

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


@pytest.mark.parametrize("file", FURTHER_PLAYED_WHOLE)
async def test_further_stories_are_lived_to_their_last_check(file: str, stack: LocalStack) -> None:
    chosen = FURTHER_PLAYED_WHOLE[file]
    verdicts = await play_all(read_stories(STORIES.with_name(file), chosen), stack.state, Console(quiet=True))

    assert [told(verdict) for verdict in verdicts] == [[]] * len(chosen)


@pytest.mark.skipif("EVERY_STORY" not in os.environ, reason="minutes long; run by `make stories`")
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
async def test_every_story_of_a_file_is_lived_to_its_last_check(file: Path, stack: LocalStack) -> None:
    verdicts = await play_all(read_stories(file, []), stack.state, Console(quiet=True))

    assert {verdict.story_id: told(verdict) for verdict in verdicts if not verdict.passed} == {}


async def test_stories_side_by_side_do_not_disturb_each_other(stack: LocalStack) -> None:
    verdicts = await play_all(read_stories(STORIES, PLAYED_WHOLE) * 2, stack.state, Console(quiet=True))

    assert [told(verdict) for verdict in verdicts] == [[]] * len(verdicts)
