"""A limit passes or a case ends: what was held or offered comes back and goes to the next in line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime

from services.kernel.dates import local_date
from services.placement.domain.capacity import Cause, Movement
from services.placement.domain.cases import Facility, Placement, PlacementState
from services.placement.rules import cases as rules
from services.placement.usecases.dialogue import follow
from services.placement.usecases.places import give_back, offer_place, seated
from services.placement.usecases.ports import PlacementStore, Seat
from services.runtime.commands import Effect
from services.runtime.ids import new_id

__all__ = ["claim_due_limits", "close_placement"]


async def claim_due_limits(seat: Seat, store: PlacementStore, now: datetime) -> Effect:
    """Apply every limit that has passed: D-04 starts D-06, D-11 closes the placement, an unanswered offer is over.

    A place that comes back goes to the next in line. Raises ConcurrentChange.
    """
    parameters = await store.parameters(seat.municipality_id)
    return await _end(seat, store, now, lambda before: rules.pass_limits(before, now, parameters.calendar))


async def close_placement(seat: Seat, cause: str, store: PlacementStore, now: datetime) -> Effect:
    """End the placement of a case that ended and free its place; repeatable.

    Raises StepNotAllowed, ConcurrentChange.
    """
    return await _end(seat, store, now, lambda before: rules.close(before, cause))


async def _end(seat: Seat, store: PlacementStore, now: datetime, step: Callable[[Placement], Placement]) -> Effect:
    accounts, before = await seated(seat, store)
    changed = step(before)
    expired = before.state is PlacementState.OFFERED and changed.state is PlacementState.WAITLISTED
    gives_back = _gives_back(changed, local_date(now))
    cause = Cause.OFFER_EXPIRED if expired else Cause.CASE_ENDED
    movement = Movement.of_case(cause, before.application_id, before.version + 1, now)
    if gives_back:
        changed = await give_back(store, accounts.programme, changed, movement)
        changed = replace(changed, holds_place=False, vacancy_id="")
    if changed == before:
        return Effect(before.application_id, before.version)
    saved = await store.save(before, changed)
    await follow(store, before, saved, now)
    if expired:
        await store.expire_offer(before.vacancy_id, before.application_id, now)
    if accounts.facility is not None and (gives_back or expired) and (before.holds_place or before.vacancy_id):
        await _place_back(store, accounts.facility, before, movement)
    return Effect(saved.application_id, saved.version)


async def _place_back(store: PlacementStore, facility: Facility, of: Placement, movement: Movement) -> None:
    freed = replace(
        facility,
        held=facility.held - int(of.holds_place),
        offered=facility.offered - int(bool(of.vacancy_id)),
    )
    await offer_place(store, await store.save_facility(freed, movement), of.vacancy_id or new_id(), movement.at)


def _gives_back(placement: Placement, today: date) -> bool:
    """Whether what is held or offered is free again: at the end of the case, the day after the last day (L-09)."""
    if placement.state is PlacementState.TERMINATED:
        end = placement.contract.end_date if placement.contract is not None else None
        return end is not None and today > end
    return placement.state is PlacementState.CLOSED
