"""The questions without a case: every rule case of delivery through the messages of the contract."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from google.protobuf.duration_pb2 import Duration

from services.delivery import previews
from services.delivery.wire import care as wire
from services.kernel.dates import Month
from services.runtime.civil import date_from_proto, date_to_proto, month_to_proto
from services.runtime.errors import InvalidArgument
from socialcare.common.v1 import types_pb2
from socialcare.delivery.v1 import delivery_service_pb2 as pb
from tests.stories.rule_cases import ALL_CASES

TODAY = date(2026, 3, 1)


def of_kind(kind: str) -> list[object]:
    found = [pytest.param(case["input"], case["expected"], id=case["id"]) for case in ALL_CASES if case["kind"] == kind]
    assert found
    return found


def days(pair: list[str]) -> types_pb2.DateRange:
    start, end = map(date.fromisoformat, pair)
    return types_pb2.DateRange(start_date=date_to_proto(start), end_date=date_to_proto(end))


@pytest.mark.parametrize(("given", "expected"), of_kind("pause_usage"))
def test_pause_usage(given: dict[str, Any], expected: dict[str, Any]) -> None:
    answer = previews.explain_usage(pb.ExplainPauseUsageRequest(pauses=[days(pause) for pause in given["pauses"]]))
    found = {str(year.year): {"months": year.months, "days": year.days} for year in answer.usage}
    assert found == expected["per_year"]
    assert bool(answer.trace) == bool(given["pauses"])


@pytest.mark.parametrize(("given", "expected"), of_kind("pause_request"))
def test_pause_request(given: dict[str, Any], expected: dict[str, Any]) -> None:
    start, end = map(date.fromisoformat, given["request"])
    answer = previews.preview_without_care(
        pb.PreviewPauseRequest(
            service_code=given["service"],
            request_date=date_to_proto(date.fromisoformat(given["request_date"])),
            prior_pauses=[days(pause) for pause in given.get("prior_pauses", [])],
            start_date=date_to_proto(start),
            end_date=date_to_proto(end),
        ),
        TODAY,
    )
    assert answer.granted is expected["granted"]
    assert answer.reason == expected.get("reason", "")
    if "last_admissible_end" in expected:
        present = answer.HasField("last_admissible_end_date")
        last = date_from_proto(answer.last_admissible_end_date, "x").isoformat() if present else None
        assert last == expected["last_admissible_end"]
    assert all(step.text_bg and step.text_en and step.rule for step in answer.trace)


@pytest.mark.parametrize(("given", "expected"), of_kind("ap_month_ceiling"))
def test_ap_month_ceiling(given: dict[str, Any], expected: dict[str, Any]) -> None:
    answer = wire.explain_hours(pb.ExplainHoursLimitRequest(month=month_to_proto(Month.parse(given["month"]))))
    assert (answer.working_days, answer.max_hours) == (expected["working_days"], expected["max_hours"])
    assert answer.trace[0].rule == "R-18"


@pytest.mark.parametrize(("given", "expected"), of_kind("ap_plan_check"))
def test_ap_plan_check(given: dict[str, Any], expected: dict[str, Any]) -> None:
    nanos = int(Decimal(str(given["hours"])) * 3600 * 10**9)
    hours = Duration(seconds=nanos // 10**9, nanos=nanos % 10**9)
    day = date_to_proto(date.fromisoformat(given["date"]))
    answer = wire.explain_hours(pb.ExplainHoursLimitRequest(on_date=day, hours=hours))
    assert answer.accepted is expected["accepted"]
    assert answer.reason == expected.get("reason", "")


@pytest.mark.parametrize(
    "request_message",
    [
        pb.ExplainHoursLimitRequest(),
        pb.ExplainHoursLimitRequest(month=month_to_proto(Month(2026, 3)), on_date=date_to_proto(TODAY)),
        pb.ExplainHoursLimitRequest(on_date=date_to_proto(TODAY)),
    ],
)
def test_a_question_about_hours_names_a_month_or_a_day_with_hours(request_message: pb.ExplainHoursLimitRequest) -> None:
    with pytest.raises(InvalidArgument):
        wire.explain_hours(request_message)


def test_a_preview_without_a_case_names_a_service() -> None:
    with pytest.raises(InvalidArgument):
        previews.preview_without_care(
            pb.PreviewPauseRequest(start_date=date_to_proto(TODAY), end_date=date_to_proto(TODAY)), TODAY
        )


def test_days_far_from_any_life_are_refused() -> None:
    far = types_pb2.DateRange(start_date=date_to_proto(date(9999, 12, 30)), end_date=date_to_proto(date(9999, 12, 31)))
    with pytest.raises(InvalidArgument):
        previews.explain_usage(pb.ExplainPauseUsageRequest(pauses=[far]))
