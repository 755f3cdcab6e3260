"""The stories over mutual TLS, and that nobody without a trusted certificate gets an answer."""

from __future__ import annotations

import dataclasses
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from rich.console import Console

from cli.local.certificates import Authority
from cli.local.stack import LocalStack
from cli.stories.session import play_all, read_stories
from services.kernel.codes import Stage
from services.runtime.tls import TlsFiles
from tests.stacks import stack_options

pytestmark = pytest.mark.stack

STORIES = Path(__file__).with_name("public.jsonl")
PLAYED = ["HSP-01", "AP-01", "INS-01"]


@pytest.fixture(scope="module")
async def secured(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LocalStack]:
    directory = tmp_path_factory.mktemp("secured")
    tls = Authority.make(directory / "tls-ca.pem").issue("socialcare", directory)
    options = dataclasses.replace(stack_options(directory / "stack"), tls=tls)
    async with LocalStack(options) as running:
        yield running
        # Nobody needs what is thrown away to be put in order first.
        running.supervisor.kill_all()


async def is_answered(address: str, credentials: grpc.ChannelCredentials | None) -> bool:
    channel = (
        grpc.aio.insecure_channel(address) if credentials is None else grpc.aio.secure_channel(address, credentials)
    )
    async with channel:
        try:
            answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=5)
        except grpc.aio.AioRpcError as error:
            if error.code() is grpc.StatusCode.UNAVAILABLE:  # The connection was never made.
                return False
            raise
    return answer.status == health_pb2.HealthCheckResponse.SERVING


async def test_stories_pass_over_mutual_tls(secured: LocalStack) -> None:
    verdicts = await play_all(read_stories(STORIES, PLAYED), secured.state, Console(quiet=True))
    assert {verdict.story_id: verdict.findings for verdict in verdicts} == {story_id: [] for story_id in PLAYED}


@pytest.mark.parametrize("stage", list(Stage))
async def test_a_client_is_answered_with_a_trusted_certificate_only(
    secured: LocalStack, tmp_path: Path, stage: Stage
) -> None:
    trusted = secured.state.tls
    assert trusted is not None
    address = secured.state.services[stage]
    stranger = Authority.make(tmp_path / "other-ca.pem").issue("stranger", tmp_path)
    forged = TlsFiles(authority=trusted.authority, certificate=stranger.certificate, key=stranger.key)
    nameless = grpc.ssl_channel_credentials(trusted.authority.read_bytes())

    assert await is_answered(address, trusted.channel_credentials())
    assert not await is_answered(address, None)
    assert not await is_answered(address, nameless)
    assert not await is_answered(address, forged.channel_credentials())
