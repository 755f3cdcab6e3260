"""Double entry: what a document does to receivables, revenue and cash. A debit is positive."""

from __future__ import annotations

from datetime import date

from services.kernel.money import Money
from services.runtime.database import WriteTx

__all__ = ["book_note", "book_payment"]

_BOOK = """
INSERT INTO ledger_entries (document_id, line, municipality_id, case_id, account, currency, amount_minor, booked_date)
SELECT :document_id, line, c.municipality_id, c.case_id, account, :currency, sign * CAST(:minor AS bigint), :booked_on
FROM contracts c CROSS JOIN (VALUES (1, CAST(:debit AS text), 1), (2, CAST(:credit AS text), -1))
    AS lines (line, account, sign)
WHERE c.case_id = :case_id
"""


async def book_note(tx: WriteTx, case_id: str, correction_id: str, amount: Money, on: date) -> None:
    """A note: receivables against revenue; a credit note has negative amounts."""
    await _book(tx, case_id, correction_id, amount, ("RECEIVABLE", "REVENUE"), on)


async def book_payment(tx: WriteTx, case_id: str, payment_id: str, settled: Money, on: date) -> None:
    """A payment: cash against receivables, in the currency of what it settles."""
    await _book(tx, case_id, payment_id, settled, ("CASH", "RECEIVABLE"), on)


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
