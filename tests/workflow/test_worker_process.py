"""The worker as a process: ready, measured, stopped by SIGTERM without a crash."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
import urllib.error
import urllib.request
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from temporalio.client import Client

from cli.local.ports import LOOPBACK, free_port
from services.kernel.codes import Stage
from tests.workflow.known import TOKEN, Town

PATIENCE_SECONDS = 60

pytestmark = pytest.mark.temporal


@dataclass
class Gate:
    """The only way to Temporal; whoever is on it when it closes is cut off."""

    behind: str
    port: int = field(default_factory=free_port)
    _server: asyncio.Server | None = None
    _passing: set[asyncio.StreamWriter] = field(default_factory=set)

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._let_pass, LOOPBACK, self.port)

    def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for writer in self._passing:
            writer.transport.abort()

    async def _let_pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, port = self.behind.rsplit(":", 1)
        theirs, ours = await asyncio.open_connection(host, int(port))
        self._passing |= {writer, ours}
        await asyncio.gather(_hand_on(reader, ours), _hand_on(theirs, writer))


async def _hand_on(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    try:
        while chunk := await source.read(65536):
            target.write(chunk)
            await target.drain()
    except ConnectionError:
        return
    finally:
        target.close()


@dataclass
class Running:
    """A worker process with its two ports."""

    process: asyncio.subprocess.Process
    metrics: str
    health: str

    async def says(self, event: str) -> None:
        assert self.process.stdout is not None
        lines = []
        while event.encode() not in (line := await self.process.stdout.readline()):
            assert line, b"".join(lines).decode()
            lines.append(line)

    async def status(self, path: str, port: str = "") -> int:
        return (await self._get(port or self.health, path))[0]

    async def page(self) -> str:
        return (await self._get(self.metrics, "/metrics"))[1]

    async def until(self, path: str, status: int) -> None:
        while await self.status(path) != status:
            await asyncio.sleep(0.1)

    async def _get(self, address: str, path: str) -> tuple[int, str]:
        def get() -> tuple[int, str]:
            try:
                with urllib.request.urlopen(f"http://{address}{path}") as answer:
                    return answer.status, answer.read().decode()
            except urllib.error.HTTPError as refusal:
                return refusal.code, ""
            except urllib.error.URLError:
                return 0, ""

        return await asyncio.to_thread(get)


def environment(temporal: Client, town: Town, directory: Path) -> dict[str, str]:
    token = directory / "token"
    token.write_text(TOKEN)
    return {
        "PATH": os.environ["PATH"],
        "SOCIALCARE_ENVIRONMENT": "test",
        "SOCIALCARE_TEMPORAL_ADDRESS": temporal.service_client.config.target_host,
        "SOCIALCARE_TEMPORAL_NAMESPACE": temporal.namespace,
        "SOCIALCARE_TOKEN_FILE": str(token),
        "SOCIALCARE_METRICS_BIND": f"{LOOPBACK}:{free_port()}",
        "SOCIALCARE_HEALTH_BIND": f"{LOOPBACK}:{free_port()}",
        "SOCIALCARE_DRAIN_SECONDS": "1",
        **{f"SOCIALCARE_{stage}_ADDRESS": town.address for stage in Stage},
    }


@asynccontextmanager
async def started(environment: dict[str, str]) -> AsyncIterator[Running]:
    """A worker that is killed at the end if it still runs."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "workflows.worker"),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            yield Running(process, environment["SOCIALCARE_METRICS_BIND"], environment["SOCIALCARE_HEALTH_BIND"])
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def test_sigterm_ends_the_worker_cleanly(temporal: Client, town: Town, tmp_path: Path) -> None:
    async with started(environment(temporal, town, tmp_path)) as worker:
        await worker.until("/ready", 200)
        # Its pollers come a moment later.
        while "temporal_num_pollers" not in (page := await worker.page()):
            await asyncio.sleep(0.1)
        worker.process.send_signal(signal.SIGTERM)
        assert worker.process.stdout is not None
        rest = await worker.process.stdout.read()
        assert await worker.process.wait() == 0, rest.decode()
    assert b"worker_stopped" in rest
    assert "temporal_num_pollers" in page
    assert 'task_queue="socialcare-batch"' in page


async def test_a_worker_is_ready_while_temporal_answers_it_and_alive_without(
    temporal: Client, town: Town, tmp_path: Path
) -> None:
    gate = Gate(temporal.service_client.config.target_host)
    way = {"SOCIALCARE_TEMPORAL_ADDRESS": f"{LOOPBACK}:{gate.port}"}
    async with started(environment(temporal, town, tmp_path) | way) as worker:
        await worker.says("temporal_away")
        assert (await worker.status("/live"), await worker.status("/ready")) == (200, 503)
        await gate.open()
        await worker.until("/ready", 200)
        gate.close()
        await worker.until("/ready", 503)
        assert await worker.status("/live") == 200
        assert await worker.status("/metrics", worker.metrics) == 200
        await gate.open()
        await worker.until("/ready", 200)
        gate.close()


async def test_a_worker_whose_port_is_taken_says_which(temporal: Client, town: Town, tmp_path: Path) -> None:
    with socket.create_server((LOOPBACK, 0)) as other:
        taken = f"{LOOPBACK}:{other.getsockname()[1]}"
        for name in ("SOCIALCARE_METRICS_BIND", "SOCIALCARE_HEALTH_BIND"):
            async with started(environment(temporal, town, tmp_path) | {name: taken}) as worker:
                assert worker.process.stdout is not None
                said = (await worker.process.stdout.read()).decode()
                assert await worker.process.wait() == 2
            assert said.startswith(f"cannot start: {name}={taken}: ")
            assert len(said.splitlines()) == 1
