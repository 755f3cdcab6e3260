from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import grpc
import pytest
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.kernel.codes import Role, Stage
from services.runtime.auth import mint_token, write_signing_key
from services.runtime.commands import Effect
from services.runtime.crypto import write_key_ring
from services.runtime.database import Database, WriteTx
from services.runtime.errors import NotFound, Refused
from services.runtime.schema import create_runtime_tables_v1, name_the_evidence_v4, name_the_represented_v3
from services.runtime.server import Runtime, Server, StageService
from services.runtime.settings import Settings
from services.runtime.telemetry import Telemetry
from socialcare.intake.v1 import intake_service_pb2 as pb
from socialcare.intake.v1 import intake_service_pb2_grpc, resources_pb2


class Bug(Exception):
    """A bug of a handler, with a person's data in its message."""


class FewMethods:
    """A servicer with just enough to see what the server does around it."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def Withdraw(self, request: pb.WithdrawRequest, context: object) -> pb.WithdrawResponse:  # noqa: N802
        call = self._runtime.call(request.request_id, municipality_id="SOF")

        async def use_case(tx: WriteTx) -> Effect:
            if request.preview_hash == "no":
                raise Refused(resource_type="application", resource_id=request.application_id)
            if request.preview_hash == "bug":
                raise Bug("Мария 7501020018")
            return Effect(request.application_id)

        effect = await self._runtime.commands.perform(call, request, use_case)
        return pb.WithdrawResponse(
            application=resources_pb2.Application(application_id=effect.resource), preview_hash=call.today.isoformat()
        )

    async def GetApplication(  # noqa: N802
        self, request: pb.GetApplicationRequest, context: object
    ) -> pb.GetApplicationResponse:
        if request.application_id.startswith("00000000"):
            raise NotFound(resource_type="application", resource_id=request.application_id)
        if request.application_id.startswith("11111111"):
            stub = intake_service_pb2_grpc.IntakeServiceStub(self._runtime.peers.channel(Stage.BILLING))
            other = pb.GetApplicationRequest(application_id=request.application_id.replace("1", "0"))
            await stub.GetApplication(other)
        await asyncio.sleep(0.2 if request.application_id.startswith("22222222") else 0)
        return pb.GetApplicationResponse()


SERVICE = StageService(Stage.INTAKE, pb.DESCRIPTOR.services_by_name["IntakeService"], FewMethods)


@dataclass
class Running:
    """A running server and how to call it."""

    server: Server
    key: Ed25519PrivateKey
    channel: grpc.aio.Channel
    log: list[Mapping[str, object]] = field(default_factory=list)

    @property
    def stub(self) -> intake_service_pb2_grpc.IntakeServiceStub:
        return intake_service_pb2_grpc.IntakeServiceStub(self.channel)

    def metadata(self, *roles: Role, **more: str) -> tuple[tuple[str, str], ...]:
        token = mint_token(self.key, subject="s-1", roles=frozenset(roles))
        return (("authorization", f"Bearer {token}"), *((key.replace("_", "-"), value) for key, value in more.items()))


MakeServer = Callable[..., Awaitable[Running]]


@pytest.fixture
async def serve(migrated_runtime: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[MakeServer]:
    """Starts servers with settings of the test's choice."""
    key = write_signing_key(tmp_path / "key.pem", tmp_path / "key.pub.pem")
    write_key_ring(tmp_path / "ring.json")
    (tmp_path / "token").write_text(mint_token(key, subject="intake", roles=frozenset(Role)))
    made: list[Running] = []

    async def start(**changes: object) -> Running:
        settings = Settings.model_validate(
            {
                "environment": "test",
                "bind": "127.0.0.1:0",
                "metrics_bind": "127.0.0.1:0",
                "dsn": migrated_runtime,
                "temporal_address": "127.0.0.1:1",
                "auth_public_key_file": tmp_path / "key.pub.pem",
                "key_ring_file": tmp_path / "ring.json",
                "token_file": tmp_path / "token",
            }
            | changes
        )
        log = structlog.testing.LogCapture()
        server = Server(
            SERVICE,
            settings,
            Telemetry(
                structlog.wrap_logger(None, processors=[log], wrapper_class=structlog.make_filtering_bound_logger(0))
            ),
        )
        await server.start()
        made.append(Running(server, key, grpc.aio.insecure_channel(f"127.0.0.1:{server.port}"), log.entries))
        return made[-1]

    yield start
    for one in made:
        await one.channel.close()
        await one.server.stop()


@pytest.fixture
async def running(serve: MakeServer) -> Running:
    return await serve()


@pytest.fixture
async def migrated_runtime(empty_database: Callable[[], Awaitable[str]]) -> str:
    """A database with the runtime's tables only."""
    dsn = await empty_database()
    statements: list[str] = []

    class Collected:
        def execute(self, sqltext: str, /) -> None:
            statements.append(sqltext)

    create_runtime_tables_v1(Collected())
    name_the_represented_v3(Collected())
    name_the_evidence_v4(Collected())
    database = Database(dsn)
    async with database.write() as tx:
        for statement in statements:
            await tx.run(statement)
    await database.close()
    return dsn
