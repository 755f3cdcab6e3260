"""What authorities, people and the case workflow do to a placement; one transaction each, no network inside.

A step that touches places locks the facility before the placement, so that two of them never wait for each other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Protocol

from services.kernel.codes import Event, PlacementRoute, case_workflow_id
from services.kernel.dates import local_date, next_midnight, start_of_day
from services.kernel.local_rules import LocalRules
from services.kernel.service_entry import PlacementBasis
from services.placement.domain.cases import (
    Act,
    ActKind,
    AppealSubject,
    Contract,
    Facility,
    Ground,
    Parameters,
    Placement,
    PlacementState,
)
from services.placement.errors import (
    NotEligible,
    OrderWrongDirectorate,
    UnknownFacility,
)
from services.placement.messages import reopening
from services.placement.rules import cases as rules
from services.runtime.commands import Effect
from services.runtime.errors import ConcurrentChange
from services.runtime.ids import new_id
from services.runtime.outbox import Signal

__all__ = [
    "CaseFacts",
    "Order",
    "PlacementStore",
    "Seat",
    "answer_offer",
    "claim_due_limits",
    "close_placement",
    "decide_appeal",
    "file_appeal",
    "open_placement",
    "record_court_decision",
    "record_order",
    "record_referral",
    "set_capacity",
    "sign_contract",
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
    number: str
    order_date: date
    directorate_code: str
    facility_code: str


@dataclass(frozen=True, slots=True)
class Seat:
    """Where a case may hold or be offered a place, as read before the transaction."""

    application_id: str
    municipality_id: str
    facility_code: str


class PlacementStore(Protocol):
    """What the use cases need of the database; docstrings are in `storage.Store`."""

    async def find(self, application_id: str) -> Placement | None: ...
    async def load(self, application_id: str) -> Placement: ...
    async def insert(self, placement: Placement) -> bool: ...
    async def save(self, before: Placement, changed: Placement) -> Placement: ...
    async def register_act(self, placement: Placement, act: Act, recorded_at: datetime) -> None: ...
    async def keep_rules(self, municipality_id: str, rules: LocalRules) -> None: ...
    async def parameters(self, municipality_id: str) -> Parameters: ...
    async def facility(self, municipality_id: str, facility_code: str) -> Facility | None: ...
    async def save_facility(self, facility: Facility) -> Facility: ...
    async def next_in_line(self, facility: Facility, vacancy_id: str) -> str | None: ...
    async def record_offer(self, vacancy_id: str, application_id: str, now: datetime) -> None: ...
    async def emit(self, emission: Signal) -> None: ...


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
    placed = rules.opened(fresh, facts.opening, await store.parameters(facts.municipality_id))
    if not await store.insert(placed):
        placed = await store.load(application_id)
    return Effect(placed.application_id, placed.version)


async def record_referral(
    application_id: str, number: str, referral_date: date, store: PlacementStore, now: datetime
) -> Effect:
    """The municipality refers (S4b). Raises StepNotAllowed, OrderNumberTaken."""
    before = await store.load(application_id)
    parameters = await store.parameters(before.municipality_id)
    changed = rules.refer(before, referral_date, local_date(now), parameters)
    await store.register_act(before, Act(ActKind.REFERRAL, "MUNICIPALITY", number, referral_date), now)
    return await _tell(store, before, changed, Event.REFERRAL_RECORDED, now)


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
        changed = rules.place(before, facility.facility_code, order.order_date, now, parameters)
        event = Event.ORDER_RECORDED
        await store.save_facility(replace(facility, held=facility.held + 1))
    else:
        changed = rules.queue(before, facility.facility_code, order.order_date, now)
        event = Event.ORDER_RECORDED
    await store.register_act(before, Act(kind, order.directorate_code, order.number, order.order_date), now)
    return await _tell(store, before, replace(changed, directorate_code=order.directorate_code), event, now)


def _require_competent(placement: Placement, order: Order, facility: Facility | None) -> None:
    if order.issued and (facility is None or facility.service_code != placement.service_code):
        raise UnknownFacility(field="facility_code")
    asked = placement.directorate_code or order.directorate_code
    competent = asked if facility is None else facility.directorate_code
    if order.directorate_code not in {asked} & {competent}:
        raise OrderWrongDirectorate(field="directorate_code")


async def record_court_decision(
    application_id: str, number: str, ruling_date: date, store: PlacementStore, now: datetime
) -> Effect:
    """The court rules on a child's placement (L-14). Raises StepNotAllowed, OrderNumberTaken."""
    before = await store.load(application_id)
    changed = rules.confirm_by_court(before)
    await store.register_act(before, Act(ActKind.RULING, "COURT", number, ruling_date), now)
    return await _tell(store, before, changed, Event.COURT_DECIDED, now)


async def answer_offer(seat: Seat, store: PlacementStore, now: datetime, *, accepted: bool) -> Effect:
    """The waiting person takes or declines the offered place (L-09). Raises StepNotAllowed, ConcurrentChange."""
    facility, before = await _seated(seat, store)
    if accepted:
        parameters = await store.parameters(before.municipality_id)
        changed, event = rules.accept(before, local_date(now), parameters), Event.OFFER_ACCEPTED
    else:
        changed, event = rules.decline(before), Event.OFFER_DECLINED
    effect = await _tell(store, before, changed, event, now)
    if facility is not None:
        freed = replace(facility, offered=facility.offered - 1, held=facility.held + int(accepted))
        saved = await store.save_facility(freed)
        if not accepted:
            await _offer(store, saved, before.vacancy_id, now)
    return effect


async def set_capacity(
    municipality_id: str, facility_code: str, capacity: int, store: PlacementStore, now: datetime
) -> Effect:
    """More or fewer places; a new one is offered at once (L-09). Raises UnknownFacility.

    Places that are held or offered stay so when fewer are left than that; they are not given on when they come back.
    """
    facility = await store.facility(municipality_id, facility_code)
    if facility is None:
        raise UnknownFacility(field="facility_code")
    saved = await store.save_facility(replace(facility, capacity=capacity))
    for _ in range(min(capacity - facility.capacity, saved.free)):
        saved = await _offer(store, saved, new_id(), now)
    return Effect(facility_code, saved.version)


async def _offer(store: PlacementStore, facility: Facility, vacancy_id: str, now: datetime) -> Facility:
    """Offer a free place to the first in line who was not offered it yet; it stays free when there is nobody.

    A place that came back is none when the facility has fewer places by now.
    """
    waiting = await store.next_in_line(facility, vacancy_id) if facility.free > 0 else None
    if waiting is None:
        return facility
    before = await store.load(waiting)
    await store.record_offer(vacancy_id, waiting, now)
    await _tell(store, before, rules.offer(before, vacancy_id), Event.PLACE_OFFERED, now)
    return await store.save_facility(replace(facility, offered=facility.offered + 1))


async def file_appeal(
    application_id: str, against: AppealSubject, acted_on: date, store: PlacementStore, now: datetime
) -> Effect:
    """Challenge the refusal or the silence of the directorate (L-08). Raises StepNotAllowed, AppealOutOfTime."""
    before = await store.load(application_id)
    parameters = await store.parameters(before.municipality_id)
    filed = rules.appeal(before, against, acted_on, now, parameters.calendar)
    return await _tell(store, before, filed, Event.APPEAL_FILED, now)


async def decide_appeal(application_id: str, store: PlacementStore, now: datetime, *, granted: bool) -> Effect:
    """Record the outcome of the appeal (L-08). Raises StepNotAllowed."""
    before = await store.load(application_id)
    parameters = await store.parameters(before.municipality_id)
    event = Event.APPEAL_GRANTED if granted else Event.APPEAL_DISMISSED
    return await _tell(store, before, rules.decide_appeal(before, now, parameters, granted=granted), event, now)


async def sign_contract(
    application_id: str, contract: Contract, store: PlacementStore, now: datetime, *, checked: bool
) -> Effect:
    """Conclude the contract with its plan and terms (L-10).

    `checked` says that delivery and billing agreed to plan and terms; without it a contract that could be signed is
    not. Raises OrderMissing, NoFreePlace, StepNotAllowed, StartBeforeSigning, ConcurrentChange.
    """
    before = await store.load(application_id)
    changed = rules.sign(before, contract, now)
    if not checked:
        raise ConcurrentChange
    due = start_of_day(contract.start_date)
    return await _tell(store, before, changed, Event.CONTRACT_SIGNED, now, due=due, reference=contract.contract_id)


async def terminate(
    application_id: str, last_date: date, ground: Ground, store: PlacementStore, now: datetime
) -> Effect:
    """Record the end of the service (L-15). Raises StepNotAllowed."""
    before = await store.load(application_id)
    changed = rules.terminate(before, last_date, ground, local_date(now))
    assert changed.contract is not None  # noqa: S101 a terminated placement has one
    assert changed.contract.end_date is not None  # noqa: S101 and it has ended
    return await _tell(
        store,
        before,
        changed,
        Event.TERMINATION_RECORDED,
        now,
        due=next_midnight(changed.contract.end_date),
        reference=changed.contract.contract_id,
    )


async def claim_due_limits(seat: Seat, store: PlacementStore, now: datetime) -> Effect:
    """Apply every limit that has passed: D-04 starts D-06, D-11 closes the placement and frees its place.

    Raises ConcurrentChange.
    """
    parameters = await store.parameters(seat.municipality_id)
    return await _end(seat, store, now, lambda before: rules.pass_limits(before, now, parameters.calendar))


async def close_placement(seat: Seat, cause: str, store: PlacementStore, now: datetime) -> Effect:
    """End the placement of a case that ended and free its place; repeatable.

    Raises StepNotAllowed, ConcurrentChange.
    """
    return await _end(seat, store, now, lambda before: rules.close(before, cause))


async def _seated(seat: Seat, store: PlacementStore) -> tuple[Facility | None, Placement]:
    """Facility and case, locked in this order; ConcurrentChange when an order has named another facility since."""
    facility = await store.facility(seat.municipality_id, seat.facility_code)
    placement = await store.load(seat.application_id)
    if placement.facility_code != seat.facility_code:
        raise ConcurrentChange
    return facility, placement


async def _end(seat: Seat, store: PlacementStore, now: datetime, step: Callable[[Placement], Placement]) -> Effect:
    facility, before = await _seated(seat, store)
    changed = step(before)
    vacancy_id = ""
    if facility is not None and _gives_place_back(changed, local_date(now)):
        vacancy_id = before.vacancy_id or new_id()
        facility = replace(
            facility,
            held=facility.held - int(before.holds_place),
            offered=facility.offered - int(bool(before.vacancy_id)),
        )
        changed = replace(changed, holds_place=False, vacancy_id="")
    if changed == before:
        return Effect(before.application_id, before.version)
    saved = await store.save(before, changed)
    if facility is not None and vacancy_id:
        await _offer(store, await store.save_facility(facility), vacancy_id, now)
    return Effect(saved.application_id, saved.version)


def _gives_place_back(placement: Placement, today: date) -> bool:
    """Whether a place held or offered is free again: at the end of the case, the day after the last day (L-09)."""
    if not placement.holds_place and not placement.vacancy_id:
        return False
    if placement.state is PlacementState.TERMINATED:
        end = placement.contract.end_date if placement.contract is not None else None
        return end is not None and today > end
    return placement.state is PlacementState.CLOSED


async def _tell(
    store: PlacementStore,
    before: Placement,
    changed: Placement,
    event: Event,
    now: datetime,
    *,
    due: datetime | None = None,
    reference: str = "",
) -> Effect:
    saved = await store.save(before, changed)
    await store.emit(
        Signal(
            case_id=saved.application_id,
            municipality_id=saved.municipality_id,
            workflow_id=case_workflow_id(saved.application_id),
            event=event,
            instant=now,
            due=due or rules.next_due(saved, now),
            reference=reference,
            reopening=reopening(before, event, now),
        )
    )
    return Effect(saved.application_id, saved.version)
