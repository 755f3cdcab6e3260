"""Messages of set-offs and overpaid months from values."""

from __future__ import annotations

from dataclasses import replace

from services.billing.domain.set_offs import OverpaidMonth, SetOff
from services.runtime.civil import date_to_proto, money_to_proto, month_to_proto
from socialcare.billing.v1 import set_offs_pb2 as pb

__all__ = ["announced_set_off", "overpaid_to_proto", "set_off_to_proto"]


def set_off_to_proto(item: SetOff) -> pb.SetOff:
    """A kept set-off."""
    return pb.SetOff(
        set_off_id=item.set_off_id,
        from_month=month_to_proto(item.from_month),
        to_month=month_to_proto(item.to_month),
        taken=money_to_proto(item.taken),
        settled=money_to_proto(item.settled),
        set_off_date=date_to_proto(item.on),
    )


def announced_set_off(item: SetOff) -> pb.SetOff:
    """A set-off that would be made."""
    return set_off_to_proto(replace(item, set_off_id=""))


def overpaid_to_proto(item: OverpaidMonth) -> pb.OverpaidMonth:
    """A month for which too much was paid."""
    return pb.OverpaidMonth(
        application_id=item.case_id,
        month=month_to_proto(item.month),
        overpaid=money_to_proto(item.overpaid),
        refundable=money_to_proto(item.refundable),
    )
