"""Placement on the wire: what intake says, what a request asks for, what this stage answers."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime

from google.type import date_pb2, money_pb2

from services.kernel.codes import EligibilityOutcome, LegalBasis, PlacementRoute
from services.kernel.dates import Weekday
from services.kernel.money import Money
from services.kernel.ranges import DateRange
from services.kernel.service_entry import PlacementBasis
from services.placement.domain.amendments import PlanLine, districts_by_day, facilities_by_day, plan_by_day
from services.placement.domain.cases import Contract, Facility, Ground, Placement, PlacementState
from services.placement.errors import UnknownService
from services.placement.rules import cases as rules
from services.placement.rules.opinions import running_opinion
from services.placement.usecases.cases import CaseFacts
from services.runtime.civil import (
    code_from_proto,
    code_to_proto,
    date_from_proto,
    date_to_proto,
    instant_from_proto,
    instant_to_proto,
    money_from_proto,
    money_to_proto,
    range_to_proto,
)
from services.runtime.commands import etag_of
from services.runtime.errors import InvalidArgument
from services.runtime.limit_rows import deadline_to_proto
from services.runtime.local_rules import rules_from_proto
from services.runtime.plan_terms import fill_terms, terms_from_proto
from socialcare.common.v1 import facts_pb2, types_pb2
from socialcare.intake.v1 import resources_pb2 as intake_pb2
from socialcare.placement.v1 import amendments_pb2, resources_pb2
from socialcare.placement.v1 import placement_service_pb2 as pb

__all__ = [
    "FIRST_DAY",
    "LAST_DAY",
    "case_facts",
    "claimed_to_proto",
    "contract_of",
    "contract_to_proto",
    "day_not_after",
    "facility_to_proto",
    "ground_of",
    "opened_to_proto",
    "placement_to_proto",
    "plan_from_proto",
    "plan_to_proto",
]

FIRST_DAY = date(2000, 1, 1)
"""First day that acts and contracts reach."""
LAST_DAY = date(2100, 12, 31)
"""Last day that months of the contracts reach; an order without an end covers all days up to it."""


def case_facts(message: intake_pb2.CaseFacts) -> CaseFacts:
    """What intake says, as far as this stage decides on it."""
    application_date = date_from_proto(message.application_date, "application_date")
    rules = rules_from_proto(message, message.municipality_version)
    entry = rules.catalogue.find(message.service_code, application_date)
    if entry is None:
        raise UnknownService(field="service_code")
    decision = message.eligibility
    child = types_pb2.PLACEMENT_ROUTE_CHILD_PROTECTION
    return CaseFacts(
        application_id=message.application_id,
        municipality_id=message.municipality_id,
        person_id=message.person_id,
        service_code=message.service_code,
        district_code=message.district_code,
        facility_code=message.facility_code,
        basis_needed=entry.placement_basis,
        received_at=instant_from_proto(message.received_time),
        opening=_opening(message, application_date) if _is_accepted(decision) else None,
        route=PlacementRoute.CHILD_PROTECTION if decision.route == child else None,
        rules=rules,
        version=message.version,
    )


def _is_accepted(decision: intake_pb2.EligibilityDecision) -> bool:
    return decision.outcome == code_to_proto(types_pb2.EligibilityOutcome, EligibilityOutcome.ELIGIBLE)


def _opening(message: intake_pb2.CaseFacts, application_date: date) -> rules.OpeningFacts:
    return rules.OpeningFacts(
        eligible_date=date_from_proto(message.eligibility.decided_date, "eligibility.decided_date"),
        birth_date=date_from_proto(message.birth_date, "birth_date"),
        application_date=application_date,
        living_alone=message.facts.living_alone,
        war_veteran=message.facts.war_veteran,
    )


def day_not_after(message: date_pb2.Date, field: str, today: date) -> date:
    """A day that is not in the future. Raises InvalidArgument."""
    day = date_from_proto(message, field)
    if not FIRST_DAY <= day <= today:
        raise InvalidArgument(field=field)
    return day


def ground_of(code: str) -> Ground:
    """Why the service ends. Raises InvalidArgument."""
    try:
        return Ground(code)
    except ValueError:
        raise InvalidArgument(field="ground") from None


def contract_of(request: pb.SignContractRequest, contract_id: str, today: date) -> Contract:
    """The contract that a request asks for, signed today. Raises InvalidArgument."""
    start = date_from_proto(request.start_date, "start_date")
    if not FIRST_DAY <= start <= LAST_DAY:
        raise InvalidArgument(field="start_date")
    return Contract(
        contract_id=contract_id,
        signed_date=today,
        start_date=start,
        plan=plan_from_proto(request.plan),
        actual_cost=_amount(request.actual_cost, "actual_cost") if request.HasField("actual_cost") else None,
        unit_price=_amount(request.unit_price, "unit_price") if request.HasField("unit_price") else None,
    )


def plan_from_proto(plan: Iterable[facts_pb2.PlanLine]) -> tuple[PlanLine, ...]:
    """The lines that a request asks for. Raises InvalidArgument."""
    return tuple(_line(line) for line in plan)


def plan_to_proto(plan: Iterable[PlanLine]) -> list[facts_pb2.PlanLine]:
    """Lines on the wire."""
    return [
        fill_terms(
            facts_pb2.PlanLine(
                code=line.code,
                quantity=line.quantity,
                weekdays=[code_to_proto(types_pb2.Weekday, day) for day in line.weekdays],
            ),
            line.terms,
        )
        for line in plan
    ]


def _line(line: facts_pb2.PlanLine) -> PlanLine:
    days = {code_from_proto(types_pb2.Weekday, day, Weekday, "plan.weekdays") for day in line.weekdays}
    return PlanLine(line.code, line.quantity, tuple(day for day in Weekday if day in days), terms_from_proto(line))


def _amount(message: money_pb2.Money, field: str) -> Money:
    amount = money_from_proto(message, field)
    try:
        whole_cents = amount.minor
    except ValueError:
        raise InvalidArgument(field=field) from None
    if whole_cents < 0:
        raise InvalidArgument(field=field)
    return amount


def contract_to_proto(found: Placement, contract: Contract, act_number: str = "") -> resources_pb2.Contract:
    """The contract of a placement; `act_number` is that of the act in force."""
    covered = None
    if contract.authorised_from is not None:
        last = contract.authorised_to or LAST_DAY
        # A range has a day at least; the one before the first is none of the contract.
        covered = range_to_proto(DateRange(min(contract.authorised_from, last), last))
    return resources_pb2.Contract(
        contract_id=contract.contract_id,
        application_id=found.application_id,
        municipality_id=found.municipality_id,
        person_id=found.person_id,
        service_code=found.service_code,
        district_code=found.district_code,
        facility_code=found.facility_code,
        signed_date=date_to_proto(contract.signed_date),
        start_date=date_to_proto(contract.start_date),
        end_date=None if contract.end_date is None else date_to_proto(contract.end_date),
        plan=plan_to_proto(plan_by_day(contract.start_date, contract.plan, contract.amendments)),
        districts=[
            amendments_pb2.ContractDistrict(first_date=date_to_proto(first), district_code=district)
            for first, district in districts_by_day(contract.start_date, contract.amendments)
        ],
        facilities=[
            amendments_pb2.ContractFacility(first_date=date_to_proto(first), facility_code=facility)
            for first, facility in facilities_by_day(contract.start_date, contract.amendments)
        ],
        actual_cost=None if contract.actual_cost is None else money_to_proto(contract.actual_cost),
        unit_price=None if contract.unit_price is None else money_to_proto(contract.unit_price),
        authorisation=covered,
        termination_ground=contract.ground or "",
        version=contract.version,
        authorisation_number=act_number if contract.authorised_from is not None else "",
    )


def placement_to_proto(found: Placement, position: int, now: datetime) -> resources_pb2.Placement:
    """The placement with its limits as they stand at `now`; `position` is that on the list, 0 for none."""
    offered = found.facility_code if found.state is PlacementState.OFFERED else ""
    return resources_pb2.Placement(
        application_id=found.application_id,
        municipality_id=found.municipality_id,
        state=code_to_proto(resources_pb2.PlacementState, found.state),
        legal_basis=code_to_proto(types_pb2.LegalBasis, found.legal_basis),
        deadlines=[
            deadline_to_proto(limit.ledger, limit.calendar, now, limit.done_at, limit.moves)
            for limit in found.current_limits
        ],
        waiting=resources_pb2.Waiting(
            position=position,
            facility_code=found.facility_code if position else "",
            offered_facility_code=offered,
        ),
        directorate_code=found.directorate_code,
        contract=None if found.contract is None else contract_to_proto(found, found.contract),
        etag=etag_of(found.version),
        held_facility_code=found.facility_code if found.holds_place else "",
        appeal_pending=found.pending_appeal is not None,
    )


_BASES = {
    PlacementBasis.ORDER: LegalBasis.ORDER,
    PlacementBasis.MUNICIPAL_REFERRAL: LegalBasis.MUNICIPAL_REFERRAL,
}


def opened_to_proto(found: Placement, now: datetime, *, returned: bool) -> pb.OpenPlacementResponse:
    """Where the placement stands, for the case workflow."""
    due, opinion = rules.next_due(found, now), running_opinion(found, now)
    return pb.OpenPlacementResponse(
        state=code_to_proto(resources_pb2.PlacementState, found.state),
        awaited_basis=code_to_proto(types_pb2.LegalBasis, _BASES.get(found.basis_needed)),
        directorate_code=found.directorate_code,
        next_due_time=None if due is None else instant_to_proto(due),
        overdue=rules.is_overdue(found, now),
        request_returned=returned,
        opinion_due_date=None if opinion is None else date_to_proto(opinion),
    )


def claimed_to_proto(found: Placement, now: datetime) -> pb.ClaimDueLimitsResponse:
    """Where the placement stands after a claim."""
    due = rules.next_due(found, now)
    return pb.ClaimDueLimitsResponse(
        state=code_to_proto(resources_pb2.PlacementState, found.state),
        expired=rules.has_lapsed(found),
        overdue=rules.is_overdue(found, now),
        next_due_time=None if due is None else instant_to_proto(due),
    )


def facility_to_proto(facility: Facility) -> resources_pb2.Facility:
    """The facility with its places."""
    return resources_pb2.Facility(
        municipality_id=facility.municipality_id,
        facility_code=facility.facility_code,
        service_code=facility.service_code,
        directorate_code=facility.directorate_code,
        capacity=facility.capacity,
        held=facility.held,
        etag=etag_of(facility.version),
    )
