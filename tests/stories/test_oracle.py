"""The second opinion agrees with what is published, and the further cases say what it says."""

from __future__ import annotations

from typing import Any

import pytest

from cli.rules.kinds import KINDS
from tests.stories.oracle import answer
from tests.stories.oracle_of_eligibility import decide
from tests.stories.rule_cases import ALL_CASES, OWN, PUBLISHED, cases_in

OWN_CASES = cases_in(OWN)


@pytest.mark.parametrize("kind", KINDS)
def test_the_oracle_answers_every_case_of_the_kind_as_written(kind: str) -> None:
    asked = [case for case in ALL_CASES if case["kind"] == kind]
    given = [decide(case["input"]) if kind == "eligibility" else answer(kind, case["input"]) for case in asked]

    assert [
        (case["id"], name, value)
        for case, got in zip(asked, given, strict=True)
        for name, value in case["expected"].items()
        if got.get(name, "nothing") != value
    ] == []


def test_the_further_cases_ask_nothing_that_is_published() -> None:
    published = [(case["kind"], case["input"]) for case in cases_in(PUBLISHED)]
    again: list[dict[str, Any]] = [case for case in OWN_CASES if (case["kind"], case["input"]) in published]

    assert again == []


def test_the_further_cases_ask_every_kind() -> None:
    assert {case["kind"] for case in OWN_CASES} == set(KINDS)
