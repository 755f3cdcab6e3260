"""The dialogue with a directorate: a request for an order, what is said about it, and what it comes to (S4a, L-07).

A request begins where D-04 begins and is settled where the case no longer waits for its answer. What is said meanwhile
moves no limit: domain.md knows no ground on which D-04 would stand still (C-28).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from types import MappingProxyType

from services.kernel.codes import Role
from services.kernel.dates import local_date
from services.placement.domain.register import own_number
from services.placement.errors import StepNotAllowed

__all__ = [
    "REQUEST_TRANSITIONS",
    "OrderRequest",
    "Receipt",
    "RequestOutcome",
    "RequestState",
    "RequestStep",
    "RequestTransition",
    "Said",
    "WaitingRequest",
    "request_after",
]


class RequestState(StrEnum):
    """State of a request; names as in `socialcare.placement.v1`."""

    SENT = "SENT"
    ACKNOWLEDGED = "ACKNOWLEDGED"
    RETURNED = "RETURNED"
    SETTLED = "SETTLED"


class RequestStep(StrEnum):
    """What moves a request; names as in `socialcare.placement.v1`."""

    ACKNOWLEDGE = "ACKNOWLEDGE"
    REMIND = "REMIND"
    RETURN = "RETURN"
    SEND_AGAIN = "SEND_AGAIN"
    SETTLE = "SETTLE"


class RequestOutcome(StrEnum):
    """What a request came to: an order, a refusal, silence that was challenged with success, or the case ended."""

    ISSUED = "ISSUED"
    REFUSED = "REFUSED"
    SILENCE = "SILENCE"
    ENDED = "ENDED"


@dataclass(frozen=True, slots=True)
class RequestTransition:
    """One admissible step: where it leads, who takes it, and the rule of domain.md behind it."""

    to: RequestState
    actors: frozenset[Role]
    rule: str


_S = RequestState
_DIRECTORATE = frozenset({Role.DIRECTORATE, Role.OFFICE_HEAD})
_OFFICE = frozenset({Role.SOCIAL_WORKER, Role.OFFICE_HEAD})
_ANY = _DIRECTORATE | {Role.WORKER}

REQUEST_TRANSITIONS: Mapping[tuple[RequestState, RequestStep], RequestTransition] = MappingProxyType(
    {
        (_S.SENT, RequestStep.ACKNOWLEDGE): RequestTransition(_S.ACKNOWLEDGED, _DIRECTORATE, "L-07"),
        (_S.SENT, RequestStep.REMIND): RequestTransition(_S.SENT, _OFFICE, "D-04"),
        (_S.SENT, RequestStep.RETURN): RequestTransition(_S.RETURNED, _DIRECTORATE, "S4a"),
        (_S.SENT, RequestStep.SETTLE): RequestTransition(_S.SETTLED, _ANY, "L-07"),
        (_S.ACKNOWLEDGED, RequestStep.REMIND): RequestTransition(_S.ACKNOWLEDGED, _OFFICE, "D-04"),
        (_S.ACKNOWLEDGED, RequestStep.RETURN): RequestTransition(_S.RETURNED, _DIRECTORATE, "S4a"),
        (_S.ACKNOWLEDGED, RequestStep.SETTLE): RequestTransition(_S.SETTLED, _ANY, "L-07"),
        (_S.RETURNED, RequestStep.SEND_AGAIN): RequestTransition(_S.SENT, _OFFICE, "L-07"),
        (_S.RETURNED, RequestStep.SETTLE): RequestTransition(_S.SETTLED, _ANY, "L-07"),
    }
)
"""Every step that is possible; anything else is refused."""


def request_after(state: RequestState, step: RequestStep) -> RequestState:
    """The state after the step. Raises StepNotAllowed."""
    transition = REQUEST_TRANSITIONS.get((state, step))
    if transition is None:
        raise StepNotAllowed(metadata={"state": state})
    return transition.to


@dataclass(frozen=True, slots=True)
class Receipt:
    """Under which number and on which day the directorate took the request in."""

    number: str
    on: date


@dataclass(frozen=True, slots=True)
class Said:
    """One step that somebody took; `words` are remarks or a reply, empty for the others or where they are not read."""

    number: int
    """From 1 in the request."""
    step: RequestStep
    at: datetime
    words: str = ""


@dataclass(frozen=True, slots=True)
class OrderRequest:
    """One request for an order."""

    application_id: str
    round: int
    """From 1 in the case; a granted appeal asks anew."""
    year: int
    own_number: int
    """From 1 in the municipality and year, without a gap."""
    directorate_code: str
    """Empty while no facility is chosen."""
    state: RequestState
    sent_at: datetime
    waiting_since: datetime
    """Last sending."""
    receipt: Receipt | None = None
    reminders: int = 0
    returns: int = 0
    outcome: RequestOutcome | None = None
    settled_at: datetime | None = None
    said: tuple[Said, ...] = ()

    @property
    def number(self) -> str:
        """The number under which it goes out, for example `И-000017/2026`."""
        return own_number("И", self.own_number, self.year)


@dataclass(frozen=True, slots=True)
class WaitingRequest:
    """A request that the directorate has not answered, as a list shows it."""

    request: OrderRequest
    due: date
    """Last day of D-04."""

    def days_on(self, day: date) -> int:
        """Civil days from the last sending to the day."""
        return (day - local_date(self.request.waiting_since)).days
