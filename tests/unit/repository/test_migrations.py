"""Migrations of each stage are one line: numbered without a gap, each on the one before it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from services.kernel.codes import Stage

SERVICES = Path(__file__).resolve().parents[3] / "services"


def word(name: str, text: str) -> str | None:
    found = re.search(rf'^{name} = (?:"(\d{{4}})"|None)$', text, re.MULTILINE)
    assert found is not None
    return found[1]


@pytest.mark.parametrize("stage", list(Stage))
def test_migrations_follow_one_another(stage: Stage) -> None:
    files = sorted((SERVICES / stage.package / "migrations" / "versions").glob("*.py"))
    numbers = [f"{number:04}" for number in range(1, len(files) + 1)]
    texts = [file.read_text(encoding="utf-8") for file in files]
    assert [file.name[:4] for file in files] == numbers
    assert [word("revision", text) for text in texts] == numbers
    assert [word("down_revision", text) for text in texts] == [None, *numbers[:-1]]
