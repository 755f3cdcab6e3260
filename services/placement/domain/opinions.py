"""The opinion of another body that a directorate asks for before its order (S4a, D-09)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

__all__ = ["GivenOpinion", "Opinion", "OpinionState"]


class OpinionState(StrEnum):
    """Where an opinion stands; names as in `socialcare.placement.v1`."""

    AWAITED = "AWAITED"
    CONSENT = "CONSENT"
    OBJECTION = "OBJECTION"
    SILENCE = "SILENCE"
    """The term is over without a word, which is consent (D-09)."""


@dataclass(frozen=True, slots=True)
class GivenOpinion:
    """What the body said, and on which day it was handed over or posted (T-03)."""

    consents: bool
    on: date
    words: str = ""

    @property
    def outcome(self) -> OpinionState:
        """What the opinion comes to."""
        return OpinionState.CONSENT if self.consents else OpinionState.OBJECTION


@dataclass(frozen=True, slots=True)
class Opinion:
    """An opinion that was asked for."""

    application_id: str
    number: int
    """That of its limit in the case."""
    body_code: str
    requested: date
    due: date
    """Last day of D-09."""
    outcome: OpinionState | None = None
    """What is on record; None while nothing is."""
    given: date | None = None
    words: str = ""
    """Empty where they are not read."""

    def state_on(self, day: date) -> OpinionState:
        """Where it stands on the day: silence is consent from the day after the last one, whoever looks."""
        if self.outcome is not None:
            return self.outcome
        return OpinionState.SILENCE if day > self.due else OpinionState.AWAITED
