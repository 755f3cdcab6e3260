"""The five services as a client of theirs sees them: one channel each, a token by role, refusals with their reason."""

from __future__ import annotations

import asyncio
import datetime as dt
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import grpc
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from services.kernel.codes import Role, Stage
from services.runtime.tls import TlsFiles
from socialcare.assessment.v1.assessment_service_pb2_grpc import AssessmentServiceStub
from socialcare.billing.v1.billing_service_pb2_grpc import BillingServiceStub
from socialcare.common.v1.outbox_service_pb2_grpc import OutboxServiceStub
from socialcare.delivery.v1.delivery_service_pb2_grpc import DeliveryServiceStub
from socialcare.intake.v1.intake_service_pb2_grpc import IntakeServiceStub
from socialcare.placement.v1.placement_service_pb2_grpc import PlacementServiceStub

Answer = TypeVar("Answer", bound=Message)
CALL_TIMEOUT_SECONDS = 30.0
CHANNEL_OPTIONS = (("grpc.service_config", json.dumps({"loadBalancingConfig": [{"round_robin": {}}]})),)
"""A service of several replicas answers at each in turn."""
RETRIED_REASONS = frozenset({"TRANSPORT", "PEER_UNAVAILABLE", "CONCURRENT_CHANGE", "DEADLINE_TOO_SHORT"})
RETRY_SECONDS = 0.5
MOST_RETRIES = 240


class Refusal(Exception):  # A refusal is an expected answer, not an error of the client.
    """A service said no: gRPC status, reason of `ErrorReason` and its metadata; opaque ids and codes only."""

    def __init__(self, status: grpc.StatusCode, reason: str, metadata: Mapping[str, str], message: str) -> None:
        super().__init__(f"{status.name} {reason}: {message}")
        self.status = status
        self.reason = reason
        self.metadata = metadata


def refusal_of(error: grpc.aio.AioRpcError) -> Refusal:
    """Read the reason out of the `google.rpc` details; a transport error has the reason `TRANSPORT`."""
    status = rpc_status.from_call(error)  # type: ignore[arg-type]  # It reads code, details and metadata only.
    for detail in status.details if status is not None else ():
        info = error_details_pb2.ErrorInfo()
        if detail.Unpack(info):
            return Refusal(error.code(), info.reason, dict(info.metadata), error.details() or "")
    return Refusal(error.code(), "TRANSPORT", {}, error.details() or "")


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the services and Temporal answer, and where a token of each role comes from."""

    addresses: Mapping[Stage, str]
    temporal_address: str
    temporal_namespace: str
    temporal_ui: str
    token_for: Callable[[Role], str]
    tls: TlsFiles | None = None
    """How the services are reached; None for plain text."""


@dataclass(slots=True)
class Gateway:
    """Typed stubs over one channel per service; close it when done."""

    endpoints: Endpoints
    _channels: dict[Stage, grpc.aio.Channel] = field(default_factory=dict)

    def channel(self, stage: Stage) -> grpc.aio.Channel:
        """The channel of a stage, opened on first use."""
        if stage not in self._channels:
            self._channels[stage] = self._opened(self.endpoints.addresses[stage])
        return self._channels[stage]

    def _opened(self, address: str) -> grpc.aio.Channel:
        tls = self.endpoints.tls
        if tls is None:
            return grpc.aio.insecure_channel(address, options=CHANNEL_OPTIONS)
        return grpc.aio.secure_channel(address, tls.channel_credentials(), options=CHANNEL_OPTIONS)

    @property
    def intake(self) -> IntakeServiceStub:
        """Stage S1 and S3."""
        return IntakeServiceStub(self.channel(Stage.INTAKE))

    @property
    def assessment(self) -> AssessmentServiceStub:
        """Stage S2."""
        return AssessmentServiceStub(self.channel(Stage.ASSESSMENT))

    @property
    def placement(self) -> PlacementServiceStub:
        """Stages S4 to S6."""
        return PlacementServiceStub(self.channel(Stage.PLACEMENT))

    @property
    def delivery(self) -> DeliveryServiceStub:
        """Stages S7 and S8."""
        return DeliveryServiceStub(self.channel(Stage.DELIVERY))

    @property
    def billing(self) -> BillingServiceStub:
        """Stage S9."""
        return BillingServiceStub(self.channel(Stage.BILLING))

    def outbox(self, stage: Stage) -> OutboxServiceStub:
        """The outbox of a stage."""
        return OutboxServiceStub(self.channel(stage))

    async def call(
        self,
        method: Callable[..., Any],
        request: Message,
        answer: type[Answer],
        *,
        role: Role,
        at: dt.datetime | None = None,
    ) -> Answer:
        """Call a method as a role, at a business instant where the system runs on simulated time.

        Raises:
            Refusal: the service said no, or the transport failed.
        """
        metadata = [("authorization", f"Bearer {self.endpoints.token_for(role)}")]
        if at is not None:
            metadata.append(("x-business-time", at.astimezone(dt.UTC).isoformat().replace("+00:00", "Z")))
        try:
            result = await method(request, metadata=metadata, timeout=CALL_TIMEOUT_SECONDS, wait_for_ready=True)
        except grpc.aio.AioRpcError as error:
            raise refusal_of(error) from error
        if not isinstance(result, answer):
            raise TypeError(f"{type(result).__name__} answered, {answer.__name__} expected")
        return result

    async def patient_call(
        self,
        method: Callable[..., Any],
        request: Message,
        answer: type[Answer],
        *,
        role: Role,
        at: dt.datetime | None = None,
    ) -> Answer:
        """Call a method again and again while the service is away; the request id, where there is one, makes that safe.

        Raises:
            Refusal: the service said no, or stayed away for `MOST_RETRIES` tries.
        """
        for _ in range(MOST_RETRIES):
            try:
                return await self.call(method, request, answer, role=role, at=at)
            except Refusal as refusal:
                if refusal.reason not in RETRIED_REASONS:
                    raise
                last = refusal
            await asyncio.sleep(RETRY_SECONDS)
        raise last

    async def close(self) -> None:
        """Close every channel."""
        for channel in self._channels.values():
            await channel.close()
        self._channels.clear()
