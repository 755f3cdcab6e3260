"""Methods that list what was issued and booked in a municipality."""

from __future__ import annotations

from datetime import date

from services.billing.api.answers import Context
from services.billing.api.desk import Desk
from services.billing.domain.accounts import InvoiceStatus
from services.billing.domain.causes import NoteCause
from services.billing.domain.ledger import LedgerAccount
from services.billing.storage import registers
from services.billing.storage.registers import EntriesAsked, InvoicesAsked, NotesAsked
from services.billing.wire.registers import correction_in_list, days_from, entry_to_proto, invoice_in_list
from services.kernel.dates import Month
from services.runtime.civil import code_from_proto, month_from_proto
from services.runtime.paging import day_key, decode_token, encode_token, id_key, number_key, page_size
from socialcare.billing.v1 import ledger_pb2, notes_pb2, resources_pb2
from socialcare.billing.v1 import registers_pb2 as pb
from socialcare.common.v1.types_pb2 import YearMonth

__all__ = ["RegisterMethods"]


class RegisterMethods(Desk):
    """Invoices, notes and ledger entries."""

    async def ListInvoices(self, request: pb.ListInvoicesRequest, context: Context) -> pb.ListInvoicesResponse:
        call = self._municipal_call(request.municipality_id)
        asked = InvoicesAsked(
            request.municipality_id,
            _after(request.page_token),
            page_size(request.page_size),
            _id(request.run_id, "run_id"),
            _month(request.month) if request.HasField("month") else None,
            days_from(request.issued, "issued"),
            code_from_proto(resources_pb2.InvoiceStatus, request.status, InvoiceStatus, "status")
            if request.status
            else None,
        )
        async with self._runtime.db.read() as tx:
            found = await registers.invoices(tx, asked, call.today)
        return pb.ListInvoicesResponse(
            invoices=[invoice_in_list(item, call.today) for item in found],
            next_page_token=encode_token(str(found[-1].invoice.number)) if len(found) == asked.size else "",
        )

    async def ListCorrections(self, request: pb.ListCorrectionsRequest, context: Context) -> pb.ListCorrectionsResponse:
        self._municipal_call(request.municipality_id)
        asked = NotesAsked(
            request.municipality_id,
            _after(request.page_token),
            page_size(request.page_size),
            _id(request.run_id, "run_id"),
            _month(request.month) if request.HasField("month") else None,
            days_from(request.issued, "issued"),
            code_from_proto(notes_pb2.NoteCause, request.cause, NoteCause, "cause") if request.cause else None,
        )
        async with self._runtime.db.read() as tx:
            found = await registers.notes(tx, asked)
        return pb.ListCorrectionsResponse(
            corrections=map(correction_in_list, found),
            next_page_token=encode_token(str(found[-1].note.number)) if len(found) == asked.size else "",
        )

    async def ListLedgerEntries(
        self, request: pb.ListLedgerEntriesRequest, context: Context
    ) -> pb.ListLedgerEntriesResponse:
        self._municipal_call(request.municipality_id)
        account = None
        if request.account:
            account = code_from_proto(ledger_pb2.LedgerAccount, request.account, LedgerAccount, "account")
        asked = EntriesAsked(
            request.municipality_id,
            page_size(request.page_size),
            _after_entry(request.page_token),
            days_from(request.booked, "booked"),
            account,
            _id(request.document_id, "document_id"),
            _id(request.application_id, "application_id"),
        )
        async with self._runtime.db.read() as tx:
            found = await registers.ledger_entries(tx, asked)
        last = found[-1] if len(found) == asked.size else None
        return pb.ListLedgerEntriesResponse(
            entries=map(entry_to_proto, found),
            next_page_token=encode_token(last.booked_on.isoformat(), last.document_id, str(last.line)) if last else "",
        )


def _id(text: str, field: str) -> str | None:
    if not text:
        return None
    return id_key(text, field)


def _month(message: YearMonth) -> Month:
    return month_from_proto(message, "month")


def _after(token: str) -> int:
    keys = decode_token(token, 1)
    return 0 if keys is None else number_key(keys[0])


def _after_entry(token: str) -> tuple[date, str, int] | None:
    keys = decode_token(token, 3)
    if keys is None:
        return None
    return day_key(keys[0]), id_key(keys[1]), number_key(keys[2])
