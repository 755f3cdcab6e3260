"""Story HSP-01 as the player reads it."""

from __future__ import annotations

from pathlib import Path

from cli.stories.format import Story
from cli.stories.session import read_stories


def _read() -> Story:
    (told,) = read_stories(Path(__file__).with_name("public.jsonl"), ["HSP-01"])
    assert isinstance(told, Story), "the story is readable"
    return told


HSP_01 = _read()
