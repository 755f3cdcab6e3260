"""Methods about parked accounts whose month is not to be billed."""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

from services.billing import storage
from services.billing.api.answers import Context
from services.billing.api.desk import Desk
from services.billing.domain.parked import Dismissal, DismissalReason
from services.billing.storage import Store
from services.billing.usecases import parked as usecases
from services.billing.wire.runs import dismissal_to_proto
from services.runtime.civil import month_from_proto
from services.runtime.commands import Call
from services.runtime.errors import NotFound
from socialcare.billing.v1 import dismissals_pb2 as pb

__all__ = ["DismissalMethods"]


class _AboutAccount(Protocol):
    @property
    def request_id(self) -> str: ...
    @property
    def application_id(self) -> str: ...


class DismissalMethods(Desk):
    """Dismiss a parked account, take it up again."""

    async def DismissAccount(self, request: pb.DismissAccountRequest, context: Context) -> pb.DismissAccountResponse:
        case_id, month = request.application_id, month_from_proto(request.month, "month")
        reason = DismissalReason(pb.DismissalReason.Name(request.reason).removeprefix("DISMISSAL_REASON_"))
        call = await self._about_account(request)
        dismissal = Dismissal(reason, call.caller.subject, call.now)
        await self._runtime.commands.perform(
            call,
            request,
            lambda tx: usecases.dismiss_account(case_id, month, dismissal, Store(tx, self._runtime.cipher)),
        )
        async with self._runtime.db.read() as tx:
            found = await storage.parked_account(tx, case_id, month)
        # A repeated request may come after the account was taken up again.
        held = None if found is None else found.dismissal
        return pb.DismissAccountResponse(dismissal=None if held is None else dismissal_to_proto(held))

    async def TakeUpAccount(self, request: pb.TakeUpAccountRequest, context: Context) -> pb.TakeUpAccountResponse:
        case_id, month = request.application_id, month_from_proto(request.month, "month")
        call = await self._about_account(request)
        await self._runtime.commands.perform(
            call, request, lambda tx: usecases.take_up_account(case_id, month, Store(tx, self._runtime.cipher))
        )
        return pb.TakeUpAccountResponse()

    async def _about_account(self, request: _AboutAccount) -> Call:
        call = self._runtime.call(request.request_id, object_id=request.application_id)
        contract = await self._known_contract(call, request.application_id)
        if contract is None:
            raise NotFound(resource_type="application", resource_id=request.application_id)
        return replace(call, municipality_id=contract.municipality_id)
