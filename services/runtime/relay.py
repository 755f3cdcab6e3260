"""Delivers the outbox to Temporal: at least once, in the order of each case, by any number of replicas.

A case is worked on under an advisory lock of its own transaction. Rows are marked only after Temporal has taken them,
so that a relay killed at any instant repeats at most what the workflow has seen (it drops a sequence that it knows). A
relay is woken by its own process, by NOTIFY from processes without a relay, and once a second in any case.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Row
from sqlalchemy.exc import SQLAlchemyError
from structlog.typing import FilteringBoundLogger

from services.runtime.database import Database, WriteTx
from services.runtime.outbox import CHANNEL, OutboxKind
from services.runtime.telemetry import OutboxMetrics
from services.runtime.temporal_target import Attempt, OutboxRow, TemporalTarget, Verdict

__all__ = ["LOCK_CASE", "Relay"]

_POLL_SECONDS = 1.0
_LONGEST_BACKOFF = 60
_SWEEP_CASES = 256
_CASE_ROWS = 64

_DUE_CASES = """
SELECT case_id FROM outbox WHERE state = 'PENDING' AND retry_at <= clock_timestamp()
GROUP BY case_id ORDER BY min(id) LIMIT :cases
"""

LOCK_CASE = "SELECT pg_try_advisory_xact_lock(hashtextextended('outbox ' || CAST(:case_id AS text), 0))"
"""Takes a case for the time of a transaction; false while another relay has it."""

_ROWS_OF_CASE = """
SELECT id, case_id, seq, municipality_id, workflow_id, kind, workflow_type, task_queue, event, instant, due, ref,
       start_type, CAST(start_input AS text) AS start_input, CAST(start_attributes AS text) AS start_attributes,
       attempts, retry_at <= clock_timestamp() AS is_due
FROM outbox WHERE case_id = :case_id AND state = 'PENDING' ORDER BY seq LIMIT :rows
"""

_MARK_DELIVERED = """
UPDATE outbox SET state = 'DELIVERED', attempts = attempts + 1, last_error_code = NULL, delivered_at = clock_timestamp()
WHERE id = ANY(CAST(:ids AS bigint[]))
"""

_MARK_UNDELIVERABLE = """
UPDATE outbox SET state = 'UNDELIVERABLE', attempts = attempts + 1, last_error_code = :code
WHERE id = ANY(CAST(:ids AS bigint[]))
"""

# The whole case waits: what comes behind a message may not overtake it. A newer message makes the case due at once.
_POSTPONE = """
UPDATE outbox SET retry_at = clock_timestamp() + make_interval(secs => CAST(:seconds AS float8)),
    attempts = attempts + CASE WHEN id = :id THEN 1 ELSE 0 END,
    last_error_code = CASE WHEN id = :id THEN CAST(:code AS text) ELSE last_error_code END
WHERE case_id = :case_id AND state = 'PENDING'
"""

_BACKLOG = """
SELECT count(*) FILTER (WHERE state = 'PENDING') AS pending,
       extract(epoch FROM min(stored_at) FILTER (WHERE state = 'PENDING')) AS oldest,
       count(*) FILTER (WHERE state = 'UNDELIVERABLE') AS undeliverable
FROM outbox WHERE state IN ('PENDING', 'UNDELIVERABLE')
"""


@dataclass(slots=True)
class _Progress:
    """What happened to the rows of one case in one transaction."""

    delivered: list[int] = field(default_factory=list)
    closed: list[int] = field(default_factory=list)
    stuck: tuple[OutboxRow, Attempt] | None = None


class Relay:
    """Moves rows of one stage's outbox into Temporal until it is stopped."""

    def __init__(
        self,
        database: Database,
        target: TemporalTarget,
        metrics: OutboxMetrics,
        log: FilteringBoundLogger,
        *,
        parallel: int = 8,
    ) -> None:
        """Prepare.

        Args:
            database: a pool of the relay's own, of at least `parallel` + 2 connections: it waits for Temporal with open
                transactions and must not take connections from calls.
            target: where the rows go.
            metrics: gauges and counter of the stage.
            log: ids and closed codes only.
            parallel: cases worked on at the same time.
        """
        self._database = database
        self._target = target
        self._metrics = metrics
        self._log = log
        self._slots = asyncio.Semaphore(parallel)
        self._rung = asyncio.Event()
        self._stopped = asyncio.Event()
        self._away = False
        self._next_measure = 0.0

    def ring(self) -> None:
        """Say that rows were stored."""
        self._rung.set()

    def stop(self) -> None:
        """Let `run` return after what it has in hand."""
        self._stopped.set()
        self._rung.set()

    async def run(self) -> None:
        """Deliver until stopped; survives the absence of the database and of Temporal."""
        backoff = 0.0
        while not self._stopped.is_set():
            try:
                async with self._database.listening(CHANNEL, self.ring):
                    while not self._stopped.is_set():
                        backoff = await self._turn(backoff)
            except (SQLAlchemyError, OSError) as error:
                self._log.warning("outbox database away", error=type(error).__qualname__)
                await _waited(self._stopped, _POLL_SECONDS)

    async def _turn(self, backoff: float) -> float:
        """One sweep and the wait after it; gives the next backoff while Temporal is away."""
        self._rung.clear()
        delivered = await self.deliver_due()
        # Nobody looks at a gauge more often, and a busy relay has better to do.
        if time.monotonic() >= self._next_measure:
            self._next_measure = time.monotonic() + _POLL_SECONDS
            await self._measure()
        if self._away:
            backoff = min(max(backoff * 2, 0.25), 5.0)
            await _waited(self._stopped, backoff)
            return backoff
        if not delivered:
            # The spread keeps replicas from sweeping in step.
            await _waited(self._rung, _POLL_SECONDS * random.uniform(0.8, 1.0))  # noqa: S311 no secret
        return 0.0

    async def deliver_due(self) -> int:
        """Sweep once over the cases that are due; gives the number of rows delivered or given up."""
        self._away = False
        async with self._database.glance() as tx:
            cases = [row.case_id for row in await tx.all(_DUE_CASES, {"cases": _SWEEP_CASES})]
        return sum(await asyncio.gather(*(self._deliver_case(case_id) for case_id in cases)))

    async def _deliver_case(self, case_id: str) -> int:
        async with self._slots:
            if self._away or self._stopped.is_set():
                return 0
            async with self._database.write() as tx:
                if not await tx.scalar(LOCK_CASE, {"case_id": case_id}):
                    return 0
                rows = await tx.all(_ROWS_OF_CASE, {"case_id": case_id, "rows": _CASE_ROWS})
                if not any(row.is_due for row in rows):
                    return 0
                progress = await self._hand_over(rows)
                await self._mark(tx, progress)
        self._metrics.delivered.inc(len(progress.delivered))
        return len(progress.delivered) + len(progress.closed)

    async def _hand_over(self, rows: Sequence[Row[Any]]) -> _Progress:
        progress = _Progress()
        for row in map(_row, rows):
            attempt = await self._target.attempt(row)
            if attempt.verdict is Verdict.DELIVERED:
                progress.delivered.append(row.id)
            elif attempt.verdict is Verdict.CLOSED:
                progress.closed.append(row.id)
                self._log.warning("outbox undeliverable", case_id=row.case_id, seq=row.seq, code=attempt.error_code)
            else:
                progress.stuck = (row, attempt)
                self._away = self._away or attempt.verdict is Verdict.AWAY
                break
        return progress

    async def _mark(self, tx: WriteTx, progress: _Progress) -> None:
        if progress.delivered:
            await tx.run(_MARK_DELIVERED, {"ids": progress.delivered})
        if progress.closed:
            await tx.run(_MARK_UNDELIVERABLE, {"ids": progress.closed, "code": "ALREADY_CLOSED"})
        if progress.stuck is None:
            return
        row, attempt = progress.stuck
        # While Temporal is away the relay itself backs off; its rows stay due so that all go out when it is back.
        seconds = 0 if attempt.verdict is Verdict.AWAY else min(2 ** min(row.attempts, 6), _LONGEST_BACKOFF)
        await tx.run(_POSTPONE, {"case_id": row.case_id, "id": row.id, "code": attempt.error_code, "seconds": seconds})
        self._log.info("outbox waits", case_id=row.case_id, seq=row.seq, code=attempt.error_code)

    async def _measure(self) -> None:
        async with self._database.glance() as tx:
            backlog = await tx.one(_BACKLOG)
        self._metrics.pending.set(backlog.pending)
        self._metrics.oldest.set(float("nan") if backlog.oldest is None else float(backlog.oldest))
        self._metrics.undeliverable.set(backlog.undeliverable)


async def _waited(event: asyncio.Event, seconds: float) -> None:
    try:
        await asyncio.wait_for(event.wait(), seconds)
    except TimeoutError:
        return


def _row(row: Row[Any]) -> OutboxRow:
    columns = row._asdict()
    del columns["is_due"]
    return OutboxRow(**{**columns, "kind": OutboxKind(row.kind)})
