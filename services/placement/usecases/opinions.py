"""A directorate asks another body for its opinion, and the opinion comes (S4a, D-09)."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from services.kernel.codes import Event, case_workflow_id
from services.kernel.time_limit import LimitKind
from services.placement.domain.cases import Parameters, Placement
from services.placement.domain.opinions import GivenOpinion
from services.placement.rules.cases import next_due
from services.placement.rules.opinions import ask_opinion, take_opinion
from services.runtime.commands import Effect
from services.runtime.outbox import Signal

__all__ = ["OpinionKeeper", "record_opinion", "request_opinion"]


class OpinionKeeper(Protocol):
    """What the use cases need of the database; docstrings are in `storage.opinions.OpinionStore`."""

    async def load(self, application_id: str) -> Placement: ...
    async def parameters(self, municipality_id: str) -> Parameters: ...
    async def save(self, before: Placement, changed: Placement) -> Placement: ...
    async def open_opinion(self, application_id: str, number: int, body_code: str, now: datetime) -> None: ...
    async def keep_opinion(self, placement: Placement, number: int, given: GivenOpinion, now: datetime) -> None: ...
    async def emit(self, emission: Signal) -> None: ...


async def request_opinion(
    application_id: str, body_code: str, days: int, store: OpinionKeeper, now: datetime
) -> Effect:
    """Begin D-09 and tell the case; the effect's version is the opinion's number. Raises StepNotAllowed."""
    before = await store.load(application_id)
    parameters = await store.parameters(before.municipality_id)
    saved = await store.save(before, ask_opinion(before, days, now, parameters.calendar))
    number = _number(saved)
    await store.open_opinion(application_id, number, body_code, now)
    await store.emit(_told(saved, now))
    return Effect(application_id, number)


async def record_opinion(application_id: str, given: GivenOpinion, store: OpinionKeeper, now: datetime) -> Effect:
    """Keep the opinion that was asked for and tell the case; the version is its number. Raises StepNotAllowed."""
    before = await store.load(application_id)
    saved = await store.save(before, take_opinion(before, given.on, now))
    number = _number(saved)
    await store.keep_opinion(saved, number, given, now)
    await store.emit(_told(saved, now))
    return Effect(application_id, number)


def _told(placement: Placement, now: datetime) -> Signal:
    """The case shows the day of D-09; its own limit runs on."""
    return Signal(
        case_id=placement.application_id,
        municipality_id=placement.municipality_id,
        workflow_id=case_workflow_id(placement.application_id),
        event=Event.OPINION_CHANGED,
        instant=now,
        due=next_due(placement, now),
    )


def _number(placement: Placement) -> int:
    limit = placement.current_limit(LimitKind.ORDER_OPINION)
    assert limit is not None  # noqa: S101 the rule has just begun or met it
    return limit.number
