"""A limit passes, a change takes effect or a case ends: what was held or offered goes to the next in line."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime

from services.kernel.dates import local_date
from services.placement.domain.capacity import Cause, Movement
from services.placement.domain.cases import Placement, PlacementState
from services.placement.domain.holdings import over
from services.placement.rules import cases as rules
from services.placement.usecases.dialogue import follow
from services.placement.usecases.places import offer_place, seated, settle
from services.placement.usecases.ports import PlacementStore, Seat
from services.runtime.commands import Effect
from services.runtime.ids import new_id

__all__ = ["claim_due_limits", "close_placement"]


async def claim_due_limits(seat: Seat, store: PlacementStore, now: datetime) -> Effect:
    """Apply every limit that has passed: D-04 starts D-06, D-11 closes the placement, an unanswered offer is over.

    What was kept until a change that holds by now comes back. A place that comes back goes to the next in line. Raises
    ConcurrentChange.
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
    ended = _gives_back(changed, local_date(now))
    changed = _without_what_is_free(changed, local_date(now), ended=ended)
    if changed == before:
        return Effect(before.application_id, before.version)
    freed = await settle(store, accounts, (before, changed), _why(changed, now, ended=ended))
    saved = await store.save(before, changed)
    await follow(store, before, saved, now)
    if expired:
        await store.expire_offer(before.vacancy_id, before.application_id, now)
    facility = accounts.facilities.get(seat.facility_code)
    if facility is not None and before.vacancy_id and (ended or expired):
        cause = Cause.OFFER_EXPIRED if expired else Cause.CASE_ENDED
        movement = Movement.of_case(cause, before.application_id, saved.version, now)
        taken_back = await store.save_facility(replace(facility, offered=facility.offered - 1), movement)
        await offer_place(store, taken_back, before.vacancy_id, now)
    for place in freed:
        await offer_place(store, place, new_id(), now)
    return Effect(saved.application_id, saved.version)


def _without_what_is_free(placement: Placement, today: date, *, ended: bool) -> Placement:
    if ended:
        without = replace(placement, programme_code="", programme_quantity=0, kept=())
        return replace(without, holds_place=False, vacancy_id="")
    free = over(placement.kept, today)
    return replace(placement, kept=tuple(one for one in placement.kept if one not in free))


def _why(placement: Placement, now: datetime, *, ended: bool) -> Callable[[str], Movement]:
    """Why something comes back: at the end of the case, by another plan, or because the case has left the account."""

    def why(account_code: str) -> Movement:
        stays = account_code in {placement.programme_code, placement.facility_code}
        cause = Cause.CONTRACT_AMENDED if stays else Cause.TRANSFERRED
        at_the_end = Cause.CASE_ENDED if ended else cause
        return Movement.of_case(at_the_end, placement.application_id, placement.version + 1, now)

    return why


def _gives_back(placement: Placement, today: date) -> bool:
    """Whether what is held or offered is free again: at the end of the case, the day after the last day (L-09)."""
    if placement.state is PlacementState.TERMINATED:
        end = placement.contract.end_date if placement.contract is not None else None
        return end is not None and today > end
    return placement.state is PlacementState.CLOSED
