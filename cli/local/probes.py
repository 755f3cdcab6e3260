"""Questions that tell when a process can be used. Each answers within a second and never raises for "not yet"."""

from __future__ import annotations

import asyncio
import http.client
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

import grpc
from grpc_health.v1 import health_pb2

Probe = Callable[[], Awaitable[bool]]

ANSWER_SECONDS = 1.0


def tcp(host: str, port: int) -> Probe:
    """Somebody listens."""

    async def listens() -> bool:
        try:
            _, writer = await asyncio.wait_for(asyncio.open_connection(host, port), ANSWER_SECONDS)
        except OSError:  # a timeout is an OSError too
            return False
        writer.close()
        return True

    return listens


def http_ok(url: str) -> Probe:
    """GET answers 200."""
    parts = urlsplit(url)

    def answers() -> bool:
        connection = http.client.HTTPConnection(parts.netloc, timeout=ANSWER_SECONDS)
        try:
            connection.request("GET", parts.path or "/")
            return connection.getresponse().status == http.client.OK
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()

    async def asked() -> bool:
        return await asyncio.to_thread(answers)

    return asked


def grpc_serving(address: str, service: str = "") -> Probe:
    """The standard health service says SERVING for `service` (empty: the whole server)."""

    async def serving() -> bool:
        async with grpc.aio.insecure_channel(address) as channel:
            try:
                answer: health_pb2.HealthCheckResponse = await channel.unary_unary(
                    "/grpc.health.v1.Health/Check",
                    request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
                    response_deserializer=health_pb2.HealthCheckResponse.FromString,
                )(health_pb2.HealthCheckRequest(service=service), timeout=ANSWER_SECONDS)
            except grpc.aio.AioRpcError:
                return False
            return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

    return serving


def command_succeeds(*command: str | Path) -> Probe:
    """The command exits with 0."""

    async def succeeds() -> bool:
        process = await asyncio.create_subprocess_exec(
            *map(str, command), stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL
        )
        return await process.wait() == 0

    return succeeds
