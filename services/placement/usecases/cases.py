"""What authorities, people and the case workflow do to a placement; one transaction each, no network inside.

A step that touches places locks the facility before the placement, so that two of them never wait for each other.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime

from services.kernel.codes import Event, PlacementRoute
from services.kernel.dates import local_date, next_midnight
from services.kernel.local_rules import LocalRules
from services.kernel.service_entry import PlacementBasis
from services.placement.domain.capacity import Cause, Movement
from services.placement.domain.cases import (
    AppealSubject,
    Facility,
    Ground,
    Placement,
    PlacementState,
)
from services.placement.domain.register import COURT, MUNICIPALITY, Act, ActKind, Coverage, Paper
from services.placement.errors import NotEligible, OrderWrongDirectorate, UnknownFacility
from services.placement.rules import cases as rules
from services.placement.usecases.dialogue import follow
from services.placement.usecases.ports import PlacementStore, Seat
from services.placement.usecases.telling import tell
from services.runtime.commands import Effect

__all__ = [
    "CaseFacts",
    "Order",
    "decide_appeal",
    "file_appeal",
    "open_placement",
    "record_court_decision",
    "record_order",
    "record_referral",
    "terminate",
]


@dataclass(frozen=True, slots=True)
class CaseFacts:
    """Intake's facts as far as this stage decides on them."""

    application_id: str
    municipality_id: str
    person_id: str
    service_code: str
    district_code: str
    facility_code: str
    basis_needed: PlacementBasis
    received_at: datetime
    opening: rules.OpeningFacts | None
    """None while the case is not accepted."""
    route: PlacementRoute | None
    rules: LocalRules
    version: int


@dataclass(frozen=True, slots=True)
class Order:
    """An order of the directorate, or its refusal."""

    issued: bool
    paper: Paper
    covered: Coverage
    directorate_code: str
    facility_code: str


async def open_placement(application_id: str, facts: CaseFacts | None, store: PlacementStore, now: datetime) -> Effect:
    """Open the placement of an accepted case by its basis; the open one when there is one (L-07, L-10).

    `facts` may be absent when the case has a placement. Raises NotEligible.
    """
    earlier = await store.find(application_id)
    if earlier is not None:
        return Effect(earlier.application_id, earlier.version)
    if facts is None or facts.opening is None:
        raise NotEligible(resource_type="application", resource_id=application_id)
    await store.keep_rules(facts.municipality_id, facts.rules)
    # The rules' row before the facility's, as whoever takes over new rules holds it: many cases are opened at once.
    parameters = await store.parameters(facts.municipality_id)
    facility = await store.facility(facts.municipality_id, facts.facility_code)
    fresh = Placement(
        application_id=facts.application_id,
        municipality_id=facts.municipality_id,
        person_id=facts.person_id,
        service_code=facts.service_code,
        district_code=facts.district_code,
        basis_needed=facts.basis_needed,
        state=PlacementState.READY,
        version=1,
        opened_at=now,
        received_at=facts.received_at,
        intake_version=facts.version,
        facility_code=facts.facility_code,
        directorate_code="" if facility is None else facility.directorate_code,
        route=facts.route,
    )
    placed = rules.opened(fresh, facts.opening, parameters)
    if await store.insert(placed):
        await follow(store, None, placed, now)
    else:
        placed = await store.load(application_id)
    return Effect(placed.application_id, placed.version)


async def record_referral(
    application_id: str, paper: Paper, covered: Coverage, store: PlacementStore, now: datetime
) -> Effect:
    """The municipality refers; its register numbers what has no number. Raises StepNotAllowed, OrderNumberTaken."""
    before = await store.load(application_id)
    parameters = await store.parameters(before.municipality_id)
    changed = rules.refer(before, covered, local_date(now), parameters)
    await store.register_act(before, Act(ActKind.REFERRAL, MUNICIPALITY, paper, covered), now)
    return await tell(store, before, changed, Event.REFERRAL_RECORDED, now)


async def record_order(seat: Seat, order: Order, store: PlacementStore, now: datetime) -> Effect:
    """The directorate's order or refusal arrives (L-07, L-08, L-09).

    Raises UnknownFacility, OrderWrongDirectorate, OrderNumberTaken, StepNotAllowed.
    """
    facility = await store.facility(seat.municipality_id, order.facility_code) if order.issued else None
    before = await store.load(seat.application_id)
    _require_competent(before, order, facility)
    kind = ActKind.ORDER if order.issued else ActKind.REFUSAL
    parameters = await store.parameters(before.municipality_id)
    if facility is None:
        changed, event = rules.refuse(before, now, parameters), Event.ORDER_REFUSED
    elif facility.free > 0:
        changed = rules.place(before, facility.facility_code, order.covered, now, parameters)
        event = Event.ORDER_RECORDED
        movement = Movement.of_case(Cause.ORDER_RECORDED, before.application_id, before.version + 1, now)
        await store.save_facility(replace(facility, held=facility.held + 1), movement)
    else:
        changed = rules.queue(before, facility.facility_code, order.covered, now)
        event = Event.ORDER_RECORDED
    await store.register_act(before, Act(kind, order.directorate_code, order.paper, order.covered), now)
    return await tell(store, before, replace(changed, directorate_code=order.directorate_code), event, now)


def _require_competent(placement: Placement, order: Order, facility: Facility | None) -> None:
    if order.issued and (facility is None or facility.service_code != placement.service_code):
        raise UnknownFacility(field="facility_code")
    asked = placement.directorate_code or order.directorate_code
    competent = asked if facility is None else facility.directorate_code
    if order.directorate_code not in {asked} & {competent}:
        raise OrderWrongDirectorate(field="directorate_code")


async def record_court_decision(application_id: str, paper: Paper, store: PlacementStore, now: datetime) -> Effect:
    """The court rules on a child's placement (L-14). Raises StepNotAllowed, OrderNumberTaken."""
    before = await store.load(application_id)
    changed = rules.confirm_by_court(before)
    await store.register_act(before, Act(ActKind.RULING, COURT, paper, Coverage(paper.act_date)), now)
    return await tell(store, before, changed, Event.COURT_DECIDED, now)


async def file_appeal(
    application_id: str, against: AppealSubject, acted_on: date, store: PlacementStore, now: datetime
) -> Effect:
    """Challenge the refusal or the silence of the directorate (L-08). Raises StepNotAllowed, AppealOutOfTime."""
    before = await store.load(application_id)
    parameters = await store.parameters(before.municipality_id)
    filed = rules.appeal(before, against, acted_on, now, parameters.calendar)
    return await tell(store, before, filed, Event.APPEAL_FILED, now)


async def decide_appeal(application_id: str, store: PlacementStore, now: datetime, *, granted: bool) -> Effect:
    """Record the outcome of the appeal (L-08). Raises StepNotAllowed."""
    before = await store.load(application_id)
    parameters = await store.parameters(before.municipality_id)
    event = Event.APPEAL_GRANTED if granted else Event.APPEAL_DISMISSED
    return await tell(store, before, rules.decide_appeal(before, now, parameters, granted=granted), event, now)


async def terminate(
    application_id: str, last_date: date, ground: Ground, store: PlacementStore, now: datetime
) -> Effect:
    """Record the end of the service (L-15). Raises StepNotAllowed."""
    before = await store.load(application_id)
    changed = rules.terminate(before, last_date, ground, local_date(now))
    assert changed.contract is not None  # noqa: S101 a terminated placement has one
    assert changed.contract.end_date is not None  # noqa: S101 and it has ended
    return await tell(
        store,
        before,
        changed,
        Event.TERMINATION_RECORDED,
        now,
        due=next_midnight(changed.contract.end_date),
        reference=changed.contract.contract_id,
    )
