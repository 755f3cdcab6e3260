from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from pathlib import Path

import pytest

from cli.local.ports import free_port
from services.runtime.auth import write_signing_key
from services.runtime.crypto import write_key_ring

PROGRAM = Path(__file__).with_name("stage_process.py")
ROOT = Path(__file__).parents[3]


@pytest.fixture
def environment(tmp_path: Path, migrated_runtime: str) -> dict[str, str]:
    write_signing_key(tmp_path / "key.pem", tmp_path / "key.pub.pem")
    write_key_ring(tmp_path / "ring.json")
    return {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'gen'}",
        "SOCIALCARE_BIND": f"127.0.0.1:{free_port()}",
        "SOCIALCARE_METRICS_BIND": "127.0.0.1:0",
        "SOCIALCARE_DSN": migrated_runtime,
        "SOCIALCARE_AUTH_PUBLIC_KEY_FILE": str(tmp_path / "key.pub.pem"),
        "SOCIALCARE_KEY_RING_FILE": str(tmp_path / "ring.json"),
        "SOCIALCARE_TEMPORAL_ADDRESS": "127.0.0.1:1",
    }


async def start(environment: dict[str, str]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        str(PROGRAM),
        env=environment,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )


async def test_a_stage_starts_without_temporal_and_ends_on_sigterm(environment: dict[str, str]) -> None:
    process = await start(environment)
    assert process.stdout is not None
    first = json.loads(await asyncio.wait_for(process.stdout.readline(), 30))
    assert first["event"] == "started"
    process.send_signal(signal.SIGTERM)
    output, errors = await asyncio.wait_for(process.communicate(), 30)
    assert json.loads(output.splitlines()[-1])["event"] == "stopped"
    assert (process.returncode, errors) == (0, b"")


async def test_wrong_settings_end_with_a_line_and_status_2(environment: dict[str, str]) -> None:
    process = await start({**environment, "SOCIALCARE_CLOCK": "simulated"})
    _, errors = await process.communicate()
    assert process.returncode == 2
    assert b"set SOCIALCARE_CLOCK=system" in errors


async def test_a_taken_address_ends_with_a_line_and_status_2(environment: dict[str, str]) -> None:
    first = await start(environment)
    assert first.stdout is not None
    await asyncio.wait_for(first.stdout.readline(), 30)
    second = await start(environment)
    _, errors = await asyncio.wait_for(second.communicate(), 30)
    first.send_signal(signal.SIGTERM)
    await first.communicate()
    assert second.returncode == 2
    assert b"cannot listen" in errors
