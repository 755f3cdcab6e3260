"""Places are set, offered, answered and given back; a step locks the accounts before the placement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Protocol

from services.kernel.codes import Event
from services.kernel.dates import local_date
from services.kernel.service_entry import Catalogue
from services.placement.domain.capacity import CapacityUnit, Cause, Movement, Programme, monthly_hours
from services.placement.domain.cases import Facility, Placement, PlanLine
from services.placement.errors import NoFreePlace, UnknownFacility
from services.placement.rules import cases as rules
from services.placement.usecases.ports import PlacementStore, Seat
from services.placement.usecases.telling import tell
from services.runtime.commands import Effect
from services.runtime.errors import ConcurrentChange, InvalidArgument
from services.runtime.ids import new_id

__all__ = [
    "Accounts",
    "ProgrammeStore",
    "answer_offer",
    "draw",
    "give_back",
    "offer_place",
    "programme_drawn_on",
    "quantity_of",
    "seated",
    "set_capacity",
    "set_programme_capacity",
]


@dataclass(frozen=True, slots=True)
class Accounts:
    """What a case holds or is offered places of, locked."""

    facility: Facility | None
    programme: Programme | None


async def seated(seat: Seat, store: PlacementStore) -> tuple[Accounts, Placement]:
    """Accounts and case, locked in this order; ConcurrentChange when the case has moved to others since."""
    facility = await store.facility(seat.municipality_id, seat.facility_code)
    programme = await store.programme(seat.municipality_id, seat.programme_code) if seat.programme_code else None
    placement = await store.load(seat.application_id)
    if Seat.of(placement) != seat:
        raise ConcurrentChange
    return Accounts(facility, programme), placement


async def answer_offer(seat: Seat, store: PlacementStore, now: datetime, *, accepted: bool) -> Effect:
    """The waiting person takes or declines the offered place (L-09).

    Raises StepNotAllowed, also when the offer has expired (`offer.days`), ConcurrentChange.
    """
    accounts, before = await seated(seat, store)
    if accepted:
        parameters = await store.parameters(before.municipality_id)
        changed, event, cause = rules.accept(before, now, parameters), Event.OFFER_ACCEPTED, Cause.OFFER_ACCEPTED
    else:
        changed, event, cause = rules.decline(before, now), Event.OFFER_DECLINED, Cause.OFFER_DECLINED
    effect = await tell(store, before, changed, event, now)
    facility = accounts.facility
    if facility is not None:
        freed = replace(facility, offered=facility.offered - 1, held=facility.held + int(accepted))
        movement = Movement.of_case(cause, before.application_id, effect.version, now)
        saved = await store.save_facility(freed, movement)
        if not accepted:
            await offer_place(store, saved, before.vacancy_id, now)
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
    movement = Movement.of_setting(facility.version + 1, now)
    saved = await store.save_facility(replace(facility, capacity=capacity), movement)
    for _ in range(min(capacity - facility.capacity, saved.free)):
        saved = await offer_place(store, saved, new_id(), now)
    return Effect(facility_code, saved.version)


async def offer_place(store: PlacementStore, facility: Facility, vacancy_id: str, now: datetime) -> Facility:
    """Offer a free place to the first in line who was not offered it yet; it stays free when there is nobody.

    A place that came back is none when the facility has fewer places by now.
    """
    waiting = await store.next_in_line(facility, vacancy_id) if facility.free > 0 else None
    if waiting is None:
        return facility
    before = await store.load(waiting)
    parameters = await store.parameters(before.municipality_id)
    await store.record_offer(vacancy_id, waiting, now)
    offered = rules.offer(before, vacancy_id, local_date(now), parameters)
    effect = await tell(store, before, offered, Event.PLACE_OFFERED, now)
    movement = Movement.of_case(Cause.PLACE_OFFERED, waiting, effect.version, now)
    return await store.save_facility(replace(facility, offered=facility.offered + 1), movement)


def quantity_of(unit: CapacityUnit, plan: Sequence[PlanLine], catalogue: Catalogue, first_date: date) -> int:
    """What a case takes of an account in the unit with a plan that holds from the day, by the catalogue of that day."""
    return monthly_hours(plan, catalogue, first_date) if unit is CapacityUnit.HOUR else 1


async def draw(
    store: PlacementStore, programme: Programme | None, case: Placement, quantity: int, movement: Movement
) -> Placement:
    """The case with `quantity` of the programme in place of what it held; unlimited without one.

    More is never taken than is free; raises NoFreePlace. A plan without hours takes none, and its next version may.
    """
    if programme is None:
        return case
    more = quantity - case.programme_quantity
    if more > 0 and more > programme.free:
        raise NoFreePlace(metadata={"account": programme.code, "free": str(max(programme.free, 0))})
    if more:
        await store.save_programme(replace(programme, held=programme.held + more), movement)
    return replace(case, programme_code=programme.code, programme_quantity=quantity)


async def give_back(
    store: PlacementStore, programme: Programme | None, case: Placement, movement: Movement
) -> Placement:
    """The case without what it held of the programme."""
    given = await draw(store, programme, case, 0, movement)
    return replace(given, programme_code="", programme_quantity=0)


async def programme_drawn_on(store: PlacementStore, case: Placement) -> Programme | None:
    """The account of a case without a place, locked: its own, or that on which it would draw; None: unlimited."""
    if case.holds_place:
        return None
    code = case.programme_code or await store.programme_for(case)
    return await store.programme(case.municipality_id, code) if code else None


class ProgrammeStore(PlacementStore, Protocol):
    """What the capacity of a programme needs besides; docstrings are in `storage.programmes.ProgrammeBooks`."""

    async def lock_municipality(self, municipality_id: str) -> None: ...
    async def add_programme(self, programme: Programme) -> bool: ...
    async def enter(self, programme: Programme, movement: Movement) -> None: ...
    async def placements_beside(self, programme: Programme, today: date) -> list[Placement]: ...
    async def take_over(self, programme: Programme, quantities: list[tuple[str, int]]) -> None: ...


async def set_programme_capacity(
    wanted: Programme, catalogue: Catalogue, store: ProgrammeStore, now: datetime
) -> Effect:
    """Limit a programme, or set its limit anew. Raises InvalidArgument for another unit than the account has.

    The first limit takes over what the contracts of its cases hold; that may be more than the limit.
    """
    await store.lock_municipality(wanted.municipality_id)
    kept = await store.programme(wanted.municipality_id, wanted.code)
    if kept is None:
        cases = await store.placements_beside(wanted, local_date(now))
        taken = [
            (
                case.application_id,
                quantity_of(wanted.unit, case.contract.present_plan, catalogue, case.contract.present_from),
            )
            for case in cases
            if case.contract is not None
        ]
        held = sum(quantity for _, quantity in taken)
        kept = replace(wanted, capacity=held, held=held)
        if not await store.add_programme(kept):
            raise ConcurrentChange
        await store.enter(kept, Movement(Cause.TAKEN_OVER, "opened", now))
        await store.take_over(kept, taken)
    elif kept.unit is not wanted.unit:
        raise InvalidArgument(field="unit")
    movement = Movement.of_setting(kept.version + 1, now)
    saved = await store.save_programme(replace(kept, capacity=wanted.capacity), movement)
    return Effect(saved.code, saved.version)
