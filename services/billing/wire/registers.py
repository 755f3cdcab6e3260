"""Messages of the registers from and to values."""

from __future__ import annotations

from datetime import date

from services.billing.domain.registers import LedgerEntry, ListedInvoice, ListedNote
from services.billing.rules.accounts import invoice_view
from services.billing.storage.registers import Days
from services.billing.wire.accounts import correction_to_proto, invoice_to_proto
from services.billing.wire.notes import lineage_to_proto
from services.runtime.civil import code_to_proto, date_to_proto, money_to_proto, optional_date
from socialcare.billing.v1 import ledger_pb2
from socialcare.billing.v1 import registers_pb2 as pb

__all__ = ["correction_in_list", "days_from", "entry_to_proto", "invoice_in_list"]


def days_from(message: pb.DaysBetween, field: str) -> Days:
    """Days that are asked for; unbounded where nothing is said."""
    return Days(
        optional_date(message.from_date, f"{field}.from_date"), optional_date(message.to_date, f"{field}.to_date")
    )


def invoice_in_list(listed: ListedInvoice, today: date) -> pb.ListedInvoice:
    """An invoice of the register as it stands on a day."""
    cause = listed.invoice.cause
    return pb.ListedInvoice(
        application_id=listed.case_id,
        run_id=listed.run_id,
        invoice=invoice_to_proto(invoice_view(listed.invoice, listed.open, today)),
        open=money_to_proto(listed.open),
        lineage=None if cause is None else lineage_to_proto(cause),
    )


def correction_in_list(listed: ListedNote) -> pb.ListedCorrection:
    """A note of the register."""
    return pb.ListedCorrection(
        application_id=listed.case_id,
        run_id=listed.run_id,
        invoice_number=listed.invoice_number,
        correction=correction_to_proto(listed.note),
    )


def entry_to_proto(entry: LedgerEntry) -> pb.LedgerEntry:
    """A line of the ledger."""
    is_debit = entry.amount.amount > 0
    return pb.LedgerEntry(
        document_id=entry.document_id,
        document_kind=code_to_proto(pb.LedgerDocumentKind, entry.kind),
        document_number=entry.number,
        line=entry.line,
        application_id=entry.case_id,
        account=code_to_proto(ledger_pb2.LedgerAccount, entry.account),
        debit=money_to_proto(entry.amount) if is_debit else None,
        credit=None if is_debit else money_to_proto(-entry.amount),
        booked_date=date_to_proto(entry.booked_on),
    )
