"""The worker as a process: ready, measured, stopped by SIGTERM without a crash."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import urllib.request
from pathlib import Path

import pytest
from temporalio.client import Client

from cli.local.ports import free_port
from services.kernel.codes import Stage
from tests.workflow.known import TOKEN, Town

pytestmark = pytest.mark.temporal


def environment(temporal: Client, town: Town, directory: Path, metrics: str) -> dict[str, str]:
    token = directory / "token"
    token.write_text(TOKEN)
    return {
        "PATH": os.environ["PATH"],
        "SOCIALCARE_ENVIRONMENT": "test",
        "SOCIALCARE_TEMPORAL_ADDRESS": temporal.service_client.config.target_host,
        "SOCIALCARE_TEMPORAL_NAMESPACE": temporal.namespace,
        "SOCIALCARE_TOKEN_FILE": str(token),
        "SOCIALCARE_METRICS_BIND": metrics,
        "SOCIALCARE_DRAIN_SECONDS": "1",
        **{f"SOCIALCARE_{stage}_ADDRESS": town.address for stage in Stage},
    }


def scrape(address: str) -> str:
    with urllib.request.urlopen(f"http://{address}/metrics") as answer:
        return str(answer.read().decode())


async def test_sigterm_ends_the_worker_cleanly(temporal: Client, town: Town, tmp_path: Path) -> None:
    metrics = f"127.0.0.1:{free_port()}"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "workflows.worker",
        env=environment(temporal, town, tmp_path, metrics),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    assert process.stdout is not None
    async with asyncio.timeout(30):
        lines = []
        while b"worker_ready" not in (line := await process.stdout.readline()):
            assert line, b"".join(lines).decode()
            lines.append(line)
        await asyncio.sleep(1)
        page = await asyncio.to_thread(
            lambda: urllib.request.urlopen(f"http://{metrics}/metrics").read().decode()
        )  # our own address.
        process.send_signal(signal.SIGTERM)
        rest = await process.stdout.read()
        assert await process.wait() == 0, rest.decode()
    assert b"worker_stopped" in rest
    assert "temporal_num_pollers" in page
    assert 'task_queue="socialcare-batch"' in page
