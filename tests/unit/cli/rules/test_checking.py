from __future__ import annotations

import asyncio
import importlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import protovalidate
import pytest
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from rich.console import Console

from cli.gateway import Endpoints, Gateway, Refusal
from cli.rules.checking import Report, check_rules
from cli.rules.kinds import KINDS
from cli.rules.reading import CasesFile, read_cases
from cli.rules.report import as_json, as_table
from services.kernel.codes import Role, Stage
from socialcare.assessment.v1 import assessment_service_pb2 as assessment
from socialcare.billing.v1 import billing_service_pb2 as billing
from socialcare.common.v1 import options_pb2
from socialcare.delivery.v1 import delivery_service_pb2 as delivery
from socialcare.intake.v1 import intake_service_pb2 as intake

CASES_FILE = Path(__file__).resolve().parents[3] / "stories" / "rule_cases.json"
NOWHERE = Endpoints(dict.fromkeys(Stage, "localhost:1"), "", "", "", lambda role: role.value)


def public_method(kind: str) -> MethodDescriptor:
    stage = KINDS[kind].owner.package
    module = importlib.import_module(f"socialcare.{stage}.v1.{stage}_service_pb2")
    return module.DESCRIPTOR.services_by_name[f"{stage.capitalize()}Service"].methods_by_name[KINDS[kind].rpc]


class ScriptedGateway(Gateway):
    """A gateway whose services answer by a script."""

    def __init__(self, answer: Callable[[Message], Message]) -> None:
        super().__init__(NOWHERE)
        self.answer = answer
        self.asked: list[Message] = []
        self.roles: set[Role] = set()
        self.at_work = 0
        self.most_at_work = 0

    async def patient_call(self, method: Any, request: Message, answer: Any, *, role: Role, at: Any = None) -> Any:
        self.asked.append(request)
        self.roles.add(role)
        self.at_work += 1
        self.most_at_work = max(self.most_at_work, self.at_work)
        await asyncio.sleep(0)
        self.at_work -= 1
        return self.answer(request)


def refusing(status: grpc.StatusCode, reason: str, **metadata: str) -> Callable[[Message], Message]:
    def refuse(_: Message) -> Message:
        raise Refusal(status, reason, metadata, "")

    return refuse


def cases(tmp_path: Path, kind: str, given: dict[str, Any], expected: dict[str, Any]) -> CasesFile:
    path = tmp_path / "cases.json"
    path.write_text(json.dumps({"cases": [{"id": "X-1", "kind": kind, "input": given, "expected": expected}]}))
    return read_cases(path)


async def check(
    file: CasesFile, answer: Callable[[Message], Message], **options: Any
) -> tuple[Report, ScriptedGateway]:
    gateway = ScriptedGateway(answer)
    report = await check_rules(gateway, file, **options)
    await gateway.close()
    return report, gateway


def differing(report: Report) -> list[tuple[str, str]]:
    return [(difference.field, difference.got) for verdict in report.verdicts for difference in verdict.differences]


DEADLINE = ({"event_date": "2026-02-10", "length": 7, "unit": "days"}, {"due_date": "2026-02-17"})
PAUSE = {"service": "HSP", "request_date": "2026-05-04", "request": ["2026-06-01", "2026-09-01"]}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_a_public_method_that_the_asking_role_may_call(kind: str) -> None:
    roles = public_method(kind).GetOptions().Extensions[options_pb2.required_roles]
    assert options_pb2.ROLE_INTEGRATOR in roles.any_of


async def test_every_published_case_asks_a_request_that_the_contract_admits() -> None:
    file = read_cases(CASES_FILE)
    for kind in KINDS:
        method = public_method(kind)
        module = importlib.import_module(method.output_type.file.name.removesuffix(".proto").replace("/", ".") + "_pb2")
        _, gateway = await check(file, lambda _, m=module, t=method.output_type.name: getattr(m, t)(), only=[kind])
        assert {request.DESCRIPTOR.full_name for request in gateway.asked} == {method.input_type.full_name}
        for request in gateway.asked:
            protovalidate.validate(request)
        assert gateway.roles == {Role.INTEGRATOR}


async def test_the_expected_answer_passes(tmp_path: Path) -> None:
    answer = assessment.ExplainTimeLimitResponse(due_date={"year": 2026, "month": 2, "day": 17})
    report, _ = await check(cases(tmp_path, "deadline", *DEADLINE), lambda _: answer)
    assert report.passed


async def test_another_answer_is_a_difference(tmp_path: Path) -> None:
    answer = assessment.ExplainTimeLimitResponse(due_date={"year": 2026, "month": 2, "day": 18})
    report, _ = await check(cases(tmp_path, "deadline", *DEADLINE), lambda _: answer)
    assert differing(report) == [("due_date", '"2026-02-18"')]


async def test_a_refusal_where_none_is_expected_fails_the_case(tmp_path: Path) -> None:
    refuse = refusing(grpc.StatusCode.INVALID_ARGUMENT, "INVALID_FIELD")
    report, _ = await check(cases(tmp_path, "deadline", *DEADLINE), refuse)
    assert differing(report) == [("(answer)", "INVALID_ARGUMENT INVALID_FIELD")]


async def test_a_refused_pause_is_an_answer(tmp_path: Path) -> None:
    expected = {"granted": False, "reason": "PAUSE_ALLOWANCE_EXCEEDED", "last_admissible_end": "2026-08-31"}
    refuse = refusing(grpc.StatusCode.FAILED_PRECONDITION, "PAUSE_ALLOWANCE_EXCEEDED", last_admissible_end="2026-08-31")
    report, _ = await check(cases(tmp_path, "pause_request", PAUSE, expected), refuse)
    assert report.passed


async def test_a_refused_percent_is_not_accepted(tmp_path: Path) -> None:
    file = cases(tmp_path, "fee_percent_config", {"service": "DAY_CENTRE", "percent": "55"}, {"accepted": False})
    report, _ = await check(file, refusing(grpc.StatusCode.INVALID_ARGUMENT, "PERCENT_NOT_ALLOWED"))
    assert report.passed


async def test_a_bug_of_the_service_is_no_negative_answer(tmp_path: Path) -> None:
    file = cases(tmp_path, "fee_percent_config", {"service": "DAY_CENTRE", "percent": "55"}, {"accepted": False})
    report, _ = await check(file, refusing(grpc.StatusCode.INTERNAL, "INTERNAL"))
    assert differing(report) == [("(answer)", "INTERNAL INTERNAL")]


async def test_a_case_that_cannot_be_read_fails_and_is_not_put(tmp_path: Path) -> None:
    report, gateway = await check(cases(tmp_path, "horoscope", {}, {"luck": True}), lambda _: pytest.fail("asked"))
    assert differing(report) == [("kind", "horoscope")]
    assert gateway.asked == []


async def test_an_amount_in_the_wrong_currency_fails_the_case(tmp_path: Path) -> None:
    answer = billing.ConvertAmountResponse(converted=[{"currency_code": "BGN", "units": 1}])
    report, _ = await check(cases(tmp_path, "bgn_to_eur_fee", {"bgn": "1.00"}, {"amount": "1.00"}), lambda _: answer)
    assert differing(report) == [("(answer)", "an amount in BGN, EUR expected")]


async def test_malformed_ranges_are_put_as_they_stand(tmp_path: Path) -> None:
    backwards = {**PAUSE, "request": ["2026-07-15", "2026-07-13"]}
    answer = delivery.PreviewPauseResponse(reason="PAUSE_INVALID_RANGE")
    file = cases(tmp_path, "pause_request", backwards, {"granted": False, "reason": "PAUSE_INVALID_RANGE"})
    report, gateway = await check(file, lambda _: answer)
    (request,) = gateway.asked
    assert report.passed
    assert isinstance(request, delivery.PreviewPauseRequest)
    assert (request.start_date.day, request.end_date.day) == (15, 13)


async def test_only_the_kinds_asked_for_are_put() -> None:
    report, gateway = await check(read_cases(CASES_FILE), lambda _: intake.ExplainAgeResponse(), only=["age"])
    assert {verdict.kind for verdict in report.verdicts} == {"age"}
    assert len(gateway.asked) == len(report.verdicts) < report.cases_in_file


async def test_nothing_put_is_nothing_passed() -> None:
    report, _ = await check(read_cases(CASES_FILE), lambda _: pytest.fail("asked"), only=["horoscope"])
    assert not report.passed


async def test_verdicts_come_in_order_and_at_most_sixteen_cases_are_under_way() -> None:
    file = read_cases(CASES_FILE)
    seen: list[str] = []
    report, gateway = await check(
        file, lambda _: intake.CheckEligibilityResponse(), only=["eligibility"], watch=lambda v: seen.append(v.case_id)
    )
    wanted = [case.case_id for case in file.cases if case.kind == "eligibility"]
    assert [verdict.case_id for verdict in report.verdicts] == wanted
    assert sorted(seen) == sorted(wanted)
    assert gateway.most_at_work == 16


async def test_a_service_that_stays_away_is_waited_for_once() -> None:
    class AwayGateway(ScriptedGateway):
        async def patient_call(self, method: Any, request: Message, answer: Any, *, role: Role, at: Any = None) -> Any:
            self.asked.append(request)
            await asyncio.Event().wait()

    gateway = AwayGateway(lambda _: pytest.fail("answered"))
    report = await check_rules(gateway, read_cases(CASES_FILE), only=["eligibility"], patience_seconds=0.01)
    await gateway.close()
    assert set(differing(report)) == {("(answer)", "intake is away")}
    assert len(gateway.asked) == 16


async def test_the_reports_name_case_field_expected_and_got(tmp_path: Path) -> None:
    answer = assessment.ExplainTimeLimitResponse(due_date={"year": 2026, "month": 2, "day": 18})
    report, _ = await check(cases(tmp_path, "deadline", *DEADLINE), lambda _: answer)
    console = Console(record=True, width=160, file=(tmp_path / "out.txt").open("w"))
    console.print(as_table(report))
    console.file.close()
    table = console.export_text()
    assert all(text in table for text in ("X-1", "due_date", "2026-02-17", "2026-02-18", "0 of 1 cases passed"))
    (case,) = json.loads(as_json(report))["cases"]
    assert case["differences"] == [{"field": "due_date", "expected": '"2026-02-17"', "got": '"2026-02-18"'}]
