"""Methods that read and write nothing: section 6 of domain.md as questions and answers."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

from grpc.aio import ServicerContext

from services.billing.errors import CurrencyNotAllowed, InvalidFact, PercentNotAllowed
from services.billing.rules.arrears import due_date, termination_day
from services.billing.rules.corrections import BilledMonth, explain_note, note_over
from services.billing.rules.currency import display, dual_display_required, in_document_currency, income_in
from services.billing.rules.parameters import parameters_of
from services.billing.rules.proration import chargeable_days
from services.billing.usecases.quotes import check_percent, quote_fee, settle_custody
from services.billing.wire.accounts import cents, quote_terms, quote_to_proto
from services.kernel.local_rules import LocalRules
from services.kernel.money import Currency, Money, total
from services.kernel.trace import Recorder, TraceBuilder
from services.runtime.chosen_settings import settings_from
from services.runtime.civil import (
    date_from_proto,
    date_to_proto,
    money_to_proto,
    month_from_proto,
    optional_date,
    range_from_proto,
    trace_to_proto,
)
from services.runtime.errors import InvalidArgument
from services.runtime.local_rules import with_declared_days
from socialcare.billing.v1 import billing_service_pb2 as pb

__all__ = ["PureAnswers"]

Context = ServicerContext[object, object]


class PureAnswers:
    """Rules asked without a case."""

    async def QuoteFee(self, request: pb.QuoteFeeRequest, context: Context) -> pb.QuoteFeeResponse:
        return quote(request)

    async def ConvertAmount(self, request: pb.ConvertAmountRequest, context: Context) -> pb.ConvertAmountResponse:
        return convert(request)

    async def ExplainDueDate(self, request: pb.ExplainDueDateRequest, context: Context) -> pb.ExplainDueDateResponse:
        return explain_due_date(request)

    async def CountChargeableDays(
        self, request: pb.CountChargeableDaysRequest, context: Context
    ) -> pb.CountChargeableDaysResponse:
        return count_chargeable_days(request)

    async def ExplainDualDisplay(
        self, request: pb.ExplainDualDisplayRequest, context: Context
    ) -> pb.ExplainDualDisplayResponse:
        return explain_dual_display(request)

    async def CheckPercent(self, request: pb.CheckPercentRequest, context: Context) -> pb.CheckPercentResponse:
        return percent_answer(request)

    async def SettleCustody(self, request: pb.SettleCustodyRequest, context: Context) -> pb.SettleCustodyResponse:
        return settlement(request)


def quote(request: pb.QuoteFeeRequest) -> pb.QuoteFeeResponse:
    """The fee of a month from the terms given, under the settings given."""
    parameters = parameters_of(LocalRules(settings_from(request.settings)))
    terms = quote_terms(request.terms)
    quoted = quote_fee(terms, parameters)
    if not request.HasField("billed_amount"):
        return pb.QuoteFeeResponse(quote=quote_to_proto(quoted))
    billed = cents(request.billed_amount, "billed_amount")
    if terms.month is None:
        raise InvalidFact(field="terms.month")
    if billed.currency is not quoted.computed.currency:
        raise CurrencyNotAllowed(field="billed_amount")
    before = BilledMonth(terms.month, billed, (billed,))
    note = note_over(before, quoted.computed, terms.issued_on or parameters.issue_date(terms.month))
    explained = replace(quoted, trace=(*quoted.trace, explain_note(before, quoted.computed, note)))
    return pb.QuoteFeeResponse(
        quote=quote_to_proto(explained), note_amount=None if note is None else money_to_proto(note.amount)
    )


def convert(request: pb.ConvertAmountRequest) -> pb.ConvertAmountResponse:
    """Each amount in the other currency, and their sum."""
    trace = TraceBuilder()
    converted = [
        _converted(request.rule, cents(message, f"amounts[{place}]"), f"amounts[{place}]", trace)
        for place, message in enumerate(request.amounts)
    ]
    if len({amount.currency for amount in converted}) > 1:
        raise CurrencyNotAllowed(field="amounts")
    return pb.ConvertAmountResponse(
        converted=[money_to_proto(amount) for amount in converted],
        total=money_to_proto(total(converted, converted[0].currency)),
        trace=trace_to_proto(trace.build()),
    )


def _converted(rule: int, amount: Money, field: str, trace: Recorder) -> Money:
    if rule == pb.CONVERSION_RULE_DISPLAY:
        return display(amount, trace)
    if amount.currency is not Currency.BGN:
        raise CurrencyNotAllowed(field=field)
    if rule == pb.CONVERSION_RULE_INCOME_TO_EUR:
        return income_in(Currency.EUR, amount, trace)
    return in_document_currency(amount, Currency.EUR, trace)


def explain_due_date(request: pb.ExplainDueDateRequest) -> pb.ExplainDueDateResponse:
    """When an invoice is due and from when its arrears allow termination."""
    rules = LocalRules(settings_from(request.settings), with_declared_days(request.declared_days))
    trace, parameters = TraceBuilder(), parameters_of(rules)
    if request.HasField("month") == request.HasField("due_date"):
        raise InvalidArgument(field="month")
    if request.HasField("month"):
        due = due_date(month_from_proto(request.month, "month"), parameters, trace)
    else:
        due = date_from_proto(request.due_date, "due_date")
    first = termination_day(due, parameters.calendar, trace)
    return pb.ExplainDueDateResponse(
        due_date=date_to_proto(due),
        termination_possible_from_date=date_to_proto(first),
        trace=trace_to_proto(trace.build()),
    )


def count_chargeable_days(request: pb.CountChargeableDaysRequest) -> pb.CountChargeableDaysResponse:
    """Days of a month in service and not paused."""
    month = month_from_proto(request.month, "month")
    start = optional_date(request.start_date, "start_date")
    end = optional_date(request.end_date, "end_date")
    if start and end and end < start:
        raise InvalidFact(field="end_date")
    pauses = [range_from_proto(message, f"pauses[{place}]") for place, message in enumerate(request.pauses)]
    trace = TraceBuilder()
    days = chargeable_days(month, start, end, pauses, trace)
    return pb.CountChargeableDaysResponse(
        chargeable_days=days, days_in_month=month.days, trace=trace_to_proto(trace.build())
    )


def explain_dual_display(request: pb.ExplainDualDisplayRequest) -> pb.ExplainDualDisplayResponse:
    """Whether a document shows both currencies."""
    trace = TraceBuilder()
    required = dual_display_required(date_from_proto(request.document_date, "document_date"), trace)
    return pb.ExplainDualDisplayResponse(required=required, trace=trace_to_proto(trace.build()))


def percent_answer(request: pb.CheckPercentRequest) -> pb.CheckPercentResponse:
    """Whether a percent may be configured; UnknownService for a service without one."""
    trace, accepted = TraceBuilder(), True
    try:
        check_percent(request.service_code, Decimal(request.percent), date.max, trace)
    except PercentNotAllowed:
        accepted = False
    return pb.CheckPercentResponse(accepted=accepted, trace=trace_to_proto(trace.build()))


def settlement(request: pb.SettleCustodyRequest) -> pb.SettleCustodyResponse:
    """An advance settled against its receipts."""
    receipts = [cents(message, f"receipts[{place}]") for place, message in enumerate(request.receipts)]
    trace = TraceBuilder()
    settled = settle_custody(request.service_code, cents(request.advance, "advance"), receipts, trace)
    return pb.SettleCustodyResponse(
        spent=money_to_proto(settled.spent),
        return_to_user=money_to_proto(settled.return_to_user),
        fee=money_to_proto(settled.fee),
        trace=trace_to_proto(trace.build()),
    )
