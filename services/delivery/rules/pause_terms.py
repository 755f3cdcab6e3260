"""What section 7 is asked and what it answers: the request, the policy, the use of the allowance, the refusals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from services.kernel.municipal_settings import MunicipalSettings
from services.kernel.ranges import DateSet

__all__ = [
    "CARRY_DAYS",
    "DEFAULT_POLICY",
    "Availability",
    "HospitalProof",
    "PauseDecision",
    "PausePolicy",
    "PauseQuestion",
    "Refusal",
    "Usage",
]

CARRY_DAYS = 30
"""So many days make a month (P-07)."""

_NOTHING = DateSet()


@dataclass(frozen=True, slots=True, order=True)
class Usage:
    """Use of the allowance: whole months and 0 to 29 days beside them, in order of size."""

    months: int
    days: int


@dataclass(frozen=True, slots=True)
class PausePolicy:
    """What a municipality allows (C-04, C-05)."""

    max_months: int = 3
    """Whole months a calendar year, inclusive (P-01, P-07)."""
    services: frozenset[str] = frozenset({"HSP"})
    """Services that can be paused (P-03)."""

    @classmethod
    def of(cls, settings: MunicipalSettings) -> PausePolicy:
        """What the municipality has set."""
        return cls(settings.whole("pause.max_months"), settings.codes("pause.services"))

    @property
    def allowance(self) -> Usage:
        """The most that a calendar year admits."""
        return Usage(self.max_months, 0)

    def left_of(self, used: Usage) -> Usage:
        """What is left of a year's allowance; nothing where more is used than it admits (P-07)."""
        days = (self.max_months - used.months) * CARRY_DAYS - used.days
        return Usage(*divmod(max(days, 0), CARRY_DAYS))


DEFAULT_POLICY = PausePolicy()


class Refusal(StrEnum):
    """Why a pause is not granted, in the order in which the rules are asked."""

    PAUSE_NOT_AVAILABLE = "PAUSE_NOT_AVAILABLE"
    PAUSE_INVALID_RANGE = "PAUSE_INVALID_RANGE"
    PAUSE_START_TOO_EARLY = "PAUSE_START_TOO_EARLY"
    PAUSE_ALLOWANCE_EXCEEDED = "PAUSE_ALLOWANCE_EXCEEDED"


class HospitalProof(StrEnum):
    """Whether a hospital stay is proved (P-09)."""

    SHOWN = "SHOWN"
    NONE = "NONE"


class Availability(StrEnum):
    """Whether the state of care admits a pause at all (P-03)."""

    IN_SERVICE = "IN_SERVICE"
    OTHER = "OTHER"


@dataclass(frozen=True, slots=True)
class PauseQuestion:
    """A request for a pause with all that the rules look at.

    `end` may lie before `start`; that is one of the refusals.
    """

    service_code: str
    requested_on: date
    start: date
    end: date
    prior: DateSet = _NOTHING
    proof: HospitalProof = HospitalProof.NONE
    availability: Availability = Availability.IN_SERVICE


@dataclass(frozen=True, slots=True)
class PauseDecision:
    """Granted when there is no refusal.

    `usage` counts all granted days with the requested ones, of exactly the years they touch; `last_end` is said with
    PAUSE_ALLOWANCE_EXCEEDED only, None when not even the first day fits.
    """

    refusal: Refusal | None
    usage: Mapping[int, Usage]
    last_end: date | None = None
