"""The decision table of domain.md section 5: all rules of a service at once, every reason that fails."""

from __future__ import annotations

from services.intake.domain.reasons import Eligibility, Reason
from services.intake.rules.assistant_support import put_assistant_support_rules
from services.intake.rules.evaluation import Parameters, Question, Sheet
from services.intake.rules.offer import put_offer_rules
from services.intake.rules.patronage import belongs_to_patronage, put_patronage_rules
from services.intake.rules.pension_age import attainment_date, explain_age
from services.intake.rules.personal_assistant import put_personal_assistant_rules
from services.intake.rules.placement import (
    put_canteen_rules,
    put_community_rules,
    put_institution_rules,
    route_of,
)
from services.intake.rules.what_follows import put_occasion, put_what_follows
from services.kernel.catalogue import Family
from services.kernel.codes import EligibilityOutcome, PlacementRoute
from services.kernel.register import decides
from services.kernel.trace import NO_TRACE, Recorder

__all__ = ["decide"]

_AGED = frozenset({Family.PATRONAGE, Family.PATRONAGE_ITEM, Family.ASSISTANT_SUPPORT})
"""Families in which pension age matters (R-40)."""


@decides("S3")
def decide(question: Question, parameters: Parameters, recorder: Recorder = NO_TRACE) -> Eligibility:
    """Answer the question on its occasion: outcome, failing reasons, route and what else would fit."""
    sheet = Sheet(question.occasion, recorder)
    waits = liftable = False
    route: PlacementRoute | None = None
    if recorder.recording:
        put_occasion(question, recorder)
    _put_age(question, recorder)
    _put_decision_validity(question, sheet)
    put_offer_rules(question, sheet)
    match question.service.family:
        case Family.PATRONAGE | Family.PATRONAGE_ITEM:
            put_patronage_rules(question, parameters, sheet)
        case Family.ASSISTANT_SUPPORT:
            waits = put_assistant_support_rules(question, parameters, sheet)
        case Family.PERSONAL_ASSISTANT:
            liftable = put_personal_assistant_rules(question, parameters, sheet)
        case Family.COMMUNITY:
            put_community_rules(question, sheet)
            route = route_of(question, sheet)
        case Family.INSTITUTION:
            put_institution_rules(question, parameters, sheet)
            route = route_of(question, sheet)
        case Family.CANTEEN:
            put_canteen_rules(question, sheet)
        case Family.SOCIAL_ASSISTANT:
            pass
    answer = Eligibility(
        outcome=_outcome(sheet, waits=waits, liftable=liftable),
        reasons=tuple(sorted(sheet.failed)),
        route=route,
        suggested_service=_suggestion(question, parameters, sheet),
    )
    if recorder.recording:
        put_what_follows(question, answer, recorder)
    return answer


def _put_age(question: Question, recorder: Recorder) -> None:
    if not recorder.recording:
        return
    explain_age(question.birth_date, question.on, recorder)
    if question.service.family in _AGED or question.service.code == "OLD_PEOPLE_HOME":
        attainment_date(question.birth_date, question.sex, recorder)


def _put_decision_validity(question: Question, sheet: Sheet) -> None:
    decision = question.facts.decision
    if decision is not None:
        sheet.find(
            "R-03",
            holds=question.valid_decision is not None,
            issued_on=decision.issued_on,
            valid_until=decision.valid_until or "LIFETIME",
            on=question.on,
        )


def _outcome(sheet: Sheet, *, waits: bool, liftable: bool) -> EligibilityOutcome:
    if liftable:
        return EligibilityOutcome.EXCEPTION_REVIEW
    if sheet.failed:
        return EligibilityOutcome.INELIGIBLE
    return EligibilityOutcome.PENDING_ASSESSMENT if waits else EligibilityOutcome.ELIGIBLE


def _suggestion(question: Question, parameters: Parameters, sheet: Sheet) -> str:
    """Patronage for whom assistant support has no group, where patronage has (C-09)."""
    refused = question.service.family is Family.ASSISTANT_SUPPORT and Reason.NO_TARGET_GROUP in sheet.failed
    return "HSP" if refused and belongs_to_patronage(question, parameters) else ""
