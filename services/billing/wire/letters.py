"""Letters from values of billing to messages."""

from __future__ import annotations

from services.billing.domain.letters import Letter, LetterDelivery
from services.runtime.civil import code_from_proto, code_to_proto, date_to_proto, instant_to_proto, money_to_proto
from socialcare.billing.v1 import letters_pb2 as pb

__all__ = ["delivery_from", "letter_to_proto"]


def letter_to_proto(letter: Letter) -> pb.Letter:
    """A letter without its words."""
    unpaid = letter.unpaid
    return pb.Letter(
        letter_id=letter.letter_id,
        application_id=letter.case_id,
        kind=code_to_proto(pb.LetterKind, letter.kind),
        reminder=letter.reminder,
        issued_date=date_to_proto(letter.issued_on),
        last_date=date_to_proto(letter.last_day),
        invoice_id="" if unpaid is None else unpaid.invoice_id,
        open=None if unpaid is None else money_to_proto(unpaid.open),
        delivery=pb.LETTER_DELIVERY_UNSPECIFIED
        if letter.delivery is None
        else code_to_proto(pb.LetterDelivery, letter.delivery),
        delivered_time=None if letter.delivered_at is None else instant_to_proto(letter.delivered_at),
    )


def delivery_from(request: pb.RecordLetterDeliveredRequest) -> LetterDelivery:
    """How a person delivered it."""
    return code_from_proto(pb.LetterDelivery, request.delivery, LetterDelivery, "delivery")
