"""Messages of payments at the counter from values."""

from __future__ import annotations

from services.billing.domain.accounts import CounterPayment
from services.runtime.civil import date_to_proto, money_to_proto, month_to_proto
from socialcare.billing.v1 import counter_pb2 as pb

__all__ = ["counter_payment_to_proto"]


def counter_payment_to_proto(item: CounterPayment) -> pb.CounterPayment:
    """A payment at the counter."""
    return pb.CounterPayment(
        payment_id=item.payment.payment_id,
        month=month_to_proto(item.payment.month),
        amount=money_to_proto(item.payment.amount),
        settled=money_to_proto(item.payment.settled),
        paid_date=date_to_proto(item.payment.paid_on),
        reversed_reason=item.reversed_reason,
        reversed_by=item.reversed_by,
        recorded_by=item.recorded_by,
    )
