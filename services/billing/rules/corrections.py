"""What a fact recorded later changes about a billed month: a credit or debit note (domain.md F-13, F-18, L-12)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from services.billing.rules.currency import document_currency, in_document_currency
from services.billing.rules.words import plain, step
from services.kernel.dates import Month
from services.kernel.money import Money, total
from services.kernel.register import decides
from services.kernel.trace import Step

__all__ = ["BilledMonth", "Note", "explain_note", "note_over"]


@dataclass(frozen=True, slots=True)
class BilledMonth:
    """A month as billed so far: its total in the month's currency, notes included, and the amount of each document."""

    month: Month
    computed: Money
    documents: tuple[Money, ...]


@dataclass(frozen=True, slots=True)
class Note:
    """A note to be issued: negative is a credit; `computed` is the same difference in the month's currency."""

    month: Month
    amount: Money
    computed: Money


@decides("F-18", "L-12")
def note_over(billed: BilledMonth, due: Money, issued_on: date) -> Note | None:
    """The note that brings a billed month to what is due now (in the month's currency); None when nothing changes.

    A month in leva whose documents are in euro is compared in euro, so that documents always sum up to the converted
    total; a note in euro beside documents in leva converts the difference (F-13).
    """
    difference = due - billed.computed
    if not difference.amount:
        return None
    currency = document_currency(billed.month, issued_on)
    if _all_in(billed.documents, currency):
        amount = in_document_currency(due, currency) - total(billed.documents, currency)
    else:
        amount = in_document_currency(difference, currency)
    return Note(billed.month, amount, difference) if amount.amount else None


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


def _all_in(documents: Iterable[Money], currency: object) -> bool:
    return all(document.currency is currency for document in documents)
