"""Assistant support (R-12 to R-17)."""

from __future__ import annotations

from services.intake.domain.facts import TriState
from services.intake.domain.reasons import Reason
from services.intake.rules.evaluation import Parameters, Question, Sheet
from services.kernel.fact_codes import SIMILAR_SERVICES
from services.kernel.register import decides

__all__ = ["put_assistant_support_rules"]

_LEAST_PERCENT = 50


@decides("R-16", "R-17")
def put_assistant_support_rules(question: Question, parameters: Parameters, sheet: Sheet) -> bool:
    """Put the rules; whether the target group hangs on nothing but the unknown self-care fact (R-15)."""
    facts = question.facts
    waits = _put_groups(question, parameters, sheet)
    used = (facts.similar_services or frozenset()) & SIMILAR_SERVICES
    asked = question.valid_decision is not None or not parameters.similar_only_with_decision
    sheet.require("R-16", Reason.SIMILAR_SERVICE_IN_USE, holds=not (used and asked), similar_services=used)
    resides = bool(facts.in_residential_care)
    sheet.require("R-17", Reason.IN_RESIDENTIAL_CARE, holds=not resides, in_residential_care=resides)
    return waits


@decides("R-12", "R-13", "R-14", "R-15")
def _put_groups(question: Question, parameters: Parameters, sheet: Sheet) -> bool:
    decision = question.valid_decision
    helped = decision is not None and decision.care_by_another
    may_be_a = question.has_pension_age and not _excludes_group_a(question, parameters)
    unable = question.facts.self_care
    group_a = sheet.find(
        "R-12",
        holds=may_be_a and unable is TriState.TRUE,
        over_working_age=question.has_pension_age,
        unable_self_care=unable,
        decision=decision is not None,
    )
    group_b = sheet.find(
        "R-13",
        holds=not question.is_child and helped and decision is not None and decision.percent >= _LEAST_PERCENT,
        age=question.age,
        percent=None if decision is None else decision.percent,
        care_by_another=helped,
    )
    group_c = sheet.find("R-14", holds=question.is_child and helped, age=question.age, care_by_another=helped)
    if may_be_a and unable is TriState.UNKNOWN and not (group_b or group_c):
        sheet.note("R-15", "UNKNOWN", unable_self_care=unable)
        return True
    sheet.require(
        "R-15",
        Reason.NO_TARGET_GROUP,
        holds=group_a or group_b or group_c,
        group_a=group_a,
        group_b=group_b,
        group_c=group_c,
    )
    return False


def _excludes_group_a(question: Question, parameters: Parameters) -> bool:
    """Whether a decision with a determined percent stands against group A (C-09, C-10)."""
    if not parameters.group_a_requires_no_decision:
        return False
    if question.valid_decision is not None:
        return True
    decision = question.facts.decision
    expired = decision is not None and decision.valid_until is not None and decision.valid_until < question.on
    return expired and not parameters.expired_as_absent
