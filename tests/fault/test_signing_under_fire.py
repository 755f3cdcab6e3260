"""Signing with a crash at every boundary: signed in placement, delivery and billing, or in none of them (design 4).

A boundary inside a database is held by a trigger that waits for a lock of the test, so that the process surely dies
there; the boundary of the checks is held by a delivery service that stands still. A held transaction goes on once the
lock is given back: whose COMMIT had begun has signed although nobody was told.
"""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from google.protobuf.message import Message
from temporalio.client import Client

from cli.gateway import Answer, Gateway
from cli.local.stack import LocalStack
from cli.stories.format import Story
from cli.stories.playing import Telling, Verdict, play_story
from cli.stories.session import endpoints_of, read_stories
from services.kernel.codes import Role, Stage
from socialcare.placement.v1.placement_service_pb2 import SignContractRequest

STORIES = Path(__file__).parents[1] / "stories" / "public.jsonl"
LOCK = 240_711
PATIENCE_SECONDS = 60.0
IN_FLIGHT_SECONDS = 0.5
SILENT = Telling(step=lambda _, __, ___: None, clock=lambda _, __: None)
COPIES = {
    Stage.PLACEMENT: "SELECT contract_id::text FROM contracts WHERE application_id = $1",
    Stage.DELIVERY: "SELECT contract_id::text FROM care WHERE application_id = $1::text::uuid",
    Stage.BILLING: "SELECT contract_id::text FROM contracts WHERE case_id = $1::text::uuid",
}

pytestmark = pytest.mark.stack


@dataclass(frozen=True)
class Boundary:
    """Where the service of a stage dies: as it writes the table, or in the COMMIT of what it wrote."""

    stage: Stage
    table: str
    timing: str

    @property
    def trigger(self) -> str:
        if self.timing == "write":
            return f"CREATE TRIGGER held BEFORE INSERT ON {self.table} FOR EACH ROW EXECUTE FUNCTION held()"
        return (
            f"CREATE CONSTRAINT TRIGGER held AFTER INSERT ON {self.table} DEFERRABLE INITIALLY DEFERRED "
            "FOR EACH ROW EXECUTE FUNCTION held()"
        )


BOUNDARIES = [
    Boundary(stage, table, timing)
    for stage, table in ((Stage.PLACEMENT, "contracts"), (Stage.DELIVERY, "care"), (Stage.BILLING, "contracts"))
    for timing in ("write", "commit")
]
OFTEN = {(Stage.PLACEMENT, "commit"), (Stage.DELIVERY, "write")}
"""Every boundary is crossed by `make drill`, which sets EVERY_BOUNDARY; these by every run of the tests."""
CHOSEN = [
    pytest.param(boundary, id=f"{boundary.stage.package} dies in its {boundary.timing}")
    for boundary in BOUNDARIES
    if os.environ.get("EVERY_BOUNDARY") or (boundary.stage, boundary.timing) in OFTEN
]


class Ambush(Gateway):
    """Does something when the signing leaves for the first time."""

    waiting: Callable[[], None] | None = None

    async def call(
        self,
        method: Callable[..., Any],
        request: Message,
        answer: type[Answer],
        *,
        role: Role,
        at: dt.datetime | None = None,
    ) -> Answer:
        if isinstance(request, SignContractRequest) and self.waiting is not None:
            strike, self.waiting = self.waiting, None
            strike()
        return await Gateway.call(self, method, request, answer, role=role, at=at)


async def contracts(stack: LocalStack, verdict: Verdict) -> dict[Stage, list[str]]:
    """Contract ids that each stage holds of the story's case."""
    (case,) = verdict.cases.values()
    found = {}
    for stage, statement in COPIES.items():
        async with database(stack, stage) as connection:
            found[stage] = [row[0] for row in await connection.fetch(statement, case)]
    return found


@asynccontextmanager
async def database(stack: LocalStack, stage: Stage) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(stack.state.dsns[stage].replace("+asyncpg", ""))
    try:
        yield connection
    finally:
        await connection.close()


@asynccontextmanager
async def played(stack: LocalStack) -> AsyncIterator[tuple[Ambush, asyncio.Task[Verdict]]]:
    """HSP-01 under way."""
    (story,) = read_stories(STORIES, ["HSP-01"])
    assert isinstance(story, Story)
    client = await Client.connect(stack.state.temporal_address, namespace=stack.state.temporal_namespace)
    gateway = Ambush(endpoints_of(stack.state))
    try:
        yield gateway, asyncio.create_task(play_story(story, gateway, client, SILENT))
    finally:
        await gateway.close()


async def signed_everywhere(stack: LocalStack, playing: asyncio.Task[Verdict]) -> None:
    async with asyncio.timeout(4 * PATIENCE_SECONDS):
        verdict = await playing
    assert verdict.findings == []
    held = await contracts(stack, verdict)
    assert [len(ids) for ids in held.values()] == [1, 1, 1]
    assert len({ids[0] for ids in held.values()}) == 1


@pytest.mark.parametrize("boundary", CHOSEN)
async def test_a_contract_is_signed_everywhere_although(mortal_stack: LocalStack, boundary: Boundary) -> None:
    victim = boundary.stage.package
    async with database(mortal_stack, boundary.stage) as holder, played(mortal_stack) as (_, playing):
        await holder.execute(
            "CREATE OR REPLACE FUNCTION held() RETURNS trigger LANGUAGE plpgsql AS "
            f"$$ BEGIN PERFORM pg_advisory_xact_lock({LOCK}); RETURN NEW; END $$"
        )
        await holder.execute(boundary.trigger)
        try:
            await holder.execute(f"SELECT pg_advisory_lock({LOCK})")
            await _until_somebody_is_held(holder)
            assert not playing.done()
            await mortal_stack.supervisor.kill(victim)
            await holder.execute(f"SELECT pg_advisory_unlock({LOCK})")
            await mortal_stack.supervisor.start_again(victim)
            await signed_everywhere(mortal_stack, playing)
        finally:
            await holder.execute(f"DROP TRIGGER held ON {boundary.table}")


async def _until_somebody_is_held(holder: asyncpg.Connection) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not await holder.fetchval(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = $1 AND NOT granted", LOCK
        ):
            await asyncio.sleep(0.02)


async def test_a_contract_is_signed_once_although_placement_dies_while_the_others_check(
    mortal_stack: LocalStack,
) -> None:
    delivery = mortal_stack.supervisor.pid(Stage.DELIVERY.package)
    async with played(mortal_stack) as (gateway, playing):
        stopped = asyncio.Event()

        def stand_still() -> None:
            os.killpg(delivery, signal.SIGSTOP)
            stopped.set()

        gateway.waiting = stand_still
        async with asyncio.timeout(PATIENCE_SECONDS):
            await stopped.wait()
        try:
            await asyncio.sleep(IN_FLIGHT_SECONDS)
            async with database(mortal_stack, Stage.PLACEMENT) as connection:
                before = await connection.fetchval("SELECT count(*) FROM contracts WHERE end_date IS NULL")
            assert not playing.done()
            await mortal_stack.supervisor.kill(Stage.PLACEMENT.package)
            async with database(mortal_stack, Stage.PLACEMENT) as connection:
                assert before == await connection.fetchval("SELECT count(*) FROM contracts WHERE end_date IS NULL")
        finally:
            os.killpg(delivery, signal.SIGCONT)
        await mortal_stack.supervisor.start_again(Stage.PLACEMENT.package)
        await signed_everywhere(mortal_stack, playing)
