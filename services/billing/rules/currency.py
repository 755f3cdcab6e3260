"""Lev and euro: which month is computed in which, and how an amount crosses (domain.md F-13 to F-15, F-17)."""

from __future__ import annotations

from datetime import date

from services.billing.rules.words import plain, step
from services.kernel.dates import Month
from services.kernel.money import (
    Currency,
    CurrencyMismatchError,
    Money,
    display_in_bgn,
    display_in_eur,
    fee_to_eur,
    income_to_eur,
)
from services.kernel.ranges import DateRange
from services.kernel.register import decides
from services.kernel.trace import NO_TRACE, Recorder

__all__ = [
    "DUAL_DISPLAY",
    "EURO_FROM",
    "also_shown",
    "display",
    "document_currency",
    "dual_display_required",
    "in_document_currency",
    "income_in",
    "month_currency",
    "price_in",
]

EURO_FROM = date(2026, 1, 1)
"""First day of the euro."""

DUAL_DISPLAY = DateRange(date(2025, 8, 8), date(2026, 8, 8))
"""Days on which a document shows both currencies, both ends included (F-17)."""

_LAW = "Закон за въвеждане на еврото; 1 EUR = 1,95583 BGN"


@decides("F-13")
def month_currency(month: Month) -> Currency:
    """The currency in which a month is computed: BGN up to December 2025, EUR from January 2026 (F-13)."""
    return Currency.EUR if month.first >= EURO_FROM else Currency.BGN


@decides("F-13")
def document_currency(month: Month, issued_on: date) -> Currency:
    """The currency of a document of that day about that month (F-13)."""
    return Currency.EUR if issued_on >= EURO_FROM else month_currency(month)


@decides("F-15")
def income_in(currency: Currency, amount: Money, trace: Recorder = NO_TRACE) -> Money:
    """One income in the month's currency, each component on its own (F-15).

    Raises CurrencyMismatchError for a euro amount in a month computed in leva.
    """
    if amount.currency is currency:
        return amount
    if currency is Currency.BGN:
        raise CurrencyMismatchError("a month in leva takes no income in euro")
    converted = income_to_eur(amount)
    if trace.recording:
        trace.add(
            step(
                "F-15",
                {"amount": str(amount)},
                converted,
                _LAW,
                f"{plain(amount)} : 1,95583 = {plain(converted)}; трета цифра над 0 вдига стотинката с една.",
                f"{plain(amount)} : 1.95583 = {plain(converted)}; a third digit above 0 raises the cent by one.",
            )
        )
    return converted


@decides("F-14")
def price_in(currency: Currency, amount: Money, trace: Recorder = NO_TRACE) -> Money:
    """A cost, price or sum of savings in the month's currency (F-14).

    Raises CurrencyMismatchError for a euro amount in a month computed in leva.
    """
    if amount.currency is currency:
        return amount
    if currency is Currency.BGN:
        raise CurrencyMismatchError("a month in leva takes no price in euro")
    return _converted(amount, trace)


def in_document_currency(total: Money, currency: Currency, trace: Recorder = NO_TRACE) -> Money:
    """The final total of a month, already rounded, in the currency of its document: converted once (F-13, F-14)."""
    if total.currency is currency:
        return total
    if currency is Currency.BGN:
        raise CurrencyMismatchError("a month in euro has no document in leva")
    if trace.recording:
        trace.add(
            step(
                "F-13",
                {"total": str(total), "document_currency": currency},
                currency,
                _LAW,
                f"Месецът е изчислен в левове, документът е в евро: {plain(total)} се превръща веднъж.",
                f"The month is computed in leva, its document is in euro: {plain(total)} is converted once.",
            )
        )
    return _converted(total, trace)


def _converted(amount: Money, trace: Recorder) -> Money:
    converted = -fee_to_eur(-amount) if amount.amount < 0 else fee_to_eur(amount)
    if trace.recording:
        trace.add(
            step(
                "F-14",
                {"amount": str(amount)},
                converted,
                _LAW,
                f"{plain(amount)} : 1,95583 = {plain(converted)}, закръглено веднъж.",
                f"{plain(amount)} : 1.95583 = {plain(converted)}, rounded once.",
            )
        )
    return converted


@decides("F-17")
def dual_display_required(document_date: date, trace: Recorder = NO_TRACE) -> bool:
    """Whether a document of that day shows both currencies (F-17)."""
    required = DUAL_DISPLAY.contains(document_date)
    if trace.recording:
        day = document_date.strftime("%d.%m.%Y")
        inside_bg, inside_en = ("е", "lies") if required else ("не е", "does not lie")
        trace.add(
            step(
                "F-17",
                {"document_date": document_date.isoformat()},
                "REQUIRED" if required else "NOT_REQUIRED",
                _LAW,
                f"{day} {inside_bg} между 08.08.2025 и 08.08.2026 включително.",
                f"{day} {inside_en} between 08.08.2025 and 08.08.2026, both included.",
            )
        )
    return required


def display(amount: Money, trace: Recorder = NO_TRACE) -> Money:
    """The other currency beside an amount, half-up; not legally due (F-17)."""
    in_euro = amount.currency is Currency.EUR
    shown = display_in_bgn(amount) if in_euro else display_in_eur(amount)
    if trace.recording:
        sign = "×" if in_euro else ":"
        trace.add(
            step(
                "F-17",
                {"amount": str(amount)},
                shown,
                _LAW,
                f"{plain(amount)} {sign} 1,95583 = {plain(shown)}, само за сведение.",
                f"{plain(amount)} {sign} 1.95583 = {plain(shown)}, for information only.",
            )
        )
    return shown


def also_shown(amount: Money, document_date: date) -> Money | None:
    """The other currency beside an amount; None when the document does not show it (F-17)."""
    if not dual_display_required(document_date):
        return None
    return display(amount)
