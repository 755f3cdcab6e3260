"""What is known of the call that the current task serves."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import date, datetime

from services.runtime.auth import Caller

__all__ = ["OperatorAct", "RpcScope", "current_scope", "entered", "seconds_left"]


@dataclass(frozen=True, slots=True)
class OperatorAct:
    """Why an operator in the Temporal UI acts, and what proves it; both opaque or closed codes."""

    reason_code: str
    evidence_id: str


@dataclass(frozen=True, slots=True)
class RpcScope:
    """One admitted call."""

    rpc: str
    caller: Caller
    role: str
    """Role under which the caller was let in."""
    now: datetime
    """Business instant, aware, UTC; one for the whole call."""
    today: date
    """Local day of `now` in Europe/Sofia."""
    deadline: float | None = None
    """Monotonic seconds (`time.monotonic`) at which the client gives up; None when it never does."""
    act: OperatorAct | None = None
    """Set while a command of an operator is carried out in the name of a staff member."""


_scope: ContextVar[RpcScope] = ContextVar("rpc_scope")


def current_scope() -> RpcScope:
    """Scope of the running call; LookupError outside of one."""
    return _scope.get()


def seconds_left(monotonic: float) -> float | None:
    """Seconds until the running call's client gives up; None outside a call or without a deadline."""
    scope = _scope.get(None)
    return None if scope is None or scope.deadline is None else scope.deadline - monotonic


@contextmanager
def entered(scope: RpcScope) -> Iterator[None]:
    """Serve the call within the block."""
    token = _scope.set(scope)
    try:
        yield
    finally:
        _scope.reset(token)
