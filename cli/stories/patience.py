"""Waiting for a system of which any process may be killed and started again at any moment."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from temporalio.service import RPCError, RPCStatusCode

Answer = TypeVar("Answer")

PAUSE_SECONDS = 0.1
MOST_SECONDS = 120.0

_AWAY = frozenset(
    {
        RPCStatusCode.UNAVAILABLE,
        RPCStatusCode.DEADLINE_EXCEEDED,
        RPCStatusCode.CANCELLED,
        # A query finds no worker, or none that has caught up.
        RPCStatusCode.FAILED_PRECONDITION,
        # The case's start still waits in the outbox, or the store was lost and `socialcare reconcile` has not run yet.
        RPCStatusCode.NOT_FOUND,
    }
)


class NotSettled(Exception):
    """The municipality kept working, or a due instant did not pass, longer than any healthy system needs."""


def is_away(error: RPCError) -> bool:
    """Whether Temporal, every worker or the workflow is away and may be back."""
    # A server that dies in the middle of a call leaves a broken connection, which has no status of its own.
    return error.status in _AWAY or (error.status is RPCStatusCode.UNKNOWN and "transport error" in error.message)


async def patiently(ask: Callable[[], Awaitable[Answer]]) -> Answer:
    """Ask Temporal until it answers.

    Raises:
        NotSettled: it stayed away.
    """
    try:
        async with asyncio.timeout(MOST_SECONDS):
            while True:
                try:
                    return await ask()
                except RPCError as error:
                    if not is_away(error):
                        raise
                await asyncio.sleep(PAUSE_SECONDS)
    except TimeoutError:
        raise NotSettled("Temporal, its worker or a run that was waited for did not answer") from None
