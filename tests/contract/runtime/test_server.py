from __future__ import annotations

import asyncio
import json
import uuid
from urllib.request import urlopen

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_status import rpc_status

from services.kernel.codes import Role
from socialcare.intake.v1 import intake_service_pb2 as pb
from tests.contract.runtime.conftest import MakeServer, Running

ID = "7b0e8b5c-0000-4000-8000-000000000001"


def withdraw(**changes: object) -> pb.WithdrawRequest:
    return pb.WithdrawRequest(**{"request_id": str(uuid.uuid4()), "application_id": ID, **changes})


async def refusal(call: object) -> tuple[str, error_details_pb2.ErrorInfo, grpc.aio.AioRpcError]:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    status = rpc_status.from_call(caught.value)
    info = error_details_pb2.ErrorInfo()
    assert status is not None
    assert status.details[0].Unpack(info)
    return caught.value.code().name, info, caught.value


async def audit(running: Running) -> list[tuple[str, str, str]]:
    async with running.server.runtime.db.read() as tx:
        rows = await tx.all("SELECT principal, role, outcome FROM audit ORDER BY id")
    return [tuple(row) for row in rows]


async def test_a_good_call_is_answered_and_counted(running: Running) -> None:
    answer = await running.stub.Withdraw(withdraw(), metadata=running.metadata(Role.OFFICE_HEAD))
    assert answer.application.application_id == ID
    assert await audit(running) == [("s-1", "OFFICE_HEAD", "DONE")]
    scrape = await asyncio.to_thread(
        lambda: urlopen(f"http://127.0.0.1:{running.server.metrics_port}/metrics").read().decode()
    )
    labels = 'grpc_method="Withdraw",grpc_service="socialcare.intake.v1.IntakeService",grpc_type="unary"'
    assert f'grpc_server_handled_total{{grpc_code="OK",{labels}}} 1.0' in scrape
    for name in ("started_total", "msg_received_total", "msg_sent_total", "handling_seconds_count"):
        assert f"grpc_server_{name}{{{labels}}} 1.0" in scrape
    assert "socialcare_outbox_pending" in scrape


async def test_a_repeated_request_gets_the_same_answer(running: Running) -> None:
    request = withdraw()
    metadata = running.metadata(Role.OFFICE_HEAD)
    assert await running.stub.Withdraw(request, metadata=metadata) == await running.stub.Withdraw(
        request, metadata=metadata
    )


@pytest.mark.parametrize("header", [(), (("authorization", "Bearer x"),), (("authorization", "Basic eA=="),)])
async def test_a_call_without_a_valid_token_is_refused(running: Running, header: tuple[tuple[str, str], ...]) -> None:
    code, info, _ = await refusal(running.stub.Withdraw(withdraw(), metadata=header))
    assert (code, info.reason) == ("UNAUTHENTICATED", "TOKEN_INVALID")


async def test_a_wrong_role_is_refused_and_audited(running: Running) -> None:
    code, info, _ = await refusal(running.stub.Withdraw(withdraw(), metadata=running.metadata(Role.ASSISTANT)))
    assert (code, info.reason) == ("PERMISSION_DENIED", "ROLE_MISSING")
    assert await audit(running) == [("s-1", "", "ROLE_MISSING")]


async def test_a_malformed_request_names_its_fields(running: Running) -> None:
    request = withdraw(application_id="x", preview_hash="y" * 65)
    code, info, error = await refusal(running.stub.Withdraw(request, metadata=running.metadata(Role.OFFICE_HEAD)))
    assert (code, info.reason) == ("INVALID_ARGUMENT", "INVALID_FIELD")
    bad = error_details_pb2.BadRequest()
    assert rpc_status.from_call(error).details[1].Unpack(bad)
    assert {one.field for one in bad.field_violations} == {"application_id", "preview_hash"}
    assert await audit(running) == []


async def test_a_refusal_of_the_rules_comes_with_its_reason(running: Running) -> None:
    request = withdraw(preview_hash="no")
    code, info, _ = await refusal(running.stub.Withdraw(request, metadata=running.metadata(Role.OFFICE_HEAD)))
    assert (code, info.reason, info.domain) == ("FAILED_PRECONDITION", "STATE_NOT_ALLOWED", "socialcare.bg")
    assert await audit(running) == [("s-1", "OFFICE_HEAD", "STATE_NOT_ALLOWED")]


async def test_a_bug_tells_an_incident_and_no_data(running: Running) -> None:
    request = withdraw(preview_hash="bug")
    code, info, error = await refusal(running.stub.Withdraw(request, metadata=running.metadata(Role.OFFICE_HEAD)))
    assert (code, info.reason) == ("INTERNAL", "INTERNAL")
    (line,) = (entry for entry in running.log if entry["event"] == "bug")
    assert line["incident"] == info.metadata["incident"]
    told = json.dumps(running.log, ensure_ascii=False, default=str) + str(error)
    assert "Мария" not in told
    assert "7501020018" not in told


async def test_each_call_leaves_one_line_of_ids(running: Running) -> None:
    request = withdraw()
    await running.stub.Withdraw(request, metadata=running.metadata(Role.OFFICE_HEAD))
    (line,) = (entry for entry in running.log if entry["event"] == "call")
    assert line["principal"] == "s-1"
    assert line["request_id"] == request.request_id
    assert line["code"] == "OK"


async def test_a_method_not_offered_yet_says_so(running: Running) -> None:
    request = pb.ConfirmExpiryRequest(request_id=str(uuid.uuid4()), application_id=ID)
    code, info, _ = await refusal(running.stub.ConfirmExpiry(request, metadata=running.metadata(*Role)))
    assert (code, info.reason) == ("UNIMPLEMENTED", "NOT_SUPPORTED_YET")


async def test_health_and_reflection_need_no_token(running: Running) -> None:
    health = health_pb2_grpc.HealthStub(running.channel)
    for service in ("", "socialcare.intake.v1.IntakeService"):
        answers = health.Watch(health_pb2.HealthCheckRequest(service=service))
        async for answer in answers:
            if answer.status == health_pb2.HealthCheckResponse.SERVING:
                break
        answers.cancel()
    asked = reflection_pb2.ServerReflectionRequest(list_services="")
    stream = reflection_pb2_grpc.ServerReflectionStub(running.channel).ServerReflectionInfo(iter([asked]))
    async for listed in stream:
        names = {service.name for service in listed.list_services_response.service}
    assert "socialcare.intake.v1.IntakeService" in names


async def test_business_time_is_refused_on_the_system_clock(running: Running) -> None:
    metadata = running.metadata(Role.OFFICE_HEAD, x_business_time="2026-03-01T22:30:00Z")
    code, info, _ = await refusal(running.stub.Withdraw(withdraw(), metadata=metadata))
    assert (code, info.reason) == ("INVALID_ARGUMENT", "BUSINESS_TIME_NOT_ALLOWED")


async def test_a_simulated_server_works_at_the_instant_of_the_call(serve: MakeServer) -> None:
    running = await serve(clock="simulated")
    metadata = running.metadata(Role.OFFICE_HEAD, x_business_time="2026-03-01T22:30:00Z")
    assert (await running.stub.Withdraw(withdraw(), metadata=metadata)).preview_hash == "2026-03-02"
    for wrong in ("yesterday", "2026-03-01T22:30:00"):
        metadata = running.metadata(Role.OFFICE_HEAD, x_business_time=wrong)
        _, info, _ = await refusal(running.stub.Withdraw(withdraw(), metadata=metadata))
        assert info.reason == "INVALID_FIELD"


async def test_a_call_with_too_little_time_left_does_nothing(running: Running) -> None:
    call = running.stub.Withdraw(withdraw(), metadata=running.metadata(Role.OFFICE_HEAD), timeout=0.03)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert await audit(running) == []


async def test_a_peers_refusal_arrives_as_it_was_and_an_absent_peer_as_unavailable(serve: MakeServer) -> None:
    peer = await serve()
    asking = pb.GetApplicationRequest(application_id=ID.replace("7b0e8b5c", "11111111"))
    one = await serve(billing_address=f"127.0.0.1:{peer.server.port}")
    code, info, _ = await refusal(one.stub.GetApplication(asking, metadata=one.metadata(Role.WORKER)))
    assert (code, info.reason) == ("NOT_FOUND", "NOT_FOUND")
    other = await serve(billing_address="127.0.0.1:1")
    code, info, _ = await refusal(other.stub.GetApplication(asking, metadata=other.metadata(Role.WORKER)))
    assert (code, info.reason) == ("UNAVAILABLE", "PEER_UNAVAILABLE")


async def test_a_database_away_is_unavailable_and_not_serving(serve: MakeServer) -> None:
    running = await serve(dsn="postgresql://nobody:x@127.0.0.1:1/none")
    code, info, _ = await refusal(running.stub.Withdraw(withdraw(), metadata=running.metadata(Role.OFFICE_HEAD)))
    assert (code, info.reason) == ("UNAVAILABLE", "PEER_UNAVAILABLE")
    answer = await health_pb2_grpc.HealthStub(running.channel).Check(health_pb2.HealthCheckRequest())
    assert answer.status == health_pb2.HealthCheckResponse.NOT_SERVING


async def test_a_running_call_ends_before_the_server_does(running: Running) -> None:
    slow = pb.GetApplicationRequest(application_id=ID.replace("7b0e8b5c", "22222222"))
    call = running.stub.GetApplication(slow, metadata=running.metadata(Role.WORKER))
    await asyncio.sleep(0.05)
    stopping = asyncio.create_task(running.server._server.stop(5))
    assert await call == pb.GetApplicationResponse()
    await stopping
