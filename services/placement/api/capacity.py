"""The methods about the ledger of capacity, and what a command would do to it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import grpc

from services.kernel.codes import Role
from services.kernel.service_entry import PlacementBasis
from services.placement.domain.capacity import CapacityUnit, Programme
from services.placement.domain.preview import Preview, Snapshot, difference
from services.placement.errors import UnknownService
from services.placement.peers import Neighbours
from services.placement.storage import capacity
from services.placement.storage.preview import snapshot
from services.placement.storage.programmes import ProgrammeBooks
from services.placement.usecases.places import set_programme_capacity
from services.placement.wire.capacity import account_to_proto, entry_to_proto
from services.runtime.civil import code_from_proto
from services.runtime.commands import Call, Effect
from services.runtime.database import WriteTx
from services.runtime.errors import InvalidArgument, NotFound
from services.runtime.paging import decode_token, encode_token, page_size
from services.runtime.server import Runtime
from socialcare.placement.v1 import capacity_pb2 as pb

__all__ = ["CapacityMethods", "rehearsed"]

_Context = grpc.aio.ServicerContext[Any, Any]
_PAGE = 100


async def rehearsed(
    runtime: Runtime,
    call: Call,
    touched: tuple[str, Iterable[str], Iterable[str]],
    step: Callable[[WriteTx], Awaitable[Effect]],
) -> Preview:
    """What the step would do to the municipality's accounts and cases, `touched`; nothing is changed.

    Raises what the step raises.
    """
    municipality_id, codes, cases = touched
    seen: list[Snapshot] = []

    async def look_around(tx: WriteTx) -> Effect:
        before = await snapshot(tx, municipality_id, codes, cases)
        effect = await step(tx)
        seen.extend((before, await snapshot(tx, municipality_id, codes, {*cases, *before.cases})))
        return effect

    await runtime.commands.rehearse(call, look_around)
    before, after = seen
    return difference(before, after)


class CapacityMethods:
    """Part of `PlacementServicer`; named by the contract."""

    _runtime: Runtime
    _neighbours: Neighbours

    async def SetProgrammeCapacity(
        self, request: pb.SetProgrammeCapacityRequest, context: _Context
    ) -> pb.SetProgrammeCapacityResponse:
        call = self._runtime.call(request.request_id, municipality_id=request.municipality_id)
        call.caller.require_municipality(request.municipality_id)
        effect = await self._runtime.commands.earlier(call, request) or await self._set_programme(call, request)
        async with self._runtime.db.read() as tx:
            account = await capacity.account(tx, request.municipality_id, effect.resource)
        return pb.SetProgrammeCapacityResponse(account=None if account is None else account_to_proto(account))

    async def _set_programme(self, call: Call, request: pb.SetProgrammeCapacityRequest) -> Effect:
        rules = await self._neighbours.rules(request.municipality_id)
        service = rules.catalogue.find(request.service_code, call.today)
        if service is None or service.placement_basis is PlacementBasis.ORDER:
            raise UnknownService(field="service_code")
        wanted = Programme(
            municipality_id=request.municipality_id,
            service_code=request.service_code,
            district_code=request.district_code,
            unit=code_from_proto(pb.CapacityUnit, request.unit, CapacityUnit, "unit"),
            capacity=request.capacity,
        )
        return await self._runtime.commands.perform(
            call,
            request,
            lambda tx: set_programme_capacity(wanted, rules.catalogue, ProgrammeBooks(tx), call.now),
        )

    async def GetCapacity(self, request: pb.GetCapacityRequest, context: _Context) -> pb.GetCapacityResponse:
        self._admit_reader(request.municipality_id)
        after = _after(request.page_token)
        size = page_size(request.page_size, default=_PAGE)
        async with self._runtime.db.read() as tx:
            account = await capacity.account(tx, request.municipality_id, request.account_code)
            if account is None:
                raise NotFound(resource_type="capacity_account", resource_id=request.account_code)
            entries = await capacity.entries(tx, request.municipality_id, request.account_code, after, size)
        return pb.GetCapacityResponse(
            account=account_to_proto(account),
            entries=[entry_to_proto(entry) for entry in entries],
            next_page_token=encode_token(str(entries[-1].number)) if len(entries) == size else "",
        )

    async def ListCapacity(self, request: pb.ListCapacityRequest, context: _Context) -> pb.ListCapacityResponse:
        self._admit_reader(request.municipality_id)
        (after,) = decode_token(request.page_token, 1) or ("",)
        size = page_size(request.page_size, default=_PAGE)
        async with self._runtime.db.read() as tx:
            accounts = await capacity.accounts(tx, request.municipality_id, after, size)
        return pb.ListCapacityResponse(
            accounts=[account_to_proto(account) for account in accounts],
            next_page_token=encode_token(accounts[-1].code) if len(accounts) == size else "",
        )

    def _admit_reader(self, municipality_id: str) -> None:
        call = self._runtime.call(municipality_id=municipality_id)
        if not call.caller.has(Role.SERVICE):
            call.caller.require_municipality(municipality_id)


def _after(token: str) -> int:
    (number,) = decode_token(token, 1) or ("0",)
    if not number.isdigit():
        raise InvalidArgument(field="page_token")
    return int(number)
