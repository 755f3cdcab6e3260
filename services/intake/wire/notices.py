"""Notices on the wire."""

from __future__ import annotations

from services.intake.domain.notices import Delivery, NoticeRecord
from services.runtime.civil import code_from_proto, code_to_proto, date_to_proto, instant_to_proto
from socialcare.intake.v1 import notices_pb2 as pb

__all__ = ["delivery_from", "notice_to_proto"]


def delivery_from(request: pb.RecordNoticeDeliveredRequest) -> Delivery:
    """How it was delivered by hand."""
    return code_from_proto(pb.NoticeDelivery, request.delivery, Delivery, "delivery")


def notice_to_proto(notice: NoticeRecord) -> pb.Notice:
    """A notice without its words."""
    return pb.Notice(
        notice_id=notice.id,
        kind=code_to_proto(pb.NoticeKind, notice.kind),
        issued_date=date_to_proto(notice.issued_on),
        due_date=None if notice.due_date is None else date_to_proto(notice.due_date),
        written_time=instant_to_proto(notice.at),
        delivery=None if notice.delivery is None else code_to_proto(pb.NoticeDelivery, notice.delivery),
        delivered_time=None if notice.delivered_at is None else instant_to_proto(notice.delivered_at),
    )
