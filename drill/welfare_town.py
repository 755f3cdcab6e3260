"""Delivery, two relays and a worker in one process, each of whom may die at a boundary; Temporal never does.

Service, use cases, outbox and relays are the real ones on a real database. Temporal is a port that takes starts and
signals as the server does and keeps what was acknowledged; the worker makes the calls of a check.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, cast
from uuid import NAMESPACE_OID, uuid4, uuid5

import grpc
import structlog
from google.protobuf.message import Message
from prometheus_client import CollectorRegistry

from services.delivery.api import DeliveryServicer
from services.delivery.domain.care import ContractCopy, PlanLine
from services.delivery.storage.store import Store
from services.delivery.storage.welfare import WelfareStore
from services.delivery.usecases.care import Moment, copy_contract
from services.kernel.codes import Role, Stage
from services.kernel.dates import SOFIA, Weekday, local_date
from services.kernel.local_rules import SHIPPED_RULES
from services.runtime.auth import Caller
from services.runtime.civil import instant_from_proto
from services.runtime.clock import SystemClock
from services.runtime.commands import CommandRunner
from services.runtime.database import Database, WriteTx
from services.runtime.outbox import OutboxKind
from services.runtime.relay import Relay
from services.runtime.scope import RpcScope, entered
from services.runtime.server import Runtime
from services.runtime.telemetry import OutboxMetrics, Telemetry
from services.runtime.temporal_target import Attempt, OutboxRow, Verdict
from socialcare.delivery.v1 import welfare_pb2 as welfare

__all__ = ["CODE", "MISSED", "TOWN", "Boundary", "Died", "Town", "open_town"]

TOWN = "CRASH-1"
MISSED = datetime(2026, 5, 6, 14, 0, tzinfo=SOFIA)
SIGNED = datetime(2026, 4, 28, 10, 0, tzinfo=SOFIA)
CODE = "HSP_MEAL_DELIVERY"


class Boundary(StrEnum):
    """Where somebody dies."""

    BEFORE_COMMIT = "service, before its COMMIT"
    AFTER_COMMIT = "service, after its COMMIT"
    BEFORE_PUBLISH = "relay, before it tells Temporal"
    AFTER_START = "relay, after Temporal took it"
    AFTER_MARK = "relay, after its COMMIT"
    BEFORE_ACTIVITY = "worker, before its call"
    BEFORE_ACKNOWLEDGE = "worker, before it acknowledges"


class Died(Exception):
    """A process is no more."""


@dataclass(slots=True)
class Fate:
    """Where somebody dies next, and how often it happened."""

    armed: Boundary | None = None
    deaths: Counter[Boundary] = field(default_factory=Counter)

    def reach(self, boundary: Boundary) -> None:
        """Die here if it was meant to be."""
        if self.armed is boundary:
            self.armed = None
            self.deaths[boundary] += 1
            raise Died


class MortalDatabase(Database):
    """A database whose user may die on either side of a COMMIT."""

    def __init__(self, dsn: str, fate: Fate, before: Boundary, after: Boundary) -> None:
        super().__init__(dsn, pool_size=4)
        self._fate, self._before, self._after = fate, before, after

    @asynccontextmanager
    async def write(self) -> AsyncIterator[WriteTx]:
        """As ever, unless death comes."""
        async with super().write() as tx:
            yield tx
            self._fate.reach(self._before)
        self._fate.reach(self._after)


@dataclass(slots=True)
class Execution:
    """One workflow of a check as Temporal keeps it: what was acknowledged, and what was said to it."""

    check_id: str
    step: int = 1
    """Number of the call that is next to be acknowledged; its request id follows from it."""
    due: datetime | None = None
    asks: bool = True
    """It has something to ask: it began, its timer rang, or somebody spoke."""
    heard: set[int] = field(default_factory=set)
    outcome: str = ""


@dataclass(slots=True)
class Temporal:
    """Takes starts and signals as the server does: a start once for ever, a signal while the workflow runs."""

    fate: Fate
    executions: dict[str, Execution] = field(default_factory=dict)
    created: Counter[str] = field(default_factory=Counter)
    taken: int = 0
    """Deliveries that were taken, repeated ones included."""

    async def attempt(self, row: OutboxRow) -> Attempt:
        """Take a message of the outbox."""
        self.fate.reach(Boundary.BEFORE_PUBLISH)
        verdict = self._take(row)
        self.taken += 1
        self.fate.reach(Boundary.AFTER_START)
        return Attempt(verdict)

    def _take(self, row: OutboxRow) -> Verdict:
        known = self.executions.get(row.workflow_id)
        if row.kind is OutboxKind.START:
            if known is None:
                self.executions[row.workflow_id] = Execution(row.case_id)
                self.created[row.workflow_id] += 1
            return Verdict.CLOSED if known is not None and known.outcome else Verdict.DELIVERED
        if known is None:
            return Verdict.LATER
        if known.outcome:
            return Verdict.CLOSED
        known.asks = known.asks or row.seq not in known.heard
        known.heard.add(row.seq)
        return Verdict.DELIVERED


class _NoNeighbour:
    """Nobody is asked for what this drill does."""

    def channel(self, stage: Stage) -> grpc.aio.Channel:  # noqa: ARG002 all are away
        return grpc.aio.insecure_channel("127.0.0.1:1")


@dataclass(slots=True)
class Town:
    """The service, two relays and a worker around one database and one Temporal."""

    service: DeliveryServicer
    database: Database
    relays: tuple[Relay, Relay]
    temporal: Temporal
    fate: Fate
    now: datetime = MISSED

    async def ask(self, request: Message, role: Role) -> Any:  # noqa: ANN401 the answer of whichever method
        """Call the method of the request; raises the refusal, or Died."""
        name = type(request).__name__.removesuffix("Request")
        caller = Caller("staff-1", frozenset({role}), frozenset({TOWN}))
        rpc = f"/socialcare.delivery.v1.DeliveryService/{name}"
        with entered(RpcScope(rpc, caller, role.value, self.now, local_date(self.now))):
            return await getattr(self.service, name)(request, cast("Any", None))

    async def work(self) -> None:
        """Let the worker do what is due: one call of each workflow that has something to ask."""
        for name, run in self._awake():
            self.fate.reach(Boundary.BEFORE_ACTIVITY)
            request_id = str(uuid5(NAMESPACE_OID, f"{name}/{run.step}"))
            request = welfare.ClimbWelfareLadderRequest(request_id=request_id, check_id=run.check_id)
            answer = await self.ask(request, Role.WORKER)
            self.fate.reach(Boundary.BEFORE_ACKNOWLEDGE)
            run.step, run.asks = run.step + 1, False
            run.due = instant_from_proto(answer.next_due_time) if answer.HasField("next_due_time") else None
            if answer.state == welfare.WELFARE_STATE_CLOSED:
                run.outcome = welfare.WelfareOutcome.Name(answer.outcome)

    @property
    def has_work(self) -> bool:
        """Whether a workflow has something to ask."""
        return bool(self._awake())

    def _awake(self) -> list[tuple[str, Execution]]:
        return [
            (name, run)
            for name, run in self.temporal.executions.items()
            if not run.outcome and (run.asks or (run.due is not None and run.due <= self.now))
        ]

    async def signed(self, *, alone: bool) -> str:
        """A case in care."""
        contract = ContractCopy(
            contract_id=str(uuid4()),
            application_id=str(uuid4()),
            municipality_id=TOWN,
            person_id=str(uuid4()),
            service_code="HSP",
            district_code="ISKAR",
            start=local_date(MISSED),
            end=None,
            authorised_from=None,
            authorised_to=None,
            plan=(PlanLine(CODE, 1, frozenset(Weekday)),),
            user_funds=False,
            version=1,
        )
        async with self.database.write() as tx:
            await copy_contract(contract, SHIPPED_RULES, Store(tx), Moment(SIGNED, local_date(SIGNED)))
            await WelfareStore(tx).copy_risk(contract.application_id, living_alone=alone, office_code="MAIN")
        return contract.application_id


@asynccontextmanager
async def open_town(dsn: str) -> AsyncIterator[Town]:
    """Everybody alive."""
    fate = Fate()
    database = MortalDatabase(dsn, fate, Boundary.BEFORE_COMMIT, Boundary.AFTER_COMMIT)
    # A relay that dies before its COMMIT has told Temporal already: that boundary is the target's.
    relaying = [MortalDatabase(dsn, fate, Boundary.AFTER_START, Boundary.AFTER_MARK) for _ in range(2)]
    temporal, registry = Temporal(fate), CollectorRegistry()
    metrics, log = OutboxMetrics(registry, "delivery"), structlog.get_logger()
    one, other = (Relay(each, cast("Any", temporal), metrics, log) for each in relaying)
    runtime = Runtime(
        settings=cast("Any", None),
        db=database,
        clock=SystemClock(),
        commands=CommandRunner(database),
        peers=cast("Any", _NoNeighbour()),
        cipher=cast("Any", None),
        telemetry=Telemetry(log=log, registry=CollectorRegistry()),
    )
    try:
        yield Town(DeliveryServicer(runtime), database, (one, other), temporal, fate)
    finally:
        for each in (database, *relaying):
            await each.close()
