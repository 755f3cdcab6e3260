"""Double entry: what a document does to receivables, revenue, cash and bank. A debit is positive.

A document is booked on its own day, or on the first open one when its month is closed.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from services.kernel.money import Money
from services.runtime.database import WriteTx

__all__ = [
    "book_allocations",
    "book_bank",
    "book_invoice",
    "book_note",
    "book_payment",
    "book_payment_reversal",
    "book_refund",
    "book_reversal",
    "book_set_offs",
    "book_undone_set_off",
    "book_write_off",
]

_BOOK = """
INSERT INTO ledger_entries (document_id, line, municipality_id, case_id, account, currency, amount_minor, booked_date)
SELECT :document_id, line, c.municipality_id, c.case_id, account, :currency, sign * CAST(:minor AS bigint),
       booking_day(c.municipality_id, CAST(:booked_on AS date))
FROM contracts c CROSS JOIN (VALUES (1, CAST(:debit AS text), 1), (2, CAST(:credit AS text), -1))
    AS lines (line, account, sign)
WHERE c.case_id = :case_id
"""

_COLUMNS = "(document_id, line, municipality_id, case_id, account, currency, amount_minor, booked_date)"

_BOOK_BANK = f"""
INSERT INTO ledger_entries {_COLUMNS}
SELECT e.entry_id, line, e.municipality_id, NULL, lines.account, e.currency, sign * e.amount_minor,
       booking_day(e.municipality_id, CAST(:today AS date))
FROM bank_entries e CROSS JOIN (VALUES (1, 'BANK', 1), (2, 'UNALLOCATED', -1)) AS lines (line, account, sign)
WHERE e.entry_id = ANY(CAST(:entries AS uuid[]))
"""  # noqa: S608 a constant of this module

# A payment in another currency than the bill leaves one and enters the other over EXCHANGE.
_BOOK_PAYMENT = f"""
INSERT INTO ledger_entries {_COLUMNS}
SELECT {{document}}, lines.line, p.municipality_id, p.case_id, lines.account, lines.currency, {{sign}} * lines.minor,
       booking_day(p.municipality_id, {{day}})
FROM payments p CROSS JOIN LATERAL (
    VALUES (1, 'CASH', p.currency, p.amount_minor), (2, 'RECEIVABLE', p.settled_currency, -p.settled_minor),
           (3, 'EXCHANGE', p.currency, -p.amount_minor), (4, 'EXCHANGE', p.settled_currency, p.settled_minor)
    ) AS lines (line, account, currency, minor)
WHERE p.payment_id = :payment_id AND (lines.account <> 'EXCHANGE' OR p.currency <> p.settled_currency)
"""  # noqa: S608 a constant of this module

_PAYMENT = _BOOK_PAYMENT.format(document="p.payment_id", sign="1", day="p.paid_date")
_PAY_BACK = _BOOK_PAYMENT.format(document="CAST(:document_id AS uuid)", sign="-1", day="CAST(:today AS date)")

_BOOK_ALLOCATIONS = f"""
INSERT INTO ledger_entries {_COLUMNS}
SELECT {{document}}, lines.line, a.municipality_id, CASE WHEN lines.account <> 'UNALLOCATED' THEN a.case_id END,
       lines.account, lines.currency, {{sign}} * lines.minor, booking_day(a.municipality_id, CAST(:today AS date))
FROM allocations a CROSS JOIN LATERAL (
    VALUES (1, 'UNALLOCATED', a.currency, a.amount_minor), (2, 'EXCHANGE', a.currency, -a.amount_minor),
           (3, 'EXCHANGE', a.settled_currency, a.settled_minor),
           (4, 'RECEIVABLE', a.settled_currency, -a.settled_minor)) AS lines (line, account, currency, minor)
WHERE a.allocation_id = ANY(CAST(:allocations AS uuid[]))
  AND (lines.account <> 'EXCHANGE' OR a.currency <> a.settled_currency)
"""  # noqa: S608 a constant of this module

_ALLOCATE = _BOOK_ALLOCATIONS.format(document="a.allocation_id", sign="1")
_TAKE_BACK = _BOOK_ALLOCATIONS.format(document="CAST(:document_id AS uuid)", sign="-1")

# Leva that go back in euro leave one currency and enter the other over EXCHANGE. Cash is of the case that paid it.
_BOOK_REFUND = f"""
INSERT INTO ledger_entries {_COLUMNS}
SELECT r.refund_id, lines.line, r.municipality_id, CASE WHEN lines.account IN ('RECEIVABLE', 'CASH') THEN r.case_id END,
       lines.account, lines.currency, lines.minor, booking_day(r.municipality_id, CAST(:today AS date))
FROM refunds r CROSS JOIN LATERAL (
    VALUES (1, CASE WHEN r.case_id IS NULL THEN 'UNALLOCATED' ELSE 'RECEIVABLE' END, r.currency, r.amount_minor),
           (2, CASE r.paid_by WHEN 'COUNTER' THEN 'CASH' ELSE 'BANK' END, coalesce(r.paid_currency, r.currency),
            -coalesce(r.paid_minor, r.amount_minor)),
           (3, 'EXCHANGE', r.currency, -r.amount_minor), (4, 'EXCHANGE', r.paid_currency, r.paid_minor))
    AS lines (line, account, currency, minor)
WHERE r.refund_id = :refund_id AND (lines.account <> 'EXCHANGE' OR r.paid_currency IS NOT NULL)
"""  # noqa: S608 a constant of this module

_BOOK_WRITE_OFF = f"""
INSERT INTO ledger_entries {_COLUMNS}
SELECT w.write_off_id, line, w.municipality_id, w.case_id, account, w.currency, sign * w.amount_minor,
       booking_day(w.municipality_id, CAST(:today AS date))
FROM write_offs w CROSS JOIN (VALUES (1, 'WRITE_OFF', 1), (2, 'RECEIVABLE', -1)) AS lines (line, account, sign)
WHERE w.write_off_id = :write_off_id
"""  # noqa: S608 a constant of this module

# Between two months of one case: only what differs, in currency or by what is too little to be told, passes EXCHANGE.
_BOOK_SET_OFFS = f"""
INSERT INTO ledger_entries {_COLUMNS}
SELECT {{document}}, lines.line, o.municipality_id, o.case_id, lines.account, lines.currency, {{sign}} * lines.minor,
       booking_day(o.municipality_id, {{day}})
FROM set_offs o CROSS JOIN LATERAL (
    VALUES (1, 'RECEIVABLE', o.taken_currency, o.taken_minor),
           (2, 'RECEIVABLE', o.settled_currency, -o.settled_minor),
           (3, 'EXCHANGE', o.taken_currency, -o.taken_minor),
           (4, 'EXCHANGE', o.settled_currency, o.settled_minor)) AS lines (line, account, currency, minor)
WHERE o.set_off_id = ANY(CAST(:set_offs AS uuid[]))
  AND (lines.account <> 'EXCHANGE' OR (o.taken_currency, o.taken_minor) <> (o.settled_currency, o.settled_minor))
"""  # noqa: S608 a constant of this module

_SET_OFF = _BOOK_SET_OFFS.format(document="o.set_off_id", sign="1", day="o.set_off_date")
_UNDO_SET_OFF = _BOOK_SET_OFFS.format(document="CAST(:document_id AS uuid)", sign="-1", day="CAST(:today AS date)")


async def book_note(tx: WriteTx, case_id: str, correction_id: str, amount: Money, on: date) -> None:
    """A note: receivables against revenue; a credit note has negative amounts."""
    await _book(tx, case_id, correction_id, amount, ("RECEIVABLE", "REVENUE"), on)


async def book_invoice(tx: WriteTx, case_id: str, invoice_id: str, amount: Money, on: date) -> None:
    """An invoice by itself: receivables against revenue. Those of a run are booked where they are issued."""
    await _book(tx, case_id, invoice_id, amount, ("RECEIVABLE", "REVENUE"), on)


async def book_payment(tx: WriteTx, payment_id: str) -> None:
    """A payment: cash as it was taken against receivables as they are settled."""
    await tx.run(_PAYMENT, {"payment_id": payment_id})


async def book_payment_reversal(tx: WriteTx, document_id: str, payment_id: str, on: date) -> None:
    """A payment that never was, the other way round, as a document of its own."""
    await tx.run(_PAY_BACK, {"document_id": document_id, "payment_id": payment_id, "today": on})


async def book_bank(tx: WriteTx, entry_ids: Sequence[str], on: date) -> None:
    """Payments of a bank file: bank against what is not allocated yet."""
    await tx.run(_BOOK_BANK, {"entries": list(entry_ids), "today": on})


async def book_allocations(tx: WriteTx, allocation_ids: Sequence[str], on: date) -> None:
    """Allocations: what was not allocated against receivables."""
    await tx.run(_ALLOCATE, {"allocations": list(allocation_ids), "today": on})


async def book_reversal(tx: WriteTx, document_id: str, allocation_id: str, on: date) -> None:
    """An allocation that was taken back, the other way round, as a document of its own."""
    await tx.run(_TAKE_BACK, {"document_id": document_id, "allocations": [allocation_id], "today": on})


async def book_refund(tx: WriteTx, refund_id: str, on: date) -> None:
    """A refund: what was not allocated, or the receivable that was overpaid, against the account that it leaves by."""
    await tx.run(_BOOK_REFUND, {"refund_id": refund_id, "today": on})


async def book_set_offs(tx: WriteTx, set_off_ids: Sequence[str]) -> None:
    """Credits against what is open of other months: receivables against receivables."""
    await tx.run(_SET_OFF, {"set_offs": list(set_off_ids)})


async def book_undone_set_off(tx: WriteTx, document_id: str, set_off_id: str, on: date) -> None:
    """A set-off that was taken back, the other way round, as a document of its own."""
    await tx.run(_UNDO_SET_OFF, {"document_id": document_id, "set_offs": [set_off_id], "today": on})


async def book_write_off(tx: WriteTx, write_off_id: str, on: date) -> None:
    """A write-off: a loss against the receivable that is given up."""
    await tx.run(_BOOK_WRITE_OFF, {"write_off_id": write_off_id, "today": on})


async def _book(  # noqa: PLR0917 a booking has these parts
    tx: WriteTx, case_id: str, document_id: str, amount: Money, accounts: tuple[str, str], on: date
) -> None:
    await tx.run(
        _BOOK,
        {
            "document_id": document_id,
            "case_id": case_id,
            "debit": accounts[0],
            "credit": accounts[1],
            "currency": amount.currency.value,
            "minor": amount.minor,
            "booked_on": on,
        },
    )
