"""Who and what gets past the door: deadline, token, role, business time, shape of the request.

Default deny: a method without `required_roles` may be called by nobody.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import protovalidate
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message

from services.kernel.codes import Role
from services.kernel.dates import local_date
from services.runtime.auth import Caller, TokenVerifier
from services.runtime.clock import BUSINESS_TIME_KEY, Clock, SimulatedClock, SystemClock
from services.runtime.errors import (
    BusinessTimeNotAllowed,
    DeadlineTooShort,
    FieldViolation,
    Forbidden,
    InvalidArgument,
    Unauthenticated,
)
from services.runtime.scope import RpcScope
from socialcare.common.v1 import options_pb2

__all__ = ["SHORTEST_DEADLINE", "Door", "Method", "check_deadline", "check_role", "check_shape", "methods_of"]

SHORTEST_DEADLINE = 0.05
"""Seconds that a call must have left to be worth starting."""

_BEARER = "bearer "


@dataclass(frozen=True, slots=True)
class Method:
    """What the contract says of one method."""

    path: str
    """As on the wire: `/package.Service/Method`."""
    service: str
    name: str
    roles: tuple[Role, ...]
    """Any one suffices; none means nobody."""
    mutates: bool
    """Whether it takes a request id; refusals of such methods are audited."""


def methods_of(service: ServiceDescriptor) -> dict[str, Method]:
    """The methods of a service by path."""
    described = (_described(service, method) for method in service.methods)
    return {method.path: method for method in described}


def _described(service: ServiceDescriptor, method: MethodDescriptor) -> Method:
    options: Any = method.GetOptions()  # the stubs do not know extensions of generated options
    required: options_pb2.RequiredRoles = options.Extensions[options_pb2.required_roles]
    return Method(
        path=f"/{service.full_name}/{method.name}",
        service=service.full_name,
        name=method.name,
        roles=tuple(Role[options_pb2.Role.Name(role).removeprefix("ROLE_")] for role in required.any_of),
        mutates="request_id" in method.input_type.fields_by_name,
    )


def check_shape(request: Message) -> None:
    """Check the field rules of the contract; InvalidArgument with one violation a broken rule.

    A NUL in a text breaks them too: PostgreSQL stores none.
    """
    violations = [FieldViolation(_path(one), one.proto.message) for one in protovalidate.collect_violations(request)]
    if b"\0" in request.SerializeToString():
        violations += [FieldViolation(path, "must have no NUL character") for path in _texts_with_nul(request, "")]
    if violations:
        raise InvalidArgument(violations=violations)


def _texts_with_nul(message: Message, prefix: str) -> Iterator[str]:
    for field, value in message.ListFields():
        path = prefix + field.name
        # A map answers its keys; what stands behind them is asked for in turn.
        entries = value if isinstance(value, Iterable) and not isinstance(value, str | bytes) else (value,)
        for entry in entries:
            found = (entry, value[entry]) if isinstance(value, Mapping) else (entry,)
            for part in found:
                if isinstance(part, Message):
                    yield from _texts_with_nul(part, f"{path}.")
                elif isinstance(part, str) and "\0" in part:
                    yield path


def _path(violation: protovalidate.Violation) -> str:
    field = violation.proto.field
    return ".".join(element.field_name for element in field.elements) if field is not None else ""


class Door:
    """Admits calls on behalf of one server."""

    def __init__(self, verifier: TokenVerifier, clock: Clock) -> None:
        self._verifier = verifier
        self._clock = clock
        self._real_time = SystemClock()

    def identify(self, metadata: Iterable[tuple[str, str | bytes]]) -> tuple[Caller, datetime | None]:
        """The verified caller and the business instant that it sent.

        Raises:
            Unauthenticated: no valid bearer token.
            BusinessTimeNotAllowed: an instant came although the server runs on the system clock.
            InvalidArgument: the instant is malformed or has no offset.
        """
        token = instant = ""
        for key, value in metadata:
            if key == "authorization" and isinstance(value, str):
                token = value
            elif key == BUSINESS_TIME_KEY and isinstance(value, str):
                instant = value
        if token[: len(_BEARER)].lower() != _BEARER:
            raise Unauthenticated
        caller = self._verifier.verify(token[len(_BEARER) :].strip(), self._real_time.now())
        return caller, self._business_time(instant) if instant else None

    def _business_time(self, text: str) -> datetime:
        if not isinstance(self._clock, SimulatedClock):
            raise BusinessTimeNotAllowed(field=BUSINESS_TIME_KEY)
        try:
            instant = datetime.fromisoformat(text)
        except ValueError:
            raise InvalidArgument(field=BUSINESS_TIME_KEY) from None
        if instant.tzinfo is None:
            raise InvalidArgument(field=BUSINESS_TIME_KEY)
        return instant.astimezone(UTC)

    def admit(self, method: Method, caller: Caller, instant: datetime | None, seconds_left: float | None) -> RpcScope:
        """The scope of the call, before roles are checked."""
        now = instant or self._clock.now()
        deadline = None if seconds_left is None else time.monotonic() + seconds_left
        role = next((role for role in method.roles if role in caller.roles), "")
        return RpcScope(method.path, caller, role, now, local_date(now), deadline)


def check_role(method: Method, scope: RpcScope) -> None:
    """Raise Forbidden when the caller has none of the roles that the method requires."""
    if not scope.role:
        raise Forbidden(metadata={"roles": ",".join(method.roles)})


def check_deadline(seconds_left: float | None) -> None:
    """Raise DeadlineTooShort when too little time is left to start."""
    if seconds_left is not None and seconds_left < SHORTEST_DEADLINE:
        raise DeadlineTooShort
