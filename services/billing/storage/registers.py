"""Pages of invoices, notes and ledger entries of a municipality."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date

from services.billing.domain.accounts import InvoiceStatus
from services.billing.domain.causes import NoteCause
from services.billing.domain.ledger import LedgerAccount
from services.billing.domain.registers import LedgerDocumentKind, LedgerEntry, ListedInvoice, ListedNote
from services.billing.storage.books import (
    CORRECTION_COLUMNS,
    INVOICE_COLUMNS,
    INVOICE_JOINS,
    correction_from,
    invoice_from,
)
from services.billing.storage.rows import money
from services.kernel.dates import Month
from services.runtime.database import ReadTx

__all__ = ["Days", "EntriesAsked", "InvoicesAsked", "NotesAsked", "invoices", "ledger_entries", "notes"]

_ISSUED = """
(CAST(:month AS date) IS NULL OR {document}.month = :month)
  AND (CAST(:first AS date) IS NULL OR {document}.issued_date >= :first)
  AND (CAST(:last AS date) IS NULL OR {document}.issued_date <= :last)
"""

_ASKED = f"""
i.municipality_id = :municipality_id AND i.number > :after AND {_ISSUED.format(document="i")}
  AND (CAST(:run_id AS uuid) IS NULL OR i.run_id = :run_id)
"""

_DETAILS = f"""
SELECT {INVOICE_COLUMNS}, i.case_id::text AS case_id, i.run_id::text AS run_id,
       month_open_minor(i.case_id, i.month, i.currency) AS open_minor
FROM page i {INVOICE_JOINS} ORDER BY i.number
"""  # noqa: S608 constants of this module

_INVOICES = f"""
WITH page AS MATERIALIZED (SELECT i.* FROM invoices i WHERE {_ASKED} ORDER BY i.number LIMIT :size)
{_DETAILS}
"""  # noqa: S608 constants of this module

# One pass over what moved the receivables. Conversion keeps the sign: the exact rounding is asked only where both
# currencies are left.
_INVOICES_OF_STATUS = f"""
WITH sums AS MATERIALIZED (
    SELECT case_id, month, coalesce(sum(minor) FILTER (WHERE currency = 'EUR'), 0) AS eur,
           coalesce(sum(minor) FILTER (WHERE currency = 'BGN'), 0) AS bgn
    FROM receivable_movements
    WHERE municipality_id = :municipality_id AND (CAST(:month AS date) IS NULL OR month = :month)
    GROUP BY case_id, month
), page AS MATERIALIZED (
    SELECT i.* FROM invoices i JOIN sums s USING (case_id, month)
    CROSS JOIN LATERAL (
        SELECT CASE WHEN s.eur = 0 OR s.bgn = 0 THEN s.eur + s.bgn
                    ELSE month_open_minor(i.case_id, i.month, i.currency) END > 0 AS owes) o
    WHERE {_ASKED}
      AND :status = CASE WHEN NOT o.owes THEN 'PAID' WHEN i.due_date < :today THEN 'OVERDUE' ELSE 'OPEN' END
    ORDER BY i.number LIMIT :size
)
{_DETAILS}
"""  # noqa: S608 constants of this module

_NOTES = f"""
SELECT {CORRECTION_COLUMNS}, n.case_id::text AS case_id, b.run_id::text AS run_id,
       coalesce(i.number, 0) AS invoice_number
FROM corrections n JOIN billed_months b USING (case_id, month) LEFT JOIN invoices i USING (case_id, month)
WHERE n.municipality_id = :municipality_id AND n.number > :after AND {_ISSUED.format(document="n")}
  AND (CAST(:run_id AS uuid) IS NULL OR b.run_id = :run_id)
  AND (CAST(:cause AS text) IS NULL OR n.cause = :cause)
ORDER BY n.number LIMIT :size
"""  # noqa: S608 constants of this module

# What is none of the documents is one that takes another back.
_ENTRIES = """
WITH page AS MATERIALIZED (
    SELECT * FROM ledger_entries e
    WHERE municipality_id = :municipality_id
      AND (booked_date, document_id, line)
          > (CAST(:after_date AS date), CAST(:after_document AS uuid), CAST(:after_line AS integer))
      AND (CAST(:first AS date) IS NULL OR booked_date >= :first)
      AND (CAST(:last AS date) IS NULL OR booked_date <= :last)
      AND (CAST(:account AS text) IS NULL OR account = :account)
      AND (CAST(:document_id AS uuid) IS NULL OR document_id = :document_id)
      AND (CAST(:case_id AS uuid) IS NULL OR case_id = :case_id)
    ORDER BY booked_date, document_id, line LIMIT :size
)
SELECT e.document_id::text AS document_id, e.line, coalesce(e.case_id::text, '') AS case_id, e.account, e.currency,
       e.amount_minor, e.booked_date, coalesce(i.number, n.number, 0) AS number,
       CASE WHEN i.invoice_id IS NOT NULL THEN 'INVOICE' WHEN n.correction_id IS NOT NULL THEN 'NOTE'
            WHEN p.payment_id IS NOT NULL THEN 'COUNTER_PAYMENT' WHEN b.entry_id IS NOT NULL THEN 'BANK_PAYMENT'
            WHEN a.allocation_id IS NOT NULL THEN 'ALLOCATION' WHEN s.set_off_id IS NOT NULL THEN 'SET_OFF'
            WHEN r.refund_id IS NOT NULL THEN 'REFUND' WHEN w.write_off_id IS NOT NULL THEN 'WRITE_OFF'
            ELSE 'REVERSAL' END AS kind
FROM page e LEFT JOIN invoices i ON i.invoice_id = e.document_id
LEFT JOIN corrections n ON n.correction_id = e.document_id LEFT JOIN payments p ON p.payment_id = e.document_id
LEFT JOIN bank_entries b ON b.entry_id = e.document_id LEFT JOIN allocations a ON a.allocation_id = e.document_id
LEFT JOIN set_offs s ON s.set_off_id = e.document_id LEFT JOIN refunds r ON r.refund_id = e.document_id
LEFT JOIN write_offs w ON w.write_off_id = e.document_id
ORDER BY e.booked_date, e.document_id, e.line
"""

_BEFORE_ALL = (date.min, "00000000-0000-0000-0000-000000000000", 0)


@dataclass(frozen=True, slots=True)
class Days:
    """Days from one to another, both included; None: unbounded."""

    first: date | None = None
    last: date | None = None


@dataclass(frozen=True, slots=True)
class InvoicesAsked:
    """Which invoices to list; None asks for all. `after` is the number of the last one seen."""

    municipality_id: str
    after: int
    size: int
    run_id: str | None = None
    month: Month | None = None
    issued: Days = field(default_factory=Days)
    status: InvoiceStatus | None = None


@dataclass(frozen=True, slots=True)
class NotesAsked:
    """Which notes to list; None asks for all. `after` is the number of the last one seen."""

    municipality_id: str
    after: int
    size: int
    run_id: str | None = None
    month: Month | None = None
    issued: Days = field(default_factory=Days)
    cause: NoteCause | None = None


@dataclass(frozen=True, slots=True)
class EntriesAsked:
    """Which ledger entries to list; None asks for all. `after` is day, document and line of the last one seen."""

    municipality_id: str
    size: int
    after: tuple[date, str, int] | None = None
    booked: Days = field(default_factory=Days)
    account: LedgerAccount | None = None
    document_id: str | None = None
    case_id: str | None = None


async def invoices(tx: ReadTx, asked: InvoicesAsked, today: date) -> Sequence[ListedInvoice]:
    """A page of invoices by number; the status is that of the day."""
    if asked.status is None:
        rows = await tx.all(_INVOICES, _issued(asked))
    else:
        rows = await tx.all(_INVOICES_OF_STATUS, {**_issued(asked), "status": asked.status.value, "today": today})
    return [
        ListedInvoice(row.case_id, row.run_id, invoice_from(row), money(row.open_minor, row.currency)) for row in rows
    ]


async def notes(tx: ReadTx, asked: NotesAsked) -> Sequence[ListedNote]:
    """A page of notes by number."""
    rows = await tx.all(_NOTES, {**_issued(asked), "cause": asked.cause and asked.cause.value})
    return [ListedNote(row.case_id, row.run_id, row.invoice_number, correction_from(row)) for row in rows]


def _issued(asked: InvoicesAsked | NotesAsked) -> dict[str, object]:
    return {
        "municipality_id": asked.municipality_id,
        "after": asked.after,
        "size": asked.size,
        "run_id": asked.run_id,
        "month": asked.month and asked.month.first,
        "first": asked.issued.first,
        "last": asked.issued.last,
    }


async def ledger_entries(tx: ReadTx, asked: EntriesAsked) -> Sequence[LedgerEntry]:
    """A page of the ledger by day of booking, document and line."""
    after_date, after_document, after_line = asked.after or _BEFORE_ALL
    rows = await tx.all(
        _ENTRIES,
        {
            "municipality_id": asked.municipality_id,
            "after_date": after_date,
            "after_document": after_document,
            "after_line": after_line,
            "first": asked.booked.first,
            "last": asked.booked.last,
            "account": asked.account and asked.account.value,
            "document_id": asked.document_id,
            "case_id": asked.case_id,
            "size": asked.size,
        },
    )
    return [
        LedgerEntry(
            row.document_id,
            LedgerDocumentKind(row.kind),
            row.number,
            row.line,
            row.case_id,
            LedgerAccount(row.account),
            money(row.amount_minor, row.currency),
            row.booked_date,
        )
        for row in rows
    ]
