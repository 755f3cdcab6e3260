"""What the door refuses, as far as it needs no running system."""

from __future__ import annotations

import datetime as dt

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from services.kernel.codes import Role
from services.runtime.admission import SHORTEST_DEADLINE, Door, Method, check_deadline, check_role, check_shape
from services.runtime.auth import TokenVerifier, mint_token
from services.runtime.clock import Clock, SimulatedClock, SystemClock
from services.runtime.errors import (
    BusinessTimeNotAllowed,
    DeadlineTooShort,
    Forbidden,
    InvalidArgument,
    Unauthenticated,
)
from socialcare.intake.v1 import intake_service_pb2 as pb

KEY = Ed25519PrivateKey.generate()
ID = "7b0e8b5c-0000-4000-8000-000000000001"


def enter(clock: Clock, **metadata: str) -> dt.datetime | None:
    token = mint_token(KEY, subject="s-1", roles=frozenset(Role))
    sent = {"authorization": f"Bearer {token}"} | {name.replace("_", "-"): value for name, value in metadata.items()}
    return Door(TokenVerifier(KEY.public_key()), clock).identify(sent.items())[1]


def test_business_time_is_refused_outside_of_simulation() -> None:
    with pytest.raises(BusinessTimeNotAllowed) as refused:
        enter(SystemClock(), x_business_time="2026-01-19T10:15:00+02:00")
    assert (refused.value.reason, refused.value.field) == ("BUSINESS_TIME_NOT_ALLOWED", "x-business-time")


def test_business_time_in_simulation_is_an_instant_with_an_offset() -> None:
    assert enter(SimulatedClock(), x_business_time="2026-01-19T10:15:00+02:00") == dt.datetime(
        2026, 1, 19, 8, 15, tzinfo=dt.UTC
    )
    for malformed in ("yesterday", "2026-01-19T10:15:00"):
        with pytest.raises(InvalidArgument):
            enter(SimulatedClock(), x_business_time=malformed)


def test_an_expired_token_is_none() -> None:
    expired = mint_token(KEY, subject="s-1", roles=frozenset(Role), lifetime=dt.timedelta(seconds=-1))
    door = Door(TokenVerifier(KEY.public_key()), SystemClock())
    for _ in range(2):
        with pytest.raises(Unauthenticated):
            door.identify([("authorization", f"Bearer {expired}")])


def test_a_call_with_too_little_time_left_is_not_begun() -> None:
    check_deadline(None)
    check_deadline(SHORTEST_DEADLINE)
    with pytest.raises(DeadlineTooShort):
        check_deadline(SHORTEST_DEADLINE - 0.001)


def test_a_method_that_names_no_role_may_be_called_by_nobody() -> None:
    method = Method("/s/M", "s", "M", roles=(), mutates=False)
    door = Door(TokenVerifier(KEY.public_key()), SystemClock())
    token = mint_token(KEY, subject="s-1", roles=frozenset(Role))
    caller, _ = door.identify([("authorization", f"Bearer {token}")])
    with pytest.raises(Forbidden):
        check_role(method, door.admit(method, caller, None, None))


def test_a_nul_in_a_text_names_its_field() -> None:
    request = pb.UpdateMunicipalityRequest(
        request_id=ID, municipality_id="SOFIA", settings={"a": "b\0", "c": "d"}, etag="\0"
    )
    with pytest.raises(InvalidArgument) as refused:
        check_shape(request)
    assert [one.field for one in refused.value.violations] == ["settings", "etag"]
    nested = pb.CheckIdentifierRequest(value="a\0b")
    with pytest.raises(InvalidArgument):
        check_shape(nested)
    check_shape(pb.CheckIdentifierRequest(value="4105069910"))
