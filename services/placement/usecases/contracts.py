"""The contract is signed: all of it or nothing."""

from __future__ import annotations

from datetime import datetime

from services.kernel.codes import Event
from services.kernel.dates import start_of_day
from services.kernel.service_entry import Catalogue
from services.placement.domain.capacity import Cause, Movement
from services.placement.domain.cases import Contract, Placement
from services.placement.rules import cases as rules
from services.placement.usecases.places import draw, quantity_of
from services.placement.usecases.ports import PlacementStore
from services.placement.usecases.telling import tell
from services.runtime.commands import Effect
from services.runtime.errors import ConcurrentChange

__all__ = ["sign_contract"]


async def sign_contract(
    present: Placement, contract: Contract, catalogue: Catalogue | None, store: PlacementStore, now: datetime
) -> Effect:
    """Conclude the contract with its plan and terms (L-10); a limited programme is drawn on (NoFreePlace).

    `present` is the case as read before. `catalogue` is given when delivery and billing agreed to plan and terms;
    without it a contract that could be signed is not. Raises OrderMissing, NoFreePlace, StepNotAllowed,
    StartBeforeSigning, ConcurrentChange.
    """
    await store.parameters(present.municipality_id)
    code = "" if present.holds_place else await store.programme_for(present)
    programme = await store.programme(present.municipality_id, code) if code else None
    before = await store.load(present.application_id)
    changed = rules.sign(before, contract, now)
    if catalogue is None or before.holds_place != present.holds_place:
        raise ConcurrentChange
    if programme is not None:
        movement = Movement.of_case(Cause.CONTRACT_SIGNED, before.application_id, before.version + 1, now)
        changed = await draw(store, programme, changed, quantity_of(programme.unit, contract, catalogue), movement)
    due = start_of_day(contract.start_date)
    return await tell(store, before, changed, Event.CONTRACT_SIGNED, now, due=due, reference=contract.contract_id)
