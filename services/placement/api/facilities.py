"""The methods about directorates, facilities and their places."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

import grpc

from services.kernel.codes import Role
from services.placement.api.capacity import rehearsed
from services.placement.domain.capacity import unit_of
from services.placement.domain.cases import Facility
from services.placement.errors import UnknownService
from services.placement.peers import Neighbours
from services.placement.storage import places
from services.placement.storage.cases import Store
from services.placement.usecases import places as usecases
from services.placement.wire.capacity import preview_to_proto
from services.placement.wire.cases import facility_to_proto
from services.runtime.commands import Call, Effect
from services.runtime.database import WriteTx
from services.runtime.errors import NotFound
from services.runtime.server import Runtime
from socialcare.placement.v1 import placement_service_pb2 as pb
from socialcare.placement.v1 import resources_pb2

__all__ = ["FacilityMethods"]

_Context = grpc.aio.ServicerContext[Any, Any]


class FacilityMethods:
    """Part of `PlacementServicer`; named by the contract."""

    _runtime: Runtime
    _neighbours: Neighbours

    async def CreateDirectorate(
        self, request: pb.CreateDirectorateRequest, context: _Context
    ) -> pb.CreateDirectorateResponse:
        call = self._called(request.request_id, request.municipality_id)

        async def create(tx: WriteTx) -> Effect:
            await Store(tx).add_directorate(request.municipality_id, request.directorate_code)
            return Effect(request.directorate_code)

        effect = await self._runtime.commands.perform(call, request, create)
        return pb.CreateDirectorateResponse(directorate_code=effect.resource)

    async def CreateFacility(self, request: pb.CreateFacilityRequest, context: _Context) -> pb.CreateFacilityResponse:
        call = self._called(request.request_id, request.municipality_id)
        effect = await self._runtime.commands.earlier(call, request) or await self._create(call, request)
        return pb.CreateFacilityResponse(facility=await self._facility(request.municipality_id, effect.resource))

    async def _create(self, call: Call, request: pb.CreateFacilityRequest) -> Effect:
        rules = await self._neighbours.rules(request.municipality_id)
        service = rules.catalogue.find(request.service_code, call.today)
        if service is None:
            raise UnknownService(field="service_code")
        facility = Facility(
            municipality_id=request.municipality_id,
            facility_code=request.facility_code,
            service_code=request.service_code,
            directorate_code=request.directorate_code,
            capacity=request.capacity,
            unit=unit_of(service),
        )

        async def create(tx: WriteTx) -> Effect:
            await Store(tx).add_facility(facility, call.now)
            return Effect(facility.facility_code, facility.version)

        return await self._runtime.commands.perform(call, request, create)

    async def SetCapacity(self, request: pb.SetCapacityRequest, context: _Context) -> pb.SetCapacityResponse:
        call = self._called(request.request_id, request.municipality_id)

        def set_places(tx: WriteTx) -> Awaitable[Effect]:
            return usecases.set_capacity(
                request.municipality_id, request.facility_code, request.capacity, Store(tx), call.now
            )

        if request.validate_only:
            touched = (request.municipality_id, [request.facility_code], ())
            preview = await rehearsed(self._runtime, call, touched, set_places)
            facility = await self._facility(request.municipality_id, request.facility_code)
            return pb.SetCapacityResponse(facility=facility, preview=preview_to_proto(preview))
        effect = await self._runtime.commands.perform(call, request, set_places)
        return pb.SetCapacityResponse(facility=await self._facility(request.municipality_id, effect.resource))

    async def GetFacility(self, request: pb.GetFacilityRequest, context: _Context) -> pb.GetFacilityResponse:
        call = self._runtime.call(municipality_id=request.municipality_id)
        if not call.caller.has(Role.SERVICE):
            call.caller.require_municipality(request.municipality_id)
        return pb.GetFacilityResponse(facility=await self._facility(request.municipality_id, request.facility_code))

    def _called(self, request_id: str, municipality_id: str) -> Call:
        call = self._runtime.call(request_id, municipality_id=municipality_id)
        call.caller.require_municipality(municipality_id)
        return call

    async def _facility(self, municipality_id: str, facility_code: str) -> resources_pb2.Facility:
        async with self._runtime.db.read() as tx:
            found = await places.facility(tx, municipality_id, facility_code)
        if found is None:
            raise NotFound(resource_type="facility", resource_id=facility_code)
        return facility_to_proto(found)
