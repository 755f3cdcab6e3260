"""The worker's way to the five services: one channel each, its token, its deadline, the refusal understood."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

import grpc
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from temporalio import activity
from temporalio.exceptions import ApplicationError

from services.kernel.codes import Stage
from workflows.clock import BUSINESS_TIME_KEY, business_time
from workflows.settings import WorkerSettings

__all__ = ["LONGEST_SILENCE", "StageCaller", "TokenFile", "open_channels"]

Request = TypeVar("Request", bound=Message)
Response = TypeVar("Response", bound=Message)

LONGEST_SILENCE = timedelta(seconds=15)
"""A worker that was not heard of for so long is dead: its page goes to another one, minutes before the deadline."""

_BEAT_SECONDS = 4.0

_STATUS_KEY = "grpc-status-details-bin"

_RULE_SAYS_NO = frozenset(
    {
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.NOT_FOUND,
        grpc.StatusCode.ALREADY_EXISTS,
        grpc.StatusCode.OUT_OF_RANGE,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        grpc.StatusCode.UNIMPLEMENTED,
        grpc.StatusCode.DATA_LOSS,
    }
)
"""Asking again gives the same answer. Everything else is "again later": a service that is away, a lost race, a token or
a deployment that somebody repairs while the case waits."""


class TokenFile:
    """The access token in a file, read again when the file changes."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._modified = -1
        self._token = ""

    def read(self) -> str:
        """The token as it stands now."""
        modified = self._path.stat().st_mtime_ns
        if modified != self._modified:
            self._token = self._path.read_text(encoding="ascii").strip()
            self._modified = modified
        return self._token


class StageCaller:
    """Makes one call: adds the token and, in simulation, the business instant; turns a status into an error type."""

    def __init__(self, token: TokenFile) -> None:
        self._token = token

    async def call(
        self, method: grpc.aio.UnaryUnaryMultiCallable[Request, Response], request: Request, deadline: timedelta
    ) -> Response:
        """The answer; ApplicationError named by the reason (or status) when there is none."""
        metadata = [("authorization", f"Bearer {self._token.read()}")]
        stamp = business_time()
        if stamp is not None:
            metadata.append((BUSINESS_TIME_KEY, stamp))
        try:
            async with _heartbeats():
                return await method(request, timeout=deadline.total_seconds(), metadata=grpc.aio.Metadata(*metadata))
        except grpc.aio.AioRpcError as error:
            # Neither the message nor the cause may enter the history: both may quote a request (design law 4).
            reason = _reason(error)
            raise ApplicationError(reason, type=reason, non_retryable=error.code() in _RULE_SAYS_NO) from None


@asynccontextmanager
async def _heartbeats() -> AsyncIterator[None]:
    """Tell Temporal that the worker lives, again and again while a call lasts."""
    if not activity.in_activity():
        yield
        return
    beating = asyncio.create_task(_beat())
    try:
        yield
    finally:
        beating.cancel()


async def _beat() -> None:
    while True:
        await asyncio.sleep(_BEAT_SECONDS)
        activity.heartbeat()


def _reason(error: grpc.aio.AioRpcError) -> str:
    """Reason of the ErrorInfo, or the name of the status."""
    for key, value in error.trailing_metadata():
        if key == _STATUS_KEY and isinstance(value, bytes):
            info = error_details_pb2.ErrorInfo()
            for detail in status_pb2.Status.FromString(value).details:
                if detail.Unpack(info):
                    return str(info.reason)
    return str(error.code().name)


def open_channels(settings: WorkerSettings) -> dict[Stage, grpc.aio.Channel]:
    """One channel to each service, over all its addresses in turn; they connect when used. The caller closes them."""
    credentials = settings.tls.channel_credentials() if settings.tls else None
    options = [
        ("grpc.keepalive_time_ms", 30_000),
        ("grpc.max_reconnect_backoff_ms", 2_000),
        ("grpc.service_config", json.dumps({"loadBalancingConfig": [{"round_robin": {}}]})),
    ]
    return {
        stage: grpc.aio.insecure_channel(settings.address_of(stage), options=options)
        if credentials is None
        else grpc.aio.secure_channel(settings.address_of(stage), credentials, options=options)
        for stage in Stage
    }
