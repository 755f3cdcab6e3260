"""Refusals of placement.

InvalidArgument ─┬─ AmendmentInThePast
                 ├─ UnknownFacility
                 └─ UnknownService
AlreadyExists ───┬─ FacilityExists
                 └─ OrderNumberTaken
Exhausted ───────── NoFreePlace
Refused ─────────┬─ StepNotAllowed
                 ├─ NotEligible
                 ├─ OrderMissing
                 ├─ OrderWrongDirectorate
                 ├─ OrderLeavesGap
                 ├─ OrderNotCalledFor
                 ├─ StartBeforeSigning
                 ├─ AppealOutOfTime
                 └─ ArrearsTermNotReached
"""

from __future__ import annotations

from services.runtime.errors import AlreadyExists, Exhausted, InvalidArgument, Refused

__all__ = [
    "AmendmentInThePast",
    "AppealOutOfTime",
    "ArrearsTermNotReached",
    "FacilityExists",
    "NoFreePlace",
    "NotEligible",
    "OrderLeavesGap",
    "OrderMissing",
    "OrderNotCalledFor",
    "OrderNumberTaken",
    "OrderWrongDirectorate",
    "StartBeforeSigning",
    "StepNotAllowed",
    "UnknownFacility",
    "UnknownService",
]


class UnknownFacility(InvalidArgument):
    """The municipality has no such facility for this service."""

    reason = "UNKNOWN_FACILITY"
    text_bg = "Общината няма такова заведение за тази услуга."
    text_en = "The municipality has no such facility for this service."


class UnknownService(InvalidArgument):
    """The catalogue has no such service."""

    reason = "UNKNOWN_SERVICE"
    text_bg = "В каталога няма такава услуга."
    text_en = "The catalogue has no such service."


class FacilityExists(AlreadyExists):
    """The municipality has a facility or directorate of that code."""

    text_bg = "Общината вече има запис с този код."
    text_en = "The municipality has a record of that code already."


class OrderNumberTaken(AlreadyExists):
    """The authority already has an order or referral of that number."""

    reason = "ORDER_NUMBER_TAKEN"
    text_bg = "Органът вече има акт с този номер."
    text_en = "The authority already has an act of that number."


class NoFreePlace(Exhausted):
    """The person waits for a place (L-09)."""

    article = "L-09"


class StepNotAllowed(Refused):
    """The placement is in a state in which the step is not possible."""

    text_bg = "Настаняването е в състояние {state} и не позволява това действие."
    text_en = "The placement is {state} and does not allow this step."


class NotEligible(Refused):
    """The case was not accepted, so there is nothing to place (L-10)."""

    article = "L-10"
    text_bg = "По случая няма решение за приемане."
    text_en = "The case was not accepted."


class OrderMissing(Refused):
    """No contract before the order of the directorate (R-33)."""

    reason = "ORDER_MISSING"
    article = "R-33"
    text_bg = "Няма заповед за настаняване."
    text_en = "There is no placement order."


class OrderWrongDirectorate(Refused):
    """Another directorate's order is not taken (R-33, L-07)."""

    reason = "ORDER_WRONG_DIRECTORATE"
    article = "R-33"
    text_bg = "Дирекцията не е компетентна за това заведение."
    text_en = "The directorate is not competent for this facility."


class OrderLeavesGap(Refused):
    """Days of the contract would lie between the order and the one that follows it (R-33)."""

    reason = "ORDER_LEAVES_GAP"
    article = "R-33"
    text_bg = "Между двете заповеди остават дни от договора без заповед."
    text_en = "Days of the contract would lie between the two orders, without one."


class OrderNotCalledFor(Refused):
    """An order is named where nobody is placed by order (S4a)."""

    reason = "ORDER_NOT_CALLED_FOR"
    article = "S4a"
    text_bg = "За тази услуга не се издава заповед за настаняване."
    text_en = "No placement order is issued for this service."


class StartBeforeSigning(Refused):
    """Care starts on the day of signing or later (L-10)."""

    reason = "START_BEFORE_SIGNING"
    article = "L-10"
    text_bg = "Услугата не може да започне преди подписването."
    text_en = "The service cannot start before the signing."


class AmendmentInThePast(InvalidArgument):
    """A contract is amended for days to come only, each version behind the one before it."""

    reason = "EFFECTIVE_DATE_PASSED"
    text_bg = "Договорът може да се измени най-рано от {first_day}."
    text_en = "The contract may be amended from {first_day} on."


class AppealOutOfTime(Refused):
    """The appeal came after its term (L-08)."""

    reason = "APPEAL_OUT_OF_TIME"
    article = "L-08"
    text_bg = "Срокът за обжалване изтече на {due_date}."
    text_en = "The term for the appeal ended on {due_date}."


class ArrearsTermNotReached(Refused):
    """Two months past the due date are not over (D-08, L-13)."""

    reason = "ARREARS_TERM_NOT_REACHED"
    article = "D-08"
    text_bg = "Двата месеца след падежа още не са изтекли."
    text_en = "Two months past the due date are not over."
