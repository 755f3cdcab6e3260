"""When an invoice is due, whether it is paid, and when arrears allow to end a service (domain.md D-07, D-08, L-13)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from services.billing.domain.accounts import ArrearsStatus, InvoiceStatus
from services.billing.rules.parameters import BillingParameters
from services.billing.rules.words import step
from services.kernel.calendar import BusinessCalendar
from services.kernel.dates import Month
from services.kernel.register import decides
from services.kernel.terms import TERMS, LimitKind, count
from services.kernel.time_limit import first_arrears_termination_day
from services.kernel.trace import NO_TRACE, Recorder

__all__ = ["NO_ARREARS", "Arrears", "MonthDue", "arrears_of", "due_date", "invoice_status", "termination_day"]


@dataclass(frozen=True, slots=True)
class MonthDue:
    """A debt as arrears see it: its (shifted) due date, its calendar, whether payments reach invoice plus notes.

    `termination_from` is the end of its term where its arrears keep it, None where it is still to be counted.
    """

    due_date: date
    calendar: BusinessCalendar
    is_paid: bool
    termination_from: date | None = None


@dataclass(frozen=True, slots=True)
class Arrears:
    """Where arrears stand; `termination_possible_from` is None when nothing is overdue."""

    status: ArrearsStatus
    termination_possible_from: date | None = None


NO_ARREARS = Arrears(ArrearsStatus.NONE)


def due_date(
    month: Month,
    parameters: BillingParameters,
    trace: Recorder = NO_TRACE,
) -> date:
    """Last day to pay the invoice of a month: the 25th of the next month, shifted to a working day (D-07, T-02)."""
    due = parameters.due_date(month)
    if trace.recording:
        nominal = month.next().first.replace(day=parameters.due_day)
        _explain_shift(trace, "D-07", {"month": str(month)}, nominal, due, parameters.calendar)
    return due


def termination_day(due: date, calendar: BusinessCalendar, trace: Recorder = NO_TRACE) -> date:
    """First day on which an unpaid invoice with this (shifted) due date allows to end the service (D-08)."""
    first = first_arrears_termination_day(due, calendar)
    if trace.recording:
        term = TERMS[LimitKind.ARREARS_TERMINATION]
        nominal = count(due, term.length, term.unit, calendar)
        _explain_shift(trace, "D-08", {"due_date": due.isoformat()}, nominal, calendar.roll_forward(nominal), calendar)
        trace.add(
            step(
                "D-08",
                {"due_date": due.isoformat()},
                first.isoformat(),
                term.citation,
                f"Услугата може да бъде прекратена най-рано на следващия ден: {_day(first)}.",
                f"The service may be ended on the day after that at the earliest: {_day(first)}.",
            )
        )
    return first


@decides("L-13", "S9")
def invoice_status(due: date, today: date, *, is_paid: bool) -> InvoiceStatus:
    """Where an invoice stands; unpaid it is overdue from the day after its due date."""
    if is_paid:
        return InvoiceStatus.PAID
    return InvoiceStatus.OPEN if today <= due else InvoiceStatus.OVERDUE


@decides("L-13")
def arrears_of(invoices: Iterable[MonthDue], today: date) -> Arrears:
    """Where the arrears of a case stand: D-08 counts from the oldest unpaid invoice (L-13)."""
    overdue = [item for item in invoices if not item.is_paid and item.due_date < today]
    if not overdue:
        return NO_ARREARS
    oldest = min(overdue, key=lambda item: item.due_date)
    possible_from = oldest.termination_from or termination_day(oldest.due_date, oldest.calendar)
    reached = possible_from <= today
    status = ArrearsStatus.TERMINATION_POSSIBLE if reached else ArrearsStatus.OVERDUE
    return Arrears(status, possible_from)


def _explain_shift(  # noqa: PLR0917 one sentence has six parts
    trace: Recorder, rule: str, inputs: dict[str, str], nominal: date, due: date, calendar: BusinessCalendar
) -> None:
    note = calendar.why_not_working(nominal)
    if nominal == due or note is None:
        bg, en = f"Последен ден: {_day(due)}.", f"Last day: {_day(due)}."
    else:
        bg = f"{_day(nominal)} е неприсъствен ({note.text_bg}); последен ден: {_day(due)}."
        en = f"{_day(nominal)} is no working day ({note.text_en}); last day: {_day(due)}."
    kind = LimitKind.INVOICE_DUE if rule == "D-07" else LimitKind.ARREARS_TERMINATION
    trace.add(step(rule, inputs, due.isoformat(), TERMS[kind].citation, bg, en))


def _day(day: date) -> str:
    return day.strftime("%d.%m.%Y")
