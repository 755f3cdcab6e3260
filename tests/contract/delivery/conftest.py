"""The service on a socket, with one small server in place of its four neighbours."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from uuid import uuid4

import asyncpg
import grpc
import pytest
import structlog
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.protobuf.message import Message
from google.type import money_pb2
from grpc_status import rpc_status
from prometheus_client import CollectorRegistry

from services.delivery.__main__ import SERVICE
from services.kernel.codes import Role, Stage
from services.runtime.auth import mint_token, write_signing_key
from services.runtime.civil import date_to_proto
from services.runtime.crypto import write_key_ring
from services.runtime.errors import NotFound
from services.runtime.server import Server
from services.runtime.settings import Settings
from services.runtime.status import status_of
from services.runtime.telemetry import Telemetry
from socialcare.assessment.v1 import assessment_service_pb2, assessment_service_pb2_grpc
from socialcare.billing.v1 import billing_service_pb2, billing_service_pb2_grpc, documents_pb2
from socialcare.billing.v1 import resources_pb2 as billing
from socialcare.common.v1 import catalogue_pb2, facts_pb2, types_pb2
from socialcare.delivery.v1 import delivery_service_pb2 as pb
from socialcare.delivery.v1 import delivery_service_pb2_grpc
from socialcare.intake.v1 import contacts_pb2, intake_service_pb2, intake_service_pb2_grpc
from socialcare.intake.v1 import resources_pb2 as intake
from socialcare.placement.v1 import placement_service_pb2, placement_service_pb2_grpc
from socialcare.placement.v1 import resources_pb2 as placement

TOWN = "SOFIA"


@dataclass
class Neighbours:
    """What intake, assessment, placement and billing answer."""

    contracts: dict[str, placement.Contract] = field(default_factory=dict)
    visited: set[str] = field(default_factory=set)
    custody: dict[str, int] = field(default_factory=dict)
    pauses: dict[str, list[billing_service_pb2.PauseEffect]] = field(default_factory=dict)
    quoted: list[billing_service_pb2.QuotePauseRequest] = field(default_factory=list)
    state: types_pb2.CaseState = types_pb2.CASE_STATE_REGISTERED
    calendar: catalogue_pb2.BusinessCalendar = field(default_factory=catalogue_pb2.BusinessCalendar)
    version: int = 1
    alone: bool = False
    vulnerable: bool = False
    heads: tuple[str, ...] = ()
    settings: dict[str, str] = field(default_factory=dict)
    capacity: int = 0
    invoices: dict[str, list[billing.Invoice]] = field(default_factory=dict)
    contacts: dict[str, contacts_pb2.Contact] = field(default_factory=dict)
    contacts_code: grpc.StatusCode = grpc.StatusCode.OK
    never: asyncio.Event = field(default_factory=asyncio.Event)
    changes: dict[str, documents_pb2.PreviewChangeResponse] = field(default_factory=dict)
    foreseen: list[documents_pb2.PreviewChangeRequest] = field(default_factory=list)

    async def GetFacility(  # noqa: N802
        self, request: placement_service_pb2.GetFacilityRequest, context: object
    ) -> placement_service_pb2.GetFacilityResponse:
        facility = placement.Facility(facility_code=request.facility_code, capacity=self.capacity)
        return placement_service_pb2.GetFacilityResponse(facility=facility)

    async def GetContract(  # noqa: N802
        self, request: placement_service_pb2.GetContractRequest, context: grpc.aio.ServicerContext[Message, Message]
    ) -> placement_service_pb2.GetContractResponse:
        if request.application_id not in self.contracts:
            await _absent(context)
        return placement_service_pb2.GetContractResponse(contract=self.contracts[request.application_id])

    async def GetCaseFacts(  # noqa: N802
        self, request: intake_service_pb2.GetCaseFactsRequest, context: object
    ) -> intake_service_pb2.GetCaseFactsResponse:
        return intake_service_pb2.GetCaseFactsResponse(
            case_facts=intake.CaseFacts(
                application_id=request.application_id,
                municipality_id=TOWN,
                service_code="HSP",
                district_code="SREDETS",
                state=self.state,
                calendar=self.calendar,
                municipality_version=self.version,
                facts=facts_pb2.Facts(living_alone=self.alone, vulnerable=self.vulnerable),
                settings=self.settings,
            )
        )

    async def GetMunicipality(  # noqa: N802
        self, request: intake_service_pb2.GetMunicipalityRequest, context: object
    ) -> intake_service_pb2.GetMunicipalityResponse:
        town = intake.Municipality(
            municipality_id=request.municipality_id,
            calendar=self.calendar,
            version=self.version,
            offices=[intake.Office(office_code=head, head_staff_id=head) for head in self.heads],
            settings=self.settings,
        )
        return intake_service_pb2.GetMunicipalityResponse(municipality=town)

    async def ListContacts(  # noqa: N802
        self, request: contacts_pb2.ListContactsRequest, context: grpc.aio.ServicerContext[Message, Message]
    ) -> contacts_pb2.ListContactsResponse:
        if self.contacts_code is grpc.StatusCode.DEADLINE_EXCEEDED:
            await self.never.wait()
        elif self.contacts_code is not grpc.StatusCode.OK:
            await context.abort(self.contacts_code)
        known = [self.contacts[each] for each in request.application_ids if each in self.contacts]
        return contacts_pb2.ListContactsResponse(contacts=known)

    async def GetFoundFacts(  # noqa: N802
        self, request: assessment_service_pb2.GetFoundFactsRequest, context: object
    ) -> assessment_service_pb2.GetFoundFactsResponse:
        return assessment_service_pb2.GetFoundFactsResponse(home_visit_done=request.application_id in self.visited)

    async def GetAccount(  # noqa: N802
        self, request: billing_service_pb2.GetAccountRequest, context: grpc.aio.ServicerContext[Message, Message]
    ) -> billing_service_pb2.GetAccountResponse:
        if request.application_id not in self.custody.keys() | self.invoices.keys():
            await _absent(context)
        held = money_pb2.Money(currency_code="EUR", units=self.custody.get(request.application_id, 0))
        account = billing.Account(custody=held, invoices=self.invoices.get(request.application_id, []))
        return billing_service_pb2.GetAccountResponse(account=account)

    async def PreviewChange(  # noqa: N802
        self, request: documents_pb2.PreviewChangeRequest, context: grpc.aio.ServicerContext[Message, Message]
    ) -> documents_pb2.PreviewChangeResponse:
        self.foreseen.append(request)
        if request.application_id not in self.changes:
            await _absent(context)
        return self.changes[request.application_id]

    async def QuotePause(  # noqa: N802
        self, request: billing_service_pb2.QuotePauseRequest, context: grpc.aio.ServicerContext[Message, Message]
    ) -> billing_service_pb2.QuotePauseResponse:
        self.quoted.append(request)
        if request.application_id not in self.pauses:
            await _absent(context)
        return billing_service_pb2.QuotePauseResponse(months=self.pauses[request.application_id])


async def _absent(context: grpc.aio.ServicerContext[Message, Message]) -> None:
    await context.abort_with_status(rpc_status.to_status(status_of(NotFound())))


@dataclass
class Service:
    """The running service, its neighbours and callers."""

    channel: grpc.aio.Channel
    key: Ed25519PrivateKey
    neighbours: Neighbours
    dsn: str
    log: structlog.testing.LogCapture
    registry: CollectorRegistry

    @property
    def stub(self) -> delivery_service_pb2_grpc.DeliveryServiceStub:
        return delivery_service_pb2_grpc.DeliveryServiceStub(self.channel)

    def by(
        self, role: Role, at: datetime, *, town: str = TOWN, person: str = "", staff: str = "s-1"
    ) -> tuple[tuple[str, str], ...]:
        token = mint_token(
            self.key, subject=staff, roles=frozenset({role}), municipalities=frozenset({town}), person=person
        )
        return (("authorization", f"Bearer {token}"), ("x-business-time", at.isoformat()))

    def signed(self, start: date, *plan: facts_pb2.PlanLine) -> str:
        """Has placement hold a contract and gives the case."""
        case = str(uuid4())
        self.neighbours.contracts[case] = placement.Contract(
            contract_id=str(uuid4()),
            application_id=case,
            municipality_id=TOWN,
            person_id="person-1",
            service_code="HSP",
            district_code="SREDETS",
            start_date=date_to_proto(start),
            plan=plan,
            version=1,
        )
        return case

    async def rows(self, statement: str, *arguments: object) -> list[asyncpg.Record]:
        """What the database answers, past the service."""
        connection = await asyncpg.connect(self.dsn)
        try:
            found: list[asyncpg.Record] = await connection.fetch(statement, *arguments)
        finally:
            await connection.close()
        return found

    async def copies(self, case: str, at: datetime) -> pb.CopyContractResponse:
        request = pb.CopyContractRequest(request_id=str(uuid4()), application_id=case)
        return await self.stub.CopyContract(request, metadata=self.by(Role.WORKER, at))


@pytest.fixture
def key(tmp_path: Path) -> Ed25519PrivateKey:
    """Key by which tokens are signed; its public part lies beside it as `key.pub.pem`."""
    return write_signing_key(tmp_path / "key.pem", tmp_path / "key.pub.pem")


@pytest.fixture
async def intake_address() -> str:
    """Where intake listens; empty: the small server stands in for it as well."""
    return ""


@pytest.fixture
async def service(
    migrated_database: Callable[[Stage], Awaitable[str]],
    tmp_path: Path,
    key: Ed25519PrivateKey,
    intake_address: str,
    kept_connections: None,
) -> AsyncIterator[Service]:
    neighbours = Neighbours()
    beside = grpc.aio.server()
    intake_service_pb2_grpc.add_IntakeServiceServicer_to_server(_Rest(neighbours), beside)
    assessment_service_pb2_grpc.add_AssessmentServiceServicer_to_server(_Rest(neighbours), beside)
    placement_service_pb2_grpc.add_PlacementServiceServicer_to_server(_Rest(neighbours), beside)
    billing_service_pb2_grpc.add_BillingServiceServicer_to_server(_Rest(neighbours), beside)
    port = beside.add_insecure_port("127.0.0.1:0")
    await beside.start()
    write_key_ring(tmp_path / "ring.json")
    (tmp_path / "token").write_text(mint_token(key, subject="delivery", roles=frozenset({Role.SERVICE})))
    dsn = await migrated_database(Stage.DELIVERY)
    settings = Settings.model_validate(
        {
            "environment": "test",
            "clock": "simulated",
            "bind": "127.0.0.1:0",
            "metrics_bind": "127.0.0.1:0",
            "dsn": dsn,
            "temporal_address": "127.0.0.1:1",
            "auth_public_key_file": tmp_path / "key.pub.pem",
            "key_ring_file": tmp_path / "ring.json",
            "token_file": tmp_path / "token",
        }
        | {f"{stage}_address": f"127.0.0.1:{port}" for stage in ("intake", "assessment", "placement", "billing")}
        | ({"intake_address": intake_address} if intake_address else {})
    )
    log = structlog.testing.LogCapture()
    every_level = structlog.make_filtering_bound_logger(logging.NOTSET)
    telemetry = Telemetry(structlog.wrap_logger(None, processors=[log], wrapper_class=every_level))
    server = Server(SERVICE, settings, telemetry)
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield Service(channel, key, neighbours, dsn, log, telemetry.registry)
    await server.stop()
    await beside.stop(None)


class _Rest:
    """Stands for methods that the neighbours lack."""

    def __init__(self, known: Neighbours) -> None:
        self._known = known

    def __getattr__(self, name: str) -> object:
        return getattr(self._known, name, None)
