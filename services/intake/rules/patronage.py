"""Home social patronage and the items of its plan (R-04 to R-08, section 11)."""

from __future__ import annotations

from services.intake.domain.reasons import Reason
from services.intake.rules.evaluation import Parameters, Question, Sheet
from services.kernel.catalogue import Condition, Family
from services.kernel.districts import SOFIA_DISTRICTS
from services.kernel.register import decides

__all__ = ["belongs_to_patronage", "put_patronage_rules"]

_LEAST_PERCENT = 50


@decides("R-04")
def belongs_to_patronage(question: Question, parameters: Parameters) -> bool:
    """Whether the person belongs to the target group of patronage (R-04)."""
    decision = question.valid_decision
    return (
        _is_elderly(question, parameters)
        or (decision is not None and decision.percent >= _LEAST_PERCENT)
        or (decision is not None and question.is_child)
    )


def put_patronage_rules(question: Question, parameters: Parameters, sheet: Sheet) -> None:
    """Put the rules for the application, and R-05 to R-08 for an item of the plan."""
    decision = question.valid_decision
    sheet.require(
        "R-04",
        Reason.NO_TARGET_GROUP,
        holds=belongs_to_patronage(question, parameters),
        age=question.age,
        pension_age=question.has_pension_age,
        percent=None if decision is None else decision.percent,
    )
    if question.district_code:
        sheet.require(
            "SECTION-11",
            Reason.OUT_OF_TERRITORY,
            holds=question.district_code in SOFIA_DISTRICTS,
            district=question.district_code,
        )
    if question.service.family is Family.PATRONAGE_ITEM:
        _put_item_rules(question, sheet)


def _is_elderly(question: Question, parameters: Parameters) -> bool:
    if parameters.patronage_age is None:
        return question.has_pension_age
    return question.age >= parameters.patronage_age


@decides("R-05", "R-06", "R-07", "R-08")
def _put_item_rules(question: Question, sheet: Sheet) -> None:
    facts, conditions = question.facts, question.service.conditions
    sheet.require(
        "R-05", Reason.HOME_VISIT_MISSING, holds=question.home_visit_done, home_visit_done=question.home_visit_done
    )
    if Condition.PRESCRIPTION in conditions:
        stated = bool(facts.prescription)
        sheet.require("R-06", Reason.PRESCRIPTION_MISSING, holds=stated, prescription=stated)
    if Condition.SUPPORT_PLAN in conditions:
        stated = bool(facts.support_plan)
        sheet.require("R-07", Reason.SUPPORT_PLAN_MISSING, holds=stated, support_plan=stated)
    if Condition.USER_FUNDS in conditions:
        stated = bool(facts.user_funds)
        sheet.require("R-08", Reason.USER_FUNDS_MISSING, holds=stated, user_funds=stated)
