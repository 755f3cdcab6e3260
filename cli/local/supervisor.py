"""Keeps the processes of one machine: ordered start, one log, one way to stop, nothing left behind.

Nothing is started again by itself: a process that ends is news, and the person at the keyboard should see it. Children
live in process groups of their own, so that a terminal's Ctrl-C reaches only the supervisor; the kernel ends them when
the supervisor is killed (`leash.py`).
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import pwd
import signal
import sys
from asyncio.subprocess import STDOUT
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from cli.local.errors import StartFailed
from cli.local.probes import Probe

LEASH = Path(__file__).with_name("leash.py")
COLOURS = (36, 33, 32, 35, 34, 96, 93, 92, 95, 94)
PROBE_PAUSE_SECONDS = 0.1
LAST_LINES = 15


@dataclass(frozen=True, slots=True)
class Process:
    """One program to keep.

    `stop_signal` asks it to end, after `grace_seconds` it is killed; `death_signal` is what the kernel sends when the
    supervisor dies. `environment` is added to the supervisor's own. `user` is a system user to run as, if not ours.
    """

    name: str
    command: tuple[str, ...]
    ready: Probe | None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    ready_seconds: float = 60.0
    grace_seconds: float = 15.0
    stop_signal: signal.Signals = signal.SIGTERM
    death_signal: signal.Signals = signal.SIGKILL
    user: str | None = None


@dataclass(slots=True)
class _Child:
    process: Process
    handle: asyncio.subprocess.Process
    reader: asyncio.Task[None]
    last_lines: list[str]
    expected_to_end: bool = False


class Supervisor:
    """Starts, watches and stops processes. Logs go to `<logs>/<name>.log` and, if `echo`, to standard output."""

    def __init__(self, logs: Path, *, echo: bool = True) -> None:
        self._logs = logs
        self._echo = echo
        self._coloured = sys.stdout.isatty() and "NO_COLOR" not in os.environ
        self._children: dict[str, _Child] = {}
        self._known: dict[str, Process] = {}
        self._watchers: set[asyncio.Task[None]] = set()
        self._ended: asyncio.Queue[tuple[str, int]] = asyncio.Queue()
        logs.mkdir(parents=True, exist_ok=True)

    @property
    def running(self) -> tuple[str, ...]:
        """Names of the processes that have been started and not stopped, oldest first."""
        return tuple(self._children)

    def pid(self, name: str) -> int:
        """Process id of a running process."""
        return self._children[name].handle.pid

    async def start(self, *processes: Process) -> None:
        """Start the processes together and return when all are ready; raises StartFailed."""
        children = [await self._spawn(process) for process in processes]
        await asyncio.gather(*map(self._wait_until_ready, children))

    async def run(self, process: Process) -> None:
        """Run a command that ends by itself; raises StartFailed when it fails."""
        child = await self._spawn(process, expected_to_end=True)
        status = await child.handle.wait()
        await self._forget(child)
        if status != 0:
            raise self._failure(child, f"ended with {describe_status(status)}")

    async def start_again(self, name: str) -> None:
        """Start a process that was killed or stopped, with the command that it had."""
        await self.start(self._known[name])

    async def kill(self, name: str) -> None:
        """SIGKILL, as a crash would be; the end is not reported by `first_end`."""
        child = self._children[name]
        child.expected_to_end = True
        _signal_group(child, signal.SIGKILL)
        await self._forget(child)

    async def stop(self, name: str) -> None:
        """Ask one process to end, kill it after its grace."""
        child = self._children[name]
        child.expected_to_end = True
        with contextlib.suppress(ProcessLookupError):
            child.handle.send_signal(child.process.stop_signal)
        try:
            await asyncio.wait_for(child.handle.wait(), child.process.grace_seconds)
        except TimeoutError:
            self.say("supervisor", f"{name} did not stop within {child.process.grace_seconds:g} s and is killed")
        _signal_group(child, signal.SIGKILL)
        await self._forget(child)

    async def stop_all(self) -> None:
        """Stop everything, newest first."""
        for name in reversed(tuple(self._children)):
            await self.stop(name)

    def kill_all(self) -> None:
        """Kill everything at once: the second Ctrl-C."""
        for child in self._children.values():
            child.expected_to_end = True
            _signal_group(child, signal.SIGKILL)

    async def first_end(self) -> tuple[str, int]:
        """Wait until a process ends that nobody stopped; its name and exit status (negative: the signal)."""
        return await self._ended.get()

    def say(self, name: str, line: str) -> None:
        """Print one line under a name."""
        if not self._echo:
            return
        prefix = f"{name:<10} |"
        if self._coloured:
            colour = COLOURS[sum(name.encode()) % len(COLOURS)]
            prefix = f"\x1b[{colour}m{prefix}\x1b[0m"
        print(prefix, line, flush=True)

    async def _spawn(self, process: Process, *, expected_to_end: bool = False) -> _Child:
        command = (sys.executable, "-I", "-S", str(LEASH), str(int(process.death_signal)), str(os.getpid()))
        # A pipe of our own: with asyncio's, the end of a process is not seen while a grandchild holds it.
        read_end, write_end = os.pipe()
        handle = await asyncio.create_subprocess_exec(
            *command,
            *process.command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=write_end,
            stderr=STDOUT,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **process.environment},
            process_group=0,
            user=process.user,
            group=_group_of(process.user),
            extra_groups=None if process.user is None else (),
        )
        os.close(write_end)
        last_lines: list[str] = []
        reader = asyncio.create_task(self._copy_log(process.name, read_end, last_lines))
        child = _Child(process, handle, reader, last_lines, expected_to_end)
        self._children[process.name] = child
        self._known[process.name] = process
        watcher = asyncio.create_task(self._watch(child))
        self._watchers.add(watcher)
        watcher.add_done_callback(self._watchers.discard)
        return child

    async def _watch(self, child: _Child) -> None:
        status = await child.handle.wait()
        if not child.expected_to_end:
            self.say("supervisor", f"{child.process.name} ended with {describe_status(status)}")
            self._ended.put_nowait((child.process.name, status))

    async def _copy_log(self, name: str, read_end: int, last_lines: list[str]) -> None:
        stream = asyncio.StreamReader()
        transport, _ = await asyncio.get_running_loop().connect_read_pipe(
            lambda: asyncio.StreamReaderProtocol(stream), os.fdopen(read_end, "rb", buffering=0)
        )
        pending = b""
        with contextlib.closing(transport), (self._logs / f"{name}.log").open("ab", buffering=0) as log:
            while chunk := await stream.read(65536):
                *lines, pending = (pending + chunk).split(b"\n")
                for line in lines:
                    self._take_line(name, line, log, last_lines)
            if pending:
                self._take_line(name, pending, log, last_lines)

    def _take_line(self, name: str, line: bytes, log: BinaryIO, last_lines: list[str]) -> None:
        log.write(line + b"\n")
        text = line.decode(errors="replace").rstrip()
        last_lines.append(text)
        del last_lines[:-LAST_LINES]
        self.say(name, text)

    async def _wait_until_ready(self, child: _Child) -> None:
        process, probe = child.process, child.process.ready
        if probe is None:
            return
        try:
            async with asyncio.timeout(process.ready_seconds):
                while child.handle.returncode is None:
                    if await probe():
                        return
                    await asyncio.sleep(PROBE_PAUSE_SECONDS)
        except TimeoutError:
            reason = f"was not ready within {process.ready_seconds:g} s"
        else:
            await child.reader
            reason = f"ended with {describe_status(child.handle.returncode)}"
        raise self._failure(child, reason)

    def _failure(self, child: _Child, reason: str) -> StartFailed:
        name = child.process.name
        tail = "\n".join(f"  {line}" for line in child.last_lines)
        return StartFailed(f"{name} {reason}; its last lines (all in {self._logs / name}.log):\n{tail}")

    async def _forget(self, child: _Child) -> None:
        await child.handle.wait()
        with contextlib.suppress(TimeoutError):
            # A grandchild may hold the pipe for a moment longer.
            await asyncio.wait_for(child.reader, 2)
        self._children.pop(child.process.name, None)


def describe_status(status: int | None) -> str:
    """An exit status in words."""
    if status is not None and status < 0:
        return signal.Signals(-status).name
    return f"status {status}"


def _signal_group(child: _Child, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.handle.pid, number)


def _group_of(user: str | None) -> int | None:
    return None if user is None else pwd.getpwnam(user).pw_gid
