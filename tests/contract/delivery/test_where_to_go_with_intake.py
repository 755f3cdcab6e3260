"""A day sheet of delivery with the names and addresses of the real intake beside it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from uuid import uuid4

import grpc
import pytest
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.intake.__main__ import SERVICE
from services.kernel.codes import Role, Stage
from services.runtime.auth import mint_token
from services.runtime.civil import date_to_proto
from services.runtime.crypto import write_key_ring
from services.runtime.server import Server
from services.runtime.settings import Settings
from services.runtime.telemetry import Telemetry
from socialcare.common.v1 import types_pb2
from socialcare.delivery.v1 import assistants_pb2
from socialcare.intake.v1 import intake_service_pb2, intake_service_pb2_grpc, resources_pb2
from tests.contract.delivery.conftest import TOWN, Service
from tests.contract.delivery.day import CLEANING, MONDAY, ask, at, hire, runs

pytestmark = pytest.mark.postgres


@dataclass
class Register:
    """Intake, until it goes away."""

    server: Server
    there: bool = True

    async def goes_away(self) -> None:
        if self.there:
            self.there = False
            await self.server.stop()


@pytest.fixture
async def intake(
    migrated_database: Callable[[Stage], Awaitable[str]],
    tmp_path: Path,
    key: Ed25519PrivateKey,
    kept_connections: None,
) -> AsyncIterator[Register]:
    room = tmp_path / "intake"
    room.mkdir()
    write_key_ring(room / "ring.json")
    (room / "token").write_text(mint_token(key, subject="intake", roles=frozenset({Role.SERVICE})))
    settings = Settings.model_validate(
        {
            "environment": "test",
            "clock": "simulated",
            "bind": "127.0.0.1:0",
            "metrics_bind": "127.0.0.1:0",
            "dsn": await migrated_database(Stage.INTAKE),
            "temporal_address": "127.0.0.1:1",
            "auth_public_key_file": tmp_path / "key.pub.pem",
            "key_ring_file": room / "ring.json",
            "token_file": room / "token",
        }
    )
    log = structlog.wrap_logger(None, processors=[structlog.testing.LogCapture()])
    register = Register(Server(SERVICE, settings, Telemetry(log)))
    await register.server.start()
    yield register
    await register.goes_away()


@pytest.fixture
async def intake_address(intake: Register) -> str:
    return f"127.0.0.1:{intake.server.port}"


async def applies(service: Service, intake: Register) -> str:
    """Sets up the town in intake, where somebody applies."""
    town = intake_service_pb2.CreateMunicipalityRequest(request_id=str(uuid4()), municipality_id=TOWN)
    person = resources_pb2.PersonDetails(
        given_name="Мария",
        father_name="Иванова",
        family_name="Петрова",
        identifier_type=resources_pb2.IDENTIFIER_TYPE_EGN,
        identifier="4105069910",
        birth_date=date_to_proto(date(1941, 5, 6)),
        sex=types_pb2.SEX_FEMALE,
        district_code="SREDETS",
        address="ул. Черковна 7",
    )
    submission = intake_service_pb2.SubmitApplicationRequest(
        request_id=str(uuid4()),
        municipality_id=TOWN,
        person=person,
        service_code="HSP",
        channel=resources_pb2.CHANNEL_IN_PERSON,
        document_codes=["APPLICATION_FORM"],
    )
    when = at(date(2026, 4, 1))
    async with grpc.aio.insecure_channel(f"127.0.0.1:{intake.server.port}") as channel:
        stub = intake_service_pb2_grpc.IntakeServiceStub(channel)
        await stub.CreateMunicipality(town, metadata=service.by(Role.ADMIN, when))
        answer = await stub.SubmitApplication(submission, metadata=service.by(Role.SOCIAL_WORKER, when))
    return answer.application.application_id


async def signs(service: Service, case: str) -> None:
    """Has placement hold a contract of the case, and delivery copy it."""
    contract = service.neighbours.contracts.pop(service.signed(MONDAY, CLEANING))
    contract.application_id, contract.person_id = case, f"person-of-{case}"
    service.neighbours.contracts[case] = contract
    await service.copies(case, at(date(2026, 4, 28)))


async def test_the_sheet_says_what_the_register_has_and_goes_on_without_it(service: Service, intake: Register) -> None:
    case = await applies(service, intake)
    await signs(service, case)
    await hire(service, "as-1")
    await runs(service, MONDAY)
    asked = assistants_pb2.GetDaySheetRequest(municipality_id=TOWN, assistant_id="as-1", on_date=date_to_proto(MONDAY))

    sheet = await ask(service, asked, Role.ASSISTANT, staff="as-1")
    assert [(task.application_id, task.contact.family_name, task.contact.address) for task in sheet.tasks] == [
        (case, "Петрова", "ул. Черковна 7")
    ]
    async with intake.server.runtime.db.read() as tx:
        rows = await tx.all("SELECT principal, object_id, role FROM audit WHERE purpose = 'CONTACT'")
    assert [tuple(row) for row in rows] == [("delivery", case, "SERVICE")]

    await intake.goes_away()
    bare = await ask(service, asked, Role.ASSISTANT, staff="as-1")
    assert [(task.application_id, task.HasField("contact")) for task in bare.tasks] == [(case, False)]
    assert list(bare.missing_stages) == [types_pb2.STAGE_INTAKE]
