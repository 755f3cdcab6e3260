"""Reminders written to a person, each once and never changed (domain.md F-19, C-29, D-08)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from services.billing.domain.payee import Payee
from services.kernel.dates import Month
from services.kernel.money import Money

__all__ = ["ExpiringIncome", "Letter", "LetterDelivery", "LetterKind", "LetterText", "Unpaid"]


class LetterKind(StrEnum):
    """Of what the person is reminded."""

    INCOME_RENEWAL = "INCOME_RENEWAL"
    ARREARS_REMINDER = "ARREARS_REMINDER"


class LetterDelivery(StrEnum):
    """How a letter left the house."""

    SPOOL = "SPOOL"
    """Handed over to whatever prints or sends the files of the spool."""
    POST = "POST"
    IN_PERSON = "IN_PERSON"


@dataclass(frozen=True, slots=True)
class ExpiringIncome:
    """The declaration in force of a case whose evidence holds for a few days only."""

    case_id: str
    declaration_id: int
    valid_until: date


@dataclass(frozen=True, slots=True)
class Unpaid:
    """The invoice of which a letter of arrears speaks; `open` as it was on the day of the letter."""

    invoice_id: str
    number: int
    month: Month
    open: Money
    decide_from: date
    """First day on which an office head may decide whether care goes on (D-08)."""


@dataclass(frozen=True, slots=True)
class Letter:
    """A letter without the name of whom it is addressed to.

    `reminder` is the days before the last day, or the how-manieth of the invoice from 1; `last_day` is that of the
    evidence or of the time to pay.
    """

    letter_id: str
    municipality_id: str
    case_id: str
    service_code: str
    kind: LetterKind
    reminder: int
    issued_on: date
    last_day: date
    unpaid: Unpaid | None
    written_at: datetime
    delivery: LetterDelivery | None = None
    delivered_at: datetime | None = None
    payee: Payee | None = None
    """To whom it is paid, as it was set when the letter was written."""


@dataclass(frozen=True, slots=True, repr=False)
class LetterText:
    """All that stands in the document."""

    letter: Letter
    name: str
