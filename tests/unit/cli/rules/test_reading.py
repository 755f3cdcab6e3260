from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cli.rules.kinds import KINDS
from cli.rules.reading import CasesFile, Misread, RuleCase, UnreadableFileError, read_cases

CASES_FILE = Path(__file__).resolve().parents[3] / "stories" / "rule_cases.json"
DEADLINE: dict[str, Any] = {
    "id": "DL-1",
    "kind": "deadline",
    "input": {"event_date": "2026-02-10", "length": 7, "unit": "days"},
    "expected": {"due_date": "2026-02-17"},
    "why": "plain week; T-01",
}


def read(tmp_path: Path, *cases: object, **head: object) -> CasesFile:
    path = tmp_path / "cases.json"
    path.write_text(json.dumps({"cases": cases, **head}))
    return read_cases(path)


def findings(tmp_path: Path, case: object) -> list[str]:
    (only,) = read(tmp_path, case).cases
    assert isinstance(only, Misread)
    return [finding.field for finding in only.findings]


def case_of(kind: str, given: dict[str, Any], expected: dict[str, Any]) -> dict[str, Any]:
    return {"id": "X-1", "kind": kind, "input": given, "expected": expected}


def test_every_published_case_can_be_read() -> None:
    file = read_cases(CASES_FILE)
    assert len(file.cases) == file.announced
    assert all(isinstance(case, RuleCase) for case in file.cases)


def test_every_kind_is_known_and_published() -> None:
    assert {case.kind for case in read_cases(CASES_FILE).cases} == set(KINDS)
    assert len(KINDS) == 29


def test_an_unknown_kind_fails_by_name(tmp_path: Path) -> None:
    assert findings(tmp_path, {**DEADLINE, "kind": "horoscope"}) == ["kind"]


def test_an_unknown_field_fails_by_name(tmp_path: Path) -> None:
    assert findings(tmp_path, {**DEADLINE, "input": {**DEADLINE["input"], "moon": "full"}}) == ["input.moon"]
    assert findings(tmp_path, {**DEADLINE, "expected": {"due": "2026-02-17"}}) == ["expected.due"]
    assert findings(tmp_path, {**DEADLINE, "weight": 3}) == ["weight"]


def test_an_unknown_code_fails_by_name(tmp_path: Path) -> None:
    percent = case_of("fee_percent_config", {"service": "SPACE_CENTRE", "percent": "30"}, {"accepted": False})
    assert findings(tmp_path, percent) == ["input.service"]
    assert findings(tmp_path, {**DEADLINE, "input": {**DEADLINE["input"], "unit": "moons"}}) == ["input.unit"]


@pytest.mark.parametrize("hours", ["4", True, 0, -1, None])
def test_hours_are_a_number_above_zero(tmp_path: Path, hours: object) -> None:
    case = case_of("ap_plan_check", {"date": "2026-06-16", "hours": hours}, {"accepted": True})
    assert findings(tmp_path, case) == ["input.hours"]


@pytest.mark.parametrize("amount", [100.08, 100, "100.1", "100,08", None])
def test_money_is_a_string_with_two_decimals(tmp_path: Path, amount: object) -> None:
    assert findings(tmp_path, case_of("bgn_to_eur_fee", {"bgn": amount}, {"amount": "1.00"})) == ["input.bgn"]


@pytest.mark.parametrize("day", ["2026-02-30", "17.02.2026", 20260217, "2026-2-17"])
def test_a_day_is_a_day_of_the_calendar(tmp_path: Path, day: object) -> None:
    assert findings(tmp_path, case_of("working_day", {"date": day}, {"working": True})) == ["input.date"]


def test_a_decision_is_valid_for_life_or_until_a_day(tmp_path: Path) -> None:
    both = {
        "percent": 64,
        "care_by_another": False,
        "issued_on": "2023-10-09",
        "valid_until": "2026-10-09",
        "lifetime": True,
    }
    case = case_of("decision_valid", {"decision": both, "on": "2026-10-09"}, {"valid": True})
    assert findings(tmp_path, case) == ["input.decision"]


def test_null_means_absent_where_a_field_may_be_absent(tmp_path: Path) -> None:
    absent = case_of("unit_charge", {"service": "CANTEEN_LUNCH", "delivered_units": 3}, {"amount": "0.00"})
    null = {**absent, "id": "X-2", "input": {**absent["input"], "unit_price": None}}
    first, second = read(tmp_path, absent, null).cases
    assert isinstance(first, RuleCase)
    assert isinstance(second, RuleCase)
    assert first.question == second.question


def test_an_expectation_of_nothing_fails(tmp_path: Path) -> None:
    assert findings(tmp_path, {**DEADLINE, "expected": {}}) == ["expected"]


def test_an_id_stands_once(tmp_path: Path) -> None:
    cases = read(tmp_path, DEADLINE, DEADLINE).cases
    assert [type(case) for case in cases] == [Misread, Misread]


def test_a_case_without_id_or_kind_is_named_by_its_place(tmp_path: Path) -> None:
    _, second = read(tmp_path, DEADLINE, {"input": {}}).cases
    assert (second.case_id, second.kind) == ("#2", "(none)")
    assert isinstance(second, Misread)


@pytest.mark.parametrize("text", ["", "[]", '{"cases": []}', '{"cases": {}}', "{"])
def test_a_file_without_cases_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "cases.json"
    path.write_text(text)
    with pytest.raises(UnreadableFileError):
        read_cases(path)
