"""The methods about further versions of a signed contract."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from services.placement.api.cases import CaseMethods, Context
from services.placement.documents.contract import Basis, Draft, rendered
from services.placement.domain.amendments import Amendment
from services.placement.domain.cases import Placement
from services.placement.domain.register import recorders
from services.placement.rules import amendments as rules
from services.placement.storage.documents import ContractFile, basis_of, basis_on
from services.placement.usecases import amendments as usecases
from services.placement.usecases.amendments import Move, NewPlan
from services.placement.usecases.contracts import Agreed
from services.placement.wire.amendments import amendment_to_proto
from services.placement.wire.capacity import preview_to_proto
from services.placement.wire.cases import case_facts, plan_from_proto
from services.placement.wire.register import order_of_transfer
from services.runtime.civil import date_from_proto
from services.runtime.commands import Call, Effect
from services.runtime.database import WriteTx
from services.runtime.errors import DomainError, NotFound
from socialcare.placement.v1 import amendments_pb2 as pb
from socialcare.placement.v1 import placement_service_pb2

__all__ = ["AmendmentMethods"]

_Version = pb.AmendContractRequest | pb.TransferPlacementRequest


class AmendmentMethods(CaseMethods):
    """Part of `PlacementServicer`; named by the contract."""

    async def AmendContract(self, request: pb.AmendContractRequest, context: Context) -> pb.AmendContractResponse:
        call, present = await self._admitted(request.request_id, request.application_id)
        wanted = NewPlan(plan_from_proto(request.plan), date_from_proto(request.first_date, "first_date"))
        agreed = await self._agreed_version(
            (call, request), present, lambda: rules.amended(present, wanted.lines, wanted.first_date, call.today)
        )

        async def amend(tx: WriteTx) -> Effect:
            store = ContractFile(tx, self._runtime.cipher)
            return await usecases.amend_contract(present, wanted, agreed, store, call.now)

        if request.validate_only:
            return pb.AmendContractResponse(preview=preview_to_proto(await self._preview(call, present, amend)))
        effect = await self._runtime.commands.perform(call, request, amend)
        return pb.AmendContractResponse(
            amendment=amendment_to_proto(await self._version(request.application_id, effect))
        )

    async def TransferPlacement(
        self, request: pb.TransferPlacementRequest, context: Context
    ) -> pb.TransferPlacementResponse:
        call, present = await self._admitted(request.request_id, request.application_id)
        first = date_from_proto(request.first_date, "first_date")
        order = order_of_transfer(request, first, call.today)
        if order is not None:
            call.caller.require_role(*recorders(order.authority))
        move = Move(
            facility_code=request.facility_code or present.facility_code,
            district_code=request.district_code or present.district_code,
            first_date=first,
            order=order,
        )
        agreed = await self._agreed_version(
            (call, request),
            present,
            lambda: rules.moved(present, move.facility_code, move.district_code, move.first_date, call.today),
            None if order is None else basis_on(order),
        )

        async def transfer(tx: WriteTx) -> Effect:
            store = ContractFile(tx, self._runtime.cipher)
            return await usecases.transfer_placement(present, move, agreed, store, call.now)

        if request.validate_only:
            preview = await self._preview(call, present, transfer, move.facility_code, move.district_code)
            return pb.TransferPlacementResponse(preview=preview_to_proto(preview))
        effect = await self._runtime.commands.perform(call, request, transfer)
        return pb.TransferPlacementResponse(
            amendment=amendment_to_proto(await self._version(request.application_id, effect))
        )

    async def ListAmendments(self, request: pb.ListAmendmentsRequest, context: Context) -> pb.ListAmendmentsResponse:
        _, found = await self._admitted("", request.application_id)
        versions = () if found.contract is None else found.contract.amendments
        return pb.ListAmendmentsResponse(amendments=[amendment_to_proto(version) for version in versions])

    async def _agreed_version(
        self,
        asked: tuple[Call, _Version],
        present: Placement,
        step: Callable[[], Placement],
        basis: Basis | None = None,
    ) -> Agreed | None:
        """Have delivery check another plan, and the document of the version made.

        None when the version will be refused or was agreed by this request.
        """
        call, request = asked
        if not request.validate_only and await self._runtime.commands.earlier(call, request) is not None:
            return None
        try:
            changed = step()
        except DomainError:
            return None
        assert changed.contract is not None  # noqa: S101 what has a version has one
        case = await self._neighbours.case_facts(present.application_id)
        if isinstance(request, pb.AmendContractRequest):
            plan = placement_service_pb2.SignContractRequest(
                application_id=present.application_id, start_date=request.first_date, plan=request.plan
            )
            await self._neighbours.check_plan(plan, case)
        user = await self._neighbours.user(present.person_id)
        if basis is None:
            async with self._runtime.db.glance() as tx:
                basis = await basis_of(tx, present.application_id)
        decided = case_facts(case).rules
        draft = Draft(changed, changed.contract, user, basis, decided, changed.contract.amendments[-1])
        return Agreed(decided.catalogue, await asyncio.to_thread(rendered, draft))

    async def _version(self, application_id: str, effect: Effect) -> Amendment:
        found = await self._found(application_id)
        versions = () if found.contract is None else found.contract.amendments
        for version in versions:
            if str(version.number) == effect.resource:
                return version
        raise NotFound(resource_type="contract_version", resource_id=application_id)
