"""Messages of `socialcare.billing.v1` from and to values of billing."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal

from google.type import date_pb2, money_pb2

from services.billing.domain.accounts import Assets, Correction, FeeFacts, Income, IncomeKind, WarStatus
from services.billing.errors import InvalidFact
from services.billing.rules.accounts import AccountView, InvoiceView
from services.billing.rules.incomes import Evidence, IncomeSource
from services.billing.rules.payment_reference import payment_reference
from services.billing.usecases.quotes import Quote, QuoteTerms
from services.billing.wire.notes import lineage_to_proto
from services.billing.wire.set_offs import set_off_to_proto
from services.kernel.money import Money
from services.runtime.civil import (
    code_from_proto,
    date_from_proto,
    date_to_proto,
    money_from_proto,
    money_to_proto,
    month_from_proto,
    month_to_proto,
    optional_date,
    trace_to_proto,
)
from socialcare.billing.v1 import billing_service_pb2, incomes_pb2
from socialcare.billing.v1 import resources_pb2 as pb
from socialcare.common.v1 import facts_pb2

__all__ = [
    "account_to_proto",
    "assets_from",
    "cents",
    "correction_to_proto",
    "evidence_from",
    "income_from",
    "invoice_to_proto",
    "positive",
    "quote_terms",
    "quote_to_proto",
]


def cents(message: money_pb2.Money, field: str) -> Money:
    """An amount in whole cents, not negative.

    Raises:
        InvalidArgument: no such currency, or units and nanos do not fit.
        InvalidFact: negative, or finer than a cent.
    """
    amount = money_from_proto(message, field)
    if amount.amount < 0 or amount.rounded() != amount:
        raise InvalidFact(field=field)
    return amount.rounded()


def positive(message: money_pb2.Money, field: str) -> Money:
    """An amount in whole cents above zero; errors as `cents`."""
    amount = cents(message, field)
    if not amount.amount:
        raise InvalidFact(field=field)
    return amount


def income_from(messages: Iterable[facts_pb2.Income], field: str) -> tuple[Income, ...]:
    """Incomes, one entry each."""
    return tuple(
        Income(IncomeKind(message.kind), cents(message.amount, f"{field}[{place}].amount"))
        for place, message in enumerate(messages)
    )


def evidence_from(message: billing_service_pb2.DeclareIncomeRequest) -> Evidence:
    """On what declared incomes stand; unspecified is the person's own declaration."""
    source = IncomeSource.DECLARATION
    if message.source:
        source = code_from_proto(incomes_pb2.IncomeSource, message.source, IncomeSource, "source")
    return Evidence(source, optional_date(message.valid_until_date, "valid_until_date"))


def assets_from(
    savings: money_pb2.Money | None, transferred: date_pb2.Date | None, field: str, *, care_contract: bool
) -> Assets:
    """Grounds of F-04."""
    return Assets(
        savings=None if savings is None else cents(savings, f"{field}savings"),
        care_contract=care_contract,
        property_transferred_on=None if transferred is None else date_from_proto(transferred, f"{field}property"),
    )


def quote_terms(message: pb.FeeTerms) -> QuoteTerms:
    """What a quote is computed from.

    Raises:
        InvalidFact: an amount is negative or finer than a cent.
    """
    facts = FeeFacts(
        service_code=message.service_code,
        income=income_from(message.income, "terms.income"),
        actual_cost=cents(message.actual_cost, "terms.actual_cost") if message.HasField("actual_cost") else None,
        unit_price=cents(message.unit_price, "terms.unit_price") if message.HasField("unit_price") else None,
        percent=Decimal(message.percent) if message.percent else None,
        assets=assets_from(
            message.savings if message.HasField("savings") else None,
            message.property_transfer_date if message.HasField("property_transfer_date") else None,
            "terms.",
            care_contract=message.care_contract,
        ),
        war=WarStatus(message.war_veteran, message.war_disabled),
    )
    return QuoteTerms(
        facts=facts,
        month=month_from_proto(message.month, "terms.month") if message.HasField("month") else None,
        chargeable_days=message.chargeable_days if message.HasField("chargeable_days") else None,
        days_in_month=message.days_in_month if message.HasField("days_in_month") else None,
        issued_on=date_from_proto(message.issued_date, "terms.issued_date")
        if message.HasField("issued_date")
        else None,
        delivered_units=message.delivered_units if message.HasField("delivered_units") else None,
    )


def quote_to_proto(quote: Quote) -> pb.FeeQuote:
    """A fee and how it came about."""
    return pb.FeeQuote(
        amount=money_to_proto(quote.amount),
        computed_amount=money_to_proto(quote.computed),
        charge_kind=f"CHARGE_KIND_{quote.fee.charge.name}",
        actual_cost_payer=quote.fee.actual_cost_payer,
        trace=trace_to_proto(quote.trace),
    )


def account_to_proto(view: AccountView) -> pb.Account:
    """The money of one case."""
    arrears = pb.Arrears(status=f"ARREARS_STATUS_{view.arrears.status.name}")
    if view.arrears.termination_possible_from is not None:
        arrears.termination_possible_from_date.CopyFrom(date_to_proto(view.arrears.termination_possible_from))
    return pb.Account(
        application_id=view.case_id,
        municipality_id=view.municipality_id,
        invoices=[invoice_to_proto(item) for item in view.invoices],
        corrections=[correction_to_proto(item) for item in view.corrections],
        set_offs=map(set_off_to_proto, view.set_offs),
        balance=money_to_proto(view.balance),
        arrears=arrears,
        custody=money_to_proto(view.custody),
    )


def invoice_to_proto(view: InvoiceView) -> pb.Invoice:
    """An invoice as it stands on a day."""
    invoice = view.invoice
    return pb.Invoice(
        invoice_id=invoice.invoice_id,
        number=invoice.number,
        month=month_to_proto(invoice.month),
        amount=money_to_proto(invoice.amount),
        also_shown=None if view.also_shown is None else money_to_proto(view.also_shown),
        issued_date=date_to_proto(invoice.issued_on),
        due_date=date_to_proto(invoice.due_date),
        status=f"INVOICE_STATUS_{view.status.name}",
        payment_reference=payment_reference(invoice.number),
        overpaid=None if view.overpaid is None else money_to_proto(view.overpaid),
    )


def correction_to_proto(correction: Correction) -> pb.Correction:
    """A note."""
    return pb.Correction(
        correction_id=correction.correction_id,
        number=correction.number,
        month=month_to_proto(correction.month),
        amount=money_to_proto(correction.amount),
        issued_date=date_to_proto(correction.issued_on),
        lineage=lineage_to_proto(correction.cause),
    )
