"""Notices leave the house: whoever prints or mails them takes the files of a spool directory.

Any number of replicas may work on one database: each takes notices that no other holds. A file has the name of its
notice and comes into place whole, so that a notice written twice is one file.
"""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Protocol

from sqlalchemy.exc import SQLAlchemyError

from services.intake.domain.notices import Documents
from services.intake.metrics import NoticeMetrics
from services.intake.storage import notices
from services.runtime.server import Runtime
from services.runtime.spool import place_file

__all__ = ["Clerk", "Outgoing", "Spool", "spool_of"]

_POLL_SECONDS = 2.0
_MOST = 50
_BETWEEN = "\n" + "-" * 72 + "\n\n"


class Outgoing(Protocol):
    """Whatever takes notices out of the house."""

    async def hand_over(self, notice_id: str, documents: Documents) -> None:
        """Take a notice for good; the same notice again changes nothing. OSError when it cannot be taken now."""
        ...


class Spool:
    """A directory with a file for each notice, readable by its owner only."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory

    async def hand_over(self, notice_id: str, documents: Documents) -> None:
        content = (documents.bg + _BETWEEN + documents.en).encode()
        await asyncio.to_thread(place_file, self._directory, f"{notice_id}.txt", content)


def spool_of(runtime: Runtime) -> Spool | None:
    """The spool that the process was told of, if any."""
    directory = runtime.settings.notice_spool
    return None if directory is None else Spool(directory)


class Clerk:
    """Hands over what waits until it is stopped; without a way out it only counts what waits."""

    def __init__(self, runtime: Runtime, outgoing: Outgoing | None) -> None:
        self._runtime = runtime
        self._outgoing = outgoing
        self._metrics = NoticeMetrics(runtime.telemetry.registry)
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        """Let `run` return after what it has in hand."""
        self._stopped.set()

    async def run(self) -> None:
        """Work until stopped; survives the absence of the database and of the spool."""
        while not self._stopped.is_set():
            handed_over = 0
            try:
                handed_over = await self.hand_over_waiting()
                await self._measure()
            except (SQLAlchemyError, OSError) as error:
                self._runtime.log.warning("notices wait", error=type(error).__qualname__)
            if handed_over < _MOST:
                await self._pause()

    async def hand_over_waiting(self) -> int:
        """Hand over some notices that wait; gives how many.

        The files are there before the rows say so: a clerk killed in between writes the same files again.
        """
        if self._outgoing is None:
            return 0
        async with self._runtime.db.write() as tx:
            waiting = await notices.take_waiting(tx, self._runtime.cipher, _MOST)
            for notice in waiting:
                await self._outgoing.hand_over(notice.id, notice.documents)
            if waiting:
                await notices.mark_spooled(tx, [notice.id for notice in waiting], self._runtime.clock.now())
        self._metrics.handed_over.inc(len(waiting))
        return len(waiting)

    async def _measure(self) -> None:
        async with self._runtime.db.glance() as tx:
            backlog = await notices.backlog(tx)
        self._metrics.show(backlog.waiting, backlog.oldest)

    async def _pause(self) -> None:
        try:
            await asyncio.wait_for(self._stopped.wait(), _POLL_SECONDS)
        except TimeoutError:
            return
