"""A long call tells Temporal that its worker lives; a worker that died is then noticed before the deadline."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from temporalio.testing import ActivityEnvironment

from socialcare.billing.v1.billing_service_pb2 import OpenBillingRunRequest, OpenBillingRunResponse
from workflows import channels
from workflows.activities import PAGE_DEADLINE
from workflows.channels import LONGEST_SILENCE, StageCaller, TokenFile


@pytest.fixture
def caller(tmp_path: Path) -> StageCaller:
    token = tmp_path / "token"
    token.write_text("made up")
    return StageCaller(TokenFile(token))


async def test_a_call_that_lasts_is_heard_of(caller: StageCaller, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(channels, "_BEAT_SECONDS", 0.01)
    beats: list[object] = []
    environment = ActivityEnvironment()
    environment.on_heartbeat = lambda *details: beats.append(details)

    async def slow(request: Any, **_: object) -> OpenBillingRunResponse:
        await asyncio.sleep(0.1)
        return OpenBillingRunResponse()

    async def call() -> None:
        await caller.call(slow, OpenBillingRunRequest(), PAGE_DEADLINE)  # type: ignore[arg-type]

    await environment.run(call)
    heard = len(beats)
    await asyncio.sleep(0.05)

    assert heard >= 2
    assert len(beats) == heard, "it beats on after the call"


def test_silence_is_noticed_between_two_missed_beats_and_the_deadline() -> None:
    assert 2 * channels._BEAT_SECONDS < LONGEST_SILENCE.total_seconds() < PAGE_DEADLINE.total_seconds()
