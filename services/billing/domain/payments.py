"""Payments that a bank tells of, what they are allocated to and by which evidence."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum

from services.billing.errors import BankFileNotReadable
from services.kernel.dates import Month
from services.kernel.money import Currency, Money

__all__ = [
    "Allocation",
    "Allotment",
    "BankFile",
    "BankFileFault",
    "BankFormat",
    "BankLine",
    "BankPayment",
    "Evidence",
    "Hint",
    "OpenMonth",
    "PayerMatch",
    "PaymentState",
    "RefundWay",
    "Statement",
    "WaitingMoney",
    "refused_file",
]


class BankFormat(StrEnum):
    """What a bank file is written in."""

    CAMT_053 = "CAMT_053"
    """ISO 20022 statement, any version of camt.053."""
    CSV = "CSV"
    """The documented table of `docs/integrators.md`."""


class BankFileFault(StrEnum):
    """Why a bank file is refused."""

    NOT_AS_FORMAT = "NOT_AS_FORMAT"
    REFERENCE_TWICE = "REFERENCE_TWICE"
    """One statement has two entries with the reference."""
    KNOWN_OTHERWISE = "KNOWN_OTHERWISE"
    """An earlier statement has an entry with the reference and another amount or day."""
    FOREIGN_ACCOUNT = "FOREIGN_ACCOUNT"
    """The entry is of an account that is not one of the municipality's."""
    DETAILS_DIFFER = "DETAILS_DIFFER"
    """The transactions of an entry do not make it up, or are in another currency or direction."""


def refused_file(entry: int, fault: BankFileFault = BankFileFault.NOT_AS_FORMAT) -> BankFileNotReadable:
    """What is answered about an entry, counted from 1; 0 is the whole file."""
    return BankFileNotReadable(field="content", metadata={"entry": str(entry), "fault": fault.value})


class Evidence(StrEnum):
    """What says for which month a payment is, strongest first."""

    EXACT_REFERENCE = "EXACT_REFERENCE"
    """The structured field holds a valid reference."""
    REFERENCE_IN_TEXT = "REFERENCE_IN_TEXT"
    """The free text holds a valid reference."""
    SAME_CASE = "SAME_CASE"
    """A valid reference names the case, and what it names is paid: another open month of the case, oldest first."""
    PAYER_AND_AMOUNT = "PAYER_AND_AMOUNT"
    """The account has paid for the case before, and exactly one open month has this amount."""
    DECIDED_BY_STAFF = "DECIDED_BY_STAFF"


class Hint(StrEnum):
    """Why something of a payment is left."""

    NO_REFERENCE = "NO_REFERENCE"
    UNKNOWN_REFERENCE = "UNKNOWN_REFERENCE"
    """The check digits are right, the municipality has no such invoice."""
    BROKEN_REFERENCE = "BROKEN_REFERENCE"
    """It names no invoice, but something that fails the check digits: the payer can be asked what was meant."""
    SEVERAL_CANDIDATES = "SEVERAL_CANDIDATES"
    OVERPAID = "OVERPAID"
    """What the reference names is paid, something is left."""
    CURRENCY_NOT_TAKEN = "CURRENCY_NOT_TAKEN"


class PayerMatch(StrEnum):
    """What follows where the account has paid for a case before, and exactly one open month has the amount."""

    SUGGEST = "SUGGEST"
    """A person is shown the month: who pays for many, as a payment office does, pays for others next."""
    ALLOCATE = "ALLOCATE"


class PaymentState(StrEnum):
    """How far a payment is allocated."""

    UNALLOCATED = "UNALLOCATED"
    PARTLY_ALLOCATED = "PARTLY_ALLOCATED"
    OVERPAID = "OVERPAID"
    SETTLED = "SETTLED"
    """Nothing is left: allocated, or paid back."""


class RefundWay(StrEnum):
    """By which account of the ledger money goes back."""

    BANK = "BANK"
    COUNTER = "COUNTER"
    """In cash: only what was taken in cash."""


@dataclass(frozen=True, slots=True)
class BankLine:
    """One payment as a bank file states it; empty: the bank does not say."""

    account: str
    """The municipality's account, without blanks, in capitals."""
    reference: str
    """The bank's own, single within the account."""
    amount: Money
    booked_on: date
    creditor_reference: str = ""
    remittance: str = ""
    payer_name: str = ""
    payer_account: str = ""
    whole: str = ""
    """The bank's reference of the entry of which this is a transaction; `reference` when it is the only one."""
    place: int = field(default=0, compare=False)
    """Which entry of the file it is, from 1."""


@dataclass(frozen=True, slots=True)
class Statement:
    """The payments of a bank file; `skipped` counts debits, reversals, pending entries and other currencies."""

    lines: tuple[BankLine, ...]
    skipped: int
    taken_back: tuple[int, ...] = ()
    """Entries of the file, from 1, by which the bank takes an earlier credit back: people undo what it paid."""


@dataclass(frozen=True, slots=True)
class BankFile:
    """A file as it was handed in; `digest` is the SHA-256 of its bytes."""

    municipality_id: str
    format: BankFormat
    digest: bytes
    statement: Statement


@dataclass(frozen=True, slots=True)
class OpenMonth:
    """An invoiced month and what is open of it; negative when more was paid."""

    case_id: str
    month: Month
    number: int
    currency: Currency
    """That of its documents."""
    net: tuple[Money, ...]
    """Documents minus payments, a sum for each currency that they have."""


@dataclass(frozen=True, slots=True)
class Allotment:
    """A part of a payment for a month: `amount` in the payment's currency, `settled` in that of the documents."""

    case_id: str
    month: Month
    amount: Money
    settled: Money
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Allocation:
    """A kept allotment; a reversed one counts no longer."""

    allocation_id: str
    entry_id: str
    allotment: Allotment
    allocated_on: date
    reversed_reason: str = ""


@dataclass(frozen=True, slots=True)
class WaitingMoney:
    """What is left of a payment that names one case only: it pays whatever of the case is open, or comes to be."""

    entry_id: str
    case_id: str
    rest: Money
    booked_on: date


@dataclass(frozen=True, slots=True)
class BankPayment:
    """A kept payment, what is left of it and what it was allocated to."""

    entry_id: str
    municipality_id: str
    line: BankLine
    """Its payer's account is masked but for four characters."""
    rest: Money
    hint: Hint | None
    allocations: tuple[Allocation, ...] = ()
    suggestions: tuple[Allotment, ...] = ()
    """For which months it may be; nothing is allocated by them."""

    @property
    def state(self) -> PaymentState:
        """How far it is allocated."""
        if not self.rest.amount:
            return PaymentState.SETTLED
        if self.hint is Hint.OVERPAID:
            return PaymentState.OVERPAID
        return PaymentState.UNALLOCATED if self.rest == self.line.amount else PaymentState.PARTLY_ALLOCATED
