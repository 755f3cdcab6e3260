"""When a signed contract may have a further version (S6, L-10)."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

from services.kernel.register import decides
from services.placement.domain.amendments import Amendment, AmendmentCause, PlanLine
from services.placement.domain.cases import Contract, Placement, PlacementState
from services.placement.domain.register import Coverage
from services.placement.errors import AmendmentInThePast, StepNotAllowed

__all__ = ["amended", "may_amend", "moved", "on_order"]

_ONE_DAY = timedelta(days=1)


@decides("S6")
def may_amend(placement: Placement, first_date: date, today: date) -> Contract:
    """The contract, if a version may hold from the day on.

    Raises StepNotAllowed without a contract in force on that day, AmendmentInThePast for a day that is not ahead, or
    lies before the contract or its latest version.
    """
    contract = placement.contract
    if placement.state is not PlacementState.CONTRACTED or contract is None:
        raise StepNotAllowed(metadata={"state": placement.state})
    latest = contract.amendments[-1].first_date if contract.amendments else contract.start_date
    earliest = max(today + _ONE_DAY, latest)
    if first_date < earliest:
        raise AmendmentInThePast(field="first_date", metadata={"first_day": earliest.isoformat()})
    return contract


def amended(placement: Placement, plan: tuple[PlanLine, ...], first_date: date, today: date) -> Placement:
    """Another plan from the day on. Raises as `may_amend`."""
    contract = may_amend(placement, first_date, today)
    return _with(placement, contract, AmendmentCause.AMENDED, plan, first_date, today)


def moved(placement: Placement, facility_code: str, district_code: str, first_date: date, today: date) -> Placement:
    """Another facility or district from the day on. Raises as `may_amend`; StepNotAllowed when neither differs."""
    contract = may_amend(placement, first_date, today)
    if (facility_code, district_code) == (placement.facility_code, placement.district_code):
        raise StepNotAllowed(metadata={"state": placement.state})
    there = replace(placement, facility_code=facility_code, district_code=district_code)
    version = _with(there, contract, AmendmentCause.TRANSFERRED, contract.present_plan, first_date, today)
    assert version.contract is not None  # noqa: S101 it has just been amended
    latest = replace(
        version.contract.amendments[-1],
        district_before=placement.district_code,
        facility_before=placement.facility_code,
    )
    changed = replace(version.contract, amendments=(*version.contract.amendments[:-1], latest))
    return replace(version, contract=changed)


@decides("S4a", "R-33")
def on_order(moved: Placement, covered: Coverage, act_id: str) -> Placement:
    """Who has just moved, with the days that the order of the move leaves covered, and the version resting on it."""
    assert moved.contract is not None  # noqa: S101 who moves has one
    *earlier, latest = moved.contract.amendments
    contract = replace(
        moved.contract,
        authorised_from=covered.start,
        authorised_to=covered.end,
        amendments=(*earlier, replace(latest, order_act_id=act_id)),
    )
    return replace(moved, basis_date=covered.start, basis_until=covered.end, contract=contract)


def _with(
    placement: Placement,
    contract: Contract,
    cause: AmendmentCause,
    plan: tuple[PlanLine, ...],
    *days: date,
) -> Placement:
    first_date, today = days
    version = Amendment(
        number=len(contract.amendments) + 2,
        cause=cause,
        agreed_date=today,
        first_date=first_date,
        plan=plan,
        facility_code=placement.facility_code,
        district_code=placement.district_code,
        district_before=placement.district_code,
        facility_before=placement.facility_code,
    )
    changed = replace(contract, amendments=(*contract.amendments, version), version=contract.version + 1)
    return replace(placement, contract=changed)
