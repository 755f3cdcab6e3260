"""Further rounds of the assessment of a case in care (S10)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

__all__ = ["NextReview", "Review", "ReviewCause"]


class ReviewCause(StrEnum):
    """Why a person is assessed again; names as in `socialcare.assessment.v1`."""

    YEARLY = "YEARLY"
    DECISION_EXPIRY = "DECISION_EXPIRY"
    CHANGE = "CHANGE"


@dataclass(frozen=True, slots=True)
class NextReview:
    """When a case is to be reviewed next, and why."""

    due: date
    cause: ReviewCause


@dataclass(frozen=True, slots=True)
class Review:
    """A round of the assessment after the first."""

    application_id: str
    round: int
    """From 2."""
    cause: ReviewCause
    due: date
    opened_at: datetime
    completed_at: datetime | None = None
    """None: open."""
