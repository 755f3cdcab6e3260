"""What the account of a case says on a day: paid or not, balance, arrears (domain.md F-17, D-08, L-13)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from services.billing.domain.accounts import Books, Correction, Invoice, InvoiceStatus
from services.billing.domain.set_offs import SetOff
from services.billing.rules.arrears import Arrears, MonthDue, arrears_of, invoice_status
from services.billing.rules.currency import EURO_FROM, also_shown, display, in_document_currency
from services.kernel.dates import Month
from services.kernel.money import Currency, Money, total
from services.kernel.register import decides

__all__ = [
    "AccountView",
    "InvoiceView",
    "account_on",
    "arrears_for_termination",
    "balance_of",
    "currency_of_month",
    "currency_on",
    "in_currency",
    "invoice_view",
    "is_new_debt",
    "is_taken",
    "months_of",
    "net_of",
    "open_amount",
    "received_for",
    "settled_by",
    "sum_in",
]

BGN_TAKEN_UNTIL = date(2026, 1, 31)
"""Last day on which leva are taken for a document in euro."""


@dataclass(frozen=True, slots=True)
class InvoiceView:
    """An invoice with what depends on the day."""

    invoice: Invoice
    also_shown: Money | None
    status: InvoiceStatus
    overpaid: Money | None
    """What was paid too much for its month, in its currency; None: nothing."""


@dataclass(frozen=True, slots=True)
class AccountView:
    """The money of one case on a day.

    The balance is the sum of what is open of its months as each states it; a positive one is owed by the user.
    """

    case_id: str
    municipality_id: str
    invoices: tuple[InvoiceView, ...]
    corrections: tuple[Correction, ...]
    set_offs: tuple[SetOff, ...]
    balance: Money
    arrears: Arrears
    custody: Money


def currency_on(day: date) -> Currency:
    """The currency in which balances are stated on a day."""
    return Currency.EUR if day >= EURO_FROM else Currency.BGN


def currency_of_month(books: Books, month: Month) -> Currency | None:
    """The currency of the first document of a month; None when nothing was billed."""
    return next((document.currency for document in _documents(books, month)), None)


def in_currency(amount: Money, currency: Currency) -> Money:
    """The amount by the fixed rate, half-up, whatever its sign."""
    if amount.currency is currency:
        return amount
    return in_document_currency(amount, currency) if currency is Currency.EUR else _in_leva(amount)


def _in_leva(amount: Money) -> Money:
    return -display(-amount) if amount.amount < 0 else display(amount)


def sum_in(amounts: Iterable[Money], currency: Currency) -> Money:
    """Sum of amounts in any currency, each currency converted once.

    Leva and euro meet in the time of the euro, and people are told it in euro: nothing in euro is nothing in leva.
    """
    items = tuple(amounts)
    sums = tuple(total((item for item in items if item.currency is one), one) for one in Currency)
    euro = total((in_currency(item, Currency.EUR) for item in sums), Currency.EUR)
    if currency is Currency.EUR or euro.amount == 0:
        return in_currency(euro, currency)
    return total((in_currency(item, currency) for item in sums), currency)


def open_amount(books: Books, month: Month, currency: Currency) -> Money:
    """Invoice plus notes minus payments of a month; negative when more was paid."""
    return sum_in(net_of(books, month), currency)


def net_of(books: Books, month: Month) -> tuple[Money, ...]:
    """Invoice, notes and, negative, payments of a month; a credit that was set off leaves one and pays in another."""
    return (
        *_documents(books, month),
        *(-item.settled for item in books.payments if item.month == month),
        *_set_off(books, month),
    )


def _set_off(books: Books, month: Month) -> Iterable[Money]:
    yield from (item.taken for item in books.set_offs if item.from_month == month)
    yield from (-item.settled for item in books.set_offs if item.to_month == month)


@decides("L-13")
def is_new_debt(books: Books, month: Month) -> bool:
    """Whether all that is owed for a month came by debit notes after the month was paid in full.

    A payment that was taken back never was one: what it leaves open is the old debt.
    """
    currency = currency_of_month(books, month)
    if currency is None or open_amount(books, month, currency).amount <= 0:
        return False
    notes = [place for place, item in enumerate(books.corrections) if item.month == month and item.amount.amount > 0]
    before = (replace(books, corrections=books.corrections[:place]) for place in notes)
    return any(open_amount(each, month, currency).amount <= 0 for each in before)


@decides("F-13", "L-13")
def settled_by(paid: Money, net: Sequence[Money], documents: Currency) -> Money:
    """How much of a month a payment settles, in the currency of its documents.

    `net` is what is open of the month, in one or both currencies. People are told it in the currency that they pay in:
    who pays that owes nothing more, and who pays a part owes the rest, as near to it as the documents' cents allow.
    Leva that come to what documents in euro claim pay just that, a stotinka beside what these show for information
    (F-17): who owed 500.00 leva before they were stated as 255.65 euro brings 500.00.
    """
    converted = in_currency(paid, documents)
    open_, stated = sum_in(net, documents), sum_in(net, paid.currency)
    if paid.currency is documents or stated.amount <= 0 or open_.amount <= 0:
        return converted
    if documents is Currency.EUR and converted == open_:
        return open_
    if paid >= stated:
        return open_ + in_currency(paid - stated, documents)
    cent = Money.from_minor(1, documents)
    near = (max(cent, min(part, open_ - cent)) for part in (converted, converted + cent, converted - cent))
    return min(near, key=lambda part: abs(sum_in((*net, -part), paid.currency).minor - (stated - paid).minor))


@decides("F-13")
def is_taken(currency: Currency, documents: Currency, on: date) -> bool:
    """Whether money in a currency is taken on the day for documents in another or the same one."""
    if currency is documents:
        return True
    return on >= EURO_FROM if currency is Currency.EUR else on <= BGN_TAKEN_UNTIL


def account_on(books: Books, today: date) -> AccountView:
    """The account as it stands on a day."""
    balance = balance_of(books, today)
    return AccountView(
        case_id=books.case_id,
        municipality_id=books.municipality_id,
        invoices=tuple(
            invoice_view(item, open_amount(books, item.month, item.amount.currency), today) for item in books.invoices
        ),
        corrections=books.corrections,
        set_offs=books.set_offs,
        balance=balance,
        arrears=arrears_of((_month_due(books, item, balance) for item in books.invoices), today),
        custody=sum_in(books.custody, balance.currency),
    )


def invoice_view(invoice: Invoice, open_: Money, today: date) -> InvoiceView:
    """An invoice as it stands on a day, by what is open of its month in its currency."""
    return InvoiceView(
        invoice,
        also_shown(invoice.amount, invoice.issued_on),
        invoice_status(invoice.due_date, today, is_paid=open_.amount <= 0),
        -open_ if open_.amount < 0 else None,
    )


def balance_of(books: Books, today: date) -> Money:
    """What is open of all months, as each states it in the currency of the day; negative when more was paid.

    Of what a month has too much only the money counts that came in for it: what was given up by order is none.
    """
    currency = currency_on(today)
    return total((_standing(books, month, currency) for month in months_of(books)), currency)


def _standing(books: Books, month: Month, currency: Currency) -> Money:
    open_ = open_amount(books, month, currency)
    return open_ if open_.amount >= 0 else -min(-open_, max(received_for(books, month, currency), Money.zero(currency)))


def received_for(books: Books, month: Month, currency: Currency) -> Money:
    """The money that came in for a month less what went back, a credit that was set off among both."""
    money = (item.settled for item in books.payments if item.month == month and not item.is_given_up)
    return sum_in((*money, *(-amount for amount in _set_off(books, month))), currency)


def _is_paid(books: Books, invoice: Invoice) -> bool:
    return open_amount(books, invoice.month, invoice.amount.currency).amount <= 0


@decides("D-08", "L-13")
def arrears_for_termination(books: Books, today: date) -> Arrears:
    """The arrears for which the service may be ended: the account's without debts that nobody was given a term for.

    What notes claim of a month that was paid gets its term from the next sweep, not before the day of that.
    """
    balance = balance_of(books, today)
    terms = (_month_due(books, item, balance) for item in books.invoices if not _has_no_term(books, item))
    return arrears_of(terms, today)


def _has_no_term(books: Books, invoice: Invoice) -> bool:
    begun = invoice.arrears is not None and not invoice.arrears.is_closed
    return not begun and is_new_debt(books, invoice.month)


def _month_due(books: Books, invoice: Invoice, balance: Money) -> MonthDue:
    # A credit that is not set off yet counts against every month: who owes nothing as a whole has no term running.
    is_paid = _is_paid(books, invoice) or balance.amount <= 0
    if invoice.arrears is None:
        return MonthDue(invoice.due_date, invoice.calendar, is_paid)
    return MonthDue(invoice.arrears.due_on, invoice.calendar, is_paid, invoice.arrears.termination_from)


def months_of(books: Books) -> set[Month]:
    """The months for which anything was issued or paid."""
    return {item.month for items in (books.invoices, books.corrections, books.payments) for item in items}


def _documents(books: Books, month: Month) -> Iterable[Money]:
    yield from (item.amount for item in books.invoices if item.month == month)
    yield from (item.amount for item in books.corrections if item.month == month)
