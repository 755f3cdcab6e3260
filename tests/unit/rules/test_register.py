"""Every rule of domain.md is numbered once, has its place in the code, and shows in an explanation or in the list."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from google.type.date_pb2 import Date
from google.type.money_pb2 import Money

from cli.rules.kinds import KINDS
from cli.rules.reading import RuleCase, read_cases
from services.kernel.register import decides
from services.kernel.rule_book import RULE_BOOK
from services.runtime.errors import DomainError
from socialcare.assessment.v1 import assessment_service_pb2 as assessment
from socialcare.billing.v1 import billing_service_pb2 as billing
from socialcare.billing.v1 import resources_pb2 as fees
from socialcare.common.v1 import facts_pb2, types_pb2
from socialcare.intake.v1 import intake_service_pb2 as intake
from tests.unit.rules.in_process import Asked
from tests.unit.rules.untraced import UNTRACED
from tools.rulepages import named_in, places

ROOT = Path(__file__).resolve().parents[3]
CASES = ROOT / "tests" / "stories" / "rule_cases.json"
MARCH_10 = Date(year=2026, month=3, day=10)
MARCH_12 = types_pb2.DateRange(start_date=Date(year=2026, month=3, day=12), end_date=Date(year=2026, month=3, day=13))


def numbers_of_the_domain() -> list[str]:
    sections = (ROOT / "docs" / "domain.md").read_text(encoding="utf-8").split("\n## ")
    rows = "\n".join(section for section in sections if section[:2] in {"4.", "5.", "6.", "7.", "8."})
    return re.findall(r"^\| ([SDLRFPT]-?[0-9]+[abc]?)(?: [^|]*)? \|", rows, re.MULTILINE)


def questions_beside_the_cases() -> list[object]:
    """What no file of rule cases asks: the deadlines by number, a moved limit, R-37 and the currency of a document."""
    deadlines = [
        assessment.ExplainTimeLimitRequest(event_date=MARCH_10, rule=f"D-{number:02d}") for number in range(1, 12)
    ]
    moved = assessment.ExplainTimeLimitRequest(
        event_date=MARCH_10,
        rule="D-01",
        settings={"deadline.suspend_reasons": "HOSPITAL_STAY"},
        suspensions=[assessment.SuspendedDays(range=MARCH_12, reason_code="HOSPITAL_STAY")],
    )
    minimum = intake.CheckEligibilityRequest(
        service_code="CANTEEN_LUNCH",
        application_date=MARCH_10,
        birth_date=Date(year=1949, month=5, day=6),
        sex=types_pb2.SEX_FEMALE,
        minimum_income_status="LONE_OVER_75",
        settings={"dmi.gmi.2026-01-01": "38.35", "dmi.coefficient.LONE_OVER_75.2026-01-01": "1.65"},
    )
    poor = billing.QuoteFeeRequest(
        terms=fees.FeeTerms(service_code="HSP", actual_cost=Money(currency_code="EUR", units=230))
    )
    free = billing.QuoteFeeRequest(terms=fees.FeeTerms(service_code="PERSONAL_ASSISTANT"))
    lev = facts_pb2.Income(kind="PENSION", amount=Money(currency_code="BGN", units=697))
    november = fees.FeeTerms(
        service_code="HSP", income=[lev], month=types_pb2.YearMonth(year=2025, month=11), issued_date=MARCH_10
    )
    return [*deadlines, moved, minimum, poor, free, billing.QuoteFeeRequest(terms=november)]


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
    for question in questions_beside_the_cases():
        asked.ask(question)  # type: ignore[arg-type]
    return asked.rules


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
