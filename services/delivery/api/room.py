"""The room that every method of delivery stands in: how a case is found, and for whom it is there."""

from __future__ import annotations

from collections.abc import Collection

from grpc.aio import ServicerContext

from services.delivery.domain.care import Care
from services.delivery.metrics import DeliveryMetrics
from services.delivery.peers import Neighbours
from services.delivery.storage.store import find_care
from services.delivery.usecases.care import (
    Moment,
)
from services.delivery.wire import care as wire
from services.kernel.codes import Role
from services.runtime.auth import Caller
from services.runtime.commands import Call
from services.runtime.database import WriteTx
from services.runtime.errors import NotFound, NotYours
from services.runtime.server import Runtime
from socialcare.delivery.v1 import resources_pb2 as resources

__all__ = [
    "Room",
    "is_assistant_only",
    "moment",
    "require_among",
    "require_municipality",
    "require_own",
    "require_sight",
]

Context = ServicerContext[object, object]


class Room:
    """Handlers share the process, its neighbours and how a case is found and hidden."""

    _runtime: Runtime
    _neighbours: Neighbours
    _metrics: DeliveryMetrics

    async def _stored_care(self, application_id: str) -> Care:
        async with self._runtime.db.read() as tx:
            care = await find_care(tx, application_id)
        if care is None:
            raise NotFound(resource_type="application", resource_id=application_id)
        return care

    async def _visible_care(self, call: Call, application_id: str) -> Care:
        care = await self._stored_care(application_id)
        require_sight(call.caller, care)
        return care

    def _for_municipality(self, municipality_id: str, request_id: str = "", object_id: str = "") -> Call:
        """The call, once its caller was found to act for the municipality; else NotYours."""
        call = self._runtime.call(request_id, municipality_id=municipality_id, object_id=object_id)
        call.caller.require_municipality(municipality_id)
        return call

    async def _care_now(self, call: Call, application_id: str) -> resources.Care:
        return wire.care_to_proto(await self._stored_care(application_id), call.today)


def moment(call: Call, tx: WriteTx, care: Care) -> Moment:
    """Note whose municipality a command concerns, and give the instant and the day it happens on."""
    tx.audit.municipality_id = care.contract.municipality_id
    return Moment(call.now, call.today)


def require_own(caller: Caller, staff_id: str) -> None:
    """Raise NotYours when the caller is an assistant and nothing more, and asks about somebody else."""
    require_among(caller, {staff_id})


def require_among(caller: Caller, staff_ids: Collection[str]) -> None:
    """Raise NotYours when the caller is an assistant and nothing more, and asks about others only."""
    if is_assistant_only(caller) and caller.subject not in staff_ids:
        raise NotYours


def is_assistant_only(caller: Caller) -> bool:
    """Whether the caller is an assistant and nothing more, who answers for the own visits alone."""
    return caller.roles == {Role.ASSISTANT}


def require_municipality(caller: Caller, municipality_id: str, application_id: str) -> None:
    """What a caller may not know of is not there."""
    try:
        caller.require_municipality(municipality_id)
    except NotYours:
        raise NotFound(resource_type="application", resource_id=application_id) from None


def require_sight(caller: Caller, care: Care) -> None:
    """A user sees their own care, staff that of their municipality; for anybody else there is none (NotFound)."""
    require_municipality(caller, care.contract.municipality_id, care.id)
    try:
        caller.require_person(care.contract.person_id)
    except NotYours:
        raise NotFound(resource_type="application", resource_id=care.id) from None
