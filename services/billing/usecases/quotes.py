"""Questions to the rules that concern no stored case (section 6 of domain.md as a calculator)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from services.billing.domain.accounts import ChargeKind, FeeFacts, MonthlyFee
from services.billing.errors import CurrencyNotAllowed, InvalidFact, PercentNotAllowed, UnknownService
from services.billing.rules import fee_steps
from services.billing.rules.currency import document_currency, in_document_currency, month_currency
from services.billing.rules.custody import Settlement, is_bought_with_own_money, settle
from services.billing.rules.fees import charge_of, entry_in_month, monthly_fee, percent_allowed, service_entry
from services.billing.rules.parameters import DEFAULT_PARAMETERS, BillingParameters, percent_setting_admits
from services.billing.rules.proration import WHOLE_MONTH, MonthPart, month_amount
from services.kernel.catalogue import CATALOGUE, Catalogue, ServiceEntry, UnknownServiceError
from services.kernel.dates import Month
from services.kernel.money import Currency, CurrencyMismatchError, Money
from services.kernel.trace import NO_TRACE, Recorder, Trace, TraceBuilder

__all__ = [
    "Quote",
    "QuoteTerms",
    "check_percent",
    "check_percent_set",
    "known_in_month",
    "known_service",
    "quote_fee",
    "quote_month",
    "settle_custody",
]


@dataclass(frozen=True, slots=True)
class QuoteTerms:
    """What the fee of one month is computed from; None means not stated."""

    facts: FeeFacts
    month: Month | None = None
    chargeable_days: int | None = None
    days_in_month: int | None = None
    issued_on: date | None = None
    delivered_units: int | None = None


@dataclass(frozen=True, slots=True)
class Quote:
    """A fee: in its document's currency, in the month's currency, and how it came about."""

    amount: Money
    computed: Money
    fee: MonthlyFee
    trace: Trace


def known_service(code: str, on: date, catalogue: Catalogue, field: str = "service_code") -> ServiceEntry:
    """The entry of a service that is billed on its own; UnknownService otherwise."""
    try:
        return service_entry(code, on, catalogue)
    except UnknownServiceError:
        raise UnknownService(field=field, metadata={"service_code": code}) from None


def known_in_month(code: str, month: Month, catalogue: Catalogue) -> ServiceEntry:
    """As `known_service`, of the last day of the month on which there is the service."""
    try:
        return entry_in_month(code, month, catalogue)
    except UnknownServiceError:
        raise UnknownService(field="service_code", metadata={"service_code": code}) from None


def quote_fee(terms: QuoteTerms, parameters: BillingParameters = DEFAULT_PARAMETERS) -> Quote:
    """The fee of one month from the terms given, explained.

    Raises UnknownService, PercentNotAllowed, InvalidFact, CurrencyNotAllowed.
    """
    code, month = terms.facts.service_code, terms.month
    entry = (
        known_service(code, date.max, parameters.catalogue)
        if month is None
        else known_in_month(code, month, parameters.catalogue)
    )
    _check_terms(terms, entry)
    currency = _currency_of(terms)
    part = _part_of(terms)
    issued_in = currency
    if terms.month is not None and terms.issued_on is not None and currency is not Currency.EUR:
        issued_in = document_currency(terms.month, terms.issued_on)
    return quote_month(terms.facts, terms.month, currency, part, issued_in=issued_in, parameters=parameters)


def quote_month(
    facts: FeeFacts,
    month: Month | None,
    currency: Currency,
    part: MonthPart,
    *,
    issued_in: Currency,
    parameters: BillingParameters = DEFAULT_PARAMETERS,
) -> Quote:
    """The fee of a part of a month with the whole arithmetic; CurrencyNotAllowed for euro facts of a month in leva."""
    trace = TraceBuilder()
    try:
        fee = monthly_fee(facts, month, currency, parameters, trace)
        computed = month_amount(fee, part, trace)
        amount = in_document_currency(computed, issued_in, trace)
    except CurrencyMismatchError:
        raise CurrencyNotAllowed(field="terms") from None
    return Quote(amount, computed, fee, trace.build())


def check_percent(code: str, percent: Decimal, on: date, trace: Recorder = NO_TRACE) -> None:
    """Nothing when the percent may be configured; PercentNotAllowed or UnknownService otherwise (F-08, F-09)."""
    entry = known_service(code, on, CATALOGUE)
    if trace.recording and entry.percent is not None:
        trace.add(fee_steps.percent_range(entry, entry.percent, percent))
    if not percent_allowed(entry, percent):
        raise _percent_not_allowed(entry, "percent")


def check_percent_set(entry: ServiceEntry, percent: Decimal) -> None:
    """PercentNotAllowed for a percent that the municipality could not set for the service (C-03, F-08, F-09)."""
    allowed = percent_setting_admits(entry.code, percent)
    if not (percent_allowed(entry, percent) if allowed is None else allowed):
        raise _percent_not_allowed(entry, "percent")


def settle_custody(code: str, advance: Money, receipts: Iterable[Money], trace: Recorder = NO_TRACE) -> Settlement:
    """Settle an advance of the user's own money (F-16); UnknownService or InvalidFact otherwise."""
    if not is_bought_with_own_money(code, CATALOGUE):
        raise UnknownService(field="service_code", metadata={"service_code": code})
    try:
        return settle(advance, receipts, trace)
    except CurrencyMismatchError:
        raise CurrencyNotAllowed(field="receipts") from None
    except ValueError:
        raise InvalidFact(field="receipts") from None


def _percent_not_allowed(entry: ServiceEntry, field: str) -> PercentNotAllowed:
    bounds = entry.percent
    least, most = (f"{bounds.least:f}", f"{bounds.most:f}") if bounds else ("0", "0")
    return PercentNotAllowed(field=field, metadata={"service_code": entry.code, "least": least, "most": most})


def _check_terms(terms: QuoteTerms, entry: ServiceEntry) -> None:
    facts = terms.facts
    if facts.percent is not None and not percent_allowed(entry, facts.percent):
        raise _percent_not_allowed(entry, "terms.percent")
    if (terms.chargeable_days is None) != (terms.days_in_month is None):
        raise InvalidFact(field="terms.chargeable_days")
    if facts.assets.property_transferred_on is not None and terms.month is None:
        raise InvalidFact(field="terms.month")
    if terms.issued_on is not None and terms.month is None:
        raise InvalidFact(field="terms.issued_date")
    if terms.delivered_units is not None and charge_of(entry) is ChargeKind.INCOME_PERCENT:
        raise InvalidFact(field="terms.delivered_units")
    if terms.month is not None and terms.days_in_month not in {None, terms.month.days}:
        raise InvalidFact(field="terms.days_in_month")


def _part_of(terms: QuoteTerms) -> MonthPart:
    units = terms.delivered_units or 0
    if terms.chargeable_days is None or terms.days_in_month is None:
        return MonthPart(units=units) if units else WHOLE_MONTH
    try:
        return MonthPart(terms.chargeable_days, terms.days_in_month, units)
    except ValueError:
        raise InvalidFact(field="terms.chargeable_days") from None


def _currency_of(terms: QuoteTerms) -> Currency:
    # A quote may look at a month of the lev in euro when all that it is told is in euro: nothing is billed from it.
    stated = {money.currency for money in _amounts(terms.facts)}
    if stated == {Currency.EUR} or (terms.month is None and not stated):
        return Currency.EUR
    if terms.month is not None:
        return month_currency(terms.month)
    if len(stated) > 1:
        raise CurrencyNotAllowed(field="terms.month")
    return stated.pop()


def _amounts(facts: FeeFacts) -> Iterable[Money]:
    yield from (item.amount for item in facts.income)
    yield from (money for money in (facts.actual_cost, facts.unit_price, facts.assets.savings) if money is not None)
