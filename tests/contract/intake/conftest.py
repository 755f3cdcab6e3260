"""Intake as a whole process behind a gRPC socket, on a simulated clock, with assessment faked at its port."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any
from uuid import uuid4

import grpc
import pytest
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.protobuf.any_pb2 import Any as AnyMessage
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from services.intake.__main__ import SERVICE
from services.intake.api import IntakeServicer
from services.intake.domain.facts import NO_FACTS, Facts
from services.intake.domain.timeline import Record
from services.intake.domain.withdrawal import Falling
from services.intake.usecases.ports import FoundFacts
from services.kernel.codes import CaseState, Role, Stage
from services.kernel.dates import SOFIA
from services.runtime.auth import mint_token, write_signing_key
from services.runtime.civil import date_to_proto
from services.runtime.crypto import write_key_ring
from services.runtime.errors import PeerUnavailable, Refused
from services.runtime.server import Server, StageService
from services.runtime.settings import Settings
from services.runtime.telemetry import Telemetry
from socialcare.common.v1 import facts_pb2, types_pb2
from socialcare.intake.v1 import intake_service_pb2 as pb
from socialcare.intake.v1 import intake_service_pb2_grpc, resources_pb2

HSP_PAPERS = (
    "APPLICATION_FORM",
    "IDENTITY_SHOWN",
    "GP_NOTE",
    "PSYCHIATRIC_CERTIFICATE",
    "PENSION_ORDER",
    "PROPERTY_DECLARATION",
    "PHOTOS",
)


@dataclass
class FakeAssessment:
    """What the assessment found, as a test states it."""

    found: dict[str, FoundFacts] = field(default_factory=dict)
    visits: dict[str, date] = field(default_factory=dict)

    def finds(self, application_id: str, facts: Facts = NO_FACTS, version: int = 1) -> None:
        self.found[application_id] = FoundFacts(facts, version, home_visit_done=True)

    async def visit_day(self, application_id: str) -> date | None:
        return self.visits.get(application_id)

    async def found_facts(self, application_id: str) -> FoundFacts:
        if application_id not in self.found:
            raise Refused(resource_type="assessment", resource_id=application_id)
        return self.found[application_id]


@dataclass
class FakeStages:
    """What the other stages hold of a case, as a test states it."""

    held: dict[str, tuple[Falling, ...]] = field(default_factory=dict)
    asked: int = 0
    recorded: dict[str, tuple[Record, ...]] = field(default_factory=dict)
    away: set[Stage] = field(default_factory=set)

    async def falling(self, application_id: str) -> tuple[Falling, ...]:
        self.asked += 1
        return self.held.get(application_id, ())

    async def records(self, stage: Stage, application_id: str) -> tuple[Record, ...]:
        if stage in self.away:
            raise PeerUnavailable
        return tuple(record for record in self.recorded.get(application_id, ()) if record.stage is stage)


class RefusedCall(Exception):
    """A refusal as a client sees it."""

    def __init__(self, code: grpc.StatusCode, info: error_details_pb2.ErrorInfo) -> None:
        super().__init__(info.reason)
        self.code = code
        self.reason = info.reason
        self.metadata = dict(info.metadata)


@dataclass
class Counter:
    """Plays people and the worker against the running service."""

    server: Server
    channel: grpc.aio.Channel
    key: Ed25519PrivateKey
    assessment: FakeAssessment
    stages: FakeStages
    municipality: str = "SOFIA"

    async def ask(
        self, request: Message, at: str = "2026-01-19 10:15", role: Role = Role.SOCIAL_WORKER, **claims: Any
    ) -> Any:
        """Call the method of the request at a Sofia wall-clock time."""
        token = mint_token(self.key, subject=f"s-{role}", roles=frozenset({role}), **claims)
        now = datetime.fromisoformat(at).replace(tzinfo=SOFIA).isoformat()
        stub = intake_service_pb2_grpc.IntakeServiceStub(self.channel)
        method = getattr(stub, type(request).__name__.removesuffix("Request"))
        try:
            return await method(request, metadata=(("authorization", f"Bearer {token}"), ("x-business-time", now)))
        except grpc.aio.AioRpcError as error:
            status = rpc_status.from_call(error)
            info = error_details_pb2.ErrorInfo()
            details: list[AnyMessage] = list(status.details)
            assert any(detail.Unpack(info) for detail in details)
            raise RefusedCall(error.code(), info) from error

    async def set_up(self, municipality: str = "SOFIA", **settings: str) -> None:
        request = pb.CreateMunicipalityRequest(
            request_id=str(uuid4()),
            municipality_id=municipality,
            settings={key.replace("__", "."): value for key, value in settings.items()},
        )
        await self.ask(request, role=Role.ADMIN)

    async def submit(self, request: pb.SubmitApplicationRequest, at: str = "2026-01-19 10:15") -> Any:
        return (await self.ask(request, at)).application

    async def look(self, application_id: str, at: str = "2026-01-19 12:00", role: Role = Role.SOCIAL_WORKER) -> Any:
        return (await self.ask(pb.GetApplicationRequest(application_id=application_id), at, role)).application

    async def advance(self, application_id: str, to: CaseState, stage: Stage, cause: str, at: str) -> Any:
        request = pb.AdvanceCaseRequest(
            request_id=str(uuid4()),
            application_id=application_id,
            to_state=types_pb2.CaseState.Value(f"CASE_STATE_{to}"),
            cause=cause,
            stage=types_pb2.Stage.Value(f"STAGE_{stage}"),
        )
        request.event_time.FromDatetime(datetime.fromisoformat(at).replace(tzinfo=SOFIA))
        return await self.ask(request, at, Role.WORKER)

    async def decide(self, application_id: str, at: str) -> Any:
        request = pb.DecideEligibilityRequest(request_id=str(uuid4()), application_id=application_id)
        return await self.ask(request, at, Role.WORKER)

    async def counts(self) -> tuple[int, int, int, int]:
        """Rows of people, cases, messages and request ids."""
        async with self.server.runtime.db.read() as tx:
            row = await tx.one(
                "SELECT (SELECT count(*) FROM person), (SELECT count(*) FROM application), "
                "(SELECT count(*) FROM outbox), (SELECT count(*) FROM idempotency)"
            )
        return (row[0], row[1], row[2], row[3])

    async def messages(self, application_id: str) -> list[tuple[str, str]]:
        """Kind and event of the outbox rows of a case, in order."""
        async with self.server.runtime.db.read() as tx:
            rows = await tx.all(
                "SELECT kind, event FROM outbox WHERE case_id = :id ORDER BY seq", {"id": application_id}
            )
        return [(row.kind, row.event) for row in rows]


def submission(**changes: Any) -> pb.SubmitApplicationRequest:
    """Story HSP-01's kind of application: a woman of 84 brings everything."""
    person = {
        "given_name": "Мария",
        "father_name": "Иванова",
        "family_name": "Петрова",
        "identifier_type": resources_pb2.IDENTIFIER_TYPE_EGN,
        "identifier": "410506-9910",
        "birth_date": date_to_proto(date(1941, 5, 6)),
        "sex": types_pb2.SEX_FEMALE,
        "district_code": "PODUYANE",
        "address": "ул. Черковна 7",
    } | changes.pop("person", {})
    request = {
        "request_id": str(uuid4()),
        "municipality_id": "SOFIA",
        "person": resources_pb2.PersonDetails(**person),
        "service_code": "HSP",
        "channel": resources_pb2.CHANNEL_IN_PERSON,
        "document_codes": HSP_PAPERS,
        "facts": facts_pb2.Facts(pension_right=True, living_alone=True),
    } | changes
    return pb.SubmitApplicationRequest(**request)


@pytest.fixture
def submission_of() -> Callable[..., pb.SubmitApplicationRequest]:
    return submission


@pytest.fixture
async def counter(
    migrated_database: Callable[[Stage], Awaitable[str]], tmp_path: Path, kept_connections: None
) -> AsyncIterator[Counter]:
    key = write_signing_key(tmp_path / "key.pem", tmp_path / "key.pub.pem")
    write_key_ring(tmp_path / "ring.json")
    (tmp_path / "token").write_text(mint_token(key, subject="intake", roles=frozenset({Role.SERVICE})))
    settings = Settings.model_validate(
        {
            "environment": "test",
            "clock": "simulated",
            "bind": "127.0.0.1:0",
            "metrics_bind": "127.0.0.1:0",
            "dsn": await migrated_database(Stage.INTAKE),
            "temporal_address": "127.0.0.1:1",
            "auth_public_key_file": tmp_path / "key.pub.pem",
            "key_ring_file": tmp_path / "ring.json",
            "token_file": tmp_path / "token",
        }
    )
    assessment = FakeAssessment()
    stages = FakeStages()
    service = StageService(Stage.INTAKE, SERVICE.service, lambda runtime: IntakeServicer(runtime, assessment, stages))
    server = Server(
        service, settings, Telemetry(structlog.wrap_logger(None, processors=[structlog.testing.LogCapture()]))
    )
    await server.start()
    channel = grpc.aio.insecure_channel(f"127.0.0.1:{server.port}")
    yield Counter(server, channel, key, assessment, stages)
    await channel.close()
    await server.stop()


@pytest.fixture
def refused_call() -> type[RefusedCall]:
    return RefusedCall
