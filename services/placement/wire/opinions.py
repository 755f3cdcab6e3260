"""Opinions of other bodies on the wire."""

from __future__ import annotations

from datetime import date

from services.placement.domain.opinions import Opinion
from services.runtime.civil import code_to_proto, date_to_proto
from socialcare.placement.v1 import opinion_pb2 as pb

__all__ = ["opinion_to_proto"]


def opinion_to_proto(opinion: Opinion, today: date) -> pb.Opinion:
    """The opinion as it stands today, with its words as far as they were read."""
    return pb.Opinion(
        application_id=opinion.application_id,
        body_code=opinion.body_code,
        state=code_to_proto(pb.OpinionState, opinion.state_on(today)),
        requested_date=date_to_proto(opinion.requested),
        due_date=date_to_proto(opinion.due),
        given_date=None if opinion.given is None else date_to_proto(opinion.given),
        words=opinion.words,
    )
