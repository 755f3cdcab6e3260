"""What the process does for every municipality once a minute, for as long as it serves."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod

from sqlalchemy.exc import SQLAlchemyError

from services.delivery.storage import visits
from services.runtime.server import Runtime
from services.runtime.settings import ClockMode

__all__ = ["Round"]

_SECONDS = 60.0


class Round(ABC):
    """Goes from municipality to municipality until it is stopped; on simulated time it stays at home."""

    def __init__(self, runtime: Runtime, lament: str) -> None:
        """Log `lament` of a municipality that could not be looked at."""
        self._runtime = runtime
        self._lament = lament
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
        """Look at every municipality once; gives how much was done.

        One that cannot be looked at keeps nobody else from being looked after.
        """
        async with self._runtime.db.glance() as tx:
            towns = await visits.municipalities(tx)
        done, unseen = 0, 0
        for town in towns:
            try:
                done += await self._look_at(town)
            except (SQLAlchemyError, OSError) as error:
                unseen += 1
                self._say(error)
        self._looked(done, everywhere=not unseen)
        return done

    @abstractmethod
    async def _look_at(self, municipality_id: str) -> int:
        """Do what there is to do in a municipality; gives how much it was."""

    @abstractmethod
    def _looked(self, done: int, *, everywhere: bool) -> None:
        """Show what a round has done, and whether it has been everywhere."""

    def _say(self, error: Exception) -> None:
        self._runtime.log.warning(self._lament, error=type(error).__qualname__)
