"""Questions to the databases after a drill: what waited when a process died, and what became of every yes."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

import asyncpg

from drill.ground import Ground
from drill.watch import Command
from services.kernel.codes import Stage

__all__ = ["Delivery", "deliveries", "kept_once", "undelivered", "waited_through"]

_DELIVERIES = "SELECT workflow_id, kind, seq, stored_at, delivered_at FROM outbox WHERE state = 'DELIVERED'"
_WAITED = "SELECT count(*) FROM outbox WHERE stored_at <= $1 AND (delivered_at IS NULL OR delivered_at >= $2)"
_UNDELIVERED = "SELECT count(*) FROM outbox WHERE state = 'PENDING'"
_KEPT = "SELECT request_id, count(*) AS times FROM idempotency WHERE request_id = ANY($1::text[]) GROUP BY 1"


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message that Temporal has taken."""

    stage: Stage
    workflow_id: str
    kind: str
    sequence: int
    stored_at: dt.datetime
    delivered_at: dt.datetime


async def deliveries(ground: Ground) -> list[Delivery]:
    """Every message that was delivered."""
    found = []
    for stage in Stage:
        connection = await asyncpg.connect(ground.dsn(stage))
        found += [Delivery(stage, *row) for row in await connection.fetch(_DELIVERIES)]
        await connection.close()
    return found


async def waited_through(ground: Ground, stages: Iterable[Stage], since: dt.datetime, until: dt.datetime) -> int:
    """How many messages of the stages were stored before the one moment and not delivered before the other."""
    number = 0
    for stage in stages:
        connection = await asyncpg.connect(ground.dsn(stage))
        number += await connection.fetchval(_WAITED, since, until)
        await connection.close()
    return number


async def undelivered(ground: Ground) -> int:
    """Messages that wait still."""
    number = 0
    for stage in Stage:
        connection = await asyncpg.connect(ground.dsn(stage))
        number += await connection.fetchval(_UNDELIVERED)
        await connection.close()
    return number


async def kept_once(ground: Ground, commands: Iterable[Command]) -> list[Command]:
    """Acknowledged commands whose request id the owner does not hold exactly once; none when all is well."""
    by_stage: dict[Stage, list[Command]] = defaultdict(list)
    for command in commands:
        by_stage[command.stage].append(command)
    wrong = []
    for stage, asked in by_stage.items():
        connection = await asyncpg.connect(ground.dsn(stage))
        kept = {row["request_id"]: row["times"] for row in await connection.fetch(_KEPT, [c.request_id for c in asked])}
        await connection.close()
        wrong += [command for command in asked if kept.get(command.request_id) != 1]
    return wrong
