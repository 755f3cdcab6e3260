"""Looks for missed visits once a minute, for as long as the process serves (ADR 0011).

Any number of processes may look: the id of a check is that of its visit, so that each is opened once. On simulated time
nobody looks by itself; the worker's call `SweepVisits` does.
"""

from __future__ import annotations

import asyncio

from sqlalchemy.exc import SQLAlchemyError

from services.delivery.metrics import WatchMetrics
from services.delivery.storage import visits
from services.delivery.storage.local_rules import rules_of
from services.delivery.storage.welfare import WelfareStore
from services.delivery.usecases.welfare import open_unseen
from services.runtime.server import Runtime
from services.runtime.settings import ClockMode

__all__ = ["VisitWatch"]

_SECONDS = 60.0


class VisitWatch:
    """Opens the checks that missed visits ask for, municipality by municipality."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._metrics = WatchMetrics(runtime.telemetry.registry)
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        """Let `run` return after what it has in hand."""
        self._stopped.set()

    async def run(self) -> None:
        """Look until stopped; survives the absence of the database."""
        if self._runtime.settings.clock is ClockMode.SIMULATED:
            return
        while not self._stopped.is_set():
            try:
                await self.look()
            except (SQLAlchemyError, OSError) as error:
                self._say(error)
            try:
                await asyncio.wait_for(self._stopped.wait(), _SECONDS)
            except TimeoutError:
                continue

    async def look(self) -> int:
        """Look at every municipality once; gives how many checks were opened.

        One that cannot be looked at keeps nobody else from being looked after. The time of the last look then stays.
        """
        async with self._runtime.db.glance() as tx:
            towns = await visits.municipalities(tx)
        opened, unseen = 0, 0
        for town in towns:
            try:
                opened += await self._look_at(town)
            except (SQLAlchemyError, OSError) as error:
                unseen += 1
                self._say(error)
        self._metrics.opened(opened)
        if not unseen:
            self._metrics.looked(self._runtime.clock.now())
        return opened

    def _say(self, error: Exception) -> None:
        self._runtime.log.warning("visits not looked at", error=type(error).__qualname__)

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
