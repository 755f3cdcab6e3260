"""Entries and corrections on the wire."""

from __future__ import annotations

from services.delivery.domain.attendance import (
    AttendanceKind,
    BillChange,
    Correction,
    CorrectionReason,
    CorrectionState,
    Entry,
    EntryOutcome,
    EntryResult,
)
from services.delivery.wire.care import day_from_proto
from services.kernel.dates import Month
from services.runtime.civil import (
    code_from_proto,
    code_to_proto,
    date_to_proto,
    instant_from_proto,
    instant_to_proto,
    money_to_proto,
    month_to_proto,
)
from services.runtime.errors import InvalidArgument
from socialcare.delivery.v1 import attendance_pb2 as pb
from socialcare.delivery.v1 import corrections_pb2

__all__ = [
    "correction_to_proto",
    "entry_from_proto",
    "impact_to_proto",
    "kind_asked",
    "reason_asked",
    "result_to_proto",
]


def entry_from_proto(message: pb.AttendanceEntry, number: int, municipality_id: str, assistant_id: str = "") -> Entry:
    """An entry; the assistant of a bundle stands for that of its entries.

    Raises:
        InvalidArgument: no such day.
    """
    return Entry(
        id=message.entry_id.lower(),
        municipality_id=municipality_id,
        application_id=message.application_id,
        code=message.code,
        on=day_from_proto(message.on_date, f"entries[{number}].on_date"),
        kind=code_from_proto(pb.AttendanceKind, message.kind, AttendanceKind, f"entries[{number}].kind"),
        units=message.units,
        assistant_id=assistant_id or message.assistant_id,
        written_at=instant_from_proto(message.written_time) if message.HasField("written_time") else None,
    )


def result_to_proto(result: EntryResult) -> pb.EntryResult:
    """What became of an entry."""
    return pb.EntryResult(
        entry_id=result.entry_id,
        outcome=code_to_proto(pb.EntryOutcome, EntryOutcome(result.outcome)),
        delivery_id=result.delivery_id,
        reason=result.reason,
    )


def kind_asked(request: corrections_pb2.RequestCorrectionRequest) -> AttendanceKind | None:
    """What is true; None: the record is withdrawn. InvalidArgument when kind and units do not fit together."""
    if (request.kind == 0) != (request.units == 0):
        raise InvalidArgument(field="units")
    if request.kind == 0:
        if not request.delivery_id:
            raise InvalidArgument(field="kind")
        return None
    return code_from_proto(pb.AttendanceKind, request.kind, AttendanceKind, "kind")


def reason_asked(request: corrections_pb2.RequestCorrectionRequest) -> CorrectionReason:
    """Why."""
    return code_from_proto(corrections_pb2.CorrectionReason, request.reason, CorrectionReason, "reason")


def correction_to_proto(correction: Correction) -> corrections_pb2.DeliveryCorrection:
    """A correction."""
    decided = correction.decided_at
    return corrections_pb2.DeliveryCorrection(
        correction_id=correction.id,
        application_id=correction.application_id,
        delivery_id=correction.delivery_id,
        code=correction.code,
        on_date=date_to_proto(correction.on),
        kind=code_to_proto(pb.AttendanceKind, correction.kind),
        units=correction.units,
        reason=code_to_proto(corrections_pb2.CorrectionReason, correction.reason),
        state=code_to_proto(corrections_pb2.CorrectionState, CorrectionState(correction.state)),
        locked=correction.locked,
        requested_by=correction.requested_by,
        requested_time=instant_to_proto(correction.requested_at),
        decided_by=correction.decided_by,
        decided_time=None if decided is None else instant_to_proto(decided),
        replacement_id=correction.replacement_id,
        impact=impact_to_proto(Month.of(correction.on), correction.bill),
    )


def impact_to_proto(month: Month, bill: BillChange | None) -> corrections_pb2.BillImpact:
    """Which bill a change of the month touches, and by how much."""
    return corrections_pb2.BillImpact(
        month=month_to_proto(month),
        invoice_id="" if bill is None else bill.invoice_id,
        invoice_number=0 if bill is None else bill.invoice_number,
        difference=None if bill is None else money_to_proto(bill.difference),
    )
