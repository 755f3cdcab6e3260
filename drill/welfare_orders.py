"""Welfare checks under crashes, in process.

An order is one missed visit: recorded, recorded again, looked for, told to Temporal, climbed, answered, in an order
drawn by lot, while the service, the relay or the worker die at drawn boundaries. Whoever called repeats the request. In
the end the visit has one check and one workflow, which ends with the outcome.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from uuid import uuid4

from google.protobuf.message import Message

from drill.welfare_town import CODE, MISSED, TOWN, Boundary, Died, Town, open_town
from services.kernel.codes import Role, welfare_workflow_id
from services.kernel.dates import local_date
from services.runtime.civil import date_to_proto
from services.runtime.errors import DomainError
from socialcare.delivery.v1 import delivery_service_pb2 as pb
from socialcare.delivery.v1 import visits_pb2 as visits
from socialcare.delivery.v1 import welfare_pb2 as welfare

__all__ = ["Orders", "run_orders"]

STEPS = 14
"""Steps of an order before everybody is let through."""
DANGER = 0.45
"""Share of the steps in which somebody is to die."""
MOST_TURNS = 40
TIMES = (0, 5, 20, 40)
"""Minutes that may pass between two steps."""


@dataclass(slots=True)
class Orders:
    """What a number of orders showed."""

    orders: int = 0
    deaths: Counter[Boundary] = field(default_factory=Counter)
    steps: int = 0
    repeated: int = 0
    """Deliveries to Temporal beyond the messages that there were."""
    wrong: list[str] = field(default_factory=list)

    @property
    def failures(self) -> list[str]:
        """Wrong ends, and boundaries at which nobody died."""
        return [*self.wrong, *(f"nobody died: {each}" for each in Boundary if not self.deaths[each])]


async def run_orders(dsn: str, orders: int, seed: int) -> Orders:
    """Live that many orders, each with a chance of its own from the seed."""
    found = Orders(orders)
    async with open_town(dsn) as town:
        for number in range(orders):
            town.now = MISSED
            wrong = await _Order(town, random.Random(f"{seed}/{number}"), found).live()
            found.wrong += [f"order {number} of seed {seed}: {line}" for line in wrong]
        found.deaths = town.fate.deaths
        async with town.database.read() as tx:
            found.repeated = town.temporal.taken - int(await tx.scalar("SELECT count(*) FROM outbox"))
    return found


class _Order:
    """One missed visit among people who live alone and one who does not."""

    def __init__(self, town: Town, lot: random.Random, found: Orders) -> None:
        self._town, self._lot, self._found = town, lot, found
        self._case = ""
        self._other = ""
        self._visit = ""
        self._open: list[tuple[Message, Role]] = []
        """Requests without an answer: whoever sent them sends them again."""

    async def live(self) -> list[str]:
        """What is wrong in the end."""
        self._case, self._other = await self._town.signed(alone=True), await self._town.signed(alone=False)
        await self._send(self._missed(self._case), Role.ASSISTANT)
        steps: Mapping[Callable[[], Awaitable[object]], int] = {
            self._again: 4,
            self._record: 2,
            self._sweep: 2,
            self._relay: 5,
            self._town.work: 4,
            self._pass_time: 2,
            self._nobody_answers: 2,
        }
        for _ in range(STEPS):
            (step,) = self._lot.choices(list(steps), list(steps.values()))
            await self._in_danger(step)
        await self._let_through()
        wrong = await self._running_once()
        if wrong:
            return wrong
        await self._send(self._closing(), Role.OFFICE_HEAD)
        await self._let_through()
        return await self._ended_once()

    async def _in_danger(self, step: Callable[[], Awaitable[object]]) -> None:
        fate = self._town.fate
        fate.armed = self._lot.choice(list(Boundary)) if self._lot.random() < DANGER else None
        self._found.steps += 1
        try:
            await step()
        except Died:
            pass
        finally:
            fate.armed = None

    async def _let_through(self) -> None:
        """Nobody dies any more, and everybody does what they still have to."""
        await self._sweep()
        for _ in range(MOST_TURNS):
            await self._again()
            await self._relay()
            await self._town.work()
            if await self._is_quiet():
                return

    async def _is_quiet(self) -> bool:
        async with self._town.database.glance() as tx:
            waiting = await tx.scalar("SELECT count(*) FROM outbox WHERE state = 'PENDING'")
        return not waiting and not self._town.has_work

    async def _send(self, request: Message, role: Role) -> None:
        self._open.append((request, role))
        await self._in_danger(self._again)

    async def _again(self) -> None:
        while self._open:
            request, role = self._open[0]
            try:
                await self._town.ask(request, role)
            except DomainError as refusal:
                if refusal.reason != "STATE_NOT_ALLOWED":
                    raise
            self._open.pop(0)

    async def _record(self) -> None:
        for case in (self._case, self._other):
            self._open.append((self._missed(case), Role.ASSISTANT))
        await self._again()

    async def _sweep(self) -> None:
        request = visits.SweepVisitsRequest(request_id=str(uuid4()), municipality_id=TOWN)
        await self._town.ask(request, Role.WORKER)

    async def _relay(self) -> None:
        await self._lot.choice(self._town.relays).deliver_due()

    async def _pass_time(self) -> None:
        self._town.now += timedelta(minutes=self._lot.choice(TIMES))

    async def _nobody_answers(self) -> None:
        for check_id, state in await self._checks():
            if state in {"CALL_PERSON", "CALL_CONTACT", "SEND_SOMEBODY"}:
                answer = welfare.RecordRungAnswerRequest(
                    request_id=str(uuid4()),
                    check_id=check_id,
                    state=f"WELFARE_STATE_{state}",
                    answer=welfare.RUNG_ANSWER_NO_ANSWER,
                )
                self._open.append((answer, Role.SOCIAL_WORKER))
        await self._again()

    def _missed(self, case: str) -> pb.RecordMissedRequest:
        return pb.RecordMissedRequest(
            request_id=str(uuid4()),
            application_id=case,
            code=CODE,
            on_date=date_to_proto(local_date(MISSED)),
            units=1,
            fault=pb.MISS_FAULT_USER,
        )

    def _closing(self) -> welfare.CloseWelfareCheckRequest:
        return welfare.CloseWelfareCheckRequest(
            request_id=str(uuid4()), check_id=self._visit, outcome=welfare.WELFARE_OUTCOME_FOUND_WELL
        )

    async def _checks(self) -> list[tuple[str, str]]:
        async with self._town.database.read() as tx:
            rows = await tx.all(
                "SELECT id, state FROM welfare_check WHERE application_id IN (:case, :other)",
                {"case": self._case, "other": self._other},
            )
        return [(str(row.id), row.state) for row in rows]

    async def _running_once(self) -> list[str]:
        checks = await self._checks()
        if len(checks) != 1:
            return [f"{len(checks)} checks of one visit"]
        self._visit = checks[0][0]
        run = self._town.temporal.executions.get(welfare_workflow_id(self._visit))
        return [] if run is not None and not run.outcome else ["no workflow runs"]

    async def _ended_once(self) -> list[str]:
        temporal, wrong = self._town.temporal, []
        name = welfare_workflow_id(self._visit)
        if temporal.created[name] != 1:
            wrong.append(f"the workflow was begun {temporal.created[name]} times")
        if temporal.executions[name].outcome != "WELFARE_OUTCOME_FOUND_WELL":
            wrong.append("the workflow has not ended with the outcome")
        async with self._town.database.read() as tx:
            rungs = await tx.all(
                "SELECT number, answer FROM welfare_rung WHERE check_id = :id ORDER BY number", {"id": self._visit}
            )
            waiting = await tx.scalar("SELECT count(*) FROM outbox WHERE state <> 'DELIVERED'")
        if [row.number for row in rungs] != list(range(1, len(rungs) + 1)) or rungs[-1].answer != "CLOSE":
            wrong.append("the ladder has a gap")
        if waiting:
            wrong.append(f"{waiting} messages were not delivered")
        return wrong
