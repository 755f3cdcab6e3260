"""What a fact recorded later changes about a billed month: a note, or its first invoice (F-13, F-18, L-12)."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from types import MappingProxyType

from services.billing.domain.causes import NoteCause
from services.billing.rules.currency import document_currency, in_document_currency
from services.billing.rules.parameters import BillingParameters
from services.billing.rules.words import plain, step
from services.kernel.dates import Month
from services.kernel.language import Language
from services.kernel.money import Currency, Money, total
from services.kernel.register import decides
from services.kernel.trace import Step

__all__ = ["CAUSE_TEXTS", "BilledMonth", "FirstInvoice", "Note", "explain_note", "first_invoice", "note_over"]

CAUSE_TEXTS: Mapping[Language, Mapping[NoteCause, str]] = MappingProxyType(
    {
        Language.BG: MappingProxyType(
            {
                NoteCause.INCOME: "променен доход",
                NoteCause.ASSETS: "променено имущество",
                NoteCause.COST: "променена издръжка",
                NoteCause.CONTRACT: "променен договор",
                NoteCause.SERVED_DAYS: "променени дни или единици услуга",
                NoteCause.TARIFF: "променена тарифа",
            }
        ),
        Language.EN: MappingProxyType(
            {
                NoteCause.INCOME: "changed income",
                NoteCause.ASSETS: "changed assets",
                NoteCause.COST: "changed cost of care",
                NoteCause.CONTRACT: "changed contract",
                NoteCause.SERVED_DAYS: "changed days or units of care",
                NoteCause.TARIFF: "changed tariff",
            }
        ),
    }
)
"""Why a note was issued, in words; an unknown cause has none."""


@dataclass(frozen=True, slots=True)
class BilledMonth:
    """A month as billed so far: its total in the month's currency, notes included, and the amount of each document."""

    month: Month
    computed: Money
    documents: tuple[Money, ...]


@dataclass(frozen=True, slots=True)
class Note:
    """A note to be issued: negative is a credit; `computed` is the same difference in the month's currency.

    `billed` is what the month was billed before it, in the month's currency.
    """

    month: Month
    amount: Money
    computed: Money
    billed: Money


@dataclass(frozen=True, slots=True)
class FirstInvoice:
    """An invoice to be issued for a month that was billed 0.00; `computed` is the same in the month's currency."""

    month: Month
    amount: Money
    computed: Money
    due_date: date
    calendar_version: str


@decides("D-07", "F-18", "L-12")
def first_invoice(
    billed: BilledMonth, note: Note, issued_on: date, parameters: BillingParameters
) -> FirstInvoice | None:
    """The invoice in place of the note where a month has no document yet; None where it has one.

    A note corrects a document. Without one the person would owe money without a number, a reference and a day to pay.
    """
    if billed.documents or note.amount.amount < 0:
        return None
    due_date = parameters.due_date_of(issued_on)
    return FirstInvoice(billed.month, note.amount, note.computed, due_date, parameters.calendar.version)


@decides("F-18", "L-12")
def note_over(billed: BilledMonth, due: Money, issued_on: date) -> Note | None:
    """The note that brings a billed month to what is due now (in the month's currency); None when nothing changes.

    In another currency than the month's, everything that is due beyond the documents in the month's own is converted
    once and compared with the documents issued in euro so far: however many notes follow, no rounding adds up (F-13).
    """
    difference = due - billed.computed
    if not difference.amount:
        return None
    currency = document_currency(billed.month, issued_on)
    amount = difference
    if currency is not due.currency:
        beyond = due - _issued_in(billed.documents, due.currency)
        amount = in_document_currency(beyond, currency) - _issued_in(billed.documents, currency)
    return Note(billed.month, amount, difference, billed.computed) if amount.amount else None


@decides("F-18")
def explain_note(billed: BilledMonth, due: Money, note: Note | None) -> Step:
    """The difference between what is due now and what was billed, in words (F-18)."""
    sum_ = f"{plain(due)} − {plain(billed.computed)} = {plain(due - billed.computed)}"
    outcome = note.amount if note is not None else "NO_NOTE"
    kind_bg, kind_en = ("без известие", "no note") if note is None else ("дебитно известие", "debit note")
    if note is not None and note.amount.amount < 0:
        kind_bg, kind_en = "кредитно известие", "credit note"
    return step(
        "F-18",
        {"month": str(billed.month), "due": plain(due), "billed": plain(billed.computed)},
        outcome,
        "domain.md F-18",
        f"Разлика с издаденото: {sum_}; {kind_bg}.",
        f"Difference to what was billed: {sum_}; {kind_en}.",
    )


def _issued_in(documents: Iterable[Money], currency: Currency) -> Money:
    return total((document for document in documents if document.currency is currency), currency)
