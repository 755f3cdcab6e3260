"""Kinds that billing answers: fees, conversions, due dates, units, the user's own money."""

from __future__ import annotations

from decimal import Decimal

from cli.gateway import Refusal
from cli.rules import answers, questions
from cli.rules.wire import (
    Put,
    WrongAnswerError,
    amount_of,
    day_of,
    incomes,
    money,
    optional_day,
    optional_money,
    ranges,
)
from services.kernel.money import Currency
from services.runtime.civil import date_to_proto, month_to_proto
from socialcare.billing.v1 import billing_service_pb2 as billing
from socialcare.billing.v1.resources_pb2 import FeeTerms

EUR = Currency.EUR
BGN = Currency.BGN


async def invoice_due(put: Put, asked: questions.InvoiceDue) -> answers.DueDate:
    """Due date of a month's invoice."""
    request = billing.ExplainDueDateRequest(month=month_to_proto(asked.billed_month))
    explained = await put(request, billing.ExplainDueDateResponse)
    return answers.DueDate.model_construct(due_date=day_of(explained.due_date))


async def arrears(put: Put, asked: questions.Arrears) -> answers.FirstDay:
    """First day on which unpaid arrears allow termination."""
    request = billing.ExplainDueDateRequest(due_date=date_to_proto(asked.due_date))
    explained = await put(request, billing.ExplainDueDateResponse)
    return answers.FirstDay.model_construct(first_day=day_of(explained.termination_possible_from_date))


async def fee_month(put: Put, asked: questions.FeeMonth) -> answers.AmountAnswer:
    """The fee of one person for one month, in EUR."""
    terms = FeeTerms(
        service_code=asked.service,
        income=incomes(asked.income, EUR),
        actual_cost=optional_money(asked.actual_cost, EUR),
        # The percent of a case is for tables 3d and 3e; patronage has its own whatever a case says.
        percent=asked.percent if asked.percent and asked.service != "HSP" else "",
        savings=optional_money(asked.savings, EUR),
        care_contract=asked.care_contract,
        property_transfer_date=optional_day(asked.property_transfer_date),
        war_veteran=asked.war_veteran,
        war_disabled=asked.war_disabled,
        month=None if asked.billed_month is None else month_to_proto(asked.billed_month),
        chargeable_days=asked.chargeable_days,
        days_in_month=asked.days_in_month,
    )
    answer = await put(billing.QuoteFeeRequest(terms=terms), billing.QuoteFeeResponse)
    return answers.AmountAnswer.model_construct(amount=amount_of(answer.quote.amount, EUR))


async def fee_bgn_month(put: Put, asked: questions.LevFeeMonth) -> answers.LevFee:
    """The fee of a month up to 2025-12, in BGN and in the currency of its document."""
    terms = FeeTerms(
        service_code=asked.service,
        income=incomes(asked.income, BGN),
        actual_cost=optional_money(asked.actual_cost, BGN),
        month=month_to_proto(asked.billed_month),
        issued_date=date_to_proto(asked.issued_on),
    )
    quote = (await put(billing.QuoteFeeRequest(terms=terms), billing.QuoteFeeResponse)).quote
    currency = BGN if quote.amount.currency_code == BGN else EUR
    return answers.LevFee.model_construct(
        amount_bgn=amount_of(quote.computed_amount, BGN),
        document_currency=currency.value,
        amount=amount_of(quote.amount, currency),
    )


async def unit_charge(put: Put, asked: questions.UnitCharge) -> answers.AmountAnswer:
    """Charge for delivered units."""
    terms = FeeTerms(
        service_code=asked.service,
        delivered_units=asked.delivered_units,
        unit_price=optional_money(asked.unit_price, EUR),
    )
    answer = await put(billing.QuoteFeeRequest(terms=terms), billing.QuoteFeeResponse)
    return answers.AmountAnswer.model_construct(amount=amount_of(answer.quote.amount, EUR))


async def chargeable_days(put: Put, asked: questions.ChargeableDays) -> answers.Days:
    """Chargeable days of a month."""
    request = billing.CountChargeableDaysRequest(
        month=month_to_proto(asked.month),
        start_date=optional_day(asked.service_start),
        end_date=optional_day(asked.service_end),
        pauses=ranges(asked.pauses),
    )
    counted = await put(request, billing.CountChargeableDaysResponse)
    return answers.Days.model_construct(chargeable_days=counted.chargeable_days, days_in_month=counted.days_in_month)


async def _convert(
    put: Put, rule: billing.ConversionRule, amounts: list[Decimal], source: Currency, target: Currency
) -> tuple[list[Decimal], Decimal]:
    """Each amount converted, and their sum."""
    request = billing.ConvertAmountRequest(rule=rule, amounts=[money(amount, source) for amount in amounts])
    answer = await put(request, billing.ConvertAmountResponse)
    if len(answer.converted) != len(amounts):
        raise WrongAnswerError(f"{len(answer.converted)} converted amounts for {len(amounts)}")
    return [amount_of(converted, target) for converted in answer.converted], amount_of(answer.total, target)


async def fee_to_eur(put: Put, asked: questions.LevAmount) -> answers.AmountAnswer:
    """A fee or price from BGN to EUR."""
    (amount,), _ = await _convert(put, billing.CONVERSION_RULE_FEE_TO_EUR, [asked.bgn], BGN, EUR)
    return answers.AmountAnswer.model_construct(amount=amount)


async def income_to_eur(put: Put, asked: questions.LevAmount) -> answers.AmountAnswer:
    """One income from BGN to EUR."""
    (amount,), _ = await _convert(put, billing.CONVERSION_RULE_INCOME_TO_EUR, [asked.bgn], BGN, EUR)
    return answers.AmountAnswer.model_construct(amount=amount)


async def display_in_bgn(put: Put, asked: questions.EuroAmount) -> answers.AmountAnswer:
    """The BGN amount shown beside a EUR amount."""
    (amount,), _ = await _convert(put, billing.CONVERSION_RULE_DISPLAY, [asked.eur], EUR, BGN)
    return answers.AmountAnswer.model_construct(amount=amount)


async def income_components(put: Put, asked: questions.LevComponents) -> answers.Components:
    """Several incomes, one by one; the service is asked about their sum as well, which gives another amount."""
    rule = billing.CONVERSION_RULE_INCOME_TO_EUR
    components, total = await _convert(put, rule, asked.components_bgn, BGN, EUR)
    (of_the_sum,), _ = await _convert(put, rule, [sum(asked.components_bgn, Decimal(0))], BGN, EUR)
    return answers.Components.model_construct(
        components_eur=components, total=total, not_equal_to_converted_sum=of_the_sum
    )


async def dual_display(put: Put, asked: questions.DualDisplay) -> answers.Required:
    """Whether a document must show both currencies."""
    request = billing.ExplainDualDisplayRequest(document_date=date_to_proto(asked.document_date))
    explained = await put(request, billing.ExplainDualDisplayResponse)
    return answers.Required.model_construct(required=explained.required)


async def fee_percent(put: Put, asked: questions.FeePercent) -> answers.Accepted:
    """Whether a percent may be configured for a service."""
    request = billing.CheckPercentRequest(service_code=asked.service, percent=asked.percent)
    checked = await put(request, billing.CheckPercentResponse)
    return answers.Accepted.model_construct(accepted=checked.accepted)


def percent_refused(_refusal: Refusal) -> answers.Accepted:
    """A refusal is the negative answer."""
    return answers.Accepted.model_construct(accepted=False)


async def passthrough(put: Put, asked: questions.Passthrough) -> answers.Settlement:
    """Settlement of the user's own money."""
    request = billing.SettleCustodyRequest(
        service_code=asked.service,
        advance=money(asked.advance, EUR),
        receipts=[money(receipt, EUR) for receipt in asked.receipts],
    )
    settled = await put(request, billing.SettleCustodyResponse)
    return answers.Settlement.model_construct(
        spent=amount_of(settled.spent, EUR),
        return_to_user=amount_of(settled.return_to_user, EUR),
        fee=amount_of(settled.fee, EUR),
    )
