"""Messages of arrears from and to values."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from services.billing.domain.arrears import (
    AGE_BUCKETS,
    AgeingLine,
    ArrearsFile,
    Instalment,
    StepTaken,
    UnsweptCase,
    WriteOff,
)
from services.billing.wire.accounts import positive
from services.runtime.civil import code_to_proto, date_from_proto, date_to_proto, money_to_proto, month_to_proto
from socialcare.billing.v1 import arrears_pb2 as pb

__all__ = ["ageing_to_proto", "arrears_to_proto", "instalments_from", "unswept_to_proto"]


def instalments_from(messages: Iterable[pb.Instalment]) -> list[Instalment]:
    """Instalments; InvalidArgument or InvalidFact for a day or amount that is none."""
    return [
        Instalment(
            date_from_proto(message.due_date, f"instalments[{place}].due_date"),
            positive(message.amount, f"instalments[{place}].amount"),
        )
        for place, message in enumerate(messages)
    ]


def arrears_to_proto(
    file: ArrearsFile, steps: Sequence[StepTaken] = (), write_offs: Sequence[WriteOff] = ()
) -> pb.InvoiceArrears:
    """The arrears of an invoice; a list leaves steps and write-offs out."""
    return pb.InvoiceArrears(
        invoice_id=file.invoice_id,
        municipality_id=file.municipality_id,
        application_id=file.case_id,
        month=month_to_proto(file.month),
        invoice_number=file.number,
        due_date=date_to_proto(file.due_on),
        termination_possible_from_date=date_to_proto(file.termination_from),
        state=code_to_proto(pb.ArrearsState, file.state),
        open=money_to_proto(file.open),
        open_euro=money_to_proto(file.open_euro),
        reminders=file.reminders,
        instalments=[
            pb.Instalment(due_date=date_to_proto(item.due_on), amount=money_to_proto(item.amount))
            for item in file.instalments
        ],
        steps=map(_step_to_proto, steps),
        write_offs=map(_write_off_to_proto, write_offs),
    )


def ageing_to_proto(line: AgeingLine) -> pb.AgeingLine:
    """What is overdue in a currency and age."""
    return pb.AgeingLine(
        above_days=(0, *AGE_BUCKETS)[line.bucket], total=money_to_proto(line.total), invoices=line.invoices
    )


def unswept_to_proto(case: UnsweptCase) -> pb.UnsweptCase:
    """A case at which the sweep failed."""
    return pb.UnsweptCase(
        application_id=case.case_id,
        reason=case.reason,
        since_date=date_to_proto(case.since),
        tried_date=date_to_proto(case.tried),
    )


def _step_to_proto(step: StepTaken) -> pb.ArrearsStepTaken:
    return pb.ArrearsStepTaken(
        step=code_to_proto(pb.ArrearsStep, step.step),
        to=code_to_proto(pb.ArrearsState, step.to),
        reason=step.reason,
        taken_by=step.taken_by,
        taken_date=date_to_proto(step.taken_on),
    )


def _write_off_to_proto(write_off: WriteOff) -> pb.WriteOff:
    return pb.WriteOff(
        write_off_id=write_off.write_off_id,
        amount=money_to_proto(write_off.amount),
        order_number=write_off.order_number,
        order_date=date_to_proto(write_off.order_date),
        proposed_by=write_off.proposed_by,
        approved_by=write_off.approved_by,
    )
