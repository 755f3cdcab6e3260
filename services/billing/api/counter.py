"""Methods about payments at the counter that are kept."""

from __future__ import annotations

from services.billing.api.answers import Context
from services.billing.api.desk import Desk
from services.billing.api.payments import by_of
from services.billing.storage.counter import counter_payments
from services.billing.usecases import counter
from services.billing.wire.accounts import account_to_proto
from services.billing.wire.counter import counter_payment_to_proto
from socialcare.billing.v1 import counter_pb2 as pb

__all__ = ["CounterMethods"]


class CounterMethods(Desk):
    """The list of a case, and what was mistyped."""

    async def ListCounterPayments(
        self, request: pb.ListCounterPaymentsRequest, context: Context
    ) -> pb.ListCounterPaymentsResponse:
        await self._contracted(self._runtime.call(object_id=request.application_id), request.application_id)
        async with self._runtime.db.read() as tx:
            found = await counter_payments(tx, request.application_id)
        return pb.ListCounterPaymentsResponse(payments=map(counter_payment_to_proto, found))

    async def ReversePayment(self, request: pb.ReversePaymentRequest, context: Context) -> pb.ReversePaymentResponse:
        call = self._runtime.call(request.request_id, object_id=request.application_id)
        answer = await self._record(
            call,
            request,
            request.application_id,
            lambda store: counter.reverse_payment(
                request.application_id, request.payment_id, request.reason, store, by_of(call)
            ),
        )
        return pb.ReversePaymentResponse(account=account_to_proto(answer.account))
