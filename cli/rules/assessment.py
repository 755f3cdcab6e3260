"""Kinds that assessment answers from the calendar all services share (section 8 of the domain)."""

from __future__ import annotations

from cli.rules import answers, questions
from cli.rules.wire import Put, day_of, instant_of, optional_day
from services.runtime.civil import date_to_proto, instant_to_proto
from socialcare.assessment.v1 import assessment_service_pb2 as assessment
from socialcare.assessment.v1 import resources_pb2

UNITS = {
    "days": resources_pb2.LIMIT_UNIT_DAYS,
    "weeks": resources_pb2.LIMIT_UNIT_WEEKS,
    "months": resources_pb2.LIMIT_UNIT_MONTHS,
    "years": resources_pb2.LIMIT_UNIT_YEARS,
    "working_days": resources_pb2.LIMIT_UNIT_WORKING_DAYS,
}


async def deadline(put: Put, asked: questions.Deadline) -> answers.DueDate:
    """On which day a time limit ends."""
    request = assessment.ExplainTimeLimitRequest(
        event_date=date_to_proto(asked.event_date), length=asked.length, unit=UNITS[asked.unit]
    )
    limit = await put(request, assessment.ExplainTimeLimitResponse)
    return answers.DueDate.model_construct(due_date=day_of(limit.due_date))


async def deadline_from_instant(put: Put, asked: questions.DeadlineFromInstant) -> answers.EventAndDueDate:
    """Event date and due date from the instant of receipt."""
    request = assessment.ExplainTimeLimitRequest(
        received_time=instant_to_proto(asked.received_at_utc), length=asked.length, unit=UNITS[asked.unit]
    )
    limit = await put(request, assessment.ExplainTimeLimitResponse)
    return answers.EventAndDueDate.model_construct(event_date=day_of(limit.event_date), due_date=day_of(limit.due_date))


async def deadline_instant(put: Put, asked: questions.DeadlineInstant) -> answers.Expiry:
    """At which instant a due date is over."""
    request = assessment.ExplainExpiryRequest(due_date=date_to_proto(asked.due_date), zone=asked.zone)
    expiry = await put(request, assessment.ExplainExpiryResponse)
    return answers.Expiry.model_construct(expires_at_utc_exclusive=instant_of(expiry.expire_time))


async def deadline_met(put: Put, asked: questions.DeadlineMet) -> answers.InTime:
    """Whether an act was in time."""
    request = assessment.ExplainExpiryRequest(
        due_date=date_to_proto(asked.due_date),
        done_time=instant_to_proto(asked.done_at_utc),
        event_date=optional_day(asked.event_date),
    )
    expiry = await put(request, assessment.ExplainExpiryResponse)
    return answers.InTime.model_construct(in_time=expiry.in_time)


async def working_day(put: Put, asked: questions.WorkingDay) -> answers.Working:
    """Whether a day is a working day."""
    request = assessment.CheckWorkingDayRequest(on_date=date_to_proto(asked.date))
    day = await put(request, assessment.CheckWorkingDayResponse)
    return answers.Working.model_construct(working=day.working)
