"""A gateway that knows which commands are open, which were acknowledged, and how each try ended."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from google.protobuf.message import Message

from cli.gateway import Answer, Gateway, Refusal
from services.kernel.codes import Role, Stage

__all__ = ["Command", "Flight", "Watch", "WatchedGateway"]

_STAGES = {stage.package: stage for stage in Stage}
TRANSPORT = "TRANSPORT"


@dataclass(frozen=True, slots=True)
class Command:
    """One request of a person that changes something, whatever the number of tries."""

    stage: Stage
    name: str
    request_id: str


@dataclass(slots=True, eq=False)
class Flight:
    """One try of a command. `reason` is None while it is open, empty after a yes, else the code of the no."""

    command: Command
    reason: str | None = None


@dataclass(slots=True)
class Watch:
    """What the watched gateways of a drill have seen."""

    open: set[Flight] = field(default_factory=set)
    acknowledged: set[Command] = field(default_factory=set)

    def open_at(self, stage: Stage | None) -> list[Flight]:
        """Commands in flight to a stage, or to any."""
        return [flight for flight in self.open if stage in {None, flight.command.stage}]

    def acknowledged_by(self, stages: Collection[Stage]) -> int:
        """How many commands these stages have said yes to."""
        return sum(command.stage in stages for command in self.acknowledged)

    def begin(self, request: Message) -> Flight | None:
        """A try begins; None when the request changes nothing."""
        _, package, *_, name = request.DESCRIPTOR.full_name.split(".")
        if package not in _STAGES or "request_id" not in request.DESCRIPTOR.fields_by_name:
            return None
        request_id: str = getattr(request, "request_id")  # noqa: B009  # the field was looked up
        flight = Flight(Command(_STAGES[package], name.removesuffix("Request"), request_id))
        self.open.add(flight)
        return flight

    def end(self, flight: Flight, reason: str) -> None:
        """A try was answered, or its connection broke."""
        flight.reason = reason
        self.open.discard(flight)
        if not reason:
            self.acknowledged.add(flight.command)

    def was_interrupted(self, flight: Flight) -> bool:
        """Whether the try was lost and a later one was acknowledged."""
        return bool(flight.reason) and flight.command in self.acknowledged


@dataclass(slots=True)
class WatchedGateway(Gateway):
    """Tells a watch of every command."""

    watch: Watch = field(default_factory=Watch)

    async def call(
        self,
        method: Callable[..., Any],
        request: Message,
        answer: type[Answer],
        *,
        role: Role,
        at: dt.datetime | None = None,
    ) -> Answer:
        """As the gateway does."""
        flight = self.watch.begin(request)
        reason = TRANSPORT
        try:
            result = await Gateway.call(self, method, request, answer, role=role, at=at)
            reason = ""
            return result
        except Refusal as refusal:
            reason = refusal.reason
            raise
        finally:
            if flight is not None:
                self.watch.end(flight, reason)
