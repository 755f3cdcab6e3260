"""Assessment's handlers over a real database, with intake faked at its port."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from datetime import date, datetime
from typing import Any, cast
from uuid import uuid4

import pytest
import structlog
from google.protobuf.message import Message
from prometheus_client import CollectorRegistry

from services.assessment.api import AssessmentServicer
from services.kernel.codes import Role, Stage
from services.kernel.dates import SOFIA, local_date
from services.kernel.local_rules import LocalRules
from services.kernel.municipal_settings import MunicipalSettings
from services.runtime.auth import Caller
from services.runtime.civil import date_to_proto
from services.runtime.clock import SystemClock
from services.runtime.commands import CommandRunner
from services.runtime.crypto import KeyRing, PersonCipher
from services.runtime.database import Database
from services.runtime.errors import DomainError, NotFound
from services.runtime.scope import RpcScope, entered
from services.runtime.server import Runtime
from services.runtime.telemetry import Telemetry
from socialcare.assessment.v1 import assessment_service_pb2 as pb
from socialcare.assessment.v1 import needs_pb2, resources_pb2
from socialcare.common.v1 import types_pb2
from socialcare.intake.v1 import resources_pb2 as intake_pb2


class FakeIntake:
    """Intake's facts as a test states them."""

    def __init__(self) -> None:
        self.cases: dict[str, intake_pb2.CaseFacts] = {}
        self.local_rules = LocalRules(MunicipalSettings.of({}))

    async def rules(self, municipality_id: str) -> LocalRules:
        return self.local_rules

    async def office_heads(self, municipality_id: str) -> frozenset[str]:
        return frozenset({"head-1"}) if municipality_id == Office.municipality else frozenset()

    async def case_facts(self, application_id: str) -> intake_pb2.CaseFacts:
        if application_id not in self.cases:
            raise NotFound(resource_type="application", resource_id=application_id)
        return self.cases[application_id]


class FakeDelivery:
    """Delivery's checks of a plan: the real rule is asked over the wire only."""

    def __init__(self) -> None:
        self.refusal: DomainError | None = None
        self.asked: list[needs_pb2.ProposePlanRequest] = []

    async def check_plan(self, request: needs_pb2.ProposePlanRequest, case: intake_pb2.CaseFacts) -> None:
        self.asked.append(request)
        if self.refusal is not None:
            raise self.refusal


class Office:
    """Plays people and the worker against the handlers."""

    municipality = "TEST-1"

    def __init__(
        self, servicer: AssessmentServicer, database: Database, intake: FakeIntake, delivery: FakeDelivery
    ) -> None:
        self.servicer = servicer
        self.database = database
        self.intake = intake
        self.delivery = delivery

    async def ask(
        self, request: Message, at: str, role: Role = Role.SOCIAL_WORKER, caller: Caller | None = None
    ) -> Any:
        """Call the method of the request at a Sofia wall-clock time such as `2026-01-19 10:00`."""
        name = type(request).__name__.removesuffix("Request")
        now = datetime.fromisoformat(at).replace(tzinfo=SOFIA)
        somebody = caller or Caller("staff-1", frozenset({role}), frozenset({self.municipality}))
        scope = RpcScope(f"/socialcare.assessment.v1.AssessmentService/{name}", somebody, role, now, local_date(now))
        with entered(scope):
            return await getattr(self.servicer, name)(request, cast("Any", None))

    def register(self, registered: date | None, settings: dict[str, str] | None = None, **changes: Any) -> str:
        """A case in intake, registered on the day; `changes` are other fields of its facts."""
        application_id = str(uuid4())
        self.intake.cases[application_id] = intake_pb2.CaseFacts(
            application_id=application_id,
            municipality_id=self.municipality,
            person_id=f"person-{application_id}",
            service_code="HSP",
            registered_date=None if registered is None else date_to_proto(registered),
            settings=settings or {},
            version=1,
            **changes,
        )
        return application_id

    async def open(self, case: str, at: str) -> pb.OpenAssessmentResponse:
        request = pb.OpenAssessmentRequest(request_id=str(uuid4()), application_id=case)
        return cast("pb.OpenAssessmentResponse", await self.ask(request, at, Role.WORKER))

    async def schedule(self, case: str, on: date, at: str) -> resources_pb2.Assessment:
        request = pb.ScheduleVisitRequest(
            request_id=str(uuid4()), application_id=case, on_date=date_to_proto(on), social_worker_id="sw-7"
        )
        return cast("resources_pb2.Assessment", (await self.ask(request, at, Role.OFFICE_HEAD)).assessment)

    async def visit(self, case: str, result: str, at: str, request_id: str = "") -> resources_pb2.Assessment:
        request = pb.RecordVisitAttemptRequest(
            request_id=request_id or str(uuid4()),
            application_id=case,
            result=resources_pb2.VisitResult.Value(f"VISIT_RESULT_{result}"),
        )
        return cast("resources_pb2.Assessment", (await self.ask(request, at)).assessment)

    async def claim(self, case: str, at: str, request_id: str = "") -> pb.ClaimDueRungsResponse:
        request = pb.ClaimDueRungsRequest(request_id=request_id or str(uuid4()), application_id=case)
        return cast("pb.ClaimDueRungsResponse", await self.ask(request, at, Role.WORKER))

    async def look(self, case: str, at: str) -> resources_pb2.Assessment:
        answer = await self.ask(pb.GetAssessmentRequest(application_id=case), at)
        return cast("resources_pb2.Assessment", answer.assessment)

    async def events(self, case: str) -> list[tuple[str, datetime | None]]:
        """The outbox of a case: event and due instant, in order."""
        async with self.database.read() as tx:
            rows = await tx.all("SELECT event, due FROM outbox WHERE case_id = :case ORDER BY seq", {"case": case})
        return [(row.event, row.due) for row in rows]


def deadlines(assessment: resources_pb2.Assessment) -> dict[str, tuple[str, str]]:
    """Due date and status by kind."""
    return {
        types_pb2.LimitKind.Name(one.kind).removeprefix("LIMIT_KIND_"): (
            f"{one.due_date.year}-{one.due_date.month:02}-{one.due_date.day:02}",
            types_pb2.LimitStatus.Name(one.status).removeprefix("LIMIT_STATUS_"),
        )
        for one in assessment.deadlines
    }


@pytest.fixture
def deadlines_of() -> Callable[[resources_pb2.Assessment], dict[str, tuple[str, str]]]:
    return deadlines


@pytest.fixture
async def office(opened_database: Callable[[Stage], Awaitable[Database]]) -> Office:
    database = await opened_database(Stage.ASSESSMENT)
    runtime = Runtime(
        settings=cast("Any", None),
        db=database,
        clock=SystemClock(),
        commands=CommandRunner(database),
        peers=cast("Any", None),
        cipher=PersonCipher(KeyRing({1: os.urandom(32)}, 1)),
        telemetry=Telemetry(log=structlog.get_logger(), registry=CollectorRegistry()),
    )
    intake, delivery = FakeIntake(), FakeDelivery()
    return Office(AssessmentServicer(runtime, intake, delivery), database, intake, delivery)
