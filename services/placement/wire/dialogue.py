"""The dialogue with directorates on the wire."""

from __future__ import annotations

from datetime import date

from services.placement.domain.dialogue import OrderRequest, Said, WaitingRequest
from services.runtime.civil import code_to_proto, date_to_proto, instant_to_proto
from socialcare.placement.v1 import dialogue_pb2 as pb

__all__ = ["request_to_proto", "waiting_to_proto"]


def request_to_proto(request: OrderRequest) -> pb.OrderRequest:
    """A request for an order, with what was said about it as far as it was read."""
    receipt, settled = request.receipt, request.settled_at
    return pb.OrderRequest(
        application_id=request.application_id,
        round=request.round,
        number=request.number,
        directorate_code=request.directorate_code,
        state=code_to_proto(pb.OrderRequestState, request.state),
        outcome=code_to_proto(pb.OrderRequestOutcome, request.outcome),
        sent_time=instant_to_proto(request.sent_at),
        waiting_since_time=instant_to_proto(request.waiting_since),
        settle_time=None if settled is None else instant_to_proto(settled),
        incoming_number="" if receipt is None else receipt.number,
        incoming_date=None if receipt is None else date_to_proto(receipt.on),
        reminders=request.reminders,
        returns=request.returns,
        entries=map(_said, request.said),
    )


def _said(said: Said) -> pb.OrderRequestEntry:
    return pb.OrderRequestEntry(
        step=code_to_proto(pb.OrderRequestStep, said.step), record_time=instant_to_proto(said.at), words=said.words
    )


def waiting_to_proto(waiting: WaitingRequest, today: date) -> pb.WaitingForDirectorate:
    """A request that its directorate has not answered until today."""
    return pb.WaitingForDirectorate(
        order_request=request_to_proto(waiting.request),
        days=waiting.days_on(today),
        due_date=date_to_proto(waiting.due),
        overdue=waiting.due < today,
    )
