"""Looks for missed visits once a minute, for as long as the process serves (ADR 0011).

Any number of processes may look: the id of a check is that of its visit, so that each is opened once. On simulated time
nobody looks by itself; the worker's call `SweepVisits` does.
"""

from __future__ import annotations

from services.delivery.metrics import WatchMetrics
from services.delivery.rounds import Round
from services.delivery.storage import visits
from services.delivery.storage.local_rules import rules_of
from services.delivery.storage.welfare import WelfareStore
from services.delivery.usecases.welfare import open_unseen
from services.runtime.server import Runtime

__all__ = ["VisitWatch"]


class VisitWatch(Round):
    """Opens the checks that missed visits ask for, municipality by municipality."""

    def __init__(self, runtime: Runtime) -> None:
        super().__init__(runtime, "visits not looked at")
        self._metrics = WatchMetrics(runtime.telemetry.registry)

    async def _look_at(self, municipality_id: str) -> int:
        opened = 0
        while not self._stopped.is_set():
            now, today = self._runtime.clock.now(), self._runtime.clock.today()
            async with self._runtime.db.write() as tx:
                rules = await rules_of(tx, municipality_id)
                found = await visits.missed_unseen(tx, municipality_id, rules, now, today)
                opened += await open_unseen(found, WelfareStore(tx), now)
            if len(found) < visits.MOST:
                break
        return opened

    def _looked(self, done: int, *, everywhere: bool) -> None:
        self._metrics.opened(done)
        if everywhere:
            self._metrics.looked(self._runtime.clock.now())
