"""A stage without its socket: real handlers on a real database, the other stages played by what a race has told them.

Two replicas are two pools. A transaction of a contender stops right after its BEGIN until every contender has begun.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any, cast

import structlog
from google.protobuf.message import Message
from prometheus_client import CollectorRegistry
from sqlalchemy import Row

from services.assessment.api import AssessmentServicer
from services.billing.api import BillingServicer
from services.billing.api.peers import CaseIdentity, Neighbours, PulledContract
from services.billing.domain.accounts import Contract, ServedMonth, WarStatus
from services.intake.api import IntakeServicer
from services.intake.domain.timeline import Record
from services.intake.domain.withdrawal import Falling
from services.intake.usecases.ports import FoundFacts
from services.kernel.codes import Role, Stage
from services.kernel.dates import Month, local_date
from services.kernel.local_rules import SHIPPED_RULES, LocalRules
from services.placement.api import PlacementServicer
from services.placement.documents.contract import User
from services.runtime.auth import Caller
from services.runtime.clock import SystemClock
from services.runtime.commands import CommandRunner
from services.runtime.crypto import KeyRing, PersonCipher
from services.runtime.database import Database, Parameters, WriteTx
from services.runtime.scope import RpcScope, entered
from services.runtime.server import Runtime
from services.runtime.telemetry import Telemetry
from socialcare.intake.v1 import resources_pb2 as intake_pb2
from socialcare.placement.v1 import placement_service_pb2

__all__ = ["Elsewhere", "Replica", "Start", "replicas", "starting"]


@dataclass(frozen=True, slots=True)
class Start:
    """Where a contender stands: it begins, waits for the others, and goes `delay` seconds after the barrier fell."""

    barrier: asyncio.Barrier
    delay: float


starting: ContextVar[Start | None] = ContextVar("starting", default=None)
"""The start of the contender that this task is; its first transaction takes it."""


class HeldDatabase(Database):
    """A database whose transactions begin at a contender's start."""

    @asynccontextmanager
    async def write(self) -> AsyncIterator[WriteTx]:
        """As ever; a contender's first one is held after its BEGIN until all have begun."""
        async with super().write() as tx:
            start = starting.get()
            if start is not None:
                starting.set(None)
                await start.barrier.wait()
                await asyncio.sleep(start.delay)
            yield tx


@dataclass
class Elsewhere:
    """The other services: they know what they were told and agree to everything."""

    cases: dict[str, intake_pb2.CaseFacts] = field(default_factory=dict)
    found: dict[str, FoundFacts] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    """What the municipality of a case has set."""
    contracts: dict[str, Contract] = field(default_factory=dict)
    unserved: set[str] = field(default_factory=set)
    """Cases that delivery does not know."""

    async def case_facts(self, application_id: str) -> intake_pb2.CaseFacts:
        """What intake says of a case."""
        return self.cases[application_id]

    async def rules(self, municipality_id: str) -> LocalRules:  # noqa: ARG002 every municipality has decided nothing
        """What intake says of a municipality."""
        return SHIPPED_RULES

    async def office_heads(self, municipality_id: str) -> frozenset[str]:  # noqa: ARG002 no operator races
        """What intake says of a municipality's offices."""
        return frozenset()

    async def identity(self, case_id: str) -> CaseIdentity:
        """Whose case it is."""
        found = self.contracts[case_id]
        return CaseIdentity(found.municipality_id, found.person_id)

    async def contract(self, case_id: str) -> PulledContract:
        """What placement says of a contract."""
        return PulledContract(self.contracts[case_id], WarStatus(), SHIPPED_RULES)

    async def served(
        self,
        municipality_id: str,  # noqa: ARG002 the cases say it
        month: Month,
        case_ids: Sequence[str],
        counted: frozenset[str],  # noqa: ARG002 nothing is counted
    ) -> list[ServedMonth]:
        """Everybody whom delivery knows was served every day."""
        return [ServedMonth(case, month, month.days, 0, 0, 1) for case in case_ids if case not in self.unserved]

    async def knows(self, municipality_id: str, month: Month) -> bool:  # noqa: ARG002 it knows the towns
        """Delivery knows somebody."""
        return True

    async def found_facts(self, application_id: str) -> FoundFacts:
        """What assessment found."""
        return self.found[application_id]

    async def falling(self, application_id: str) -> tuple[Falling, ...]:  # noqa: ARG002 they hold nothing
        """The other stages hold nothing that would fall with a case."""
        return ()

    async def records(self, stage: Stage, application_id: str) -> tuple[Record, ...]:  # noqa: ARG002 they have nothing
        """The other stages have nothing on record."""
        return ()

    async def visit_day(self, application_id: str) -> date | None:  # noqa: ARG002 assessment appoints none
        """Assessment has appointed no visit."""
        return None

    async def check_plan(self, request: placement_service_pb2.SignContractRequest, case: intake_pb2.CaseFacts) -> None:
        """Delivery agrees."""

    async def check_terms(self, request: placement_service_pb2.SignContractRequest, case: intake_pb2.CaseFacts) -> None:
        """Billing agrees."""

    async def user(self, person_id: str) -> User:  # noqa: ARG002 nobody reads what these contracts say
        """Intake knows everybody by the same name."""
        return User("Мария Иванова Петрова", date(1950, 1, 1), "")

    async def check_termination(self, application_id: str, on: date) -> None:
        """Billing agrees."""


@dataclass(frozen=True, slots=True)
class Replica:
    """One process of a stage."""

    stage: Stage
    servicer: object
    database: Database

    async def ask(self, request: Message, at: datetime, role: Role, municipality: str, subject: str = "staff-1") -> Any:  # noqa: ANN401 the answer of whichever method
        """Call the method of the request as somebody of the municipality; raises the refusal itself."""
        name = type(request).__name__.removesuffix("Request")
        package = self.stage.package
        caller = Caller(subject, frozenset({role}), frozenset({municipality}))
        rpc = f"/socialcare.{package}.v1.{package.capitalize()}Service/{name}"
        with entered(RpcScope(rpc, caller, role, at, local_date(at))):
            return await getattr(self.servicer, name)(request, None)

    async def rows(self, statement: str, parameters: Parameters | None = None) -> Sequence[Row[Any]]:
        """What is stored."""
        async with self.database.read() as tx:
            return await tx.all(statement, parameters)

    async def value(self, statement: str, parameters: Parameters | None = None) -> Any:  # noqa: ANN401 a column has its own type
        """First column of the first row."""
        async with self.database.glance() as tx:
            return await tx.scalar(statement, parameters)


@asynccontextmanager
async def replicas(dsn: str, stage: Stage, count: int, elsewhere: Elsewhere) -> AsyncIterator[list[Replica]]:
    """That many processes of the stage on one database, each with connections of its own and the same keys."""
    keys = KeyRing({1: os.urandom(32)}, 1)
    databases = [HeldDatabase(dsn, pool_size=4) for _ in range(count)]
    try:
        yield [Replica(stage, _servicer(stage, database, keys, elsewhere), database) for database in databases]
    finally:
        for database in databases:
            await database.close()


def _servicer(stage: Stage, database: Database, keys: KeyRing, elsewhere: Elsewhere) -> object:
    runtime = Runtime(
        settings=cast("Any", None),
        db=database,
        clock=SystemClock(),
        commands=CommandRunner(database),
        peers=cast("Any", None),
        cipher=PersonCipher(keys),
        telemetry=Telemetry(log=structlog.get_logger(), registry=CollectorRegistry()),
    )
    match stage:
        case Stage.INTAKE:
            return IntakeServicer(runtime, elsewhere, elsewhere)
        case Stage.ASSESSMENT:
            return AssessmentServicer(runtime, elsewhere)
        case Stage.BILLING:
            # A race asks for contracts, rules and served days alone.
            return BillingServicer(runtime, cast("Neighbours", elsewhere))
        case Stage.PLACEMENT:
            return PlacementServicer(runtime, elsewhere)
        case _:
            raise ValueError(f"nobody races in {stage}")
