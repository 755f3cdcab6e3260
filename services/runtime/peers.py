"""Channels to the other services: own token, business time, remaining deadline and retries on every call."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import grpc
from grpc.aio import ClientCallDetails, Metadata, UnaryUnaryCall
from grpc_status import rpc_status

from services.kernel.codes import Stage
from services.runtime.auth import TokenFile
from services.runtime.clock import BUSINESS_TIME_KEY, business_time
from services.runtime.errors import Forbidden, PeerUnavailable, Unauthenticated
from services.runtime.scope import seconds_left
from services.runtime.settings import Settings
from services.runtime.status import error_of

__all__ = ["Peers"]

LONGEST_CALL = 10.0
"""Seconds after which a call to a peer is given up, when the own caller waits longer."""

_KEPT_BACK = 0.02
"""Seconds of the own deadline kept for telling the own caller what happened."""

_OPTIONS = (
    (
        "grpc.service_config",
        json.dumps(
            {
                "loadBalancingConfig": [{"round_robin": {}}],
                "methodConfig": [
                    {
                        "name": [{}],
                        "retryPolicy": {
                            "maxAttempts": 4,
                            "initialBackoff": "0.05s",
                            "maxBackoff": "1s",
                            "backoffMultiplier": 3,
                            "retryableStatusCodes": ["UNAVAILABLE", "ABORTED"],
                        },
                    }
                ],
            }
        ),
    ),
    ("grpc.enable_retries", 1),
    ("grpc.max_reconnect_backoff_ms", 2000),
)

_AWAY = frozenset({grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED})


class _OnOurBehalf(grpc.aio.UnaryUnaryClientInterceptor):
    def __init__(self, token: Callable[[], str]) -> None:
        self._token = token

    async def intercept_unary_unary(
        self,
        continuation: Callable[[ClientCallDetails, Any], Any],
        client_call_details: ClientCallDetails,
        request: Any,  # noqa: ANN401 gRPC's signature
    ) -> UnaryUnaryCall[Any, Any]:
        call: UnaryUnaryCall[Any, Any] = await continuation(self._dressed(client_call_details), request)
        try:
            await call
        except grpc.aio.AioRpcError as error:
            refusal = error_of(error.code(), rpc_status.from_call(cast("grpc.Call", error)))
            if isinstance(refusal, Unauthenticated | Forbidden):
                raise  # our own token is wrong, which is nothing that our caller could mend
            if refusal is not None:
                raise refusal from None
            if error.code() in _AWAY:
                raise PeerUnavailable from None
            raise
        return call

    def _dressed(self, details: ClientCallDetails) -> ClientCallDetails:
        metadata = Metadata(*(details.metadata or ()))
        metadata.add("authorization", f"Bearer {self._token()}")
        instant = business_time()
        if instant is not None:
            metadata.add(BUSINESS_TIME_KEY, instant.isoformat())
        limits = [LONGEST_CALL]
        if details.timeout is not None:
            limits.append(details.timeout)
        left = seconds_left(time.monotonic())
        if left is not None:
            limits.append(max(left - _KEPT_BACK, 0.0))
        return ClientCallDetails(
            method=details.method,
            timeout=min(limits),
            metadata=metadata,
            credentials=details.credentials,
            wait_for_ready=details.wait_for_ready,
        )


class Peers:
    """The other services, reached when first needed."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._channels: dict[Stage, grpc.aio.Channel] = {}
        self._token = _token_source(settings.token_file)

    def channel(self, stage: Stage) -> grpc.aio.Channel:
        """Channel to the stage's service, for a generated stub; nothing connects before the first call.

        A call on it raises PeerUnavailable when the peer is away, and the peer's own refusal as the same branch of
        `DomainError` with the same reason and metadata.
        """
        if stage not in self._channels:
            self._channels[stage] = self._open(self._settings.address_of(stage))
        return self._channels[stage]

    def _open(self, address: str) -> grpc.aio.Channel:
        interceptors = [_OnOurBehalf(self._token)]
        tls = self._settings.tls
        if tls is None:
            return grpc.aio.insecure_channel(address, options=_OPTIONS, interceptors=interceptors)
        return grpc.aio.secure_channel(address, tls.channel_credentials(), options=_OPTIONS, interceptors=interceptors)

    async def close(self) -> None:
        """Close every channel."""
        for channel in self._channels.values():
            await channel.close()


def _token_source(path: Path | None) -> Callable[[], str]:
    return TokenFile(path).current if path is not None else lambda: ""
