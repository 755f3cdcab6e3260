"""The contract is signed: all of it, with its document, or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from services.kernel.codes import Event
from services.kernel.dates import start_of_day
from services.kernel.service_entry import Catalogue
from services.placement.documents.contract import Rendering
from services.placement.domain.capacity import Cause, Movement
from services.placement.domain.cases import Contract, Placement
from services.placement.rules import cases as rules
from services.placement.usecases.places import Accounts, drawing, programme_drawn_on, quantity_of, settle
from services.placement.usecases.ports import PlacementStore
from services.placement.usecases.telling import tell
from services.runtime.commands import Effect
from services.runtime.errors import ConcurrentChange

__all__ = ["Agreed", "DocumentStore", "sign_contract"]


@dataclass(frozen=True, slots=True)
class Agreed:
    """What delivery and billing have agreed to: the catalogue by which, and the document of it, the binding first."""

    catalogue: Catalogue
    document: tuple[Rendering, ...]


class DocumentStore(PlacementStore, Protocol):
    """What a signing needs besides; docstrings are in `storage.documents.ContractFile`."""

    async def keep_document(
        self, placement: Placement, contract_id: str, number: int, renderings: Sequence[Rendering], now: datetime
    ) -> None: ...


async def sign_contract(
    present: Placement, contract: Contract, agreed: Agreed | None, store: DocumentStore, now: datetime
) -> Effect:
    """Conclude the contract with its plan, terms and document (L-10); a limited programme is drawn on (NoFreePlace).

    `present` is the case as read before, of which the document tells. Without `agreed` a contract that could be signed
    is not. Raises OrderMissing, NoFreePlace, StepNotAllowed, StartBeforeSigning, ConcurrentChange.
    """
    await store.parameters(present.municipality_id)
    programme = await programme_drawn_on(store, present)
    before = await store.load(present.application_id)
    rules.sign(before, contract, now)
    if agreed is None or before.version != present.version:
        raise ConcurrentChange
    documented = replace(contract, document_sha256=agreed.document[0].sha256)
    changed = rules.sign(before, documented, now)
    if programme is not None:
        movement = Movement.of_case(Cause.CONTRACT_SIGNED, before.application_id, before.version + 1, now)
        accounts = Accounts({}, {programme.code: programme})
        quantity = quantity_of(programme.unit, contract.plan, agreed.catalogue, contract.start_date)
        changed = drawing(changed, programme, quantity)
        await settle(store, accounts, (before, changed), lambda _: movement)
    due = start_of_day(contract.start_date)
    effect = await tell(store, before, changed, Event.CONTRACT_SIGNED, now, due=due, reference=contract.contract_id)
    await store.keep_document(before, contract.contract_id, 1, agreed.document, now)
    return effect
