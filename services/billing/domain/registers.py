"""Registers of a municipality: issued documents and ledger entries as they are listed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from services.billing.domain.accounts import Correction, Invoice
from services.billing.domain.ledger import LedgerAccount
from services.kernel.money import Money

__all__ = ["LedgerDocumentKind", "LedgerEntry", "ListedInvoice", "ListedNote"]


@dataclass(frozen=True, slots=True)
class ListedInvoice:
    """An invoice with whose it is, the run that billed its month, and what is open of that in its currency."""

    case_id: str
    run_id: str
    invoice: Invoice
    open: Money


@dataclass(frozen=True, slots=True)
class ListedNote:
    """A note with whose it is, the run that billed its month, and the number of that month's invoice; 0: none."""

    case_id: str
    run_id: str
    invoice_number: int
    note: Correction


class LedgerDocumentKind(StrEnum):
    """What a document of the ledger is."""

    INVOICE = "INVOICE"
    NOTE = "NOTE"
    COUNTER_PAYMENT = "COUNTER_PAYMENT"
    BANK_PAYMENT = "BANK_PAYMENT"
    ALLOCATION = "ALLOCATION"
    SET_OFF = "SET_OFF"
    REFUND = "REFUND"
    WRITE_OFF = "WRITE_OFF"
    REVERSAL = "REVERSAL"


@dataclass(frozen=True, slots=True)
class LedgerEntry:
    """A line of a document; a debit is positive.

    `number` is 0 for documents without one, `case_id` is empty for money of the bank that is not allocated.
    """

    document_id: str
    kind: LedgerDocumentKind
    number: int
    line: int
    case_id: str
    account: LedgerAccount
    amount: Money
    booked_on: date
