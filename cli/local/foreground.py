"""A stack in the foreground of a terminal: it lives until Ctrl-C, until one of its processes ends, or until the work
for which it was started is done.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable, Iterator

import typer

from cli.local.options import StackOptions
from cli.local.stack import LocalStack
from cli.local.supervisor import describe_status

__all__ = ["Work", "run_in_foreground"]

Work = Callable[[LocalStack], Awaitable[int | None]]
"""Something to do with a running stack. An exit status stops the stack, None leaves it running."""


async def run_in_foreground(options: StackOptions, work: Work) -> int:
    """Start the stack, do the work, keep the stack if the work asks for it; the exit status of the command.

    The first Ctrl-C (or SIGTERM) stops everything in order and is no failure, the second kills everything.
    """
    stack = LocalStack(options)
    try:
        with _stopped_by_signals(stack):
            async with stack:
                return await _accompany(stack, work)
    except asyncio.CancelledError:
        return 0


async def _accompany(stack: LocalStack, work: Work) -> int:
    end = asyncio.ensure_future(stack.supervisor.first_end())
    working = asyncio.ensure_future(work(stack))
    try:
        await asyncio.wait({end, working}, return_when=asyncio.FIRST_COMPLETED)
        if working.done() and (status := working.result()) is not None:
            return status
        name, exit_status = await end
    finally:
        end.cancel()
        working.cancel()
    log = stack.state.logs / f"{name}.log"
    typer.secho(f"{name} ended with {describe_status(exit_status)}, so the stack stops. See {log}", err=True)
    return 1


@contextlib.contextmanager
def _stopped_by_signals(stack: LocalStack) -> Iterator[None]:
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    stopping = False

    def stop() -> None:
        nonlocal stopping
        if stopping or task is None:
            stack.supervisor.kill_all()
            return
        stopping = True
        stack.supervisor.say("supervisor", "stopping; once more kills")
        task.cancel()

    numbers = (signal.SIGINT, signal.SIGTERM)
    for number in numbers:
        loop.add_signal_handler(number, stop)
    try:
        yield
    finally:
        for number in numbers:
            loop.remove_signal_handler(number)
