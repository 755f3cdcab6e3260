from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from uuid import uuid4

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from services.assessment.__main__ import SERVICE
from services.kernel.codes import Role, Stage
from services.runtime.auth import mint_token, write_signing_key
from services.runtime.crypto import write_key_ring
from services.runtime.server import Server
from services.runtime.settings import Settings
from services.runtime.telemetry import Telemetry, configure_logging
from socialcare.assessment.v1 import assessment_service_pb2 as pb
from socialcare.assessment.v1 import assessment_service_pb2_grpc, needs_pb2, resources_pb2, reviews_pb2, staff_pb2

pytestmark = pytest.mark.postgres

Ask = Callable[..., Awaitable[object]]


@pytest.fixture
async def ask(
    migrated_database: Callable[[Stage], Awaitable[str]], tmp_path: Path, kept_connections: None
) -> AsyncIterator[Ask]:
    """Calls a method of the running process as somebody with the role."""
    key = write_signing_key(tmp_path / "key.pem", tmp_path / "public.pem")
    write_key_ring(tmp_path / "ring.json")
    settings = Settings(
        bind="127.0.0.1:0",
        metrics_bind="127.0.0.1:0",
        dsn=await migrated_database(Stage.ASSESSMENT),
        auth_public_key_file=tmp_path / "public.pem",
        key_ring_file=tmp_path / "ring.json",
        temporal_address="127.0.0.1:1",
        intake_address="127.0.0.1:1",
    )
    server = Server(SERVICE, settings, Telemetry(log=configure_logging("error", service="assessment")))
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        stub = assessment_service_pb2_grpc.AssessmentServiceStub(channel)

        async def call(method: str, request: object, role: Role) -> object:
            token = mint_token(key, subject="staff-1", roles=frozenset({role}))
            metadata = (("authorization", f"Bearer {token}"),)
            return await getattr(stub, method)(request, metadata=metadata, timeout=5)

        yield call
    await server.stop()


def reason_of(error: grpc.aio.AioRpcError) -> str:
    status = rpc_status.from_call(error)
    assert status is not None
    info = error_details_pb2.ErrorInfo()
    assert any(detail.Unpack(info) for detail in status.details)
    return info.reason


async def test_a_social_worker_asks_how_long_a_term_runs(ask: Ask) -> None:
    request = pb.ExplainTimeLimitRequest(
        event_date={"year": 2026, "month": 4, "day": 3}, length=7, unit=resources_pb2.LIMIT_UNIT_DAYS
    )
    answer = await ask("ExplainTimeLimit", request, Role.SOCIAL_WORKER)
    assert isinstance(answer, pb.ExplainTimeLimitResponse)
    assert (answer.due_date.month, answer.due_date.day) == (4, 14)


@pytest.mark.parametrize(
    ("method", "request_", "role", "reason"),
    [
        ("GetAssessment", pb.GetAssessmentRequest(application_id=str(uuid4())), Role.SOCIAL_WORKER, "NOT_FOUND"),
        ("GetAssessment", pb.GetAssessmentRequest(application_id="seven"), Role.SOCIAL_WORKER, "INVALID_FIELD"),
        ("GetAssessment", pb.GetAssessmentRequest(application_id=str(uuid4())), Role.BILLING_CLERK, "ROLE_MISSING"),
        ("RegisterSocialWorker", staff_pb2.RegisterSocialWorkerRequest(), Role.SOCIAL_WORKER, "ROLE_MISSING"),
        ("RecordAbsence", staff_pb2.RecordAbsenceRequest(), Role.SOCIAL_WORKER, "ROLE_MISSING"),
        ("ListAbsences", staff_pb2.ListAbsencesRequest(), Role.SOCIAL_WORKER, "ROLE_MISSING"),
        ("ExplainAllocation", staff_pb2.ExplainAllocationRequest(), Role.APPLICANT, "ROLE_MISSING"),
        ("ReassignAbsentWorker", staff_pb2.ReassignAbsentWorkerRequest(), Role.SOCIAL_WORKER, "ROLE_MISSING"),
        ("ListBreaches", staff_pb2.ListBreachesRequest(), Role.APPLICANT, "ROLE_MISSING"),
        ("PutInstrument", needs_pb2.PutInstrumentRequest(), Role.SOCIAL_WORKER, "ROLE_MISSING"),
        ("GetNeedsScore", needs_pb2.GetNeedsScoreRequest(), Role.INTEGRATOR, "ROLE_MISSING"),
        ("ProposePlan", needs_pb2.ProposePlanRequest(), Role.OFFICE_HEAD, "ROLE_MISSING"),
        ("OpenDueReview", reviews_pb2.OpenDueReviewRequest(), Role.OFFICE_HEAD, "ROLE_MISSING"),
        ("CompleteReview", reviews_pb2.CompleteReviewRequest(), Role.OFFICE_HEAD, "ROLE_MISSING"),
        (
            "RegisterSocialWorker",
            staff_pb2.RegisterSocialWorkerRequest(
                request_id=str(uuid4()),
                social_worker=staff_pb2.SocialWorker(municipality_id="TOWN", social_worker_id="sw-1"),
            ),
            Role.OFFICE_HEAD,
            "INVALID_FIELD",
        ),
        (
            "PutInstrument",
            needs_pb2.PutInstrumentRequest(
                request_id=str(uuid4()), municipality_id="TOWN", instrument=needs_pb2.Instrument(code="OWN")
            ),
            Role.MUNICIPALITY,
            "INVALID_FIELD",
        ),
        (
            "ScoreNeeds",
            needs_pb2.ScoreNeedsRequest(answers=[needs_pb2.NeedsAnswer(item_code="FEEDING", option_code="NEVER")]),
            Role.INTEGRATOR,
            "NEEDS_ANSWER_NOT_ALLOWED",
        ),
        ("ScoreNeeds", needs_pb2.ScoreNeedsRequest(), Role.INTEGRATOR, "NEEDS_ANSWER_MISSING"),
        (
            "OpenAssessment",
            pb.OpenAssessmentRequest(request_id=str(uuid4()), application_id=str(uuid4())),
            Role.WORKER,
            "PEER_UNAVAILABLE",
        ),
    ],
)
async def test_a_refusal_names_its_reason(ask: Ask, method: str, request_: object, role: Role, reason: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refusal:
        await ask(method, request_, role)
    assert reason_of(refusal.value) == reason
