"""Billing's handlers over a real database, with the other services faked at their port."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Sequence
from datetime import date, datetime
from typing import Any, cast
from uuid import uuid4

import pytest
import structlog
from google.protobuf.message import Message
from google.type.money_pb2 import Money as MoneyMessage
from prometheus_client import CollectorRegistry

from services.billing.api import BillingServicer
from services.billing.api.peers import CaseIdentity, PulledContract
from services.billing.domain.accounts import Contract, ServedMonth, WarStatus
from services.billing.domain.tracing import CaseDays, CoveringAct, Finding, TracedUnit
from services.billing.errors import StateNotAllowed
from services.kernel.codes import Role, Stage
from services.kernel.dates import SOFIA, Month, local_date
from services.kernel.local_rules import SHIPPED_RULES, LocalRules
from services.kernel.money import Currency, Money
from services.runtime.auth import Caller
from services.runtime.civil import money_to_proto
from services.runtime.clock import SystemClock
from services.runtime.commands import CommandRunner
from services.runtime.crypto import KeyRing, PersonCipher
from services.runtime.database import Database
from services.runtime.errors import NotFound
from services.runtime.scope import RpcScope, entered
from services.runtime.server import Runtime
from services.runtime.telemetry import Telemetry
from socialcare.billing.v1 import billing_service_pb2 as pb
from socialcare.billing.v1 import resources_pb2 as res
from socialcare.common.v1 import facts_pb2, types_pb2


class FakeNeighbours:
    """Intake, placement and delivery as a test states them."""

    def __init__(self) -> None:
        self.cases: dict[str, CaseIdentity] = {}
        self.contracts: dict[str, Contract] = {}
        self.own_rules = SHIPPED_RULES
        self.wars: dict[str, WarStatus] = {}
        self.paused: dict[tuple[str, Month], int] = {}
        self.missed: dict[tuple[str, Month], int] = {}
        """Days under contract on which delivery did not serve."""
        self.unit_counts: dict[tuple[str, Month], int] = {}
        self.counted = 1
        """Version of what delivery says; a test raises it with what it changes."""
        self.unserved: set[str] = set()
        """Cases that delivery does not know."""
        self.calls = 0
        self.planned: dict[str, tuple[str, Month]] = {}
        self.covering: list[CoveringAct] = []
        self.found: list[Finding] = []
        self.name = "Мария Иванова Петрова"

    async def identity(self, case_id: str) -> CaseIdentity:
        if case_id not in self.cases:
            raise NotFound(resource_type="application", resource_id=case_id)
        return self.cases[case_id]

    async def contract(self, case_id: str) -> PulledContract:
        await self.identity(case_id)
        if case_id not in self.contracts:
            raise StateNotAllowed
        return PulledContract(self.contracts[case_id], self.wars.get(case_id, WarStatus()), self.own_rules)

    async def rules(self, municipality_id: str) -> LocalRules:
        return self.own_rules

    async def office_heads(self, municipality_id: str) -> frozenset[str]:
        return frozenset({"head-1"})

    async def served(
        self, municipality_id: str, month: Month, case_ids: Sequence[str], counted: frozenset[str]
    ) -> list[ServedMonth]:
        self.calls += 1
        return [self._served(self.contracts[case_id], month) for case_id in case_ids if case_id not in self.unserved]

    async def knows(self, municipality_id: str, month: Month) -> bool:
        return any(
            contract.start <= month.last and (contract.end is None or contract.end >= month.first)
            for case_id, contract in self.contracts.items()
            if case_id not in self.unserved
        )

    async def payer(self, person_id: str) -> str:
        return self.name

    async def case_days(self, case_id: str) -> CaseDays:
        return CaseDays(registered_on=date(2026, 1, 19), decided_on=date(2026, 1, 26))

    async def acts(self, case_id: str) -> Sequence[CoveringAct]:
        return self.covering

    async def findings(self, case_id: str) -> Sequence[Finding]:
        return self.found

    async def units(self, case_id: str, month: Month) -> list[TracedUnit]:
        return [
            TracedUnit(unit_id, "line-1", "HSP_MEAL_DELIVERY", planned.first, 1, "DONE")
            for unit_id, (owner, planned) in self.planned.items()
            if (owner, planned) == (case_id, month)
        ]

    async def month_of_unit(self, unit_id: str) -> tuple[str, Month]:
        if unit_id not in self.planned:
            raise NotFound(resource_type="unit", resource_id=unit_id)
        return self.planned[unit_id]

    def days(self, case_id: str, month: Month) -> int:
        """Days of the month under contract, as long as there is the service."""
        contract = self.contracts[case_id]
        ended = self.own_rules.catalogue.ending_in(month.first, month.last).get(contract.service_code, month.last)
        first, last = max(contract.start, month.first), min(contract.end or ended, ended)
        return max((last - first).days + 1, 0)

    def _served(self, contract: Contract, month: Month) -> ServedMonth:
        key = contract.case_id, month
        days, paused = self.days(*key) - self.missed.get(key, 0), self.paused.get(key, 0)
        return ServedMonth(*key, days, paused, self.unit_counts.get(key, 0), self.counted + paused)


class Desk:
    """Plays people and the worker against the handlers."""

    municipality = "TEST-1"

    def __init__(self, servicer: BillingServicer, neighbours: FakeNeighbours, database: Database) -> None:
        self.database = database
        self.servicer = servicer
        self.neighbours = neighbours

    async def ask(
        self, request: Message, at: str, role: Role = Role.BILLING_CLERK, caller: Caller | None = None
    ) -> Any:
        """Call the method of the request at a Sofia wall-clock time such as `2026-01-19 10:00`."""
        name = type(request).__name__.removesuffix("Request")
        now = datetime.fromisoformat(at).replace(tzinfo=SOFIA)
        somebody = caller or Caller("staff-1", frozenset({role}), frozenset({self.municipality}))
        scope = RpcScope(f"/socialcare.billing.v1.BillingService/{name}", somebody, role, now, local_date(now))
        with entered(scope):
            return await getattr(self.servicer, name)(request, cast("Any", None))

    def sign(self, start: date, cost: str = "230.00") -> str:
        """A contract in placement, not copied yet."""
        case_id = self.apply()
        identity = self.neighbours.cases[case_id]
        self.neighbours.contracts[case_id] = Contract(
            case_id,
            str(uuid4()),
            identity.municipality_id,
            identity.person_id,
            "HSP",
            start,
            None,
            None,
            Money.of(cost, Currency.EUR),
            None,
            1,
        )
        return case_id

    def apply(self) -> str:
        case_id = str(uuid4())
        self.neighbours.cases[case_id] = CaseIdentity(self.municipality, f"person-{case_id}")
        return case_id

    async def copy(self, case_id: str, at: str) -> pb.CopyContractResponse:
        request = pb.CopyContractRequest(request_id=str(uuid4()), application_id=case_id)
        return cast("pb.CopyContractResponse", await self.ask(request, at, Role.WORKER))

    async def draft(self, month: str, at: str, page_size: int = 0) -> str:
        """The first part of the run: its id, with every draft."""
        billed = types_pb2.YearMonth(year=int(month[:4]), month=int(month[5:]))
        opening = pb.OpenBillingRunRequest(request_id=str(uuid4()), municipality_id=self.municipality, month=billed)
        run = await self.ask(opening, at, Role.WORKER)
        token = ""
        while True:
            page = pb.DraftPageRequest(
                request_id=str(uuid4()), run_id=run.run_id, page_token=token, page_size=page_size
            )
            token = (await self.ask(page, at, Role.WORKER)).next_page_token
            if not token:
                return cast("str", run.run_id)

    async def approve(self, month: str, at: str) -> None:
        """As a clerk does: the review is renewed, read and approved."""
        billed = types_pb2.YearMonth(year=int(month[:4]), month=int(month[5:]))
        about = {"municipality_id": self.municipality, "month": billed}
        renewed = await self.ask(pb.RenewRunReviewRequest(request_id=str(uuid4()), **about), at)
        read = renewed.run.review.drafts_hash
        await self.ask(pb.ApproveBillingRunRequest(request_id=str(uuid4()), drafts_hash=read, **about), at)

    async def bill(self, month: str, at: str, page_size: int = 0) -> pb.BillingRun:
        """The whole run as the workflow does it."""
        await self.draft(month, at, page_size)
        await self.approve(month, at)
        return await self.issue(month, at, page_size)

    async def issue(self, month: str, at: str, page_size: int = 0) -> pb.BillingRun:
        """The last part of the run: what is approved."""
        billed = types_pb2.YearMonth(year=int(month[:4]), month=int(month[5:]))
        asked = pb.GetBillingRunRequest(municipality_id=self.municipality, month=billed)
        run_id, more = (await self.ask(asked, at)).run.run_id, True
        while more:
            page_of_issue = pb.IssuePageRequest(request_id=str(uuid4()), run_id=run_id, page_size=page_size)
            more = (await self.ask(page_of_issue, at, Role.WORKER)).more
        closing = pb.CloseBillingRunRequest(request_id=str(uuid4()), run_id=run_id)
        return cast("pb.BillingRun", (await self.ask(closing, at, Role.WORKER)).run)

    def income(self, case_id: str, from_month: str, pension: str, **more: Any) -> pb.DeclareIncomeRequest:
        return pb.DeclareIncomeRequest(
            request_id=str(uuid4()),
            application_id=case_id,
            from_month=types_pb2.YearMonth(year=int(from_month[:4]), month=int(from_month[5:])),
            income=[facts_pb2.Income(kind="PENSION", amount=self.euro(pension))],
            **more,
        )

    def euro(self, text: str) -> MoneyMessage:
        return money_to_proto(Money.of(text, Currency.EUR))

    async def messages(self) -> list[tuple[str, str]]:
        """The outbox: who is told what, in order."""
        async with self.database.read() as tx:
            return [(row.workflow_id, row.event) for row in await tx.all("SELECT * FROM outbox ORDER BY id")]

    async def account(self, case_id: str, at: str) -> res.Account:
        answer = await self.ask(pb.GetAccountRequest(application_id=case_id), at)
        return cast("res.Account", answer.account)


@pytest.fixture
async def desk(opened_database: Callable[[Stage], Awaitable[Database]]) -> Desk:
    database = await opened_database(Stage.BILLING)
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
    return Desk(BillingServicer(runtime, neighbours), neighbours, database)
