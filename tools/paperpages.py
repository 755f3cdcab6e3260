"""Pictures of documents for people, for the pages: an invented case through the product's own rules and template."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date

from services.billing.domain.accounts import Books, FeeFacts, Income, IncomeKind, Invoice, ServedMonth
from services.billing.domain.payee import Payee
from services.billing.papers.statement import statement_picture
from services.billing.rules.arrears import due_date
from services.billing.rules.parameters import DEFAULT_PARAMETERS
from services.billing.rules.proration import MonthPart
from services.billing.rules.statements import Statement, statement_of
from services.billing.usecases.quotes import quote_month
from services.kernel.calendar import DEFAULT_CALENDAR
from services.kernel.catalogue import CATALOGUE
from services.kernel.dates import Month
from services.kernel.language import Language
from services.kernel.money import Currency, Money

__all__ = ["PICTURES", "example_statement"]

_CASE = "0b6f2c6e-6d2a-4c59-9d0c-1f1f6c5b7a11"
_MONTH = Month(2026, 3)
_PAYEE = Payee("Столична община, район „Искър“", "1592 София, ул. „Примерна“ 1", "BG80BNBG96611020345678")


def example_statement() -> Statement:
    """Worked example W5: a pension of 356.40 EUR, away from 10 to 24 March 2026."""
    facts = FeeFacts(
        "HSP",
        (
            Income(IncomeKind.PENSION, Money.of("356.40", Currency.EUR)),
            Income(IncomeKind.CARE_SUPPLEMENT, Money.of("88.10", Currency.EUR)),
        ),
        Money.of("230.00", Currency.EUR),
    )
    served = ServedMonth(_CASE, _MONTH, served_days=31, paused_days=15, units=0, version=1)
    part = MonthPart(served.chargeable_days, _MONTH.days)
    quote = quote_month(facts, _MONTH, Currency.EUR, part, issued_in=Currency.EUR)
    due = due_date(_MONTH, DEFAULT_PARAMETERS)
    invoice = Invoice(_CASE, 42, _MONTH, quote.amount, date(2026, 4, 1), due, DEFAULT_CALENDAR)
    books = Books(_CASE, "SOFIA", (invoice,))
    name = "Мария Иванова Петрова"
    made = statement_of(books, _MONTH, (quote.fee.charge, served), quote.trace, name, "HSP", payee=_PAYEE)
    if made is None:
        raise AssertionError("the example has an invoice")
    return made


PICTURES: Mapping[str, Callable[[], bytes]] = {
    "docs/images/statement.png": lambda: statement_picture(example_statement(), Language.BG, CATALOGUE)
}
"""Every picture of the pages and how it is made."""
