"""The register of acts on the wire."""

from __future__ import annotations

from datetime import date

from google.type import date_pb2

from services.placement.domain.register import (
    Act,
    ActKind,
    Coverage,
    CoveredDays,
    Paper,
    RegisteredAct,
    is_own_number,
)
from services.placement.wire.cases import FIRST_DAY, LAST_DAY, day_not_after
from services.runtime.civil import code_to_proto, date_from_proto, date_to_proto, instant_to_proto, optional_date
from services.runtime.commands import etag_of
from services.runtime.errors import InvalidArgument
from socialcare.placement.v1 import amendments_pb2, register_pb2
from socialcare.placement.v1 import placement_service_pb2 as pb

__all__ = [
    "act_to_proto",
    "any_day",
    "consequences_to_proto",
    "coverage_of",
    "covered_to_proto",
    "optional_day",
    "order_of_transfer",
    "paper_of",
    "paper_of_order",
    "paper_of_referral",
]


def any_day(message: date_pb2.Date, field: str) -> date:
    """A day of the years that contracts know. Raises InvalidArgument."""
    day = date_from_proto(message, field)
    if not FIRST_DAY <= day <= LAST_DAY:
        raise InvalidArgument(field=field)
    return day


def optional_day(message: date_pb2.Date, field: str) -> date | None:
    """As `any_day`, None for an absent message."""
    return None if optional_date(message, field) is None else any_day(message, field)


def paper_of(message: register_pb2.ActPaper, today: date) -> Paper:
    """The paper of an act that follows another one. Raises InvalidArgument."""
    act_date = day_not_after(message.act_date, "paper.act_date", today)
    return _paper(message.number, act_date, message.citation, message.document_sha256, "paper.number")


def paper_of_order(request: pb.RecordOrderRequest, today: date) -> Paper:
    """The paper of an order or refusal. Raises InvalidArgument."""
    act_date = day_not_after(request.order_date, "order_date", today)
    return _paper(request.number, act_date, request.citation, request.document_sha256, "number")


def order_of_transfer(request: amendments_pb2.TransferPlacementRequest, first: date, today: date) -> Act | None:
    """The order on which somebody moves, covering from the first day there; None where none is named.

    Raises InvalidArgument, also when one is named without its number.
    """
    if not request.order_number:
        if request.directorate_code or request.order_citation or request.order_document_sha256:
            raise InvalidArgument(field="order_number")
        if request.HasField("order_date") or request.HasField("order_effective_to"):
            raise InvalidArgument(field="order_number")
        return None
    act_date = day_not_after(request.order_date, "order_date", today)
    last = optional_day(request.order_effective_to, "order_effective_to")
    if last is not None and last < first:
        raise InvalidArgument(field="order_effective_to")
    paper = _paper(
        request.order_number, act_date, request.order_citation, request.order_document_sha256, "order_number"
    )
    return Act(ActKind.ORDER, request.directorate_code, paper, Coverage(first, last))


def paper_of_referral(request: pb.RecordReferralRequest, today: date) -> Paper:
    """The paper of a referral. Raises InvalidArgument."""
    act_date = day_not_after(request.referral_date, "referral_date", today)
    return _paper(request.number, act_date, request.citation, request.document_sha256, "number")


def _paper(number: str, act_date: date, citation: str, document_sha256: str, field: str) -> Paper:
    if is_own_number(number):  # The register gives such numbers itself, each once and without a gap.
        raise InvalidArgument(field=field)
    return Paper(number, act_date, citation, document_sha256)


def coverage_of(request: pb.RecordOrderRequest | pb.RecordReferralRequest, act_date: date) -> Coverage:
    """The days that order or referral cover, from their own day where they name none. Raises InvalidArgument."""
    first = optional_day(request.effective_from, "effective_from") or act_date
    last = optional_day(request.effective_to, "effective_to")
    if last is not None and last < first:
        raise InvalidArgument(field="effective_to")
    return Coverage(first, last)


def act_to_proto(act: RegisteredAct) -> register_pb2.RegisteredAct:
    """A row of the register."""
    last = act.covered.end
    return register_pb2.RegisteredAct(
        act_id=act.act_id,
        application_id=act.application_id,
        municipality_id=act.municipality_id,
        kind=code_to_proto(register_pb2.ActKind, act.kind),
        authority=act.authority,
        number=act.number,
        act_date=date_to_proto(act.act_date),
        citation=act.citation,
        effective_from=date_to_proto(act.covered.start),
        effective_to=None if last is None else date_to_proto(last),
        document_sha256=act.document_sha256,
        state=code_to_proto(register_pb2.ActState, act.state),
        replaces_act_id=act.replaces,
        replaced_by_act_id=act.replaced_by,
        record_time=instant_to_proto(act.recorded_at),
        etag=etag_of(act.version),
    )


def consequences_to_proto(
    changed: RegisteredAct, following: RegisteredAct | None, covered: Coverage, *, contract: bool
) -> register_pb2.ActConsequences:
    """What follows from an act that changes another one; `following` is None where it was only tried."""
    return register_pb2.ActConsequences(
        changed=act_to_proto(changed),
        following=None if following is None else act_to_proto(following),
        covered_from=date_to_proto(covered.start),
        covered_to=None if covered.end is None else date_to_proto(covered.end),
        has_contract=contract,
    )


def covered_to_proto(days: CoveredDays) -> register_pb2.CoveredDays:
    """Days that an act covers."""
    return register_pb2.CoveredDays(
        act_id=days.act_id,
        number=days.number,
        from_date=date_to_proto(days.first),
        to_date=None if days.last is None else date_to_proto(days.last),
    )
