"""What a pause would do, asked without writing anything: allowance, days, fees by month (P-01 to P-11)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from types import MappingProxyType

from services.delivery.domain.care import Care
from services.delivery.rules import pause_words
from services.delivery.rules.pauses import (
    PauseDecision,
    PausePolicy,
    PauseQuestion,
    Refusal,
    decide,
    usage_by_year,
)
from services.delivery.wire.care import day_from_proto, proof_of, usage_to_proto
from services.kernel.dates import Month
from services.kernel.ranges import DateRange, DateSet
from services.kernel.register import decides
from services.kernel.trace import Recorder, Trace, TraceBuilder
from services.runtime.chosen_settings import settings_from
from services.runtime.civil import date_to_proto, month_to_proto, range_from_proto, trace_to_proto
from services.runtime.errors import InvalidArgument
from socialcare.billing.v1 import billing_service_pb2 as billing
from socialcare.common.v1 import types_pb2
from socialcare.delivery.v1 import delivery_service_pb2 as pb

__all__ = [
    "AskedDays",
    "Previewed",
    "asked_days",
    "early_return",
    "explain_usage",
    "preview_of",
    "preview_without_care",
]

_ONE_DAY = timedelta(days=1)
_NO_MEALS: Mapping[date, int] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class AskedDays:
    """First and last paused day as asked for, shortened by an early return; the last may lie before the first."""

    start: date
    end: date

    @property
    def days(self) -> DateRange:
        """As a range; ValueError when the end lies before the start."""
        return DateRange(self.start, self.end)

    def previewed(self, decision: PauseDecision, beside: DateSet) -> Previewed:
        """A decision on these days."""
        return Previewed(decision, self.days if decision.refusal is None else None, beside)


@decides("P-10")
def asked_days(request: pb.PreviewPauseRequest, trace: Recorder) -> AskedDays:
    """The days of the preview (P-10).

    Raises:
        InvalidArgument: a day that is none, or a return outside the pause; a return on its first day cancels it.
    """
    start = day_from_proto(request.start_date, "start_date")
    end = day_from_proto(request.end_date, "end_date")
    if not request.HasField("return_date"):
        return AskedDays(start, end)
    back = day_from_proto(request.return_date, "return_date")
    if not start < back <= end:
        raise InvalidArgument(field="return_date")
    shortened = AskedDays(start, back - _ONE_DAY)
    trace.add(pause_words.shortened(DateRange(start, end), shortened.days))
    return shortened


@dataclass(frozen=True, slots=True)
class Previewed:
    """A decision with what billing is asked for: the days of the pause, and those beside it without a fee."""

    decision: PauseDecision
    days: DateRange | None
    """None: no pause at all, refused or cancelled by the return."""
    beside: DateSet


@decides("P-10")
def early_return(request: pb.PreviewPauseRequest, care: Care, policy: PausePolicy, trace: Recorder) -> Previewed | None:
    """What EndPauseEarly would do to the granted pause that has all of these days; None: it is not about a granted one.

    Raises:
        InvalidArgument: a day that is none, or a return outside the pause.
    """
    start, end = day_from_proto(request.start_date, "start_date"), day_from_proto(request.end_date, "end_date")
    whole = next((days for days in care.paused.ranges if days.contains(start) and days.contains(end)), None)
    if not request.HasField("return_date") or whole is None:
        return None
    back = day_from_proto(request.return_date, "return_date")
    if not whole.contains(back):
        raise InvalidArgument(field="return_date")
    left = DateRange(whole.start, back - _ONE_DAY) if whole.start < back else None
    paused = care.paused.minus(DateSet((DateRange(back, whole.end),)))
    trace.add(pause_words.cancelled(whole) if left is None else pause_words.shortened(whole, left))
    usage = usage_by_year(paused, trace, policy)
    if left is not None:
        trace.add(pause_words.not_charged(left))
    return Previewed(PauseDecision(None, usage), left, paused.minus(DateSet((whole,))))


def explain_usage(request: pb.ExplainPauseUsageRequest) -> pb.ExplainPauseUsageResponse:
    """Answer ExplainPauseUsage (P-05 to P-07)."""
    trace = TraceBuilder()
    usage = usage_by_year(_ranges(request.pauses, "pauses"), trace)
    return pb.ExplainPauseUsageResponse(usage=usage_to_proto(usage), trace=trace_to_proto(trace.build()))


def preview_without_care(request: pb.PreviewPauseRequest, today: date) -> pb.PreviewPauseResponse:
    """Answer PreviewPause on the pauses given; the service is taken to be in service.

    Raises:
        InvalidArgument: no service, or a day that is none.
    """
    if not request.service_code:
        raise InvalidArgument(field="service_code")
    asked_on = day_from_proto(request.request_date, "request_date") if request.HasField("request_date") else today
    trace = TraceBuilder()
    asked = asked_days(request, trace)
    question = PauseQuestion(
        service_code=request.service_code,
        requested_on=asked_on,
        start=asked.start,
        end=asked.end,
        prior=_ranges(request.prior_pauses, "prior_pauses"),
        proof=proof_of(shown=request.hospital_proof),
    )
    policy = PausePolicy.of(settings_from(request.settings))
    decision = decide(question, policy, trace)
    return preview_of(asked.previewed(decision, DateSet()), policy, trace.build())


def preview_of(
    previewed: Previewed,
    policy: PausePolicy,
    trace: Trace,
    fees: Sequence[billing.PauseEffect] = (),
    kept: Mapping[date, int] = _NO_MEALS,
) -> pb.PreviewPauseResponse:
    """A decision on a pause as PreviewPause answers it.

    `fees` is billing's answer, where it was asked; `kept` are meals of the pause that stay planned, by day.
    """
    decision = previewed.decision
    exceeded = decision.refusal is Refusal.PAUSE_ALLOWANCE_EXCEEDED
    last_end = decision.last_end if exceeded else None
    effects = {(fee.month.year, fee.month.month): fee for fee in fees}
    return pb.PreviewPauseResponse(
        granted=decision.refusal is None,
        reason=decision.refusal or "",
        last_admissible_end_date=None if last_end is None else date_to_proto(last_end),
        usage=usage_to_proto(decision.usage, policy),
        trace=trace_to_proto(trace),
        months=[] if previewed.days is None else _months(previewed.days, effects, kept),
        kept_meals=[pb.KeptMeals(on_date=date_to_proto(day), meals=meals) for day, meals in kept.items()],
    )


def _months(
    days: DateRange, effects: Mapping[tuple[int, int], billing.PauseEffect], kept: Mapping[date, int]
) -> list[pb.PausedMonth]:
    months: list[pb.PausedMonth] = []
    month = Month.of(days.start)
    while month.first <= days.end:
        paused = (min(days.end, month.last) - max(days.start, month.first)).days + 1
        answer = pb.PausedMonth(
            month=month_to_proto(month),
            paused_days=paused,
            days_in_month=month.days,
            charged_days=sum(Month.of(day) == month for day in kept),
        )
        effect = effects.get((month.year, month.month))
        if effect is not None and effect.HasField("fee_before"):
            answer.fee_before.CopyFrom(effect.fee_before)
            answer.fee_after.CopyFrom(effect.fee_after)
        months.append(answer)
        month = month.next()
    return months


def _ranges(messages: Sequence[types_pb2.DateRange], field: str) -> DateSet:
    for message in messages:
        day_from_proto(message.start_date, field)
        day_from_proto(message.end_date, field)
    return DateSet.of(range_from_proto(message, field) for message in messages)
