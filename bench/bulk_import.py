"""A bulk import until its last workflow has begun, against the bare inserts of the same rows and bare workflow starts.

Nothing works on the cases: what a case does next belongs to their throughput.
"""

from __future__ import annotations

import asyncio
import csv
import time
import uuid
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import asyncpg
from sqlalchemy import make_url

from bench.bare_case import BARE_TASK_QUEUE, BareCase
from bench.left_rows import LeftRows, left_rows, snapshot
from bench.people import Applicants
from bench.result import Budget, Figure, Limit, Result, ratios
from bench.stand import Stand
from cli.imports.files import Line, read_lines
from cli.imports.sending import Import, Told, send
from cli.local.keys import WORKER
from services.kernel.codes import Stage
from socialcare.common.v1.flow_pb2 import CaseStart

__all__ = ["measure_bulk_import"]

BUDGET = Budget(Limit.AT_MOST, 2.0)
_PART = 20
"""Rows of the request whose leavings are copied for the floor."""
_PARTS_A_TRANSACTION = 10
_AT_ONCE = 8
"""Workflow starts in flight, as many as the relay has."""
_COLUMNS = (
    "row_key given_name father_name family_name identifier_type identifier birth_date sex district_code address"
    " service_code document_codes"
)


async def measure_bulk_import(stand: Stand) -> list[Result]:
    """Applications a second; real and bare in turn, round by round."""
    rows = 10 * stand.size.submissions
    municipality_id = (await stand.new_cases()).municipality_id
    await stand.stack.supervisor.stop(WORKER)
    connection = await asyncpg.connect(_plain_dsn(stand))
    file = stand.stack.state.logs.parent / "bench-import.csv"

    async def imported(number: int) -> float:
        lines = _lines(file, stand.applicants, number)
        start = time.perf_counter()
        part_rows = min(200, number)
        await send(lines, Import(municipality_id, f"bench-{uuid.uuid4()}", part_rows=part_rows), stand.gateway, _silent)
        await _begun(connection)
        return number / (time.perf_counter() - start)

    left = await _left(connection, imported)
    measured, floor = [], []
    for _ in range(stand.size.rounds):
        measured.append(await imported(rows))
        floor.append(await _bare(stand, connection, left, rows))
    await connection.close()
    await stand.stack.supervisor.start_again(WORKER)
    return [
        Result(
            f"{rows} applications a second imported and begun, against bare inserts of the same rows and bare starts",
            Figure(tuple(measured), "1/s"),
            Figure(tuple(floor), "1/s"),
            ratios(floor, measured),
            BUDGET,
        )
    ]


def _lines(file: Path, applicants: Applicants, number: int) -> list[Line]:
    with file.open("w", encoding="utf-8", newline="") as text:
        writer = csv.writer(text)
        writer.writerow(_COLUMNS.split())
        for row in range(number):
            who = applicants.next()
            person = (who.name.given, who.name.father, who.name.family, "EGN", who.identifier.value, who.birth_date)
            writer.writerow((row, *person, "FEMALE", who.district, who.address, "HSP", "APPLICATION_FORM"))
    return read_lines(file)


def _silent(told: Told) -> None:
    """Nobody looks."""


async def _left(connection: asyncpg.Connection, imported: Callable[[int], Awaitable[float]]) -> LeftRows:
    """What a small request leaves once its workflows have begun, so that the copies concern no relay."""
    await _begun(connection)
    seen = [await snapshot(connection)]
    for _ in range(2):
        await imported(_PART)
        seen.append(await snapshot(connection))
    return await left_rows(connection, *seen)


async def _bare(stand: Stand, connection: asyncpg.Connection, left: LeftRows, rows: int) -> float:
    statements = left.statements()
    parts = [left.fresh() for _ in range(rows // _PART)]
    start = time.perf_counter()
    for first in range(0, len(parts), _PARTS_A_TRANSACTION):
        async with connection.transaction():
            await _insert(connection, statements, parts[first : first + _PARTS_A_TRANSACTION])
    places = asyncio.Semaphore(_AT_ONCE)
    await asyncio.gather(*(_start(stand, places) for _ in range(rows)))
    return rows / (time.perf_counter() - start)


async def _insert(connection: asyncpg.Connection, statements: Sequence[str], parts: Sequence[list[list[Any]]]) -> None:
    for number, statement in enumerate(statements):
        await connection.executemany(statement, [part[number] for part in parts])


async def _start(stand: Stand, places: asyncio.Semaphore) -> None:
    async with places:
        await stand.client.start_workflow(
            BareCase.run, CaseStart(), id=f"bare/{uuid.uuid4()}", task_queue=BARE_TASK_QUEUE
        )


async def _begun(connection: asyncpg.Connection) -> None:
    while await connection.fetchval("SELECT count(*) FROM outbox WHERE state = 'PENDING'"):  # noqa: ASYNC110  # Another process empties it.
        await asyncio.sleep(0.02)


def _plain_dsn(stand: Stand) -> str:
    dsn = make_url(stand.stack.state.dsns[Stage.INTAKE])
    return dsn.set(drivername="postgresql").render_as_string(hide_password=False)
