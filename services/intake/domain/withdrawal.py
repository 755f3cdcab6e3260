"""What falls with a withdrawal before the contract (L-15), in every stage."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from services.intake.domain.application import Application
from services.kernel.codes import Stage

__all__ = ["Falling", "FallingKind", "hash_of"]


class FallingKind(StrEnum):
    """What of a case falls."""

    LIMIT = "LIMIT"
    PLANNED_VISIT = "PLANNED_VISIT"
    ORDER_REQUEST = "ORDER_REQUEST"
    REFERRAL_AWAITED = "REFERRAL_AWAITED"
    PLACE_HELD = "PLACE_HELD"
    WAITING_POSITION = "WAITING_POSITION"
    OFFER = "OFFER"
    APPEAL = "APPEAL"
    CONTRACT_AWAITED = "CONTRACT_AWAITED"
    OTHER_CASE_RESUMED = "OTHER_CASE_RESUMED"


@dataclass(frozen=True, slots=True)
class Falling:
    """One thing that falls; `code` is a kind of limit, a facility or a directorate."""

    stage: Stage
    kind: FallingKind
    code: str = ""
    day: date | None = None
    """Day of the visit, last day of the limit."""
    application_id: str = ""
    """The other case that goes on."""


def hash_of(application: Application, falling: Iterable[Falling]) -> str:
    """SHA-256 of the case's state and all that falls, in any order, as hexadecimal digits."""
    lines = sorted("\0".join((one.stage, one.kind, one.code, str(one.day), one.application_id)) for one in falling)
    return hashlib.sha256("\n".join([application.id, application.state, *lines]).encode()).hexdigest()
