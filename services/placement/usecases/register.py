"""An act of the register is amended, superseded or revoked; what it covers follows to the contract (S4a, R-33)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from services.kernel.codes import Event, case_workflow_id
from services.kernel.dates import local_date
from services.placement.domain.cases import Placement
from services.placement.domain.register import (
    MUNICIPALITY,
    Act,
    ActChange,
    ActState,
    Coverage,
    RegisteredAct,
    act_after,
)
from services.placement.rules.register import authorised, covered_by, following
from services.runtime.commands import Effect, check_etag
from services.runtime.errors import InvalidArgument
from services.runtime.outbox import Signal

__all__ = ["Changed", "RegisterStore", "change_act"]


class RegisterStore(Protocol):
    """What the use case needs of the database; docstrings are in `storage.cases.Store`."""

    async def load(self, application_id: str) -> Placement: ...
    async def act(self, act_id: str) -> RegisteredAct: ...
    async def register_act(self, placement: Placement, act: Act, recorded_at: datetime) -> str: ...
    async def follow(self, before: RegisteredAct, state: ActState) -> None: ...
    async def save(self, before: Placement, changed: Placement) -> Placement: ...
    async def emit(self, emission: Signal) -> None: ...


@dataclass(frozen=True, slots=True)
class Changed:
    """What a change of an act led to, or would lead to."""

    effect: Effect
    """Its resource is the act that follows."""
    covered: Coverage
    has_contract: bool


async def change_act(application_id: str, change: ActChange, store: RegisterStore, now: datetime) -> Changed:
    """Record the act that follows and what is covered from then on; delivery and billing are told by the case.

    Raises:
        StepNotAllowed: the act was followed before, covers nothing, or the case has ended.
        OrderLeavesGap: see `covered_by`.
        OrderNumberTaken, EtagMismatch, InvalidArgument, ConcurrentChange.
    """
    before = await store.load(application_id)
    act = await store.act(change.act_id)
    check_etag(change.etag, act.version)
    new = following(act, change)
    if not new.paper.number and act.authority != MUNICIPALITY:
        raise InvalidArgument(field="number")
    covered = covered_by(before, new)
    changed = authorised(before, covered, local_date(now))
    await store.follow(act, act_after(act, change.step))
    act_id = await store.register_act(before, new, now)
    await store.save(before, changed)
    await store.emit(
        Signal(
            case_id=before.application_id,
            municipality_id=before.municipality_id,
            workflow_id=case_workflow_id(before.application_id),
            event=Event.AUTHORISATION_CHANGED,
            instant=now,
            reference=act_id,
        )
    )
    return Changed(Effect(act_id), covered, changed.contract is not None)
