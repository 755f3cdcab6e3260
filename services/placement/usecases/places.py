"""Places are set, offered, answered and given back; a step locks the accounts before the placement."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Protocol

from services.kernel.codes import Event
from services.kernel.dates import local_date
from services.kernel.service_entry import Catalogue
from services.placement.domain.amendments import plan_by_day
from services.placement.domain.capacity import CapacityUnit, Cause, Movement, Programme, monthly_hours
from services.placement.domain.cases import Contract, Facility, Placement, PlanLine
from services.placement.domain.holdings import is_programme
from services.placement.errors import NoFreePlace, UnknownFacility
from services.placement.rules import cases as rules
from services.placement.rules.holdings import accounts_of, held_of
from services.placement.usecases.ports import PlacementStore, Seat
from services.placement.usecases.telling import tell
from services.runtime.commands import Effect
from services.runtime.errors import ConcurrentChange, InvalidArgument
from services.runtime.ids import new_id

__all__ = [
    "Accounts",
    "ProgrammeStore",
    "answer_offer",
    "drawing",
    "offer_place",
    "programme_drawn_on",
    "quantity_of",
    "seated",
    "set_capacity",
    "set_programme_capacity",
    "settle",
]


@dataclass(frozen=True, slots=True)
class Accounts:
    """What a case holds or is offered parts of, locked, by code."""

    facilities: Mapping[str, Facility]
    programmes: Mapping[str, Programme]


async def seated(seat: Seat, store: PlacementStore) -> tuple[Accounts, Placement]:
    """Accounts and case, locked in this order; ConcurrentChange when the case has moved to others since."""
    codes = sorted({seat.facility_code, seat.programme_code, *seat.kept_codes} - {""}, key=_order_of_locks)
    facilities: dict[str, Facility] = {}
    programmes: dict[str, Programme] = {}
    for code in codes:
        if is_programme(code):
            programme = await store.programme(seat.municipality_id, code)
            programmes |= {} if programme is None else {code: programme}
        else:
            facility = await store.facility(seat.municipality_id, code)
            facilities |= {} if facility is None else {code: facility}
    placement = await store.load(seat.application_id)
    if Seat.of(placement) != seat:
        raise ConcurrentChange
    return Accounts(facilities, programmes), placement


def _order_of_locks(code: str) -> tuple[bool, str]:
    """Facilities before programmes, as everybody locks them."""
    return is_programme(code), code


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
    facility = accounts.facilities.get(seat.facility_code)
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


def _needed(contract: Contract, unit: CapacityUnit, catalogue: Catalogue, today: date) -> int:
    """The most that a contract takes on any day from now on, by the version that holds then."""
    plan = plan_by_day(contract.start_date, contract.plan, contract.amendments)
    return quantity_of(unit, plan, catalogue, max(contract.start_date, today))


def drawing(case: Placement, programme: Programme | None, quantity: int) -> Placement:
    """The case with so much of the programme by its latest version; None: unlimited.

    A plan without hours takes none, and its next version may.
    """
    if programme is None:
        return replace(case, programme_code="", programme_quantity=0)
    return replace(case, programme_code=programme.code, programme_quantity=quantity)


async def settle(
    store: PlacementStore, accounts: Accounts, case: tuple[Placement, Placement], why: Callable[[str], Movement]
) -> list[Facility]:
    """Have the locked accounts say what the case, before and after a step, holds of them: the places that came back.

    `why` gives the entry of an account by its code. Raises NoFreePlace where more is needed than is free.
    """
    before, after = case
    freed = []
    for code in sorted(accounts_of(before) | accounts_of(after), key=_order_of_locks):
        more = held_of(after, code) - held_of(before, code)
        if more == 0:
            continue
        account = accounts.programmes[code] if is_programme(code) else accounts.facilities[code]
        if more > max(account.free, 0):
            raise NoFreePlace(metadata={"account": code, "free": str(max(account.free, 0))})
        if isinstance(account, Programme):
            await store.save_programme(replace(account, held=account.held + more), why(code))
        else:
            saved = await store.save_facility(replace(account, held=account.held + more), why(code))
            freed += [saved] if more < 0 else []
    return freed


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

    The first limit takes over the most that each contract of its cases takes on any day from then on; together that may
    be more than the limit. What a contract takes less later comes back with its next version or its end.
    """
    await store.lock_municipality(wanted.municipality_id)
    kept = await store.programme(wanted.municipality_id, wanted.code)
    if kept is None:
        today = local_date(now)
        taken = [
            (case.application_id, _needed(case.contract, wanted.unit, catalogue, today))
            for case in await store.placements_beside(wanted, today)
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
