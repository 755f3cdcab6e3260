"""A step is saved and its case is told."""

from __future__ import annotations

from datetime import datetime

from services.kernel.codes import Event, case_workflow_id
from services.placement.domain.cases import Placement
from services.placement.messages import reopening
from services.placement.rules import cases as rules
from services.placement.usecases.dialogue import follow
from services.placement.usecases.ports import PlacementStore
from services.runtime.commands import Effect
from services.runtime.outbox import Signal

__all__ = ["tell"]


async def tell(
    store: PlacementStore,
    before: Placement,
    changed: Placement,
    event: Event,
    now: datetime,
    *,
    due: datetime | None = None,
    reference: str = "",
) -> Effect:
    """Save what changed and tell the case's workflow; `due` is the next limit's end unless it is given."""
    saved = await store.save(before, changed)
    await follow(store, before, saved, now)
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
