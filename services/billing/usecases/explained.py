"""A month explained by what held in it: fee, amounts and the arithmetic (domain.md F-11 to F-14, L-12)."""

from __future__ import annotations

from datetime import date

from services.billing.domain.accounts import MonthlyFee, ServedMonth
from services.billing.errors import UnknownService
from services.billing.rules.currency import document_currency, in_document_currency
from services.billing.rules.decisions import DatedFacts, explain_declarations, explain_tariffs, fee_in
from services.billing.rules.fee_rules import FeeRules
from services.billing.rules.proration import MonthPart, month_amount
from services.kernel.catalogue import UnknownServiceError
from services.kernel.dates import Month
from services.kernel.money import Money
from services.kernel.trace import Trace, TraceBuilder

__all__ = ["explain_month", "part_of"]


def part_of(month: Month, served: ServedMonth) -> MonthPart:
    """The part of a month that is charged."""
    return MonthPart(served.chargeable_days, month.days, served.units)


def explain_month(
    dated: DatedFacts, month: Month, served: ServedMonth | None, issued_on: date, rules: FeeRules
) -> tuple[MonthlyFee, Money, Money, Trace]:
    """Fee, amount in the month's currency, amount of its document and the arithmetic, by what held in the month.

    Without served days the full month is explained. UnknownService in a month in which the rules know no such service.
    """
    trace = TraceBuilder()
    trace.add(explain_declarations(dated, month))
    for tariff in explain_tariffs(dated, month):
        trace.add(tariff)
    try:
        fee = fee_in(dated, month, rules, trace)
    except UnknownServiceError:
        code = dated.contract.service_code
        raise UnknownService(field="month", metadata={"service_code": code, "month": str(month)}) from None
    part = part_of(month, served) if served else MonthPart(month.days, month.days)
    computed = month_amount(fee, part, trace)
    amount = in_document_currency(computed, document_currency(month, issued_on), trace)
    return fee, computed, amount, trace.build()
