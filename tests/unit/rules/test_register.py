"""Every rule of domain.md is numbered once, has its place in the code, and shows in an explanation or in the list."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cli.rules.kinds import KINDS
from cli.rules.reading import RuleCase, read_cases
from services.kernel.register import decides
from services.kernel.rule_book import RULE_BOOK
from services.runtime.errors import DomainError
from tests.unit.rules.further_questions import explained_of_stored_cases, further_questions
from tests.unit.rules.in_process import Asked
from tests.unit.rules.untraced import UNTRACED
from tools.rulepages import named_in, places

ROOT = Path(__file__).resolve().parents[3]
CASES = ROOT / "tests" / "stories" / "rule_cases.json"


def numbers_of_the_domain() -> list[str]:
    sections = (ROOT / "docs" / "domain.md").read_text(encoding="utf-8").split("\n## ")
    rows = "\n".join(section for section in sections if section[:2] in {"4.", "5.", "6.", "7.", "8."})
    return re.findall(r"^\| ([SDLRFPT]-?[0-9]+[abc]?)(?: [^|]*)? \|", rows, re.MULTILINE)


@pytest.fixture(scope="module")
async def explained() -> set[str]:
    """Every rule that an explanation named while the rule cases were played."""
    asked = Asked()
    for case in read_cases(CASES).cases:
        assert isinstance(case, RuleCase)
        try:
            await KINDS[case.kind].ask(asked.put, case.question)
        except DomainError:
            continue
    for question in further_questions():
        asked.ask(question)
    return asked.rules | {step.rule for step in explained_of_stored_cases()}


def test_every_rule_of_the_domain_is_numbered_once() -> None:
    assert list(RULE_BOOK) == numbers_of_the_domain()
    assert all(rule.id and rule.title and rule.source for rule in RULE_BOOK.values())


def test_a_rule_that_is_none_cannot_be_decided() -> None:
    with pytest.raises(KeyError):
        decides("R-99")


def test_every_rule_has_its_place_in_the_code() -> None:
    assert [rule for rule, decided in places().items() if not decided] == []


def test_every_rule_is_named_by_a_test() -> None:
    assert [rule for rule in RULE_BOOK if not named_in(rule)] == []


async def test_the_rules_that_no_explanation_names_are_those_of_the_list(explained: set[str]) -> None:
    assert sorted(set(RULE_BOOK) - explained) == sorted(UNTRACED)


async def test_an_explanation_names_rules_of_the_domain_only(explained: set[str]) -> None:
    assert explained - set(RULE_BOOK) <= {"C-03", "SECTION-11"}
