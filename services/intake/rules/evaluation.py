"""What every family of rules shares: the question, the parameters, and the sheet on which rules are put."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from services.intake.domain.facts import Facts, MedicalBoardDecision
from services.intake.domain.reasons import Reason
from services.intake.rules.medical_board import is_valid_on
from services.intake.rules.pension_age import has_attained
from services.intake.rules.register import RULES, Occasion
from services.intake.rules.words import looked_at, verdict
from services.kernel.catalogue import ServiceEntry
from services.kernel.codes import Sex
from services.kernel.dates import age_on
from services.kernel.municipal_settings import MunicipalSettings
from services.kernel.trace import NO_TRACE, Recorder, Step

__all__ = ["ADULT", "Parameters", "Question", "Sheet"]

ADULT = 18


@dataclass(frozen=True, slots=True)
class Parameters:
    """What a municipality may decide about the table (C-08 to C-11, C-19, C-22).

    C-06 and C-07 stand in its catalogue.
    """

    similar_only_with_decision: bool
    group_a_requires_no_decision: bool
    expired_as_absent: bool
    old_people_by_pension_age: bool
    relation_and_placed_child: bool
    patronage_age: int | None
    """Completed years from which a person counts as elderly; None: pension age (R-40)."""

    @classmethod
    def of(cls, settings: MunicipalSettings) -> Parameters:
        """The parameters as the municipality has set them."""
        age_rule = settings.text("hsp.age_rule")
        return cls(
            similar_only_with_decision=settings.text("ap.similar_applies_to") == "WITH_DECISION",
            group_a_requires_no_decision=settings.flag("ap.group_a_requires_no_decision"),
            expired_as_absent=settings.flag("decision.expired_as_absent"),
            old_people_by_pension_age=settings.text("oph.target") == "PENSION_AGE",
            relation_and_placed_child=settings.text("pa.relation_mode") == "AND",
            patronage_age=None if age_rule == "PENSION_AGE" else int(age_rule),
        )


@dataclass(frozen=True, slots=True, repr=False)
class Question:
    """One person, one service, one day; ages and validity are taken on `on` (L-03), never before the birth.

    `district_code` is empty when no address was given; a directorate is empty when there is none.
    """

    service: ServiceEntry
    on: date
    birth_date: date
    sex: Sex
    district_code: str
    facts: Facts
    occasion: Occasion
    home_visit_done: bool = False
    facility_directorate: str = ""
    order_directorate: str = ""
    live_services: frozenset[str] | None = None
    """Services of which the person has a live case (R-02); None: not asked, at the counter the database knows."""

    @property
    def age(self) -> int:
        """Completed years (R-41)."""
        return age_on(self.birth_date, self.on)

    @property
    def is_child(self) -> bool:
        """Under 18."""
        return self.age < ADULT

    @property
    def has_pension_age(self) -> bool:
        """Pension age is attained (R-40)."""
        return has_attained(self.birth_date, self.sex, self.on)

    @property
    def valid_decision(self) -> MedicalBoardDecision | None:
        """The medical board's decision if it is valid on the day; an invalid one counts as absent (R-03)."""
        decision = self.facts.decision
        return decision if decision is not None and is_valid_on(decision, self.on) else None


@dataclass(slots=True)
class Sheet:
    """Takes the rules one after the other and keeps every reason that fails."""

    occasion: Occasion
    recorder: Recorder = NO_TRACE
    failed: set[Reason] = field(default_factory=set)

    def require(self, rule_id: str, reason: Reason, *, holds: bool, **inputs: object) -> bool:
        """Put a rule that must hold; whether it does. A rule of another occasion is not put and does no harm."""
        if not RULES[rule_id].is_put_at(self.occasion):
            return True
        if not holds:
            self.failed.add(reason)
        self.note(rule_id, "HOLDS" if holds else reason.value, **inputs)
        return holds

    def find(self, rule_id: str, *, holds: bool, **inputs: object) -> bool:
        """Put a rule that another rule builds on; whether it holds."""
        self.note(rule_id, "TRUE" if holds else "FALSE", **inputs)
        return holds

    def note(self, rule_id: str, outcome: str, **inputs: object) -> None:
        """Write down what a rule said."""
        if not self.recorder.recording:
            return
        rule = RULES[rule_id]
        given = {name: _written(value) for name, value in inputs.items()}
        seen, said = looked_at(given), verdict(outcome)
        text_bg = f"{rule.text_bg.removesuffix('.')}{seen.bg}. {said.bg}"
        text_en = f"{rule.text_en.removesuffix('.')}{seen.en}. {said.en}"
        self.recorder.add(Step(rule.id, given, outcome, rule.source, text_bg, text_en))


def _written(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, frozenset):
        return ",".join(sorted(value))
    return "" if value is None else str(value)
