"""Validity of a medical board's decision (R-03)."""

from __future__ import annotations

from datetime import date

from services.intake.domain.facts import MedicalBoardDecision
from services.kernel.register import decides
from services.kernel.rule_book import RULE_BOOK
from services.kernel.trace import Step

__all__ = ["explain_validity", "is_valid_on"]


@decides("R-03")
def is_valid_on(decision: MedicalBoardDecision, on: date) -> bool:
    """Whether the decision is valid on the day; the days of issue and of expiry both count (R-03)."""
    return decision.issued_on <= on and (decision.valid_until is None or on <= decision.valid_until)


def explain_validity(decision: MedicalBoardDecision, on: date) -> Step:
    """The step of R-03 for a decision that is asked about by itself."""
    valid = is_valid_on(decision, on)
    until = decision.valid_until
    last_bg = "пожизнено" if until is None else f"до {until:%d.%m.%Y} включително"
    last_en = "for life" if until is None else f"up to and with {until:%d.%m.%Y}"
    return Step(
        rule="R-03",
        inputs={
            "issued_on": decision.issued_on.isoformat(),
            "valid_until": "LIFETIME" if until is None else until.isoformat(),
            "on": on.isoformat(),
        },
        outcome="VALID" if valid else "NOT_VALID",
        source=RULE_BOOK["R-03"].source,
        text_bg=f"Решението важи от {decision.issued_on:%d.%m.%Y} {last_bg}; на {on:%d.%m.%Y} "
        + ("е валидно." if valid else "не е валидно."),
        text_en=f"The decision holds from {decision.issued_on:%d.%m.%Y} {last_en}; on {on:%d.%m.%Y} it is "
        + ("valid." if valid else "not valid."),
    )
