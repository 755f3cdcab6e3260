"""Messages of the contract <-> values of the stage."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from fractions import Fraction
from itertools import starmap

from google.protobuf.duration_pb2 import Duration
from google.type import date_pb2

from services.delivery.domain import Care, CareState, ContractCopy, PlanLine, Served
from services.delivery.errors import FutureCare
from services.delivery.rules.hours import month_ceiling, within_limits
from services.delivery.rules.pauses import (
    HospitalProof,
    PauseDecision,
    PausePolicy,
    PauseQuestion,
    Refusal,
    Usage,
    decide,
    usage_by_year,
)
from services.delivery.rules.plan import PlanFacts
from services.kernel.catalogue import Condition
from services.kernel.dates import Month, Weekday
from services.kernel.ranges import DateSet
from services.kernel.trace import Trace, TraceBuilder
from services.runtime.chosen_settings import settings_from
from services.runtime.civil import (
    code_from_proto,
    date_from_proto,
    date_to_proto,
    month_from_proto,
    optional_date,
    range_from_proto,
    range_to_proto,
    trace_to_proto,
)
from services.runtime.commands import etag_of
from services.runtime.errors import InvalidArgument
from services.runtime.local_rules import with_declared_days
from socialcare.common.v1 import facts_pb2, types_pb2
from socialcare.delivery.v1 import delivery_service_pb2 as pb
from socialcare.delivery.v1 import resources_pb2 as resources
from socialcare.intake.v1 import resources_pb2 as intake
from socialcare.placement.v1 import resources_pb2 as placement

__all__ = [
    "care_to_proto",
    "contract_from_proto",
    "day_from_proto",
    "explain_hours",
    "explain_usage",
    "past_day",
    "plan_facts",
    "plan_from_proto",
    "preview_of",
    "preview_without_care",
    "proof_of",
    "served_to_proto",
    "state_to_proto",
    "unit_counts",
]

_FIRST_DAY = date(2000, 1, 1)
_LAST_DAY = date(2100, 12, 31)


def day_from_proto(message: date_pb2.Date, field: str) -> date:
    """A day from 2000 to 2100, as months of the contract are.

    Raises:
        InvalidArgument: no such day, or one outside these years.
    """
    day = date_from_proto(message, field)
    if not _FIRST_DAY <= day <= _LAST_DAY:
        raise InvalidArgument(field=field)
    return day


def past_day(message: date_pb2.Date, field: str, today: date) -> date:
    """A day that is not in the future.

    Raises:
        FutureCare: the day is still to come.
    """
    day = day_from_proto(message, field)
    if day > today:
        raise FutureCare(field=field)
    return day


def proof_of(*, shown: bool) -> HospitalProof:
    """The proof behind the flag of the contract."""
    return HospitalProof.SHOWN if shown else HospitalProof.NONE


def plan_from_proto(lines: Iterable[facts_pb2.PlanLine]) -> tuple[PlanLine, ...]:
    """The lines of a plan, in their order."""
    return tuple(
        PlanLine(
            line.code,
            line.quantity,
            frozenset(code_from_proto(types_pb2.Weekday, day, Weekday, "plan.weekdays") for day in line.weekdays),
        )
        for line in lines
    )


def plan_facts(facts: facts_pb2.Facts) -> PlanFacts:
    """The papers behind R-06 and R-07; a fact nobody stated is false (L-04)."""
    papers = {Condition.PRESCRIPTION: facts.prescription, Condition.SUPPORT_PLAN: facts.support_plan}
    return PlanFacts(frozenset(condition for condition, recorded in papers.items() if recorded))


def contract_from_proto(contract: placement.Contract, case: intake.CaseFacts) -> ContractCopy:
    """The copy of a contract; the district is the contract's, else the case's."""
    authorised = contract.authorisation
    return ContractCopy(
        contract_id=contract.contract_id,
        application_id=contract.application_id,
        municipality_id=contract.municipality_id,
        person_id=contract.person_id,
        service_code=contract.service_code,
        district_code=contract.district_code or case.district_code,
        start=date_from_proto(contract.start_date, "contract.start_date"),
        end=optional_date(contract.end_date, "contract.end_date"),
        authorised_from=optional_date(authorised.start_date, "contract.authorisation"),
        authorised_to=optional_date(authorised.end_date, "contract.authorisation"),
        plan=plan_from_proto(contract.plan),
        user_funds=case.facts.user_funds,
        version=contract.version,
    )


def state_to_proto(state: CareState) -> str:
    """Name of the state on the wire."""
    return f"CARE_STATE_{state}"


def care_to_proto(care: Care, today: date) -> resources.Care:
    """The care as it stands on a day."""
    contract = care.contract
    return resources.Care(
        application_id=care.id,
        municipality_id=contract.municipality_id,
        state=state_to_proto(care.state_on(today)),
        start_date=date_to_proto(contract.start),
        end_date=None if contract.end is None else date_to_proto(contract.end),
        pauses=[
            resources.Pause(pause_id=pause.id, range=range_to_proto(pause.days), hospital=pause.hospital)
            for pause in care.pauses
        ],
        pause_usage=usage_to_proto(usage_by_year(care.paused)),
        etag=etag_of(care.version),
    )


def usage_to_proto(usage: Mapping[int, Usage]) -> list[resources.YearUsage]:
    """Use of the allowance by year, in order."""
    return [resources.YearUsage(year=year, months=used.months, days=used.days) for year, used in sorted(usage.items())]


def _ranges(messages: Sequence[types_pb2.DateRange], field: str) -> DateSet:
    for message in messages:
        day_from_proto(message.start_date, field)
        day_from_proto(message.end_date, field)
    return DateSet.of(range_from_proto(message, field) for message in messages)


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
    question = PauseQuestion(
        service_code=request.service_code,
        requested_on=asked_on,
        start=day_from_proto(request.start_date, "start_date"),
        end=day_from_proto(request.end_date, "end_date"),
        prior=_ranges(request.prior_pauses, "prior_pauses"),
        proof=proof_of(shown=request.hospital_proof),
    )
    return preview_of(decide(question, PausePolicy.of(settings_from(request.settings)), trace), trace.build())


def preview_of(decision: PauseDecision, trace: Trace) -> pb.PreviewPauseResponse:
    """A decision on a pause as PreviewPause answers it."""
    exceeded = decision.refusal is Refusal.PAUSE_ALLOWANCE_EXCEEDED
    last_end = decision.last_end if exceeded else None
    return pb.PreviewPauseResponse(
        granted=decision.refusal is None,
        reason=decision.refusal or "",
        last_admissible_end_date=None if last_end is None else date_to_proto(last_end),
        usage=usage_to_proto(decision.usage),
        trace=trace_to_proto(trace),
    )


def explain_hours(request: pb.ExplainHoursLimitRequest) -> pb.ExplainHoursLimitResponse:
    """Answer ExplainHoursLimit (R-18): a month's ceiling, or whether hours may stand on a day.

    Raises:
        InvalidArgument: neither month nor day, both, or hours that are not positive.
    """
    if request.HasField("month") == request.HasField("on_date"):
        raise InvalidArgument(field="month")
    calendar, trace = with_declared_days(request.declared_days), TraceBuilder()
    if request.HasField("month"):
        ceiling = month_ceiling(month_from_proto(request.month, "month"), calendar, trace)
        return pb.ExplainHoursLimitResponse(
            working_days=ceiling.working_days,
            max_hours=ceiling.max_hours,
            accepted=True,
            trace=trace_to_proto(trace.build()),
        )
    day = day_from_proto(request.on_date, "on_date")
    hours = _hours(request.hours)
    accepted = within_limits(day, hours, hours, calendar, trace)
    ceiling = month_ceiling(Month.of(day), calendar)
    return pb.ExplainHoursLimitResponse(
        working_days=ceiling.working_days,
        max_hours=ceiling.max_hours,
        accepted=accepted,
        reason="" if accepted else "HOURS_LIMIT_EXCEEDED",
        trace=trace_to_proto(trace.build()),
    )


def _hours(duration: Duration) -> Fraction:
    hours = Fraction(duration.seconds * 10**9 + duration.nanos, 3600 * 10**9)
    if hours <= 0:
        raise InvalidArgument(field="hours")
    return hours


def unit_counts(counts: Iterable[tuple[str, int]]) -> list[resources.UnitCount]:
    """Units by code."""
    return list(starmap(_unit_count, counts))


def _unit_count(code: str, units: int) -> resources.UnitCount:
    return resources.UnitCount(code=code, units=units)


def served_to_proto(served: Served) -> resources.ServedDays:
    """What billing copies."""
    return resources.ServedDays(
        application_id=served.application_id,
        served_days=served.served_days,
        paused_days=served.paused_days,
        delivered=unit_counts(served.delivered),
        missed=unit_counts(served.missed),
        version=served.version,
    )
