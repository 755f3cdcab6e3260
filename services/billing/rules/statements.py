"""What stands on the statement of a month: its documents, days, arithmetic and sum (domain.md F-11, F-17, F-18)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from services.billing.domain.accounts import Books, ChargeKind, Invoice, ServedMonth
from services.billing.domain.causes import Cause
from services.billing.domain.payee import Payee
from services.billing.rules.accounts import is_new_debt, open_amount, sum_in
from services.billing.rules.currency import also_shown
from services.billing.rules.parameters import DEFAULT_PARAMETERS, BillingParameters
from services.billing.rules.payment_reference import payment_reference
from services.billing.rules.set_off import set_offs
from services.kernel.dates import Month
from services.kernel.money import Money
from services.kernel.register import decides
from services.kernel.trace import Trace

__all__ = ["DocumentKind", "Line", "Settlement", "Statement", "document_lines", "statement_of"]


class DocumentKind(StrEnum):
    """Kind of an issued document."""

    INVOICE = "INVOICE"
    NOTE = "NOTE"


@dataclass(frozen=True, slots=True)
class Line:
    """A document of the month; a credit note is negative.

    `number` is that of the invoice, or of the note; 0 for a note on statements from before notes had numbers.

    `cause` is the fact that it follows; None for an invoice of a run and on statements from before causes were kept.
    """

    kind: DocumentKind
    document_id: str
    number: int
    amount: Money
    issued_on: date
    cause: Cause | None = None


@dataclass(frozen=True, slots=True)
class Settlement:
    """What payments had settled by the day of the last document; both sums in the currency of the total.

    `to_pay` is negative where more was paid; `also_shown` is the other currency beside it (F-17). `credit` is what had
    been paid too much for other months and pays this one; None: nothing.
    """

    paid: Money
    to_pay: Money
    also_shown: Money | None
    credit: Money | None = None


@dataclass(frozen=True, slots=True)
class Statement:
    """The statement of a month; `revision` counts its documents, `name` is the payer's.

    `due_date` is that of the debt that stands on it: notes after the month was paid have a term of their own.
    """

    case_id: str
    service_code: str
    municipality_id: str
    name: str
    month: Month
    revision: int
    lines: tuple[Line, ...]
    total: Money
    also_shown: Money | None
    charge: ChargeKind
    served_days: int
    paused_days: int
    units: int
    due_date: date
    reference: str
    trace: Trace
    payee: Payee | None = None
    """To whom it is paid; None: the municipality had not set it, or on statements from before it was kept."""
    settlement: Settlement | None = None
    """None on statements from before it was kept."""

    @property
    def issued_on(self) -> date:
        """The day of the last document."""
        return self.lines[-1].issued_on


def document_lines(books: Books, month: Month) -> tuple[Line, ...]:
    """The documents of a month in order of issue; none while it is not invoiced."""
    invoices = [
        Line(DocumentKind.INVOICE, item.invoice_id, item.number, item.amount, item.issued_on, item.cause)
        for item in books.invoices
        if item.month == month
    ]
    notes = [
        Line(DocumentKind.NOTE, item.correction_id, item.number, item.amount, item.issued_on, item.cause)
        for item in books.corrections
        if item.month == month
    ]
    return (*invoices, *notes)


@decides("F-17", "F-18", "L-13")
def statement_of(  # noqa: PLR0917 a statement brings these parts together
    books: Books,
    month: Month,
    charged: tuple[ChargeKind, ServedMonth],
    trace: Trace,
    name: str,
    service_code: str,
    *,
    payee: Payee | None = None,
    parameters: BillingParameters = DEFAULT_PARAMETERS,
) -> Statement | None:
    """The statement of a month from its documents and the arithmetic behind them; None when nothing was invoiced.

    The sum is stated in the currency of the last document, and in the other one while that day asks for it (F-17).
    It is a paper of that day, whenever it is read: payments count that had come by then.
    """
    invoice = next((item for item in books.invoices if item.month == month), None)
    if invoice is None:
        return None
    lines = document_lines(books, month)
    charge, served = charged
    total, last_day = _total(lines)
    then = _books_on(books, last_day)
    return Statement(
        case_id=books.case_id,
        service_code=service_code,
        municipality_id=books.municipality_id,
        name=name,
        month=month,
        revision=len(lines),
        lines=lines,
        total=total,
        also_shown=_shown(total, last_day),
        charge=charge,
        served_days=served.served_days,
        paused_days=served.paused_days,
        units=served.units,
        due_date=_due_date(then, invoice, last_day, parameters),
        reference=payment_reference(invoice.number),
        trace=trace,
        payee=payee,
        settlement=_settlement(then, month, total, last_day),
    )


def _settlement(then: Books, month: Month, total: Money, on: date) -> Settlement:
    """What is open of the month, less what is set off against it as soon as anything is paid."""
    rest = open_amount(then, month, total.currency)
    coming = (item for item in set_offs(then, on) if item.to_month == month)
    to_pay = open_amount(replace(then, set_offs=(*then.set_offs, *coming)), month, total.currency)
    credit = rest - to_pay
    return Settlement(total - rest, to_pay, _shown(to_pay, on), credit if credit.amount > 0 else None)


def _books_on(books: Books, day: date) -> Books:
    """The books as they stood at the end of a day."""
    return replace(
        books,
        invoices=tuple(item for item in books.invoices if item.issued_on <= day),
        corrections=tuple(item for item in books.corrections if item.issued_on <= day),
        payments=tuple(item for item in books.payments if item.paid_on <= day),
        set_offs=tuple(item for item in books.set_offs if item.on <= day),
    )


def _due_date(books: Books, invoice: Invoice, on: date, parameters: BillingParameters) -> date:
    """The day from which arrears count; what notes claim of who had paid is due as an invoice of the day would be."""
    begun = invoice.arrears
    if begun is not None and not begun.is_closed:
        return begun.due_on
    return parameters.due_date_of(on) if is_new_debt(books, invoice.month) else invoice.due_date


def _shown(amount: Money, on: date) -> Money | None:
    return also_shown(amount, on) if amount.amount >= 0 else None


def _total(lines: Sequence[Line]) -> tuple[Money, date]:
    last = lines[-1]
    return sum_in((line.amount for line in lines), last.amount.currency), last.issued_on
