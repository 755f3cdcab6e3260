"""Messages of the contract <-> values of the stage."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from fractions import Fraction
from itertools import starmap

from google.protobuf.duration_pb2 import Duration
from google.type import date_pb2

from services.delivery.domain.care import Care, CareState, ContractCopy, PlanLine, Served
from services.delivery.errors import FutureCare
from services.delivery.rules.hours import month_ceiling, within_limits
from services.delivery.rules.pauses import (
    DEFAULT_POLICY,
    HospitalProof,
    PausePolicy,
    Usage,
    usage_by_year,
)
from services.delivery.rules.plan import PlanFacts
from services.kernel.catalogue import Condition
from services.kernel.dates import Month, Weekday
from services.kernel.trace import TraceBuilder
from services.runtime.civil import (
    code_from_proto,
    date_from_proto,
    date_to_proto,
    month_from_proto,
    optional_date,
    range_to_proto,
    trace_to_proto,
)
from services.runtime.commands import etag_of
from services.runtime.errors import InvalidArgument
from services.runtime.local_rules import with_declared_days
from services.runtime.plan_terms import terms_from_proto
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
    "past_day",
    "plan_facts",
    "plan_from_proto",
    "proof_of",
    "served_to_proto",
    "state_to_proto",
    "unit_counts",
    "usage_to_proto",
]

_DEATH = "DEATH"
"""Placement's code of the ground of termination."""
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
            terms_from_proto(line),
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
        authorised_by=contract.authorisation_number,
        deceased=contract.termination_ground == _DEATH,
        districts=tuple(
            (date_from_proto(part.first_date, "contract.districts"), part.district_code) for part in contract.districts
        ),
        facility_code=contract.facility_code,
        facilities=tuple(
            (date_from_proto(part.first_date, "contract.facilities"), part.facility_code)
            for part in contract.facilities
        ),
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
            resources.Pause(
                pause_id=pause.id,
                range=range_to_proto(pause.days),
                hospital=pause.hospital,
                evidence_id=pause.evidence_id,
            )
            for pause in care.pauses
        ],
        pause_usage=usage_to_proto(usage_by_year(care.paused)),
        etag=etag_of(care.version),
    )


def usage_to_proto(usage: Mapping[int, Usage], policy: PausePolicy = DEFAULT_POLICY) -> list[resources.YearUsage]:
    """Use of the allowance by year, in order, with what is left of it."""
    return [_year_usage(year, used, policy.left_of(used)) for year, used in sorted(usage.items())]


def _year_usage(year: int, used: Usage, left: Usage) -> resources.YearUsage:
    return resources.YearUsage(
        year=year, months=used.months, days=used.days, months_left=left.months, days_left=left.days
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
