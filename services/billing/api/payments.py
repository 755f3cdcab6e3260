"""Methods about payments by bank: import, the queue of unsure ones, decisions about them, refunds."""

from __future__ import annotations

import asyncio
import hashlib
from datetime import date

from services.billing.api.answers import Context
from services.billing.api.desk import Desk, act_of
from services.billing.domain.payments import BankFile, BankFormat, BankPayment, RefundWay
from services.billing.storage import Store, payments
from services.billing.usecases import payments as usecases
from services.billing.usecases import refunds
from services.billing.usecases.payments import Billed, By
from services.billing.usecases.refunds import Refund
from services.billing.wire.accounts import positive
from services.billing.wire.payments import bank_payment_to_proto, statement_from
from services.runtime.civil import code_from_proto, month_from_proto
from services.runtime.commands import Call
from services.runtime.errors import NotFound, NotYours
from services.runtime.paging import day_key, decode_token, encode_token, id_key, page_size
from socialcare.billing.v1 import payments_pb2 as pb

__all__ = ["PaymentMethods", "by_of"]


def by_of(call: Call) -> By:
    """Who records something by the call, and when."""
    return By(act_of(call), call.caller.subject)


class PaymentMethods(Desk):
    """Bank files, their payments, allocations, refunds."""

    async def ImportBankFile(self, request: pb.ImportBankFileRequest, context: Context) -> pb.ImportBankFileResponse:
        call = self._municipal_call(request.municipality_id, request.request_id)
        format_ = code_from_proto(pb.BankFileFormat, request.format, BankFormat, "format")
        file = BankFile(
            request.municipality_id,
            format_,
            hashlib.sha256(request.content).digest(),
            await asyncio.to_thread(statement_from, format_, request.content),
        )
        rules = await self._neighbours.rules(request.municipality_id)
        effect = await self._runtime.commands.perform(
            call, request, lambda tx: usecases.import_file(file, rules, Store(tx, self._runtime.cipher), by_of(call))
        )
        async with self._runtime.db.read() as tx:
            counts = await payments.file_counts(tx, effect.resource)
        if not effect.replayed:
            self._metrics.bank_payments.inc(effect.version)
        return pb.ImportBankFileResponse(
            file_id=effect.resource,
            payments=counts.entries,
            added=counts.added,
            known=counts.entries - counts.added,
            settled=counts.settled,
            queued=counts.added - counts.settled,
            skipped=counts.skipped,
            taken_back=file.statement.taken_back,
        )

    async def ListUnmatchedPayments(
        self, request: pb.ListUnmatchedPaymentsRequest, context: Context
    ) -> pb.ListUnmatchedPaymentsResponse:
        call = self._municipal_call(request.municipality_id)
        size = page_size(request.page_size)
        async with self._runtime.db.read() as tx:
            found = await payments.unmatched_payments(tx, request.municipality_id, _after(request.page_token), size)
            found = await payments.with_suggestions(tx, found)
        last = found[-1] if len(found) == size else None
        return pb.ListUnmatchedPaymentsResponse(
            payments=[bank_payment_to_proto(item, call.today) for item in found],
            next_page_token="" if last is None else encode_token(last.line.booked_on.isoformat(), last.entry_id),
        )

    async def GetBankPayment(self, request: pb.GetBankPaymentRequest, context: Context) -> pb.GetBankPaymentResponse:
        call = self._runtime.call(object_id=request.entry_id)
        found = await self._payment(call, request.entry_id)
        return pb.GetBankPaymentResponse(payment=bank_payment_to_proto(found, call.today))

    async def AllocatePayment(self, request: pb.AllocatePaymentRequest, context: Context) -> pb.AllocatePaymentResponse:
        call = self._runtime.call(request.request_id, object_id=request.entry_id)
        billed = Billed(request.application_id, month_from_proto(request.month, "month"))
        amount = positive(request.amount, "amount") if request.HasField("amount") else None
        await self._payment(call, request.entry_id)
        await self._contracted(call, request.application_id)
        await self._runtime.commands.perform(
            call,
            request,
            lambda tx: usecases.allocate_payment(
                request.entry_id, billed, amount, Store(tx, self._runtime.cipher), by_of(call)
            ),
        )
        found = await self._payment(call, request.entry_id)
        return pb.AllocatePaymentResponse(payment=bank_payment_to_proto(found, call.today))

    async def UnallocatePayment(
        self, request: pb.UnallocatePaymentRequest, context: Context
    ) -> pb.UnallocatePaymentResponse:
        call = self._runtime.call(request.request_id, object_id=request.entry_id)
        await self._payment(call, request.entry_id)
        await self._runtime.commands.perform(
            call,
            request,
            lambda tx: usecases.unallocate_payment(
                request.entry_id, request.allocation_id, request.reason, Store(tx, self._runtime.cipher), by_of(call)
            ),
        )
        found = await self._payment(call, request.entry_id)
        return pb.UnallocatePaymentResponse(payment=bank_payment_to_proto(found, call.today))

    async def RefundOverpayment(
        self, request: pb.RefundOverpaymentRequest, context: Context
    ) -> pb.RefundOverpaymentResponse:
        way = code_from_proto(pb.RefundWay, request.way, RefundWay, "way") if request.way else None
        refund = Refund(positive(request.amount, "amount"), request.reason, way)
        if request.HasField("entry_id"):
            call = self._runtime.call(request.request_id, object_id=request.entry_id)
            await self._payment(call, request.entry_id)
            effect = await self._runtime.commands.perform(
                call,
                request,
                lambda tx: refunds.refund_payment(
                    request.entry_id, refund, Store(tx, self._runtime.cipher), by_of(call)
                ),
            )
            return pb.RefundOverpaymentResponse(refund_id=effect.resource)
        asked = request.billed_month
        billed = Billed(asked.application_id, month_from_proto(asked.month, "billed_month.month"))
        call = self._runtime.call(request.request_id, object_id=billed.case_id)
        await self._contracted(call, billed.case_id)
        effect = await self._runtime.commands.perform(
            call,
            request,
            lambda tx: refunds.refund_month(billed, refund, Store(tx, self._runtime.cipher), by_of(call)),
        )
        return pb.RefundOverpaymentResponse(refund_id=effect.resource)

    async def _payment(self, call: Call, entry_id: str) -> BankPayment:
        async with self._runtime.db.read() as tx:
            found = await payments.bank_payment(tx, entry_id)
        try:
            call.caller.require_municipality(found.municipality_id)
        except NotYours:
            raise NotFound(resource_type="bank_payment", resource_id=entry_id) from None
        return found


def _after(token: str) -> tuple[date, str] | None:
    keys = decode_token(token, 2)
    if keys is None:
        return None
    return day_key(keys[0]), id_key(keys[1])
