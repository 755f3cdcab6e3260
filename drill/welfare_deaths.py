"""Missed visits of one person on a whole stack; for each of them a process dies by SIGKILL at a boundary.

A boundary inside the database is held by a trigger that waits for a lock of the drill, so that the process surely dies
there. The person lives alone by what was declared: the copy in delivery comes the way that it does in production.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import uuid
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import cycle, islice

import asyncpg
from temporalio.client import Client, WorkflowExecutionStatus
from temporalio.service import RPCError, RPCStatusCode

from cli.gateway import Gateway
from cli.local.stack import LocalStack
from cli.stories.expectations import FinalCheck
from cli.stories.format import Act, CheckStep
from cli.stories.playing import play_story
from drill.plays import SILENT, chosen_stories
from services.kernel.codes import Role, Stage, welfare_workflow_id
from services.kernel.dates import SOFIA
from services.runtime.civil import date_to_proto
from socialcare.delivery.v1 import delivery_service_pb2 as pb
from socialcare.delivery.v1 import welfare_pb2 as welfare

__all__ = ["Death", "Deaths", "run_deaths"]

STORY = "HSP-10"
"""The story of a person who lives alone; the drill takes over once care has begun."""
CODE = "HSP_PRE_PHYSICIAN_CARE"
FIRST_VISIT = dt.date(2026, 9, 17)
WEEK = dt.timedelta(days=7)
LOCK = 240_712
PATIENCE_SECONDS = 60.0
DELIVERY, WORKER, TEMPORAL = "delivery", "worker", "temporal"
HELD = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = $1 AND NOT granted"


class Death(StrEnum):
    """Who dies, and where."""

    WRITE = "delivery, as it writes the check"
    COMMIT = "delivery, in the COMMIT of the check"
    PUBLISH = "delivery, with a message that Temporal has not taken"
    START = "delivery, as it marks a message that Temporal has taken"
    ACTIVITY = "worker, before its activity was acknowledged"


@dataclass(slots=True)
class Deaths:
    """What a number of deaths showed."""

    deaths: Counter[Death] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    @property
    def failures(self) -> list[str]:
        """Wrong ends, and boundaries at which nobody died."""
        return [*self.wrong, *(f"nobody died: {each}" for each in Death if not self.deaths[each])]


@dataclass(frozen=True, slots=True)
class _Scene:
    """The stack, a case in care, a way in, and one connection that holds the lock."""

    stack: LocalStack
    gateway: Gateway
    client: Client
    case: str
    holder: asyncpg.Connection

    @asynccontextmanager
    async def held(self, table: str, event: str, *, at_commit: bool = False, when: str = "") -> AsyncIterator[None]:
        """Whoever writes the table waits for the lock meanwhile."""
        timing = "CONSTRAINT TRIGGER held AFTER" if at_commit else "TRIGGER held BEFORE"
        deferred = "DEFERRABLE INITIALLY DEFERRED" if at_commit else ""
        await self.holder.execute(
            f"CREATE {timing} {event} ON {table} {deferred} FOR EACH ROW {when} EXECUTE FUNCTION held()"
        )
        await self.holder.execute(f"SELECT pg_advisory_lock({LOCK})")
        try:
            yield
        finally:
            await self.holder.execute(f"SELECT pg_advisory_unlock({LOCK})")
            await self.holder.execute(f"DROP TRIGGER held ON {table}")

    async def until_held(self) -> None:
        """Wait until somebody waits for the lock."""
        await _until(lambda: self.holder.fetchval(HELD, LOCK))

    def misses(self, on: dt.date) -> asyncio.Task[pb.RecordMissedResponse]:
        """Record a missed visit, patiently, with one request id."""
        request = pb.RecordMissedRequest(
            request_id=str(uuid.uuid4()),
            application_id=self.case,
            code=CODE,
            on_date=date_to_proto(on),
            units=1,
            fault=pb.MISS_FAULT_USER,
        )
        call = self.gateway.patient_call(
            self.gateway.delivery.RecordMissed, request, pb.RecordMissedResponse, role=Role.ASSISTANT, at=_at(on)
        )
        return asyncio.create_task(call)

    async def check_of(self, on: dt.date) -> list[str]:
        """Ids of the checks of the visit."""
        rows = await self.holder.fetch(
            "SELECT id::text FROM welfare_check WHERE application_id = $1::text::uuid AND on_day = $2", self.case, on
        )
        return [row[0] for row in rows]

    async def dies(self, name: str) -> None:
        """SIGKILL."""
        await self.stack.supervisor.kill(name)

    async def lives(self, name: str) -> None:
        """Start it again."""
        await self.stack.supervisor.start_again(name)


async def run_deaths(stack: LocalStack, gateway: Gateway, client: Client, deaths: int) -> Deaths:
    """Let somebody die that often, the boundaries in turn, each with a visit of its own."""
    found = Deaths()
    case = await _case_in_care(gateway, client)
    holder = await asyncpg.connect(stack.state.dsns[Stage.DELIVERY].replace("+asyncpg", ""))
    try:
        await holder.execute(
            "CREATE OR REPLACE FUNCTION held() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN PERFORM pg_advisory_xact_lock({LOCK}); RETURN NEW; END $$"
        )
        scene = _Scene(stack, gateway, client, case, holder)
        for number, death in enumerate(islice(cycle(Death), deaths)):
            on = FIRST_VISIT + number * WEEK
            await _STORIES[death](scene, on)
            found.deaths[death] += 1
            found.wrong += [f"{death}, {on}: {line}" for line in await _ends_once(scene, on)]
    finally:
        await holder.close()
    return found


async def _case_in_care(gateway: Gateway, client: Client) -> str:
    (told,) = chosen_stories([STORY])
    number, begun = next((number, step) for number, step in enumerate(told.timeline) if _is_in_care(step))
    final = FinalCheck(at=begun.at, state="IN_SERVICE")
    verdict = await play_story(
        told.model_copy(update={"timeline": told.timeline[:number], "final": final}), gateway, client, SILENT
    )
    if verdict.findings:
        raise RuntimeError(f"{STORY} differs: {verdict.findings}")
    (case,) = verdict.cases.values()
    return case


def _is_in_care(step: Act | CheckStep) -> bool:
    return isinstance(step, CheckStep) and step.check.state == "IN_SERVICE"


async def _in_write(scene: _Scene, on: dt.date) -> None:
    async with scene.held("welfare_check", "INSERT"):
        told = scene.misses(on)
        await scene.until_held()
        await scene.dies(DELIVERY)
    await scene.lives(DELIVERY)
    await told


async def _in_commit(scene: _Scene, on: dt.date) -> None:
    async with scene.held("welfare_check", "INSERT", at_commit=True):
        told = scene.misses(on)
        await scene.until_held()
        await scene.dies(DELIVERY)
    await scene.lives(DELIVERY)
    await told


async def _before_publish(scene: _Scene, on: dt.date) -> None:
    await scene.dies(TEMPORAL)
    await scene.misses(on)
    waiting = "SELECT count(*) FROM outbox WHERE state = 'PENDING'"
    if not await scene.holder.fetchval(waiting):
        raise RuntimeError("no message waits although Temporal is away")
    await scene.dies(DELIVERY)
    await scene.lives(TEMPORAL)
    await scene.lives(DELIVERY)


async def _after_start(scene: _Scene, on: dt.date) -> None:
    async with scene.held("outbox", "UPDATE", when="WHEN (NEW.state = 'DELIVERED')"):
        await scene.misses(on)
        await scene.until_held()
        (check,) = await scene.check_of(on)
        await _until(lambda: _status(scene.client, check))
        await scene.dies(DELIVERY)
    await scene.lives(DELIVERY)


async def _before_acknowledge(scene: _Scene, on: dt.date) -> None:
    asked = "WHEN (NEW.rpc LIKE '%/ClimbWelfareLadder')"
    async with scene.held("idempotency", "INSERT", at_commit=True, when=asked):
        await scene.misses(on)
        await scene.until_held()
        await scene.dies(WORKER)
    await scene.lives(WORKER)


_STORIES: Mapping[Death, Callable[[_Scene, dt.date], Awaitable[None]]] = {
    Death.WRITE: _in_write,
    Death.COMMIT: _in_commit,
    Death.PUBLISH: _before_publish,
    Death.START: _after_start,
    Death.ACTIVITY: _before_acknowledge,
}


async def _ends_once(scene: _Scene, on: dt.date) -> list[str]:
    """What is wrong: one check, one running workflow, which ends with the outcome that is recorded."""
    checks = await scene.check_of(on)
    if len(checks) != 1:
        return [f"{len(checks)} checks"]
    (check,) = checks
    await _until(lambda: _is_settled(scene.client, check))
    wrong = []
    if await _status(scene.client, check) is not WorkflowExecutionStatus.RUNNING:
        wrong.append("no workflow runs")
    request = welfare.CloseWelfareCheckRequest(
        request_id=str(uuid.uuid4()), check_id=check, outcome=welfare.WELFARE_OUTCOME_FOUND_WELL
    )
    await scene.gateway.patient_call(
        scene.gateway.delivery.CloseWelfareCheck,
        request,
        welfare.CloseWelfareCheckResponse,
        role=Role.SOCIAL_WORKER,
        at=_at(on) + dt.timedelta(minutes=5),
    )
    handle = scene.client.get_workflow_handle(welfare_workflow_id(check), result_type=str)
    async with asyncio.timeout(PATIENCE_SECONDS):
        if (outcome := await handle.result()) != "FOUND_WELL":
            wrong.append(f"the workflow ended with {outcome}")
    runs = [run async for run in scene.client.list_workflows(f'WorkflowId = "{welfare_workflow_id(check)}"')]
    if len(runs) != 1:
        wrong.append(f"{len(runs)} runs of the workflow")
    given_up = await scene.holder.fetchval("SELECT count(*) FROM outbox WHERE state = 'UNDELIVERABLE'")
    return [*wrong, *([f"{given_up} messages given up"] if given_up else [])]


async def _status(client: Client, check: str) -> WorkflowExecutionStatus | None:
    try:
        return (await client.get_workflow_handle(welfare_workflow_id(check)).describe()).status
    except RPCError as error:
        if error.status in {RPCStatusCode.NOT_FOUND, RPCStatusCode.UNAVAILABLE}:
            return None
        raise


async def _is_settled(client: Client, check: str) -> bool:
    """The workflow has begun and waits for no activity."""
    if await _status(client, check) is None:
        return False
    described = await client.get_workflow_handle(welfare_workflow_id(check)).describe()
    return not described.raw_description.pending_activities and bool(described.search_attributes.get("WaitingFor"))


async def _until(condition: Callable[[], Awaitable[object]]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await condition():
            await asyncio.sleep(0.02)


def _at(on: dt.date) -> dt.datetime:
    return dt.datetime.combine(on, dt.time(14, 0), SOFIA)
