"""A request for an order goes out, is acknowledged, reminded of, returned, sent again, and settled (S4a, L-07)."""

from __future__ import annotations

from datetime import datetime
from typing import Protocol

from services.kernel.codes import Event, case_workflow_id
from services.placement.domain.cases import Placement
from services.placement.domain.dialogue import OrderRequest, Receipt, RequestOutcome, RequestStep, request_after
from services.placement.rules import cases as rules
from services.placement.rules.dialogue import asks_anew, outcome_of
from services.runtime.commands import Effect
from services.runtime.errors import NotFound
from services.runtime.outbox import Signal

__all__ = ["Dialogue", "RequestKeeper", "follow", "say"]

_TOLD = {RequestStep.RETURN: Event.ORDER_REQUEST_RETURNED, RequestStep.SEND_AGAIN: Event.ORDER_REQUESTED_AGAIN}


class RequestKeeper(Protocol):
    """Where requests begin and end; docstrings are in `storage.cases.Store`."""

    async def open_request(self, placement: Placement, now: datetime) -> None: ...
    async def settle_request(self, application_id: str, outcome: RequestOutcome, now: datetime) -> None: ...


class Dialogue(Protocol):
    """What is said about a request; docstrings are in `storage.dialogue.DialogueStore`."""

    async def load(self, application_id: str) -> Placement: ...
    async def open_request_of(self, application_id: str) -> OrderRequest | None: ...
    async def keep_step(
        self, placement: Placement, before: OrderRequest, step: RequestStep, now: datetime, words: str
    ) -> None: ...
    async def keep_receipt(self, request: OrderRequest, receipt: Receipt) -> None: ...
    async def emit(self, emission: Signal) -> None: ...


async def follow(keeper: RequestKeeper, before: Placement | None, after: Placement, now: datetime) -> None:
    """Settle the request that a step of the placement answers, and send the one that it asks for."""
    outcome = outcome_of(before, after)
    if outcome is not None:
        await keeper.settle_request(after.application_id, outcome, now)
    if asks_anew(before, after):
        await keeper.open_request(after, now)


async def say(
    application_id: str,
    step: RequestStep,
    store: Dialogue,
    now: datetime,
    *,
    words: str = "",
    receipt: Receipt | None = None,
) -> Effect:
    """Take a step of the dialogue; the case is told when somebody else is to act now.

    Raises:
        NotFound: the case waits for no directorate.
        StepNotAllowed: the request is in a state in which the step is not possible.
    """
    placement = await store.load(application_id)
    request = await store.open_request_of(application_id)
    if request is None:
        raise NotFound(resource_type="order_request", resource_id=application_id)
    request_after(request.state, step)
    if receipt is not None:
        await store.keep_receipt(request, receipt)
    await store.keep_step(placement, request, step, now, words)
    if step in _TOLD:
        await store.emit(
            Signal(
                case_id=application_id,
                municipality_id=placement.municipality_id,
                workflow_id=case_workflow_id(application_id),
                event=_TOLD[step],
                instant=now,
                due=rules.next_due(placement, now),
            )
        )
    return Effect(application_id, request.round)
