"""A command of an operator in the Temporal UI, carried out in the name of a staff member (ADR 0001)."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from google.protobuf.descriptor import MethodDescriptor

from services.kernel.codes import Role
from services.kernel.operator_acts import REASONS, OperatorVerb
from services.runtime.admission import methods_of
from services.runtime.auth import Caller
from services.runtime.commands import Call
from services.runtime.errors import DomainError, ReasonNotListed, StaffNotAllowed
from services.runtime.scope import OperatorAct, current_scope, entered
from services.runtime.server import Runtime
from socialcare.common.v1 import types_pb2

__all__ = ["OperatorWish", "in_the_name_of_staff"]


@dataclass(frozen=True, slots=True)
class OperatorWish:
    """What an operator wants done, and in whose name."""

    call: Call
    """The worker's call, with the case and its municipality."""
    act: types_pb2.OperatorAct
    verb: OperatorVerb
    roles: frozenset[Role]
    """Roles of the staff member in the municipality."""


@asynccontextmanager
async def in_the_name_of_staff(runtime: Runtime, wish: OperatorWish, method: MethodDescriptor) -> AsyncIterator[None]:
    """Serve the block as a call of the method by the staff member named.

    Every refusal, from whatever depth, is audited as theirs, `via temporal_ui`.

    Raises:
        StaffNotAllowed: none of the roles suffices for the method.
        ReasonNotListed: the reason is none of the closed ones.
    """
    act, asked, service = wish.act, wish.call, method.containing_service
    path = f"/{service.full_name}/{method.name}"
    allowed = [role for role in methods_of(service)[path].roles if role in wish.roles]
    staff = Caller(act.staff_id, frozenset(allowed), frozenset({asked.municipality_id}))
    role = allowed[0] if allowed else ""
    scope = replace(
        current_scope(),
        rpc=path,
        caller=staff,
        role=role,
        act=OperatorAct(act.reason_code, act.evidence_id),
    )
    with entered(scope):
        try:
            if not allowed:
                raise StaffNotAllowed
            if act.reason_code not in REASONS.get(wish.verb, {act.reason_code}):
                raise ReasonNotListed(field="act.reason_code")
            yield
        except DomainError as refusal:
            call = runtime.call(municipality_id=asked.municipality_id, object_id=asked.object_id)
            await runtime.commands.record_refusal(call, refusal)
            raise
