"""Methods about the user's own money beside advance and receipt: returns, second signatures, lists, daily counts."""

from __future__ import annotations

from services.billing.api.answers import Context
from services.billing.api.desk import Desk
from services.billing.api.payments import by_of
from services.billing.domain.custody import CustodyCount, PendingReceipt
from services.billing.storage import Store, custody
from services.billing.usecases import custody as usecases
from services.billing.wire.accounts import account_to_proto, cents, positive
from services.runtime.civil import date_to_proto, money_to_proto
from services.runtime.commands import Call
from services.runtime.errors import NotFound, NotYours
from services.runtime.paging import decode_token, encode_token, id_key, page_size
from socialcare.billing.v1 import custody_pb2 as pb

__all__ = ["CustodyMethods"]

_FIRST = "00000000-0000-0000-0000-000000000000"


class CustodyMethods(Desk):
    """What is held, given back, confirmed and counted."""

    async def RecordCustodyReturn(
        self, request: pb.RecordCustodyReturnRequest, context: Context
    ) -> pb.RecordCustodyReturnResponse:
        call = self._runtime.call(request.request_id, object_id=request.application_id)
        amount = positive(request.amount, "amount")
        answer = await self._record(
            call,
            request,
            request.application_id,
            lambda store: usecases.give_back(request.application_id, amount, store, by_of(call)),
        )
        waiting = usecases.return_id(request.application_id, request.request_id)
        async with self._runtime.db.read() as tx:
            waits = await custody.is_pending(tx, waiting)
        return pb.RecordCustodyReturnResponse(
            account=account_to_proto(answer.account), pending_receipt_id=waiting if waits else ""
        )

    async def ConfirmCustodyReceipt(
        self, request: pb.ConfirmCustodyReceiptRequest, context: Context
    ) -> pb.ConfirmCustodyReceiptResponse:
        call = self._runtime.call(request.request_id, object_id=request.receipt_id)
        waiting = await self._receipt(call, request.receipt_id)
        answer = await self._record(
            call,
            request,
            waiting.case_id,
            lambda store: usecases.confirm_receipt(request.receipt_id, store, by_of(call)),
        )
        return pb.ConfirmCustodyReceiptResponse(account=account_to_proto(answer.account))

    async def WithdrawCustodyReceipt(
        self, request: pb.WithdrawCustodyReceiptRequest, context: Context
    ) -> pb.WithdrawCustodyReceiptResponse:
        call = self._runtime.call(request.request_id, object_id=request.receipt_id)
        waiting = await self._receipt(call, request.receipt_id)
        answer = await self._record(
            call,
            request,
            waiting.case_id,
            lambda store: usecases.withdraw_receipt(request.receipt_id, request.reason, store, by_of(call)),
        )
        return pb.WithdrawCustodyReceiptResponse(account=account_to_proto(answer.account))

    async def ListPendingReceipts(
        self, request: pb.ListPendingReceiptsRequest, context: Context
    ) -> pb.ListPendingReceiptsResponse:
        self._municipal_call(request.municipality_id)
        (after,) = decode_token(request.page_token, 1) or (_FIRST,)
        size = page_size(request.page_size)
        async with self._runtime.db.read() as tx:
            found = await custody.pending_receipts(tx, request.municipality_id, id_key(after), size)
        return pb.ListPendingReceiptsResponse(
            receipts=map(_receipt_to_proto, found),
            next_page_token=encode_token(found[-1].receipt_id) if len(found) == size else "",
        )

    async def ListCustodyAccounts(
        self, request: pb.ListCustodyAccountsRequest, context: Context
    ) -> pb.ListCustodyAccountsResponse:
        self._municipal_call(request.municipality_id)
        case_id, currency = decode_token(request.page_token, 2) or (_FIRST, "")
        size = page_size(request.page_size)
        async with self._runtime.db.read() as tx:
            found = await custody.custody_accounts(tx, request.municipality_id, (id_key(case_id), currency), size)
        last = found[-1] if len(found) == size else None
        return pb.ListCustodyAccountsResponse(
            accounts=[pb.CustodyAccount(application_id=item.case_id, held=money_to_proto(item.held)) for item in found],
            next_page_token="" if last is None else encode_token(last.case_id, last.held.currency.value),
        )

    async def ReconcileCustody(
        self, request: pb.ReconcileCustodyRequest, context: Context
    ) -> pb.ReconcileCustodyResponse:
        call = self._municipal_call(request.municipality_id, request.request_id)
        counted = cents(request.counted, "counted")
        rules = await self._neighbours.rules(request.municipality_id)
        effect = await self._runtime.commands.perform(
            call,
            request,
            lambda tx: usecases.count_custody(
                request.municipality_id, counted, rules, Store(tx, self._runtime.cipher), by_of(call)
            ),
        )
        async with self._runtime.db.read() as tx:
            count = await custody.custody_count(tx, effect.resource)
        return pb.ReconcileCustodyResponse(count=_count_to_proto(count))

    async def ListCustodyCounts(
        self, request: pb.ListCustodyCountsRequest, context: Context
    ) -> pb.ListCustodyCountsResponse:
        self._municipal_call(request.municipality_id)
        async with self._runtime.db.read() as tx:
            found = await custody.custody_counts(tx, request.municipality_id)
        return pb.ListCustodyCountsResponse(counts=map(_count_to_proto, found))

    async def _receipt(self, call: Call, receipt_id: str) -> PendingReceipt:
        async with self._runtime.db.read() as tx:
            found = await custody.pending_receipt(tx, receipt_id)
        try:
            call.caller.require_municipality(found.municipality_id)
        except NotYours:
            raise NotFound(resource_type="receipt", resource_id=receipt_id) from None
        return found


def _receipt_to_proto(receipt: PendingReceipt) -> pb.PendingReceipt:
    return pb.PendingReceipt(
        receipt_id=receipt.receipt_id,
        application_id=receipt.case_id,
        code=receipt.code,
        amount=money_to_proto(receipt.amount),
        on_date=date_to_proto(receipt.on),
        recorded_by=receipt.recorded_by,
    )


def _count_to_proto(count: CustodyCount) -> pb.CustodyCount:
    return pb.CustodyCount(
        on_date=date_to_proto(count.on),
        held=money_to_proto(count.held),
        counted=money_to_proto(count.counted),
        difference=money_to_proto(count.counted - count.held),
        counted_by=count.counted_by,
    )
