"""Invoices, notes, payments and custody of one case, read."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import Row

from services.billing.domain.accounts import ArrearsTerm, BilledRow, Books, Correction, Invoice, Payment
from services.billing.domain.causes import Cause, NoteCause
from services.billing.domain.set_offs import SetOff
from services.billing.rules.currency import month_currency
from services.billing.storage.rows import money, month
from services.runtime.database import ReadTx
from services.runtime.local_rules import calendar_from_text

__all__ = [
    "CORRECTION_COLUMNS",
    "INVOICE_COLUMNS",
    "INVOICE_JOINS",
    "account_books",
    "billed_rows",
    "correction_from",
    "corrections_of_request",
    "invoice_from",
    "invoices_of_request",
]

INVOICE_COLUMNS = """
       i.invoice_id::text AS invoice_id, i.number, i.month, i.amount_minor, i.currency, i.issued_date, i.due_date,
       i.calendar_version, c.overrides::text AS overrides, a.due_date AS arrears_due, a.termination_from,
       a.state IN ('SETTLED', 'WRITTEN_OFF') AS is_closed, f.cause, f.fact_id, f.request_id
"""

INVOICE_JOINS = """
JOIN calendars c ON c.version = i.calendar_version LEFT JOIN arrears a ON a.invoice_id = i.invoice_id
LEFT JOIN invoices_after_facts f ON f.invoice_id = i.invoice_id
"""

CORRECTION_COLUMNS = """
       n.correction_id::text AS correction_id, n.number, n.month, n.amount_minor, n.currency, n.computed_minor,
       n.issued_date, n.request_id, n.cause, n.fact_id
"""

_INVOICES = f"""
SELECT {INVOICE_COLUMNS} FROM invoices i {INVOICE_JOINS} WHERE i.case_id = :case_id ORDER BY i.month
"""  # noqa: S608 constants of this module

_CORRECTIONS = f"""
SELECT {CORRECTION_COLUMNS} FROM corrections n WHERE n.case_id = :case_id ORDER BY n.id
"""  # noqa: S608 a constant of this module

# At the counter, by bank as allocated, given up by order; what went back counts against it.
_PAYMENTS = """
SELECT payment_id::text AS payment_id, month, amount_minor, currency, settled_minor, settled_currency, paid_date,
       false AS is_given_up
FROM payments p WHERE case_id = :case_id
  AND NOT EXISTS (SELECT FROM payment_reversals r
                  WHERE r.payment_id = p.payment_id AND r.reversed_date <= CAST(:known_by AS date))
UNION ALL
SELECT allocation_id::text, month, amount_minor, currency, settled_minor, settled_currency, allocated_date, false
FROM allocations a WHERE case_id = :case_id
  AND NOT EXISTS (SELECT FROM allocation_reversals r
                  WHERE r.allocation_id = a.allocation_id AND r.reversed_date <= CAST(:known_by AS date))
UNION ALL
SELECT refund_id::text, month, -amount_minor, currency, -amount_minor, currency, refunded_date, false
FROM refunds WHERE case_id = :case_id
UNION ALL
SELECT write_off_id::text, month, amount_minor, currency, amount_minor, currency,
       CAST(approved_at AT TIME ZONE 'Europe/Sofia' AS date), true
FROM write_offs WHERE case_id = :case_id AND approved_at IS NOT NULL
ORDER BY payment_id
"""

_SET_OFFS = """
SELECT set_off_id::text AS set_off_id, from_month, to_month, taken_minor, taken_currency, settled_minor,
       settled_currency, set_off_date
FROM set_offs o WHERE case_id = :case_id
  AND NOT EXISTS (SELECT FROM set_off_reversals r
                  WHERE r.set_off_id = o.set_off_id AND r.reversed_date <= CAST(:known_by AS date))
ORDER BY set_off_at, from_month, to_month
"""

_CUSTODY = "SELECT held_minor, currency FROM custody_accounts WHERE case_id = :case_id ORDER BY currency"

# The run's row is locked by whoever asks in order to change the month.
_BILLED = """
SELECT b.month, b.currency, b.computed_minor + coalesce(f.computed_minor, 0) AS computed_minor,
       coalesce(i.currency, b.document_currency) AS document_currency,
       coalesce(i.amount_minor, b.amount_minor) AS amount_minor, coalesce(i.issued_date, b.issue_date) AS issue_date,
       i.invoice_id IS NOT NULL AS is_invoiced,
       i.invoice_id IS NULL AND r.state IN ('BLOCKED', 'DRAFTING', 'REVIEW') AS is_draft,
       i.invoice_id IS NULL AND r.state = 'APPROVED' AND b.amount_minor > 0 AS is_approved
FROM billed_months b JOIN billing_runs r ON r.run_id = b.run_id
LEFT JOIN invoices i ON i.case_id = b.case_id AND i.month = b.month
LEFT JOIN invoices_after_facts f ON f.invoice_id = i.invoice_id
WHERE b.case_id = :case_id ORDER BY b.month
"""


async def account_books(tx: ReadTx, case_id: str, municipality_id: str, known_by: date = date.max) -> Books:
    """Everything issued, paid and held for one case; empty when nothing was.

    What was taken back after the day `known_by` counts as it did until then.
    """
    key = {"case_id": case_id}
    until = {**key, "known_by": known_by}
    return Books(
        case_id=case_id,
        municipality_id=municipality_id,
        invoices=tuple(invoice_from(row) for row in await tx.all(_INVOICES, key)),
        corrections=tuple(correction_from(row) for row in await tx.all(_CORRECTIONS, key)),
        payments=tuple(_payment(row) for row in await tx.all(_PAYMENTS, until)),
        set_offs=tuple(_set_off(row) for row in await tx.all(_SET_OFFS, until)),
        custody=tuple(money(row.held_minor, row.currency) for row in await tx.all(_CUSTODY, key)),
    )


async def corrections_of_request(tx: ReadTx, case_id: str, request_id: str) -> tuple[Correction, ...]:
    """The notes that one request caused."""
    rows = await tx.all(_CORRECTIONS, {"case_id": case_id})
    return tuple(correction_from(row) for row in rows if row.request_id == request_id)


async def invoices_of_request(tx: ReadTx, case_id: str, request_id: str) -> tuple[Invoice, ...]:
    """The invoices of months that were billed 0.00 that one request caused."""
    rows = await tx.all(_INVOICES, {"case_id": case_id})
    return tuple(invoice_from(row) for row in rows if row.request_id == request_id)


async def billed_rows(tx: ReadTx, case_id: str) -> Sequence[BilledRow]:
    """The months of a case that runs have computed, in order."""
    return [
        BilledRow(
            month(row.month),
            money(row.computed_minor, row.currency),
            money(row.amount_minor, row.document_currency),
            row.issue_date,
            row.is_draft,
            row.is_invoiced,
            row.is_approved,
        )
        for row in await tx.all(_BILLED, {"case_id": case_id})
    ]


def invoice_from(row: Row[Any]) -> Invoice:
    """An invoice of its row."""
    amount = money(row.amount_minor, row.currency)
    calendar = calendar_from_text(row.calendar_version, row.overrides)
    arrears = None if row.arrears_due is None else ArrearsTerm(row.arrears_due, row.termination_from, row.is_closed)
    return Invoice(
        row.invoice_id,
        row.number,
        month(row.month),
        amount,
        row.issued_date,
        row.due_date,
        calendar,
        arrears,
        None if row.cause is None else Cause(NoteCause(row.cause), row.fact_id),
        row.request_id,
    )


def correction_from(row: Row[Any]) -> Correction:
    """A note of its row."""
    billed = month(row.month)
    return Correction(
        row.correction_id,
        row.number,
        billed,
        money(row.amount_minor, row.currency),
        money(row.computed_minor, month_currency(billed)),
        row.issued_date,
        row.request_id,
        Cause(NoteCause(row.cause), row.fact_id),
    )


def _payment(row: Row[Any]) -> Payment:
    return Payment(
        row.payment_id,
        month(row.month),
        money(row.amount_minor, row.currency),
        money(row.settled_minor, row.settled_currency),
        row.paid_date,
        row.is_given_up,
    )


def _set_off(row: Row[Any]) -> SetOff:
    return SetOff(
        month(row.from_month),
        month(row.to_month),
        money(row.taken_minor, row.taken_currency),
        money(row.settled_minor, row.settled_currency),
        row.set_off_date,
        row.set_off_id,
    )
