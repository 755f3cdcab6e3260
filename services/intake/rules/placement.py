"""Community services, specialised institutions and canteens (R-31 to R-36)."""

from __future__ import annotations

from services.intake.domain.reasons import Reason
from services.intake.rules.evaluation import Parameters, Question, Sheet
from services.kernel.codes import PlacementRoute
from services.kernel.fact_codes import CANTEEN_GROUNDS
from services.kernel.register import decides

__all__ = ["put_canteen_rules", "put_community_rules", "put_institution_rules", "route_of"]

_OLD_PEOPLE_HOME = "OLD_PEOPLE_HOME"


@decides("R-34")
def put_community_rules(question: Question, sheet: Sheet) -> None:
    """Put the rules of a community service."""
    _put_order_rule(question, sheet)
    sheet.require(
        "R-34", Reason.HOME_VISIT_MISSING, holds=question.home_visit_done, home_visit_done=question.home_visit_done
    )


@decides("R-32")
def put_institution_rules(question: Question, parameters: Parameters, sheet: Sheet) -> None:
    """Put the rules of an institution."""
    facts = question.facts
    sheet.require(
        "R-31",
        Reason.NO_TARGET_GROUP,
        holds=_may_live_there(question, parameters),
        pension_right=bool(facts.pension_right),
        decision=question.valid_decision is not None,
    )
    exhausted = bool(facts.community_exhausted)
    sheet.require("R-32", Reason.COMMUNITY_NOT_EXHAUSTED, holds=exhausted, community_exhausted=exhausted)
    _put_order_rule(question, sheet)


@decides("R-36")
def put_canteen_rules(question: Question, sheet: Sheet) -> None:
    """Put the rule of the public canteens."""
    grounds = (question.facts.canteen_grounds or frozenset()) & CANTEEN_GROUNDS
    sheet.require("R-36", Reason.NO_TARGET_GROUP, holds=bool(grounds), canteen_grounds=grounds)


@decides("R-35")
def route_of(question: Question, sheet: Sheet) -> PlacementRoute | None:
    """Route of a placement: a child's goes by the Child Protection Act (R-35, L-14)."""
    if not question.is_child:
        return None
    sheet.note("R-35", PlacementRoute.CHILD_PROTECTION.value, age=question.age)
    return PlacementRoute.CHILD_PROTECTION


@decides("R-31")
def _may_live_there(question: Question, parameters: Parameters) -> bool:
    if question.service.code != _OLD_PEOPLE_HOME:
        return question.valid_decision is not None
    if parameters.old_people_by_pension_age:
        return question.has_pension_age
    return bool(question.facts.pension_right) or question.valid_decision is not None


@decides("R-33")
def _put_order_rule(question: Question, sheet: Sheet) -> None:
    ordered_by = question.order_directorate
    reason = Reason.ORDER_WRONG_DIRECTORATE if ordered_by else Reason.ORDER_MISSING
    sheet.require(
        "R-33",
        reason,
        holds=bool(ordered_by) and ordered_by == question.facility_directorate,
        order_directorate=ordered_by,
        facility_directorate=question.facility_directorate,
    )
