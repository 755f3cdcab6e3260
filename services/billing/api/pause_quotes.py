"""What a pause costs or saves, on the terms given or on the facts of a case."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from services.billing.domain.accounts import MonthlyFee
from services.billing.errors import CurrencyNotAllowed, InvalidFact, UnknownService
from services.billing.rules.decisions import DatedFacts, fee_in
from services.billing.rules.fee_rules import FeeRules
from services.billing.rules.parameters import parameters_of
from services.billing.rules.pause_effect import Effect, Service, effects_of
from services.billing.usecases.quotes import quote_fee
from services.billing.wire.accounts import quote_terms
from services.kernel.catalogue import UnknownServiceError
from services.kernel.dates import Month
from services.kernel.local_rules import LocalRules
from services.kernel.money import CurrencyMismatchError
from services.kernel.ranges import DateRange, DateSet
from services.kernel.trace import TraceBuilder
from services.runtime.chosen_settings import settings_from
from services.runtime.civil import (
    date_from_proto,
    money_to_proto,
    month_to_proto,
    optional_date,
    range_from_proto,
    trace_to_proto,
)
from socialcare.billing.v1 import billing_service_pb2 as pb

__all__ = ["quote_pause", "quote_pause_of"]


def quote_pause(request: pb.QuotePauseRequest) -> pb.QuotePauseResponse:
    """Effect of the pause on the terms given.

    Raises:
        InvalidFact: terms that name a month or days, which the pause itself gives.
        UnknownService, PercentNotAllowed, CurrencyNotAllowed: as QuoteFee.
    """
    parameters = parameters_of(LocalRules(settings_from(request.settings)))
    terms = quote_terms(request.terms)
    if terms.month is not None or terms.chargeable_days is not None or terms.delivered_units is not None:
        raise InvalidFact(field="terms.month")
    return _answer(request, lambda month: quote_fee(replace(terms, month=month), parameters).fee)


def quote_pause_of(request: pb.QuotePauseRequest, dated: DatedFacts, rules: FeeRules) -> pb.QuotePauseResponse:
    """Effect of the pause on the fees of a case.

    CurrencyNotAllowed for euro facts of a month in leva, UnknownService where the rules know the service no longer.
    """

    def fee_of(month: Month) -> MonthlyFee:
        try:
            return fee_in(dated, month, rules)
        except CurrencyMismatchError:
            raise CurrencyNotAllowed(field="pause") from None
        except UnknownServiceError:
            code = dated.contract.service_code
            raise UnknownService(field="pause", metadata={"service_code": code, "month": str(month)}) from None

    return _answer(request, fee_of)


def _answer(request: pb.QuotePauseRequest, fee_in: Callable[[Month], MonthlyFee]) -> pb.QuotePauseResponse:
    pause = range_from_proto(request.pause, "pause")
    service = Service(
        optional_date(request.service_start_date, "service_start_date"),
        optional_date(request.service_end_date, "service_end_date"),
        tuple(range_from_proto(days, f"prior_pauses[{place}]") for place, days in enumerate(request.prior_pauses)),
    )
    trace = TraceBuilder()
    charged = [date_from_proto(day, f"charged_dates[{place}]") for place, day in enumerate(request.charged_dates)]
    kept = DateSet.of(DateRange(day, day) for day in charged)
    effects = effects_of(pause, service, fee_in, trace, charged=kept)
    return pb.QuotePauseResponse(months=map(_effect_to_proto, effects), trace=trace_to_proto(trace.build()))


def _effect_to_proto(effect: Effect) -> pb.PauseEffect:
    return pb.PauseEffect(
        month=month_to_proto(effect.month),
        chargeable_days_before=effect.days_before,
        chargeable_days_after=effect.days_after,
        days_in_month=effect.month.days,
        fee_before=None if effect.fee_before is None else money_to_proto(effect.fee_before),
        fee_after=None if effect.fee_after is None else money_to_proto(effect.fee_after),
    )
