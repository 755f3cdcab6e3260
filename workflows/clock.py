"""The business clock of workflows (design section 8).

A workflow adds an offset to its own time. In production the offset is zero; in simulation it is measured once, in the
first run, against the business instant of the input, and carried as a duration. The interceptors below carry the
business instant of a step from the workflow over the activity to the metadata of the call: no other code does.
"""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any, Protocol, cast

from google.protobuf.duration_pb2 import Duration
from temporalio import activity, workflow
from temporalio.worker import (
    ActivityInboundInterceptor,
    ExecuteActivityInput,
    Interceptor,
    StartActivityInput,
    WorkflowInboundInterceptor,
    WorkflowInterceptorClassInput,
    WorkflowOutboundInterceptor,
)

from socialcare.common.v1.flow_pb2 import ClockCarry
from workflows.wire import optional_instant, timestamp

__all__ = ["BUSINESS_TIME_KEY", "BusinessClock", "BusinessTimeInterceptor", "ClockMode", "business_time"]

BUSINESS_TIME_KEY = "x-business-time"
"""Header of an activity and metadata key of a call: RFC 3339 with offset."""

_SIMULATED = "socialcare_clock_is_simulated"

_business_time: ContextVar[str | None] = ContextVar("business_time", default=None)


class ClockMode(StrEnum):
    """Whose time counts."""

    SYSTEM = "system"
    SIMULATED = "simulated"


def business_time() -> str | None:
    """Business instant of the running activity, RFC 3339; None in production."""
    return _business_time.get()


class BusinessClock:
    """Business time inside a workflow; never stands before an instant that the workflow has reached."""

    def __init__(self, carry: ClockCarry) -> None:
        self.simulated = carry.simulated
        self._offset = carry.offset.ToTimedelta()
        self._reached = optional_instant(carry.reached_time)

    @classmethod
    def begin(cls, begun: datetime | None) -> BusinessClock:
        """The clock of a first run; `begun` is the business instant of its start, if the input has one."""
        simulated = _clock_is_simulated()
        offset = Duration()
        if simulated and begun is not None:
            offset.FromTimedelta(begun - workflow.now())
        return cls(ClockCarry(offset=offset, simulated=simulated))

    def now(self) -> datetime:
        """Present business instant, aware, UTC."""
        present = workflow.now() + self._offset
        return present if self._reached is None else max(present, self._reached)

    def reach(self, moment: datetime) -> None:
        """Note that the instant has come: a timer may fire, or a message arrive, a moment before it."""
        self._reached = moment if self._reached is None else max(self._reached, moment)

    @property
    def offset(self) -> Duration:
        """Business time minus the workflow's time."""
        offset = Duration()
        offset.FromTimedelta(self._offset)
        return offset

    def delay_until(self, due: datetime) -> timedelta:
        """How long to sleep; zero or less when the instant has come."""
        return due - self.now()

    def carry(self) -> ClockCarry:
        """What the next run continues from."""
        return ClockCarry(offset=self.offset, simulated=self.simulated, reached_time=timestamp(self._reached))


def _clock_is_simulated() -> bool:
    asked = workflow.extern_functions().get(_SIMULATED)
    return asked is not None and bool(asked())


class _HasClock(Protocol):
    clock: BusinessClock


class BusinessTimeInterceptor(Interceptor):
    """Brings the business instant from workflow to call, and tells workflows whether time is simulated."""

    def __init__(self, mode: ClockMode) -> None:
        self._mode = mode

    def intercept_activity(self, next: ActivityInboundInterceptor) -> ActivityInboundInterceptor:  # noqa: A002  # the SDK names it.
        return _BindBusinessTime(next)

    def workflow_interceptor_class(self, input: WorkflowInterceptorClassInput) -> type[WorkflowInboundInterceptor]:  # noqa: A002  # as above.
        simulated = self._mode is ClockMode.SIMULATED
        input.unsafe_extern_functions[_SIMULATED] = lambda: simulated
        return _StampingInbound


class _BindBusinessTime(ActivityInboundInterceptor):
    async def execute_activity(self, input: ExecuteActivityInput) -> Any:  # noqa: A002, ANN401  # the SDK's signature.
        payload = input.headers.get(BUSINESS_TIME_KEY)
        stamp = None if payload is None else activity.payload_converter().from_payload(payload, str)
        token = _business_time.set(stamp)
        try:
            return await self.next.execute_activity(input)
        finally:
            _business_time.reset(token)


class _StampingInbound(WorkflowInboundInterceptor):
    def init(self, outbound: WorkflowOutboundInterceptor) -> None:
        super().init(_StampingOutbound(outbound))


class _StampingOutbound(WorkflowOutboundInterceptor):
    def start_activity(self, input: StartActivityInput) -> workflow.ActivityHandle[Any]:  # noqa: A002  # as above.
        clock = cast("_HasClock", workflow.instance()).clock
        if clock.simulated:
            stamp = workflow.payload_converter().to_payload(clock.now().isoformat())
            input = replace(input, headers={**input.headers, BUSINESS_TIME_KEY: stamp})  # noqa: A001  # as above.
        return self.next.start_activity(input)
