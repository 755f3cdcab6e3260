"""Placement's handlers over a real database, with the other services faked at their port."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import date, datetime
from typing import Any, cast
from uuid import uuid4

import pytest
import structlog
from google.protobuf.message import Message
from prometheus_client import CollectorRegistry

from services.kernel.codes import Role, Stage
from services.kernel.dates import SOFIA, local_date
from services.kernel.local_rules import LocalRules
from services.kernel.municipal_settings import MunicipalSettings
from services.kernel.service_entry import ServiceEntry
from services.placement.api import PlacementServicer
from services.placement.documents.contract import User
from services.runtime.auth import Caller
from services.runtime.civil import date_to_proto, instant_to_proto
from services.runtime.clock import SystemClock
from services.runtime.commands import CommandRunner
from services.runtime.crypto import KeyRing, PersonCipher
from services.runtime.database import Database
from services.runtime.errors import DomainError, PeerUnavailable
from services.runtime.scope import RpcScope, entered
from services.runtime.server import Runtime
from services.runtime.telemetry import Telemetry
from socialcare.common.v1 import facts_pb2, types_pb2
from socialcare.intake.v1 import resources_pb2 as intake_pb2
from socialcare.placement.v1 import placement_service_pb2 as pb
from socialcare.placement.v1 import resources_pb2


def sofia(moment: str) -> datetime:
    return datetime.fromisoformat(moment).replace(tzinfo=SOFIA)


class FakeNeighbours:
    """Intake, delivery and billing as a test states them; a refusal is raised when one is set."""

    def __init__(self) -> None:
        self.cases: dict[str, intake_pb2.CaseFacts] = {}
        self.plan_refusal: DomainError | None = None
        self.terms_refusal: DomainError | None = None
        self.termination_refusal: DomainError | None = None
        self.asked: list[str] = []
        self.users: dict[str, User] = {}
        self.local_rules = LocalRules(MunicipalSettings.of({}))
        self.away = False
        """Nobody answers."""

    def _reached(self) -> None:
        if self.away:
            raise PeerUnavailable

    def decides(self, *changes: ServiceEntry) -> None:
        """Entries of the municipality's own in the catalogue."""
        self.local_rules = replace(self.local_rules, changes=(*self.local_rules.changes, *changes))

    async def rules(self, municipality_id: str) -> LocalRules:
        self._reached()
        return self.local_rules

    async def case_facts(self, application_id: str) -> intake_pb2.CaseFacts:
        self._reached()
        return self.cases[application_id]

    async def check_plan(self, request: pb.SignContractRequest, case: intake_pb2.CaseFacts) -> None:
        self.asked.append("plan")
        self._reached()
        if self.plan_refusal is not None:
            raise self.plan_refusal

    async def check_terms(self, request: pb.SignContractRequest, case: intake_pb2.CaseFacts) -> None:
        self.asked.append("terms")
        self._reached()
        if self.terms_refusal is not None:
            raise self.terms_refusal

    async def user(self, person_id: str) -> User:
        self._reached()
        return self.users.get(person_id, User("Мария Иванова Петрова", date(1950, 1, 1), "ж.к. Люлин 5"))

    async def check_termination(self, application_id: str, on: date) -> None:
        self.asked.append(f"termination {on}")
        self._reached()
        if self.termination_refusal is not None:
            raise self.termination_refusal


class Office:
    """Plays people, authorities and the worker against the handlers."""

    municipality = "TEST-1"

    def __init__(self, servicer: PlacementServicer, database: Database, neighbours: FakeNeighbours) -> None:
        self.servicer = servicer
        self.database = database
        self.neighbours = neighbours

    async def ask(self, request: Message, at: str, role: Role = Role.OFFICE_HEAD, caller: Caller | None = None) -> Any:
        """Call the method of the request at a Sofia wall-clock time such as `2026-01-19 10:00`."""
        name = type(request).__name__.removesuffix("Request")
        now = sofia(at)
        somebody = caller or Caller("staff-1", frozenset({role}), frozenset({self.municipality}))
        scope = RpcScope(f"/socialcare.placement.v1.PlacementService/{name}", somebody, role, now, local_date(now))
        with entered(scope):
            return await getattr(self.servicer, name)(request, cast("Any", None))

    def accept(
        self,
        service: str,
        on: date,
        *,
        facility: str = "",
        birth: date = date(1950, 1, 1),
        received: str = "",
        route: int = 0,
        **facts: Any,
    ) -> str:
        """A case in intake that was accepted on the day."""
        application_id = str(uuid4())
        self.neighbours.cases[application_id] = intake_pb2.CaseFacts(
            application_id=application_id,
            municipality_id=self.municipality,
            person_id=f"person-{application_id}",
            service_code=service,
            district_code="LYULIN",
            facility_code=facility,
            received_time=instant_to_proto(sofia(received or f"{on} 09:00")),
            application_date=date_to_proto(on),
            birth_date=date_to_proto(birth),
            facts=facts_pb2.Facts(**facts),
            eligibility=intake_pb2.EligibilityDecision(
                outcome=types_pb2.ELIGIBILITY_OUTCOME_ELIGIBLE,
                decided_date=date_to_proto(on),
                route=types_pb2.PlacementRoute.Name(route),
            ),
            version=1,
        )
        return application_id

    async def facility(self, code: str, service: str, directorate: str, capacity: int) -> None:
        request = pb.CreateFacilityRequest(
            request_id=str(uuid4()),
            municipality_id=self.municipality,
            facility_code=code,
            service_code=service,
            directorate_code=directorate,
            capacity=capacity,
        )
        await self.ask(request, "2025-01-01 10:00", Role.MUNICIPALITY)

    async def capacity(self, code: str, places: int, at: str) -> resources_pb2.Facility:
        request = pb.SetCapacityRequest(
            request_id=str(uuid4()), municipality_id=self.municipality, facility_code=code, capacity=places
        )
        return cast("resources_pb2.Facility", (await self.ask(request, at)).facility)

    async def open(self, case: str, at: str) -> pb.OpenPlacementResponse:
        request = pb.OpenPlacementRequest(request_id=str(uuid4()), application_id=case)
        return cast("pb.OpenPlacementResponse", await self.ask(request, at, Role.WORKER))

    async def claim(self, case: str, at: str) -> pb.ClaimDueLimitsResponse:
        request = pb.ClaimDueLimitsRequest(request_id=str(uuid4()), application_id=case)
        return cast("pb.ClaimDueLimitsResponse", await self.ask(request, at, Role.WORKER))

    async def close(self, case: str, cause: str, at: str) -> str:
        request = pb.ClosePlacementRequest(request_id=str(uuid4()), application_id=case, cause=cause)
        answer = await self.ask(request, at, Role.WORKER)
        return resources_pb2.PlacementState.Name(answer.state).removeprefix("PLACEMENT_STATE_")

    async def order(self, case: str, number: str, directorate: str, at: str, facility: str = "") -> None:
        """The directorate's order to a facility; without one its refusal."""
        request = pb.RecordOrderRequest(
            request_id=str(uuid4()),
            application_id=case,
            issued=bool(facility),
            number=number,
            order_date=date_to_proto(sofia(at).date()),
            directorate_code=directorate,
            facility_code=facility,
        )
        await self.ask(request, at, Role.DIRECTORATE)

    async def answer(self, case: str, at: str, *, accepted: bool) -> None:
        request = pb.AnswerOfferRequest(request_id=str(uuid4()), application_id=case, accepted=accepted)
        await self.ask(request, at)

    def signing(self, case: str, start: date, **changes: Any) -> pb.SignContractRequest:
        line = facts_pb2.PlanLine(code="HSP_LAUNDRY", quantity=1, weekdays=[types_pb2.WEEKDAY_TUE])
        wishes: dict[str, Any] = {"request_id": str(uuid4()), "plan": [line], **changes}
        return pb.SignContractRequest(application_id=case, start_date=date_to_proto(start), **wishes)

    async def terminate(self, case: str, last: date, ground: str, at: str) -> None:
        request = pb.TerminateRequest(
            request_id=str(uuid4()), application_id=case, last_date=date_to_proto(last), ground=ground
        )
        await self.ask(request, at)

    async def look(self, case: str, at: str) -> resources_pb2.Placement:
        answer = await self.ask(pb.GetPlacementRequest(application_id=case), at)
        return cast("resources_pb2.Placement", answer.placement)

    async def state(self, case: str, at: str) -> str:
        found = await self.look(case, at)
        return resources_pb2.PlacementState.Name(found.state).removeprefix("PLACEMENT_STATE_")

    async def deadlines(self, case: str, at: str) -> dict[str, tuple[str, str]]:
        """Due date and status by kind."""
        return {
            types_pb2.LimitKind.Name(one.kind).removeprefix("LIMIT_KIND_"): (
                f"{one.due_date.year}-{one.due_date.month:02}-{one.due_date.day:02}",
                types_pb2.LimitStatus.Name(one.status).removeprefix("LIMIT_STATUS_"),
            )
            for one in (await self.look(case, at)).deadlines
        }

    async def events(self, case: str) -> list[tuple[str, datetime | None]]:
        """The outbox of a case: event and due instant, in order."""
        async with self.database.read() as tx:
            rows = await tx.all("SELECT event, due FROM outbox WHERE case_id = :case ORDER BY seq", {"case": case})
        return [(row.event, row.due) for row in rows]


@pytest.fixture
async def office(opened_database: Callable[[Stage], Awaitable[Database]]) -> Office:
    database = await opened_database(Stage.PLACEMENT)
    runtime = Runtime(
        settings=cast("Any", None),
        db=database,
        clock=SystemClock(),
        commands=CommandRunner(database),
        peers=cast("Any", None),
        cipher=PersonCipher(KeyRing({1: os.urandom(32)}, 1)),
        telemetry=Telemetry(log=structlog.get_logger(), registry=CollectorRegistry()),
    )
    neighbours = FakeNeighbours()
    return Office(PlacementServicer(runtime, neighbours), database, neighbours)
