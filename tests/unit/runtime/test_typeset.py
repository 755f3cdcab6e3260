"""Documents for people: the same bytes for the same facts, text that stays text."""

from __future__ import annotations

import subprocess
import sys

import pytest
import typst

from services.runtime.typeset import typeset

_TEMPLATE = "= #facts.title\n#table(columns: 2, ..facts.rows.flatten())\n"
_FACTS = {"title": "Сметка за месец", "rows": [["Обяд", "2,40 €"], ["Общо", "48,00 €"]]}

_IN_ANOTHER_PROCESS = f"""
import hashlib
from services.runtime.typeset import typeset
print(hashlib.sha256(typeset({_TEMPLATE!r}, {_FACTS!r})).hexdigest())
"""


def test_two_processes_make_the_same_bytes() -> None:
    made = [
        subprocess.run([sys.executable, "-c", _IN_ANOTHER_PROCESS], check=True, capture_output=True, text=True).stdout
        for _ in range(2)
    ]
    assert made[0] == made[1] != ""


def test_another_fact_makes_another_document() -> None:
    assert typeset(_TEMPLATE, _FACTS) != typeset(_TEMPLATE, _FACTS | {"title": "Бележка"})


def test_what_stands_in_a_fact_is_text_and_never_markup() -> None:
    hostile = '#panic("taken as code") $ * _ [ "'
    assert typeset(_TEMPLATE, _FACTS | {"title": hostile}).startswith(b"%PDF")


def test_a_template_that_asks_for_a_missing_fact_does_not_make_half_a_document() -> None:
    with pytest.raises(typst.TypstError):
        typeset(_TEMPLATE, {"title": "Сметка"})
