"""Facts about a person, declared at the counter or found by the assessment (domain.md section 5, L-04).

Special-category data: a Facts object never shows its content in `repr`.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, replace
from datetime import date
from enum import StrEnum

from services.kernel.codes import Sex
from services.kernel.money import Money
from services.kernel.register import decides

__all__ = ["NO_FACTS", "AssistantFacts", "Facts", "MedicalBoardDecision", "TriState"]


class TriState(StrEnum):
    """A fact that may be unknown."""

    TRUE = "TRUE"
    FALSE = "FALSE"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True, repr=False)
class MedicalBoardDecision:
    """Decision of TELK or NELK; `valid_until` is the last day, None when it is for life.

    ValueError when the percent is not 0 to 100 or the last day is not after the day of issue (section 9).
    """

    percent: int
    care_by_another: bool
    issued_on: date
    valid_until: date | None

    def __post_init__(self) -> None:
        if not 0 <= self.percent <= 100:
            raise ValueError("a percent is 0 to 100")
        if self.valid_until is not None and self.valid_until <= self.issued_on:
            raise ValueError("a decision ends after it was issued")


@dataclass(frozen=True, slots=True, repr=False)
class AssistantFacts:
    """The future personal assistant (R-23 to R-28); `relation` is what the assistant is to the user."""

    birth_date: date
    sex: Sex
    relation: str
    registered_unemployed: bool
    benefit_conditions: bool
    same_settlement: bool
    receives_pension: bool
    placed_child: bool


@dataclass(frozen=True, slots=True, repr=False)
class Facts:
    """Facts by name; None: nobody stated it."""

    decision: MedicalBoardDecision | None = None
    unable_self_care: TriState | None = None
    living_alone: bool | None = None
    pension_right: bool | None = None
    war_veteran: bool | None = None
    war_disabled: bool | None = None
    prescription: bool | None = None
    support_plan: bool | None = None
    community_exhausted: bool | None = None
    in_residential_care: bool | None = None
    deinstitutionalised: bool | None = None
    similar_services: frozenset[str] | None = field(default=None)
    canteen_grounds: frozenset[str] | None = field(default=None)
    assistant: AssistantFacts | None = None
    cares_for_child_under_18: bool | None = None
    family_income: Money | None = None
    dmi: Money | None = None
    user_funds: bool | None = None
    vulnerable: bool | None = None

    @decides("L-04")
    def replaced_by(self, found: Facts) -> Facts:
        """These facts with every stated one of `found` in place of its namesake (L-04)."""
        stated = {item.name: getattr(found, item.name) for item in fields(found)}
        return replace(self, **{name: value for name, value in stated.items() if value is not None})

    @property
    def self_care(self) -> TriState:
        """Whether the person is unable to look after themselves; unknown until stated (L-04)."""
        return self.unable_self_care or TriState.UNKNOWN


NO_FACTS = Facts()
"""Nobody stated anything."""
