"""Letters leave the house: whatever prints or mails them takes the files of the spool directory.

Any number of replicas may work on one database: a letter is written by whoever holds its row, and its file has the same
name and bytes whoever writes it.
On simulated time nobody hands over by itself.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from services.billing import storage
from services.billing.api.letters import FIRST_LETTER, letter_as_read
from services.billing.api.peers import Neighbours, ServiceNeighbours
from services.billing.domain.letters import Letter
from services.billing.papers.letter import letter_pdf
from services.billing.storage import letters
from services.kernel.language import Language
from services.runtime.server import Runtime
from services.runtime.settings import ClockMode
from services.runtime.spool import place_file

__all__ = ["LetterClerk"]

_POLL_SECONDS = 10.0
_MOST = 50


class LetterClerk:
    """Hands over what waits until it is stopped; without a spool it does nothing."""

    def __init__(self, runtime: Runtime, spool: Path | None, neighbours: Neighbours | None = None) -> None:
        self._runtime = runtime
        self._spool = spool
        self._neighbours = neighbours or ServiceNeighbours(runtime.peers)
        self._after = FIRST_LETTER
        self._said: set[str] = set()
        self._stopped = asyncio.Event()

    def stop(self) -> None:
        """Let `run` return after what it has in hand."""
        self._stopped.set()

    async def run(self) -> None:
        """Work until stopped; survives the absence of the database, of intake and of the spool."""
        if self._spool is None or self._runtime.settings.clock is ClockMode.SIMULATED:
            return
        while not self._stopped.is_set():
            try:
                seen = await self.hand_over_waiting()
            except (SQLAlchemyError, OSError) as error:
                seen = 0
                self._say(error)
            if seen < _MOST:
                await self._pause()

    async def hand_over_waiting(self) -> int:
        """Hand over the next letters that wait; gives at how many it looked.

        The file is there before the row says so: a clerk killed in between writes the same file again. A letter that
        cannot be written now keeps no other back, whatever the matter with it is; after the last one it begins anew.
        """
        if self._spool is None:
            return 0
        async with self._runtime.db.read() as tx:
            found = await letters.waiting_anywhere(tx, self._after, _MOST)
        for letter in found:
            try:
                await self._hand_over(letter, self._spool)
                self._said.discard(letter.letter_id)
            except Exception as error:  # noqa: BLE001 outermost edge: whatever it is, the other letters go out
                self._say_of(letter, error)
        last = found[-1] if len(found) == _MOST else None
        self._after = FIRST_LETTER if last is None else (last.written_at, last.letter_id)
        return len(found)

    async def _hand_over(self, letter: Letter, spool: Path) -> None:
        text = await letter_as_read(self._runtime, self._neighbours, letter.case_id, letter.letter_id)
        async with self._runtime.db.read() as tx:
            rules = await storage.rules_of(tx, letter.municipality_id)
        language = Language(rules.settings.text("statement.language"))
        pdf = await asyncio.to_thread(letter_pdf, text, language, rules.catalogue)
        async with self._runtime.db.write() as tx:
            if await letters.hold_waiting(tx, letter.letter_id):
                await asyncio.to_thread(place_file, spool, f"{letter.letter_id}.pdf", pdf)
                await letters.mark_spooled(tx, letter.letter_id, self._runtime.clock.now())

    def _say_of(self, letter: Letter, error: Exception) -> None:
        """Log a letter that waits once, however often it is tried."""
        if letter.letter_id not in self._said:
            self._said.add(letter.letter_id)
            self._runtime.log.warning("a letter waits", letter=letter.letter_id, error=type(error).__qualname__)

    def _say(self, error: Exception) -> None:
        self._runtime.log.warning("letters wait", error=type(error).__qualname__)

    async def _pause(self) -> None:
        try:
            await asyncio.wait_for(self._stopped.wait(), _POLL_SECONDS)
        except TimeoutError:
            return
