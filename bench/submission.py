"""`SubmitApplication` against an echo that stores the same rows.

The time that an applicant waits is measured, so calls come one by one. The relay hands every start over as always, in
the pause between two calls; the worker rests meanwhile, since what a case does next belongs to the throughput of cases.
"""

from __future__ import annotations

import asyncio
import pickle
import statistics
import sys
import time
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import grpc
from sqlalchemy import make_url

from bench.bare_intake import SUBMIT
from bench.left_rows import LeftRows, left_rows, snapshot
from bench.plain_case import PlainCases, steps_to_contract
from bench.result import Budget, Figure, Limit, Result, ratios
from bench.stand import Stand
from cli.local.keys import WORKER
from cli.local.ports import LOOPBACK, free_port
from cli.local.probes import tcp
from cli.local.supervisor import Process
from cli.stories import wire
from cli.stories.format import SubmitApplication
from services.kernel.codes import Role, Stage
from socialcare.intake.v1 import intake_service_pb2 as intake

__all__ = ["measure_submission"]

BUDGET = Budget(Limit.AT_MOST, 2.0)
_WARM_UP = 20
_PAUSE_SECONDS = 0.05
_BARE = "bare-intake"

Submit = Callable[[], Awaitable[float]]
"""Hands in one more application and gives the seconds that the call took."""


async def measure_submission(stand: Stand) -> list[Result]:
    """Median time of one call; real and bare in turn, call by call."""
    cases = await stand.new_cases()
    await stand.stack.supervisor.stop(WORKER)
    submit = _real(stand, cases)
    rows = await _rows_of_one(stand, submit)
    measured, floor = [], []
    async with _bare(stand, cases, rows) as echo:
        for _ in range(_WARM_UP):
            await submit()
            await echo()
        for _ in range(stand.size.rounds):
            real, bare = await _typical_milliseconds(submit, echo, stand.size.submissions)
            measured.append(real)
            floor.append(bare)
    await stand.stack.supervisor.start_again(WORKER)
    return [
        Result(
            f"SubmitApplication against an echo that stores the same {rows.count} rows",
            Figure(tuple(measured), "ms"),
            Figure(tuple(floor), "ms"),
            ratios(measured, floor),
            BUDGET,
        )
    ]


async def _typical_milliseconds(submit: Submit, echo: Submit, times: int) -> tuple[float, float]:
    """Medians of both, call by call in turn, each after a pause in which the relay hands over what was stored."""
    real, bare = [], []
    for _ in range(times):
        await asyncio.sleep(_PAUSE_SECONDS)
        real.append(await submit())
        await asyncio.sleep(_PAUSE_SECONDS)
        bare.append(await echo())
    return statistics.median(real) * 1_000, statistics.median(bare) * 1_000


def _real(stand: Stand, cases: PlainCases) -> Submit:
    metadata = (
        ("authorization", f"Bearer {stand.stack.state.token(Role.SOCIAL_WORKER)}"),
        ("x-business-time", _first_act(cases).at.isoformat()),
    )
    return _timed(stand.gateway.channel(Stage.INTAKE), cases, metadata)


def _timed(channel: grpc.aio.Channel, cases: PlainCases, metadata: tuple[tuple[str, str], ...]) -> Submit:
    method: grpc.aio.UnaryUnaryMultiCallable[Any, Any] = channel.unary_unary(
        SUBMIT,
        request_serializer=intake.SubmitApplicationRequest.SerializeToString,
        response_deserializer=intake.SubmitApplicationResponse.FromString,
    )

    async def submit() -> float:
        request = _request(cases)
        start = time.perf_counter()
        await method(request, metadata=metadata)
        return time.perf_counter() - start

    return submit


@asynccontextmanager
async def _bare(stand: Stand, cases: PlainCases, rows: LeftRows) -> AsyncIterator[Submit]:
    port = free_port()
    stored = stand.stack.state.logs.parent / "bench-rows.pickle"
    stored.write_bytes(pickle.dumps(rows))
    dsn = stand.stack.state.dsns[Stage.INTAKE]
    address = f"{LOOPBACK}:{port}"
    command = (sys.executable, "-m", "bench.bare_intake", address, _plain_dsn(dsn), str(stored))
    await stand.stack.supervisor.start(Process(name=_BARE, command=command, ready=tcp(LOOPBACK, port)))
    async with grpc.aio.insecure_channel(address) as channel:
        yield _timed(channel, cases, ())
    await stand.stack.supervisor.stop(_BARE)


def _first_act(cases: PlainCases) -> SubmitApplication:
    act, *_ = steps_to_contract(cases.told)
    assert isinstance(act, SubmitApplication), "every story begins at the counter"
    return act


def _request(cases: PlainCases) -> intake.SubmitApplicationRequest:
    act = _first_act(cases)
    return intake.SubmitApplicationRequest(
        request_id=str(uuid.uuid4()),
        municipality_id=cases.municipality_id,
        person=wire.person(cases.applicants.next()),
        service_code=act.service,
        channel=f"CHANNEL_{act.channel}",
        document_codes=act.documents,
        facts=wire.facts(act.facts),
    )


async def _rows_of_one(stand: Stand, submit: Submit) -> LeftRows:
    """What one submission leaves; its start has been handed over, so the copies concern no relay."""
    connection = await asyncpg.connect(_plain_dsn(stand.stack.state.dsns[Stage.INTAKE]))
    try:
        await _delivered(connection)
        before = await snapshot(connection)
        await submit()
        await _delivered(connection)
        first = await snapshot(connection)
        await submit()
        await _delivered(connection)
        return await left_rows(connection, before, first, await snapshot(connection))
    finally:
        await connection.close()


async def _delivered(connection: asyncpg.Connection) -> None:
    while await connection.fetchval("SELECT count(*) FROM outbox WHERE state = 'PENDING'"):  # noqa: ASYNC110  # Another process empties it.
        await asyncio.sleep(0.05)


def _plain_dsn(dsn: str) -> str:
    return make_url(dsn).set(drivername="postgresql").render_as_string(hide_password=False)
