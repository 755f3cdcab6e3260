"""Kinds that delivery answers: pauses and the hours of assistant support."""

from __future__ import annotations

import datetime as dt

from cli.gateway import Refusal
from cli.rules import answers, questions
from cli.rules.wire import Put, WrongAnswerError, day_of, duration, ranges, reason_of
from services.runtime.civil import date_to_proto, month_to_proto
from socialcare.delivery.v1 import delivery_service_pb2 as delivery


async def pause_usage(put: Put, asked: questions.PauseUsage) -> answers.Usage:
    """Use of the pause allowance, by calendar year."""
    request = delivery.ExplainPauseUsageRequest(pauses=ranges(asked.pauses))
    explained = await put(request, delivery.ExplainPauseUsageResponse)
    return answers.Usage.model_construct(
        per_year={
            f"{used.year:04d}": answers.YearUsage.model_construct(months=used.months, days=used.days)
            for used in explained.usage
        }
    )


async def pause_request(put: Put, asked: questions.PauseRequest) -> answers.PauseAnswer:
    """Whether a requested pause is granted."""
    request = delivery.PreviewPauseRequest(
        service_code=asked.service,
        request_date=date_to_proto(asked.request_date),
        prior_pauses=ranges(asked.prior_pauses),
        start_date=date_to_proto(asked.request.start),
        end_date=date_to_proto(asked.request.end),
    )
    preview = await put(request, delivery.PreviewPauseResponse)
    return answers.PauseAnswer.model_construct(
        granted=preview.granted,
        reason=reason_of(preview.reason),
        last_admissible_end=day_of(preview.last_admissible_end_date),
    )


def pause_refused(refusal: Refusal) -> answers.PauseAnswer:
    """A refusal names its reason, and in its metadata the last admissible end or nothing."""
    end = refusal.metadata.get("last_admissible_end")
    try:
        last_end = dt.date.fromisoformat(end) if end else None
    except ValueError:
        raise WrongAnswerError(f"last_admissible_end {end!r} is no day") from None
    return answers.PauseAnswer.model_construct(granted=False, reason=refusal.reason, last_admissible_end=last_end)


async def month_ceiling(put: Put, asked: questions.MonthCeiling) -> answers.Ceiling:
    """Most hours of assistant support in a month."""
    request = delivery.ExplainHoursLimitRequest(month=month_to_proto(asked.month))
    limit = await put(request, delivery.ExplainHoursLimitResponse)
    return answers.Ceiling.model_construct(working_days=limit.working_days, max_hours=limit.max_hours)


async def plan_check(put: Put, asked: questions.PlanCheck) -> answers.PlanAnswer:
    """Whether hours may be planned on a day."""
    request = delivery.ExplainHoursLimitRequest(on_date=date_to_proto(asked.date), hours=duration(asked.hours))
    limit = await put(request, delivery.ExplainHoursLimitResponse)
    return answers.PlanAnswer.model_construct(accepted=limit.accepted, reason=reason_of(limit.reason))


def plan_refused(refusal: Refusal) -> answers.PlanAnswer:
    """A refusal names its reason."""
    return answers.PlanAnswer.model_construct(accepted=False, reason=refusal.reason)
