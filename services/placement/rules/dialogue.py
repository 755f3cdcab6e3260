"""When a request for an order begins, and what it comes to (L-07, L-08)."""

from __future__ import annotations

from services.kernel.register import decides
from services.kernel.time_limit import LimitKind
from services.placement.domain.cases import Placement, PlacementState
from services.placement.domain.dialogue import RequestOutcome

__all__ = ["asks_anew", "outcome_of"]

_OUTCOMES = {
    PlacementState.READY: RequestOutcome.ISSUED,
    PlacementState.WAITLISTED: RequestOutcome.ISSUED,
    PlacementState.ORDER_REFUSED: RequestOutcome.REFUSED,
    PlacementState.CLOSED: RequestOutcome.ENDED,
}


@decides("L-07")
def asks_anew(before: Placement | None, after: Placement) -> bool:
    """Whether a request went out with this step: D-04 began."""
    return _decision(after) > (0 if before is None else _decision(before))


@decides("L-08")
def outcome_of(before: Placement | None, after: Placement) -> RequestOutcome | None:
    """What the request came to with this step; None while it waits, or when none did.

    A granted appeal against silence ends the request that was met with it.
    """
    if before is None or before.state is not PlacementState.ORDER_AWAITED:
        return None
    if asks_anew(before, after):
        return RequestOutcome.SILENCE
    return _OUTCOMES.get(after.state)


def _decision(placement: Placement) -> int:
    limit = placement.current_limit(LimitKind.ORDER_DECISION)
    return 0 if limit is None else limit.number
