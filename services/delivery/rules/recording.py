"""Whether care may be recorded (L-02: R-05, R-08, R-18, R-33, R-34; P-11)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from fractions import Fraction

from services.delivery.domain.care import Care, Outcome
from services.delivery.rules.hours import LIMITED_SERVICE, within_limits
from services.kernel.calendar import BusinessCalendar
from services.kernel.catalogue import Catalogue, Charge, Family, PlacementBasis
from services.kernel.codes import CaseState
from services.kernel.local_rules import LocalRules
from services.kernel.register import decides

__all__ = [
    "BeforeContract",
    "CareQuestion",
    "Funds",
    "HomeVisit",
    "Obstacle",
    "before_contract",
    "obstacle",
    "spends_own_money",
]


class Obstacle(StrEnum):
    """Why care cannot be recorded."""

    HOME_VISIT_MISSING = "HOME_VISIT_MISSING"
    ORDER_MISSING = "ORDER_MISSING"
    OUTSIDE_SERVICE = "OUTSIDE_SERVICE"
    UNKNOWN_PLAN_CODE = "UNKNOWN_PLAN_CODE"
    USER_FUNDS_MISSING = "USER_FUNDS_MISSING"
    HOURS_LIMIT_EXCEEDED = "HOURS_LIMIT_EXCEEDED"


class Funds(StrEnum):
    """Whether money of the user is recorded (R-08)."""

    RECORDED = "RECORDED"
    NONE = "NONE"


class HomeVisit(StrEnum):
    """Whether the home visit took place (R-05, R-34)."""

    DONE = "DONE"
    MISSING = "MISSING"


_ORDER_GIVEN = frozenset(
    {CaseState.ORDER_ISSUED, CaseState.WAITLISTED, CaseState.CONTRACTED, CaseState.IN_SERVICE, CaseState.PAUSED}
)


@dataclass(frozen=True, slots=True)
class BeforeContract:
    """A case that has no contract here."""

    service_code: str
    state: CaseState
    visit: HomeVisit


@dataclass(frozen=True, slots=True)
class CareQuestion:
    """Care to be recorded; `day_units` and `month_units` are the units of the code delivered so far."""

    code: str
    on: date
    units: int
    outcome: Outcome
    funds: Funds = Funds.NONE
    day_units: int = 0
    month_units: int = 0


def spends_own_money(code: str, on: date, catalogue: Catalogue) -> bool:
    """Whether the item is bought with the user's own money (F-16)."""
    entry = catalogue.find(code, on)
    return entry is not None and entry.charge is Charge.PASS


@decides("S7", "R-05", "R-34")
def before_contract(case: BeforeContract, on: date, catalogue: Catalogue) -> Obstacle:
    """Why a case without a contract gets no care: first the visit, then the order, then the contract itself.

    Only the order stands before an institution (R-33): no rule asks there for the visit when care is recorded.
    """
    lacks_order = _needs_order(case.service_code, on, catalogue) and case.state not in _ORDER_GIVEN
    if case.visit is HomeVisit.MISSING and not (lacks_order and _is_institution(case.service_code, on, catalogue)):
        return Obstacle.HOME_VISIT_MISSING
    return Obstacle.ORDER_MISSING if lacks_order else Obstacle.OUTSIDE_SERVICE


def obstacle(care: Care, question: CareQuestion, rules: LocalRules) -> Obstacle | None:
    """The first reason not to record care under a contract, None when there is none.

    The home visit needs no question: without it nobody is eligible and no contract is signed (L-03).
    """
    return _obstacle_of_day(care, question.on, rules.catalogue) or _obstacle_of_item(care, question, rules)


@decides("R-33")
def _obstacle_of_day(care: Care, on: date, catalogue: Catalogue) -> Obstacle | None:
    contract = care.contract
    if not contract.covers(on) or care.paused.contains(on):
        return Obstacle.OUTSIDE_SERVICE
    if contract.authorises(on):
        return None
    needs_order = _needs_order(contract.service_code, on, catalogue)
    return Obstacle.ORDER_MISSING if needs_order else Obstacle.OUTSIDE_SERVICE


@decides("R-08")
def _obstacle_of_item(care: Care, question: CareQuestion, rules: LocalRules) -> Obstacle | None:
    if not any(line.offers(question.code, question.on) for line in care.contract.plan):
        return Obstacle.UNKNOWN_PLAN_CODE
    if question.outcome is not Outcome.DELIVERED:
        return None
    if spends_own_money(question.code, question.on, rules.catalogue) and question.funds is Funds.NONE:
        return Obstacle.USER_FUNDS_MISSING
    if question.code == LIMITED_SERVICE and not _hours_fit(question, rules.calendar):
        return Obstacle.HOURS_LIMIT_EXCEEDED
    return None


def _hours_fit(question: CareQuestion, calendar: BusinessCalendar) -> bool:
    day = Fraction(question.day_units + question.units)
    month = Fraction(question.month_units + question.units)
    return within_limits(question.on, day, month, calendar)


def _is_institution(service_code: str, on: date, catalogue: Catalogue) -> bool:
    entry = catalogue.find(service_code, on)
    return entry is not None and entry.family is Family.INSTITUTION


def _needs_order(service_code: str, on: date, catalogue: Catalogue) -> bool:
    entry = catalogue.find(service_code, on)
    return entry is not None and entry.placement_basis is PlacementBasis.ORDER
