from __future__ import annotations

import json
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from services.assessment.calendar_answers import check_working_day, explain_expiry, explain_time_limit
from services.runtime.civil import date_from_proto, date_to_proto, instant_from_proto, instant_to_proto
from services.runtime.errors import InvalidArgument
from socialcare.assessment.v1 import assessment_service_pb2 as pb
from socialcare.assessment.v1 import resources_pb2

CASES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "stories" / "rule_cases.json").read_text(encoding="utf-8")
)["cases"]


def cases(kind: str) -> list[Any]:
    return [pytest.param(case["input"], case["expected"], id=case["id"]) for case in CASES if case["kind"] == kind]


def unit(name: str) -> resources_pb2.LimitUnit:
    return resources_pb2.LimitUnit.Value(f"LIMIT_UNIT_{name.upper()}")


@pytest.mark.parametrize(("given", "expected"), cases("deadline"))
def test_a_term_counted_from_a_day(given: dict[str, Any], expected: dict[str, Any]) -> None:
    answer = explain_time_limit(
        pb.ExplainTimeLimitRequest(
            event_date=date_to_proto(date.fromisoformat(given["event_date"])),
            length=given["length"],
            unit=unit(given["unit"]),
        )
    )
    assert date_from_proto(answer.due_date, "due_date").isoformat() == expected["due_date"]
    assert [step.rule for step in answer.trace][-3:] == ["T-02", "T-10", "L-01"]


@pytest.mark.parametrize(("given", "expected"), cases("deadline_from_instant"))
def test_a_term_counted_from_an_instant_of_receipt(given: dict[str, Any], expected: dict[str, Any]) -> None:
    answer = explain_time_limit(
        pb.ExplainTimeLimitRequest(
            received_time=instant_to_proto(datetime.fromisoformat(given["received_at_utc"])),
            length=given["length"],
            unit=unit(given["unit"]),
        )
    )
    assert date_from_proto(answer.event_date, "event_date").isoformat() == expected["event_date"]
    assert date_from_proto(answer.due_date, "due_date").isoformat() == expected["due_date"]


@pytest.mark.parametrize(("given", "expected"), cases("deadline_instant"))
def test_the_first_instant_that_is_too_late(given: dict[str, Any], expected: dict[str, Any]) -> None:
    answer = explain_expiry(
        pb.ExplainExpiryRequest(
            due_date=date_to_proto(date.fromisoformat(given["due_date"])), zone=given.get("zone", "")
        )
    )
    expires = instant_from_proto(answer.expire_time)
    assert expires == datetime.fromisoformat(expected["expires_at_utc_exclusive"])


@pytest.mark.parametrize(("given", "expected"), cases("deadline_met"))
def test_whether_an_act_was_in_time(given: dict[str, Any], expected: dict[str, Any]) -> None:
    answer = explain_expiry(
        pb.ExplainExpiryRequest(
            due_date=date_to_proto(date.fromisoformat(given["due_date"])),
            done_time=instant_to_proto(datetime.fromisoformat(given["done_at_utc"])),
        )
    )
    assert answer.in_time is expected["in_time"]


@pytest.mark.parametrize(("given", "expected"), cases("working_day"))
def test_whether_a_day_is_worked(given: dict[str, Any], expected: dict[str, Any]) -> None:
    answer = check_working_day(pb.CheckWorkingDayRequest(on_date=date_to_proto(date.fromisoformat(given["date"]))))
    assert answer.working is expected["working"]
    assert bool(answer.reason) is not expected["working"]


@pytest.mark.parametrize(
    ("day", "reason"),
    [
        (date(2026, 3, 1), "WEEKEND"),
        (date(2026, 3, 3), "HOLIDAY"),
        (date(2026, 4, 13), "HOLIDAY"),
        (date(2026, 5, 25), "MOVED_HOLIDAY"),
        (date(2025, 12, 31), "DECLARED"),
        (date(2026, 11, 2), ""),
    ],
)
def test_why_a_day_is_not_worked(day: date, reason: str) -> None:
    assert check_working_day(pb.CheckWorkingDayRequest(on_date=date_to_proto(day))).reason == reason


def test_a_term_needs_either_a_day_or_an_instant() -> None:
    with pytest.raises(InvalidArgument):
        explain_time_limit(pb.ExplainTimeLimitRequest(length=7, unit=unit("days")))


def test_an_unknown_zone_is_refused() -> None:
    with pytest.raises(InvalidArgument) as refusal:
        explain_expiry(pb.ExplainExpiryRequest(due_date=date_to_proto(date(2026, 1, 1)), zone="Mars/Base"))
    assert refusal.value.field == "zone"
