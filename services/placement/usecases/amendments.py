"""A signed contract has a further version: another plan, or another facility or district."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Protocol, TypeVar

from services.kernel.codes import Event
from services.kernel.dates import local_date
from services.kernel.service_entry import Catalogue, PlacementBasis
from services.placement.documents.contract import Rendering
from services.placement.domain.amendments import PlanLine
from services.placement.domain.capacity import Cause, Movement, Programme
from services.placement.domain.cases import Contract, Facility, Placement
from services.placement.domain.register import Act, ActState, ActStep, RegisteredAct, act_after
from services.placement.errors import (
    OrderMissing,
    OrderNotCalledFor,
    OrderWrongDirectorate,
    UnknownFacility,
)
from services.placement.rules import amendments as rules
from services.placement.rules.holdings import kept_before
from services.placement.rules.register import covered_by
from services.placement.usecases.contracts import Agreed, DocumentStore
from services.placement.usecases.places import (
    Accounts,
    drawing,
    offer_place,
    programme_drawn_on,
    quantity_of,
    settle,
)
from services.placement.usecases.telling import tell
from services.runtime.commands import Effect
from services.runtime.errors import ConcurrentChange
from services.runtime.ids import new_id

__all__ = ["Move", "NewPlan", "amend_contract", "transfer_placement"]

_Account = TypeVar("_Account", Facility, Programme)


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
    if agreed is None:
        raise ConcurrentChange
    programmes = {} if programme is None else {programme.code: programme}
    changed = _holding(before, changed, programme, agreed.catalogue, wanted.first_date)
    movement = Movement.of_case(Cause.CONTRACT_AMENDED, before.application_id, before.version + 1, now)
    await settle(store, Accounts({}, programmes), (before, changed), lambda _: movement)
    return await _agree(before, changed, agreed.document, store, now)


async def transfer_placement(
    present: Placement, move: Move, agreed: Agreed | None, store: VersionStore, now: datetime
) -> Effect:
    """Take another place in one transaction; the old one is held until the day before and offered on the day.

    The order, where there is one, takes the place of the act in force from the first day there. Raises StepNotAllowed,
    AmendmentInThePast, UnknownFacility, OrderMissing, OrderNotCalledFor, OrderWrongDirectorate, OrderLeavesGap,
    OrderNumberTaken, NoFreePlace, ConcurrentChange.
    """
    await store.parameters(present.municipality_id)
    accounts, target = await _locked(present, move, store)
    before = await _unchanged(present, store)
    changed = rules.moved(before, move.facility_code, move.district_code, move.first_date, local_date(now))
    if agreed is None:
        raise ConcurrentChange
    there = accounts.facilities.get(move.facility_code)
    _require_order(before, move, there)
    if there is not None:
        changed = replace(changed, directorate_code=there.directorate_code)
    entered = accounts.programmes.get(target)
    changed = _holding(before, changed, entered, agreed.catalogue, move.first_date)
    movement = Movement.of_case(Cause.TRANSFERRED, before.application_id, before.version + 1, now)
    freed = await settle(store, accounts, (before, changed), lambda _: movement)
    changed = await _by_order(before, changed, move.order, store, now)
    effect = await _agree(before, changed, agreed.document, store, now)
    for place in freed:
        await offer_place(store, place, new_id(), now)
    return effect


async def _locked(present: Placement, move: Move, store: VersionStore) -> tuple[Accounts, str]:
    """What is left and entered, locked in the order of codes, with the code of the programme drawn on then."""
    codes = sorted({present.facility_code, move.facility_code} - {""}) if present.holds_place else []
    houses = {code: await store.facility(present.municipality_id, code) for code in codes}
    there = replace(present, district_code=move.district_code)
    target = "" if present.holds_place else await store.programme_for(there)
    drawn_on = sorted({present.programme_code, target} - {""})
    programmes = {code: await store.programme(present.municipality_id, code) for code in drawn_on}
    return Accounts(_known(houses), _known(programmes)), target


def _known(accounts: Mapping[str, _Account | None]) -> Mapping[str, _Account]:
    return {code: account for code, account in accounts.items() if account is not None}


def _holding(
    before: Placement, changed: Placement, programme: Programme | None, catalogue: Catalogue, first_date: date
) -> Placement:
    """Who needs other capacity from the day on, with what is needed until the day before."""
    assert changed.contract is not None  # noqa: S101 what is amended has one
    quantity = 0
    if programme is not None:
        quantity = quantity_of(programme.unit, changed.contract.present_plan, catalogue, first_date)
    return replace(drawing(changed, programme, quantity), kept=kept_before(before, first_date))


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
