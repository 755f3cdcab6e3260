"""One timer at a time: the earliest due instant of a workflow, re-armed only when it moves."""

from __future__ import annotations

import asyncio
from datetime import datetime, timedelta

from temporalio import workflow

from workflows.clock import BusinessClock

__all__ = ["Alarm"]


_NOT_AT_ONCE = timedelta(minutes=1)
"""An owner whose clock is a moment behind names the instant again at which it was asked just now."""


class Alarm:
    """Rings when the business clock reaches the instant it is set to."""

    def __init__(self, clock: BusinessClock) -> None:
        self._clock = clock
        self._timer: asyncio.Task[None] | None = None
        self.due: datetime | None = None
        self.rang = False
        self._answered: datetime | None = None

    def set(self, due: datetime | None, summary: str) -> None:
        """Ring at the instant; None: never. Setting it to where it stands costs nothing."""
        if due == self.due:
            return
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self.due, self.rang = due, False
        if due is None:
            return
        delay = self._clock.delay_until(due)
        if due == self._answered:
            delay = max(delay, _NOT_AT_ONCE)
        if delay <= timedelta():
            self.rang = True
        else:
            self._timer = asyncio.create_task(self._ring_after(delay, summary))

    def take(self) -> None:
        """Answer the ringing: the clock has reached the instant, no timer runs."""
        if self.due is not None:
            self._clock.reach(self.due)
        self._answered = self.due
        self._timer, self.due, self.rang = None, None, False

    async def _ring_after(self, delay: timedelta, summary: str) -> None:
        await workflow.sleep(delay, summary=summary)
        self.rang = True
