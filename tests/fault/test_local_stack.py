"""The whole local stack as a person starts it: killed, started again, stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest

from cli.local.errors import StateUnreadable
from cli.local.ports import free_offset
from cli.local.state import StackState
from services.kernel.codes import Stage
from tests.fault.processes import descendants, is_alive, wait_until

START_SECONDS = 90.0

pytestmark = pytest.mark.stack


class StackProcess:
    """`socialcare up` as a process of its own."""

    def __init__(self, state: Path, port_offset: str) -> None:
        self.state = state
        self.output = (state.parent / "output.txt").open("ab")
        self.process = subprocess.Popen(
            [*cli("up", state), "--port-offset", port_offset, "--no-ui"], stdout=self.output, stderr=self.output
        )

    def wait_until_up(self) -> StackState:
        assert wait_until(lambda: self.describes_itself() or self.process.poll() is not None, START_SECONDS)
        assert self.process.poll() is None, self.said()
        return StackState.read(self.state)

    def describes_itself(self) -> bool:
        try:
            return StackState.read(self.state).pid == self.process.pid
        except StateUnreadable:
            return False

    def said(self) -> str:
        return (self.state.parent / "output.txt").read_text()[-4000:]


def cli(command: str, state: Path) -> list[str]:
    return [sys.executable, "-m", "cli", command, "--state", str(state)]


@pytest.fixture
def started(tmp_path: Path) -> Iterator[list[StackProcess]]:
    running: list[StackProcess] = []
    yield running
    for stack in running:
        stack.process.kill()
        stack.process.wait()
        stack.output.close()


async def test_a_killed_stack_leaves_nothing_behind_and_goes_on_where_it_was(
    tmp_path: Path, started: list[StackProcess]
) -> None:
    state, port_offset = tmp_path / "state", str(free_offset())
    first = StackProcess(state, port_offset)
    started.append(first)
    dsn = first.wait_until_up().dsns[Stage.INTAKE]
    connection = await asyncpg.connect(dsn)
    await connection.execute("CREATE TABLE kept AS SELECT 1 AS one")
    await connection.close()
    second = subprocess.run(cli("up", state), capture_output=True, text=True, check=False)
    assert second.returncode == 1
    assert f"already runs from {state} as process {first.process.pid}" in second.stderr
    elsewhere = [*cli("up", tmp_path / "other"), "--port-offset", port_offset]
    clash = subprocess.run(elsewhere, capture_output=True, text=True, check=False)
    assert clash.returncode == 1
    assert "for the intake service is taken by another program" in clash.stderr
    family = descendants(first.process.pid)
    assert len(family) > 8

    os.kill(first.process.pid, signal.SIGKILL)

    first.process.wait()
    assert wait_until(lambda: not any(map(is_alive, family)))
    again = StackProcess(state, port_offset)
    started.append(again)
    again.wait_until_up()
    connection = await asyncpg.connect(dsn)
    assert await connection.fetchval("SELECT one FROM kept") == 1
    await connection.close()
    family = descendants(again.process.pid)
    assert subprocess.run(cli("down", state), check=False).returncode == 0
    assert again.process.wait(30) == 0, again.said()
    assert not any(map(is_alive, family))
