"""The fee of a full month, exact and not yet rounded (domain.md F-02 to F-10, F-12, F-19)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from fractions import Fraction

from services.billing.domain.accounts import Assets, ChargeKind, FeeFacts, Income, IncomeKind, MonthlyFee
from services.billing.rules import fee_steps
from services.billing.rules.currency import income_in, price_in
from services.billing.rules.parameters import DEFAULT_PARAMETERS, BillingParameters, FeeMode
from services.kernel.catalogue import Catalogue, Charge, Family, ServiceEntry, UnknownServiceError
from services.kernel.dates import Month, add_years
from services.kernel.money import Currency, Money, total
from services.kernel.register import decides
from services.kernel.trace import NO_TRACE, Recorder

__all__ = ["charge_of", "entry_in_month", "is_actual_cost_payer", "monthly_fee", "percent_allowed", "service_entry"]

_WAR_SHARE = Fraction(30, 100)
_VETERAN_SERVICES = frozenset({"HSP", "OLD_PEOPLE_HOME"})
_YEARS_OF_A_TRANSFER = 5
_SERVICE_CHARGES = {
    Charge.PCT: ChargeKind.INCOME_PERCENT,
    Charge.UNIT: ChargeKind.UNITS,
    Charge.NONE: ChargeKind.FREE,
}


def service_entry(code: str, on: date, catalogue: Catalogue) -> ServiceEntry:
    """The catalogue's entry of a service that is billed on its own.

    Raises UnknownServiceError when there is none on the day, or when the code names a part of patronage.
    """
    return _billed(code, catalogue.find(code, on))


@decides("F-11")
def entry_in_month(code: str, month: Month, catalogue: Catalogue) -> ServiceEntry:
    """As `service_entry`, of the last day of the month on which there is the service: its last month is billed."""
    return _billed(code, catalogue.last_in(code, month.first, month.last))


def _billed(code: str, entry: ServiceEntry | None) -> ServiceEntry:
    if entry is None or entry.charge not in _SERVICE_CHARGES:
        raise UnknownServiceError(code)
    return entry


@decides("F-08", "F-09")
def charge_of(entry: ServiceEntry) -> ChargeKind:
    """How a service is charged."""
    return _SERVICE_CHARGES[entry.charge]


def percent_allowed(entry: ServiceEntry, percent: Decimal) -> bool:
    """Whether the percent lies within the service's bounds, both included (F-05, F-08, F-09)."""
    return entry.percent is not None and entry.percent.admits(percent)


@dataclass(frozen=True, slots=True)
class _Month:
    """The facts of one month in the month's currency."""

    facts: FeeFacts
    entry: ServiceEntry
    currency: Currency
    month: Month | None
    cost: Money | None
    parameters: BillingParameters


def monthly_fee(
    facts: FeeFacts,
    month: Month | None,
    currency: Currency,
    parameters: BillingParameters = DEFAULT_PARAMETERS,
    trace: Recorder = NO_TRACE,
) -> MonthlyFee:
    """The fee of a full month; the price of one unit where units are charged (F-12).

    Args:
        facts: what was declared, in force in that month.
        month: the billed month; None for a month of no date, in which no transfer of property counts.
        currency: the currency to compute in (F-13).
        parameters: the municipality's settings.
        trace: takes the arithmetic, step by step.

    Raises:
        UnknownServiceError: the catalogue has no such service in the month.
        CurrencyMismatchError: an amount in euro for a month computed in leva.
    """
    if month is None:
        entry = service_entry(facts.service_code, date.max, parameters.catalogue)
    else:
        entry = entry_in_month(facts.service_code, month, parameters.catalogue)
    charge = charge_of(entry)
    if charge is ChargeKind.FREE:
        if trace.recording:
            trace.add(fee_steps.free(facts.service_code))
        return MonthlyFee(Fraction(0), currency, ChargeKind.FREE)
    if charge is ChargeKind.UNITS:
        return _unit_price(facts, currency, trace)
    cost = price_in(currency, facts.actual_cost, trace) if facts.actual_cost else None
    terms = _Month(facts, entry, currency, month, cost, parameters)
    pays_cost = cost is not None and is_actual_cost_payer(facts.assets, month, currency, parameters, trace)
    income = tuple(Income(item.kind, income_in(currency, item.amount, trace)) for item in facts.income)
    return MonthlyFee(_with_war_status(terms, income, pays_cost, trace), currency, charge, pays_cost)


@decides("F-10")
def _unit_price(facts: FeeFacts, currency: Currency, trace: Recorder) -> MonthlyFee:
    price = price_in(currency, facts.unit_price, trace) if facts.unit_price else Money.zero(currency)
    charge = ChargeKind.UNITS if price.amount else ChargeKind.FREE
    if trace.recording:
        trace.add(fee_steps.unit_price(facts.service_code, price))
    return MonthlyFee(price.exact, currency, charge)


@decides("F-04")
def is_actual_cost_payer(
    assets: Assets,
    month: Month | None,
    currency: Currency,
    parameters: BillingParameters = DEFAULT_PARAMETERS,
    trace: Recorder = NO_TRACE,
) -> bool:
    """Whether the person pays the cost in full (F-04): savings strictly above the threshold, property transferred for
    care, or a home or villa sold or given away not earlier than five years before the first day of the month.
    """
    threshold = parameters.threshold(currency)
    savings = price_in(currency, assets.savings, trace) if assets.savings else Money.zero(currency)
    transferred = assets.property_transferred_on
    recent = (
        transferred is not None and month is not None and transferred >= add_years(month.first, -_YEARS_OF_A_TRANSFER)
    )
    pays = savings > threshold or assets.care_contract or recent
    if trace.recording:
        trace.add(fee_steps.actual_cost_payer(savings, threshold, assets, pays=pays))
    return pays


@decides("F-07")
def _with_war_status(terms: _Month, income: tuple[Income, ...], pays_cost: bool, trace: Recorder) -> Fraction:  # noqa: FBT001 an answer handed on
    war, entry = terms.facts.war, terms.entry
    veteran = war.veteran and entry.code in _VETERAN_SERVICES
    disabled = war.disabled and entry.family is Family.PATRONAGE
    choices: list[Fraction] = []
    if veteran:
        choices.append(_veteran_fee(terms, income, trace))
    if disabled or not veteran:
        ordinary = _ordinary_fee(terms, income, pays_cost, trace)
        choices.append(ordinary * _WAR_SHARE if disabled else ordinary)
        if disabled and trace.recording:
            trace.add(fee_steps.war_disabled(ordinary, choices[-1], terms.currency))
    lowest = min(choices)
    if len(choices) > 1 and trace.recording:
        trace.add(fee_steps.lower_of(choices[0], choices[1], terms.currency))
    return lowest


@decides("F-02", "F-05", "F-19")
def _ordinary_fee(terms: _Month, income: tuple[Income, ...], pays_cost: bool, trace: Recorder) -> Fraction:  # noqa: FBT001 an answer handed on
    cost = terms.cost
    patronage_at_cost = (
        terms.entry.family is Family.PATRONAGE and terms.parameters.patronage_mode is FeeMode.ACTUAL_COST
    )
    if cost is not None and (pays_cost or patronage_at_cost):
        if trace.recording:
            trace.add(fee_steps.whole_cost(cost, "F-04" if pays_cost else "C-03"))
        return cost.exact
    outside = terms.parameters.outside_base
    base = total((item.amount for item in income if item.kind not in outside), terms.currency)
    percent = _percent(terms)
    share = base.exact * Fraction(percent) / 100
    if trace.recording:
        trace.add(fee_steps.base(income, outside, base))
        trace.add(fee_steps.share(terms.entry, percent, base, share))
    return _capped(share, cost, terms.entry, trace)


@decides("F-06")
def _veteran_fee(terms: _Month, income: tuple[Income, ...], trace: Recorder) -> Fraction:
    pensions = total((item.amount for item in income if item.kind is IncomeKind.PENSION), terms.currency)
    share = pensions.exact * _WAR_SHARE
    if trace.recording:
        trace.add(fee_steps.veteran(pensions, share))
    return _capped(share, terms.cost, terms.entry, trace)


@decides("F-03")
def _capped(share: Fraction, cost: Money | None, entry: ServiceEntry, trace: Recorder) -> Fraction:
    capped = share if cost is None else min(share, cost.exact)
    if trace.recording:
        trace.add(fee_steps.cap(entry, share, cost))
    return capped


def _percent(terms: _Month) -> Decimal:
    if terms.facts.percent is not None:
        return terms.facts.percent
    configured = terms.parameters.percents.get(terms.entry.code)
    if configured is not None:
        return configured
    assert terms.entry.percent is not None, "a service charged by percent has one"  # noqa: S101 catalogue's promise
    return terms.entry.percent.default
