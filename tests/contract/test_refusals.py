"""Bad input gets the documented reason, status and details over the wire, and changes nothing."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
import sys
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cli.local.stack import LocalStack
from services.kernel.codes import Role, Stage
from services.runtime.auth import load_signing_key, mint_token
from services.runtime.paging import encode_token
from tests.contract.asking import Asker, Case, Refusal, identifier, open_case, request_id, service_of
from tests.contract.mistakes import AT_THE_COUNTER, ELSEWHERE, JANUARY, NOBODY, Mistake, someone

INTAKE, ASSESSMENT, *_ = Stage
SERVICE = "socialcare.intake.v1.IntakeService"
OF_ANY_RUN = {"ListInvoices", "ListCorrections"}
"""Registers of a municipality, of which a run is one choice among others."""
DETAIL_BY_STATUS = {
    "INVALID_ARGUMENT": "BadRequest",
    "FAILED_PRECONDITION": "PreconditionFailure",
    "NOT_FOUND": "ResourceInfo",
    "ALREADY_EXISTS": "ResourceInfo",
}

pytestmark = pytest.mark.stack


@pytest.fixture(scope="module")
async def asker(stack: LocalStack) -> AsyncIterator[Asker]:
    made = Asker(stack)
    yield made
    await made.close()


@pytest.fixture(scope="module")
async def case(asker: Asker) -> Case:
    return await open_case(asker)


def check_details(refusal: Refusal, expected: str, fields: tuple[str, ...] = ()) -> None:
    """One ErrorInfo of ours, the detail of the status, a Bulgarian text; nothing else."""
    assert f"{refusal.code} {refusal.reason}" == expected
    assert refusal.details["ErrorInfo"].domain == "socialcare.bg"
    text = refusal.details["LocalizedMessage"]
    assert text.locale == "bg"
    assert any("а" <= letter <= "я" for letter in text.message)
    assert refusal.message
    detail = DETAIL_BY_STATUS.get(refusal.code)
    assert refusal.details.keys() == {"ErrorInfo", "LocalizedMessage"} | ({detail} if detail else set())
    if detail == "BadRequest":
        assert set(refusal.fields) >= set(fields)
    if detail == "PreconditionFailure":
        assert [one.type for one in refusal.details[detail].violations] == [refusal.reason]
    if detail == "ResourceInfo":
        assert refusal.details[detail].resource_type
        assert refusal.details[detail].resource_name


@pytest.mark.parametrize("mistake", [*AT_THE_COUNTER, *ELSEWHERE], ids=lambda mistake: mistake.id)
async def test_a_mistake_gets_its_reason_and_changes_nothing(mistake: Mistake, asker: Asker, case: Case) -> None:
    body = mistake.body(case)
    refusal = await asker.refusal(mistake.stage, mistake.method, body, asker.token(mistake.role))
    check_details(refusal, mistake.expected, mistake.fields)
    if mistake.metadata is not None:
        assert refusal.metadata == mistake.metadata


def signed(key: Ed25519PrivateKey, *, hours: float) -> str:
    lifetime = dt.timedelta(hours=hours)
    return mint_token(key, subject="s-1", roles=frozenset({Role.SOCIAL_WORKER}), lifetime=lifetime)


@pytest.mark.parametrize("kind", ["missing", "expired", "signed by another key", "malformed"])
async def test_a_call_without_a_valid_token_is_refused(kind: str, asker: Asker, case: Case) -> None:
    ours = load_signing_key(asker.stack.keys.signing_key)
    token = {
        "missing": None,
        "expired": signed(ours, hours=-1),
        "signed by another key": signed(Ed25519PrivateKey.generate(), hours=1),
        "malformed": "token",
    }[kind]
    refusal = await asker.refusal(INTAKE, "SubmitApplication", case.again(person=someone()), token)
    check_details(refusal, "UNAUTHENTICATED TOKEN_INVALID")


async def test_a_role_that_the_method_does_not_name_is_refused(asker: Asker, case: Case) -> None:
    body = case.again(person=someone())
    refusal = await asker.refusal(INTAKE, "SubmitApplication", body, asker.token(Role.BILLING_CLERK))
    check_details(refusal, "PERMISSION_DENIED ROLE_MISSING")
    assert refusal.metadata == {"roles": "APPLICANT,SOCIAL_WORKER,OFFICE_HEAD,INTEGRATOR"}


async def test_nobody_writes_for_a_municipality_that_is_not_theirs(asker: Asker, case: Case) -> None:
    body = case.again(person=someone())
    refusal = await asker.refusal(INTAKE, "SubmitApplication", body, asker.token(Role.SOCIAL_WORKER, "ELSEWHERE"))
    check_details(refusal, "PERMISSION_DENIED NOT_YOURS")


@pytest.mark.parametrize(
    ("stage", "method"), [(INTAKE, "GetApplication"), (INTAKE, "GetCaseTimeline"), (ASSESSMENT, "GetAssessment")]
)
async def test_a_foreign_case_looks_like_one_that_does_not_exist(
    stage: Stage, method: str, asker: Asker, case: Case
) -> None:
    foreign = (
        asker.token(Role.APPLICANT, person="somebody-else"),
        asker.token(Role.APPLICANT),
        asker.token(Role.SOCIAL_WORKER, "ELSEWHERE"),
    )
    for token in foreign:
        there = await asker.refusal(stage, method, {"application_id": case.application}, token)
        check_details(there, "NOT_FOUND NOT_FOUND")
        nowhere = await asker.refusal(stage, method, {"application_id": NOBODY}, token)
        assert str(there.details).replace(case.application, NOBODY) == str(nowhere.details)
    own = asker.token(Role.APPLICANT, person=case.person)
    assert await asker.ask(stage, method, {"application_id": case.application}, own)


async def test_a_request_id_with_another_body_is_refused(asker: Asker, case: Case) -> None:
    body = {**case.submission, "channel": "CHANNEL_POST"}
    refusal = await asker.refusal(INTAKE, "SubmitApplication", body, asker.token(Role.SOCIAL_WORKER))
    check_details(refusal, "INVALID_ARGUMENT REQUEST_ID_REUSED", ("request_id",))


async def test_the_same_request_again_answers_with_the_same_application(asker: Asker, case: Case) -> None:
    before = await asker.quiet_picture()
    token = asker.token(Role.SOCIAL_WORKER)
    answers = [await asker.ask(INTAKE, "SubmitApplication", case.submission, token) for _ in range(2)]
    assert [answer.application.application_id for answer in answers] == [case.application] * 2
    assert await asker.picture() == before


async def test_a_business_instant_that_is_none_is_refused(asker: Asker, case: Case) -> None:
    body = case.again(person=someone())
    token = asker.token(Role.SOCIAL_WORKER)
    refusal = await asker.refusal(INTAKE, "SubmitApplication", body, token, x_business_time="yesterday")
    check_details(refusal, "INVALID_ARGUMENT INVALID_FIELD", ("x-business-time",))


async def test_a_call_that_cannot_end_in_time_is_not_begun(asker: Asker, case: Case) -> None:
    body = case.again(person=someone())
    refusal = await asker.refusal(INTAKE, "SubmitApplication", body, asker.token(Role.SOCIAL_WORKER), timeout=0.045)
    assert refusal.code == "DEADLINE_EXCEEDED"
    # The answer of the service and the end of the client's patience are a close race.
    if refusal.details:
        check_details(refusal, "DEADLINE_EXCEEDED DEADLINE_TOO_SHORT")


def paged_methods() -> list[tuple[Stage, str]]:
    methods = ((stage, method) for stage in Stage for method in service_of(stage).methods)
    return [(stage, method.name) for stage, method in methods if "page_token" in method.input_type.fields_by_name]


async def code_of_answer(asker: Asker, stage: Stage, method: str, body: Mapping[str, Any], token: str) -> str:
    try:
        await asker.ask(stage, method, body, token)
    except grpc.aio.AioRpcError as error:
        return error.code().name
    return "OK"


@pytest.mark.parametrize(("stage", "method"), paged_methods(), ids=str)
async def test_no_forged_page_token_is_answered_as_a_bug(stage: Stage, method: str, asker: Asker, case: Case) -> None:
    fields = service_of(stage).methods_by_name[method].input_type.fields_by_name
    known = {"request_id": request_id(), "municipality_id": case.municipality, "run_id": NOBODY, "month": JANUARY}
    body = {name: value for name, value in known.items() if name in fields}
    everybody = mint_token(load_signing_key(asker.stack.keys.signing_key), subject="s-1", roles=frozenset(Role))
    forged = ("garbage", encode_token("x"), encode_token("x", "y"), encode_token(""), encode_token("", ""))
    answers = [await code_of_answer(asker, stage, method, body | {"page_token": token}, everybody) for token in forged]
    assert set(answers) <= {"OK", "INVALID_ARGUMENT", "NOT_FOUND"}
    looks_up_first = stage is Stage.BILLING and "run_id" in fields and method not in OF_ANY_RUN
    assert answers[0] == ("NOT_FOUND" if looks_up_first else "INVALID_ARGUMENT")


async def printed_by(*command: str, given: str = "") -> str:
    """Output of a program of the development environment."""
    program = Path(sys.executable).with_name(command[0])
    process = await asyncio.create_subprocess_exec(
        str(program),
        *command[1:],
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output, _ = await process.communicate(given.encode())
    assert process.returncode == 0, output.decode()
    return output.decode()


async def test_reflection_and_health_answer_without_a_token(stack: LocalStack) -> None:
    for stage, address in stack.state.services.items():
        name = service_of(stage).full_name
        assert name in (await printed_by("grpcurl", "-plaintext", address, "list")).splitlines()
        method = next(iter(service_of(stage).methods)).name
        assert f"rpc {method} " in await printed_by("grpcurl", "-plaintext", address, "describe", name)
        health = await printed_by(
            "grpcurl", "-plaintext", "-d", json.dumps({"service": name}), address, "grpc.health.v1.Health/Check"
        )
        assert json.loads(health) == {"status": "SERVING"}


@pytest.mark.parametrize("tool", ["grpcurl", "buf curl"])
async def test_a_tool_with_reflection_and_the_printed_token_submits_and_reads_back(
    tool: str, stack: LocalStack, case: Case
) -> None:
    state = str(stack.keys.directory.parent)
    token = (await printed_by("socialcare", "token", "SOCIAL_WORKER", "--state", state)).strip()
    header, address = f"authorization: Bearer {token}", stack.state.services[INTAKE]

    async def call(method: str, body: Mapping[str, Any]) -> Any:
        if tool == "grpcurl":
            arguments = ("-plaintext", "-H", header, "-d", "@", address, f"{SERVICE}/{method}")
            return json.loads(await printed_by("grpcurl", *arguments, given=json.dumps(body)))
        options = ("--protocol", "grpc", "--http2-prior-knowledge", "--header", header, "--data", "@-")
        url = f"http://{address}/{SERVICE}/{method}"
        return json.loads(await printed_by("buf", "curl", *options, url, given=json.dumps(body)))

    serial = 995 if tool == "grpcurl" else 993
    submitted = await call("SubmitApplication", case.again(person={"identifier": identifier(serial)}))
    (identity,) = {submitted["application"].get(name) for name in ("application_id", "applicationId")} - {None}
    read = await call("GetApplication", {"application_id": identity})
    assert read["application"]["state"] == "CASE_STATE_REGISTERED"
    assert identity in read["application"].values()
