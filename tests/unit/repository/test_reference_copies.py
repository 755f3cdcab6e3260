"""The domain reference, the stories and the rule cases in the project equal those that all share."""

from __future__ import annotations

from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[3]
SHARED = PROJECT.parent / "shared"
COPIES = {
    "docs/domain.md": "domain.md",
    "tests/stories/rule_cases.json": "scenarios/rule_cases.json",
    "tests/stories/public.jsonl": "scenarios/public.jsonl",
    "tests/stories/scenario.schema.json": "scenarios/scenario.schema.json",
}


@pytest.mark.parametrize("copy", COPIES)
def test_the_project_has_its_own_copy(copy: str) -> None:
    assert (PROJECT / copy).stat().st_size > 0


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared originals are not on this machine")
@pytest.mark.parametrize("copy", COPIES)
def test_the_copy_equals_the_shared_original(copy: str) -> None:
    assert (PROJECT / copy).read_bytes() == (SHARED / COPIES[copy]).read_bytes()
