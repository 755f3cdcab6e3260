"""Personal assistant under the national programme (R-20 to R-29)."""

from __future__ import annotations

from services.intake.domain.facts import AssistantFacts
from services.intake.domain.reasons import Reason
from services.intake.rules.evaluation import Parameters, Question, Sheet
from services.intake.rules.pension_age import has_attained
from services.kernel.dates import age_on
from services.kernel.fact_codes import LISTED_RELATIONS
from services.kernel.register import decides

__all__ = ["put_personal_assistant_rules"]

_LEAST_PERCENT = 90
_WORKING_AGE_FROM = 16
_INCOME_TIMES_DMI = 3


@decides("R-23")
def put_personal_assistant_rules(question: Question, parameters: Parameters, sheet: Sheet) -> bool:
    """Put the rules; whether the failing ones may be lifted by exception (R-29)."""
    in_group = _put_user_groups(question, sheet)
    assistant = question.facts.assistant
    unemployed = assistant is not None and assistant.registered_unemployed
    sheet.require("R-23", Reason.ASSISTANT_NOT_UNEMPLOYED, holds=unemployed, registered_unemployed=unemployed)
    assistant_fits = _put_assistant_rules(question, assistant, parameters, sheet)
    if assistant_fits or not (in_group and unemployed):
        return False
    return _put_exception(question, sheet)


@decides("R-20", "R-21", "R-22")
def _put_user_groups(question: Question, sheet: Sheet) -> bool:
    decision = question.valid_decision
    helped = decision is not None and decision.care_by_another
    percent = None if decision is None else decision.percent
    first = sheet.find(
        "R-20",
        holds=helped and percent is not None and percent >= _LEAST_PERCENT,
        percent=percent,
        care_by_another=helped,
    )
    second = sheet.find("R-21", holds=question.is_child and helped, age=question.age, care_by_another=helped)
    left = bool(question.facts.deinstitutionalised)
    return sheet.require(
        "R-22",
        Reason.NO_TARGET_GROUP,
        holds=first or second or left,
        group_i=first,
        group_ii=second,
        deinstitutionalised=left,
    )


@decides("R-24", "R-27", "R-28")
def _put_assistant_rules(
    question: Question, assistant: AssistantFacts | None, parameters: Parameters, sheet: Sheet
) -> bool:
    benefits = assistant is not None and assistant.benefit_conditions
    settled = assistant is not None and assistant.same_settlement
    pension = assistant is not None and assistant.receives_pension
    held = (
        sheet.require("R-24", Reason.ASSISTANT_BENEFIT_CONDITIONS, holds=benefits, benefit_conditions=benefits),
        sheet.require(
            "R-25",
            Reason.ASSISTANT_AGE,
            holds=_is_of_working_age(question, assistant),
            age=None if assistant is None else age_on(assistant.birth_date, max(question.on, assistant.birth_date)),
            pension_age=assistant is not None and has_attained(assistant.birth_date, assistant.sex, question.on),
        ),
        sheet.require(
            "R-26",
            Reason.ASSISTANT_RELATION,
            holds=_is_related(assistant, parameters),
            relation=None if assistant is None else assistant.relation,
            placed_child=assistant is not None and assistant.placed_child,
        ),
        sheet.require("R-27", Reason.ASSISTANT_SETTLEMENT, holds=settled, same_settlement=settled),
        sheet.require("R-28", Reason.ASSISTANT_PENSIONER, holds=not pension, receives_pension=pension),
    )
    return all(held)


@decides("R-25")
def _is_of_working_age(question: Question, assistant: AssistantFacts | None) -> bool:
    if assistant is None or assistant.birth_date > question.on:
        return False
    grown = age_on(assistant.birth_date, question.on) >= _WORKING_AGE_FROM
    return grown and not has_attained(assistant.birth_date, assistant.sex, question.on)


@decides("R-26")
def _is_related(assistant: AssistantFacts | None, parameters: Parameters) -> bool:
    if assistant is None:
        return False
    listed = assistant.relation in LISTED_RELATIONS
    if parameters.relation_and_placed_child:
        return listed and assistant.placed_child
    return listed or assistant.placed_child


@decides("R-29")
def _put_exception(question: Question, sheet: Sheet) -> bool:
    facts = question.facts
    cares = bool(facts.cares_for_child_under_18)
    poor = (
        facts.family_income is not None
        and facts.dmi is not None
        and facts.family_income.exact <= _INCOME_TIMES_DMI * facts.dmi.exact
    )
    return sheet.find(
        "R-29",
        holds=cares and poor,
        cares_for_child_under_18=cares,
        family_income=facts.family_income,
        dmi=facts.dmi,
    )
