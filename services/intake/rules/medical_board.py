"""Validity of a medical board's decision (R-03)."""

from __future__ import annotations

from datetime import date

from services.intake.domain.facts import MedicalBoardDecision

__all__ = ["is_valid_on"]


def is_valid_on(decision: MedicalBoardDecision, on: date) -> bool:
    """Whether the decision is valid on the day; the days of issue and of expiry both count (R-03)."""
    return decision.issued_on <= on and (decision.valid_until is None or on <= decision.valid_until)
