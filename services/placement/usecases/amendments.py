"""A signed contract has a further version: another plan, or another facility or district."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Protocol

from services.kernel.codes import Event
from services.kernel.dates import local_date
from services.kernel.service_entry import PlacementBasis
from services.placement.documents.contract import Rendering
from services.placement.domain.amendments import PlanLine
from services.placement.domain.capacity import Cause, Movement, Programme
from services.placement.domain.cases import Contract, Facility, Placement
from services.placement.domain.register import Act, ActState, ActStep, RegisteredAct, act_after
from services.placement.errors import (
    NoFreePlace,
    OrderMissing,
    OrderNotCalledFor,
    OrderWrongDirectorate,
    UnknownFacility,
)
from services.placement.rules import amendments as rules
from services.placement.rules.register import covered_by
from services.placement.usecases.contracts import Agreed, DocumentStore
from services.placement.usecases.places import draw, give_back, offer_place, programme_drawn_on, quantity_of
from services.placement.usecases.telling import tell
from services.runtime.commands import Effect
from services.runtime.errors import ConcurrentChange
from services.runtime.ids import new_id

__all__ = ["Move", "NewPlan", "amend_contract", "transfer_placement"]


@dataclass(frozen=True, slots=True)
class NewPlan:
    """The whole plan from a day on."""

    lines: tuple[PlanLine, ...]
    first_date: date


@dataclass(frozen=True, slots=True)
class Move:
    """Where somebody moves, from which day, by which order; `order` is None where the facility may stay without one."""

    facility_code: str
    district_code: str
    first_date: date
    order: Act | None = None


class VersionStore(DocumentStore, Protocol):
    """What a version needs besides; docstrings are in `storage.documents.ContractFile` and `storage.cases.Store`."""

    async def act_in_force(self, application_id: str) -> RegisteredAct: ...
    async def follow(self, before: RegisteredAct, state: ActState) -> None: ...
    async def add_version(self, application_id: str, contract: Contract, now: datetime) -> None: ...


async def amend_contract(
    present: Placement, wanted: NewPlan, agreed: Agreed | None, store: VersionStore, now: datetime
) -> Effect:
    """Let another plan hold from a day after today; hours of a limited programme follow it (NoFreePlace).

    `present` is the case as read before; `agreed` is None where the version was not possible then. The effect's
    resource is the number of the version. Raises StepNotAllowed, AmendmentInThePast, ConcurrentChange.
    """
    await store.parameters(present.municipality_id)
    programme = await programme_drawn_on(store, present)
    before = await _unchanged(present, store)
    changed = rules.amended(before, wanted.lines, wanted.first_date, local_date(now))
    assert changed.contract is not None  # noqa: S101 what is amended has one
    if agreed is None:
        raise ConcurrentChange
    if programme is not None:
        quantity = quantity_of(programme.unit, wanted.lines, agreed.catalogue, wanted.first_date)
        movement = Movement.of_case(Cause.CONTRACT_AMENDED, before.application_id, before.version + 1, now)
        changed = await draw(store, programme, changed, quantity, movement)
    return await _agree(before, changed, agreed.document, store, now)


async def transfer_placement(
    present: Placement, move: Move, agreed: Agreed | None, store: VersionStore, now: datetime
) -> Effect:
    """Give up one place and take another in one transaction; the freed one is offered to the next in line.

    The order, where there is one, takes the place of the act in force from the first day there. Raises StepNotAllowed,
    AmendmentInThePast, UnknownFacility, OrderMissing, OrderNotCalledFor, OrderWrongDirectorate, OrderLeavesGap,
    OrderNumberTaken, NoFreePlace, ConcurrentChange.
    """
    await store.parameters(present.municipality_id)
    houses, programmes, target = await _locked(present, move, store)
    before = await _unchanged(present, store)
    changed = rules.moved(before, move.facility_code, move.district_code, move.first_date, local_date(now))
    if agreed is None:
        raise ConcurrentChange
    movement = Movement.of_case(Cause.TRANSFERRED, before.application_id, before.version + 1, now)
    _require_order(before, move, houses.get(move.facility_code))
    if move.facility_code != before.facility_code:
        taken = _free_place(houses.get(move.facility_code))
        changed = replace(changed, directorate_code=taken.directorate_code)
        await store.save_facility(replace(taken, held=taken.held + 1), movement)
    elif target != before.programme_code:
        changed = await give_back(store, programmes.get(before.programme_code), changed, movement)
        entered = programmes.get(target)
        if entered is not None:
            quantity = quantity_of(entered.unit, _present_plan(changed), agreed.catalogue, move.first_date)
            changed = await draw(store, entered, changed, quantity, movement)
    changed = await _by_order(before, changed, move.order, store, now)
    effect = await _agree(before, changed, agreed.document, store, now)
    left_house = houses.get(before.facility_code)
    if move.facility_code != before.facility_code and left_house is not None:
        freed = await store.save_facility(replace(left_house, held=left_house.held - 1), movement)
        await offer_place(store, freed, new_id(), now)
    return effect


_Houses = Mapping[str, Facility | None]
_Programmes = Mapping[str, Programme | None]


async def _locked(present: Placement, move: Move, store: VersionStore) -> tuple[_Houses, _Programmes, str]:
    """What is given up and taken, locked in the order of codes, with the code of the programme drawn on then."""
    codes = sorted({present.facility_code, move.facility_code} - {""}) if present.holds_place else []
    houses = {code: await store.facility(present.municipality_id, code) for code in codes}
    there = replace(present, district_code=move.district_code)
    target = "" if present.holds_place else await store.programme_for(there)
    drawn_on = sorted({present.programme_code, target} - {""})
    return houses, {code: await store.programme(present.municipality_id, code) for code in drawn_on}, target


def _present_plan(placement: Placement) -> Sequence[PlanLine]:
    assert placement.contract is not None  # noqa: S101 what moves has one
    return placement.contract.present_plan


def _require_order(before: Placement, move: Move, facility: Facility | None) -> None:
    """The order of the directorate of the facility, where the facility changes or one is named (S4a, R-33)."""
    moves = move.facility_code != before.facility_code
    if moves and (not before.holds_place or facility is None or facility.service_code != before.service_code):
        raise UnknownFacility(field="facility_code")
    by_order = before.basis_needed is PlacementBasis.ORDER
    if move.order is None:
        if moves and by_order:
            raise OrderMissing
        return
    if not by_order:
        raise OrderNotCalledFor(field="order_number")
    if facility is None or move.order.authority != facility.directorate_code:
        raise OrderWrongDirectorate(field="directorate_code")


def _free_place(facility: Facility | None) -> Facility:
    assert facility is not None  # noqa: S101 `_require_order` saw it
    if facility.free <= 0:
        raise NoFreePlace(metadata={"account": facility.facility_code, "free": "0"})
    return facility


async def _by_order(
    before: Placement, changed: Placement, order: Act | None, store: VersionStore, now: datetime
) -> Placement:
    """Register the order in place of the act in force; what both cover is what delivery and billing get."""
    if order is None:
        return changed
    present = await store.act_in_force(before.application_id)
    new = replace(order, replaces=present.act_id)
    covered = covered_by(before, new)
    await store.follow(present, act_after(present, ActStep.SUPERSEDE))
    act_id = await store.register_act(before, new, now)
    return rules.on_order(changed, covered, act_id)


async def _unchanged(present: Placement, store: VersionStore) -> Placement:
    before = await store.load(present.application_id)
    if before.version != present.version:
        raise ConcurrentChange
    return before


async def _agree(
    before: Placement, changed: Placement, document: Sequence[Rendering], store: VersionStore, now: datetime
) -> Effect:
    assert changed.contract is not None  # noqa: S101 what is amended has one
    latest = replace(changed.contract.amendments[-1], document_sha256=document[0].sha256)
    contract = replace(changed.contract, amendments=(*changed.contract.amendments[:-1], latest))
    versioned = replace(changed, contract=contract)
    effect = await tell(store, before, versioned, Event.CONTRACT_AMENDED, now, reference=contract.contract_id)
    await store.keep_document(before, contract.contract_id, latest.number, document, now)
    await store.add_version(before.application_id, contract, now)
    return Effect(str(latest.number), effect.version)
