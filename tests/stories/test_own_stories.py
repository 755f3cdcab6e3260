"""Further stories are of the published form, and share neither ids, people nor facilities with any other."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from cli.stories.format import Story
from cli.stories.session import read_stories

FILES = sorted(Path(__file__).parent.glob("*.jsonl"))


def stories_of(file: Path) -> list[Story]:
    return [entry for entry in read_stories(file, []) if isinstance(entry, Story)]


def repeated(names: list[str]) -> list[str]:
    return [name for name, times in Counter(names).items() if times > 1]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_every_line_is_a_story(file: Path) -> None:
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]

    assert len(stories_of(file)) == len(lines)


def test_no_id_occurs_twice() -> None:
    assert repeated([told.id for file in FILES for told in stories_of(file)]) == []


def test_no_facility_occurs_in_two_stories() -> None:
    stories = [told for file in FILES for told in stories_of(file)]

    assert repeated([facility.code for told in stories for facility in told.setup.facilities]) == []


def test_the_main_person_of_a_story_occurs_in_no_other() -> None:
    stories = [told for file in FILES for told in stories_of(file)]

    assert repeated([told.person.identifier.value for told in stories]) == []
