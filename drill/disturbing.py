"""Deliveries that a relay might make in bad luck: the same message again, much later, or after a long wait."""

from __future__ import annotations

import asyncio
import datetime as dt
import random
from dataclasses import dataclass, field

from drill.evidence import waited_through
from drill.ground import Ground
from services.kernel.codes import Stage
from services.runtime.clock import SystemClock
from services.runtime.database import Database
from services.runtime.outbox import OutboxKind
from services.runtime.relay import LOCK_CASE
from services.runtime.temporal_target import OutboxRow, TemporalTarget, Verdict

__all__ = ["Disturber"]

RECENT = 40
_DELIVERED = """
SELECT id, case_id, seq, municipality_id, workflow_id, kind, workflow_type, task_queue, event, instant, due, ref,
       start_type, CAST(start_input AS text) AS start_input, CAST(start_attributes AS text) AS start_attributes,
       attempts
FROM outbox WHERE state = 'DELIVERED' ORDER BY id DESC LIMIT :rows
"""
_RECENT_CASES = "SELECT case_id FROM outbox GROUP BY case_id ORDER BY max(id) DESC LIMIT :rows"


@dataclass(slots=True)
class Held:
    """A case whose messages no relay could deliver for a while."""

    stage: Stage
    since: dt.datetime
    until: dt.datetime


@dataclass(slots=True)
class Disturber:
    """Repeats delivered messages through the relay's own way to Temporal, and takes cases away from the relays."""

    ground: Ground
    lot: random.Random
    duplicates: dict[Stage, int] = field(default_factory=lambda: dict.fromkeys(Stage, 0))
    held: list[Held] = field(default_factory=list)
    _databases: dict[Stage, Database] = field(default_factory=dict)

    async def run(self, duplicates: int, delays: int) -> None:
        """Disturb until there were so many."""
        self._databases = {stage: Database(self.ground.dsn(stage), pool_size=2) for stage in Stage}
        try:
            await asyncio.gather(self._repeat(duplicates), self._hold(delays))
        finally:
            await asyncio.gather(*(database.close() for database in self._databases.values()))

    async def _repeat(self, wanted: int) -> None:
        while sum(self.duplicates.values()) < wanted:
            await asyncio.sleep(self.lot.uniform(0.0, 0.15))
            stage = self.lot.choice(tuple(Stage))
            async with self._databases[stage].read() as tx:
                rows = await tx.all(_DELIVERED, {"rows": RECENT})
            if not rows:
                continue
            row = self.lot.choice(rows)._asdict()
            again = OutboxRow(**{**row, "kind": OutboxKind(row["kind"])})
            attempt = await TemporalTarget(self.ground.client, stage).attempt(again)
            self.duplicates[stage] += attempt.verdict is Verdict.DELIVERED

    async def _hold(self, wanted: int) -> None:
        delayed = 0
        while delayed < wanted:
            await asyncio.sleep(self.lot.uniform(0.0, 0.1))
            stage = self.lot.choice((Stage.INTAKE, Stage.ASSESSMENT, Stage.PLACEMENT))
            delayed += await self._hold_recent(stage)

    async def _hold_recent(self, stage: Stage) -> int:
        """Hold the cases that spoke last; gives how many messages had to wait."""
        async with self._databases[stage].write() as tx:
            for row in await tx.all(_RECENT_CASES, {"rows": RECENT}):
                await tx.scalar(LOCK_CASE, {"case_id": row.case_id})
            await asyncio.sleep(self.lot.uniform(0.2, 0.8))
            since = SystemClock().now()
            await asyncio.sleep(0.1)
            until = SystemClock().now()
        self.held.append(Held(stage, since, until))
        return await waited_through(self.ground, [stage], since, until)

    async def delayed(self, stage: Stage) -> int:
        """Messages that were stored when their case was held and delivered after."""
        return sum(
            [await waited_through(self.ground, [stage], h.since, h.until) for h in self.held if h.stage is stage]
        )
