"""Refusals of delivery.

InvalidArgument  ← UnknownPlanCode, FutureCare, LineNotAllowed, PlanInThePast
                 ← UnknownDistrict, DayOver, AbsenceOver
AlreadyExists    ← AssistantAbsenceOverlaps, DistrictTaken, AlreadyRecorded
Refused          ← PauseRefused ← PauseNotAvailable, PauseInvalidRange, PauseStartTooEarly, PauseAllowanceExceeded,
                                    ProofNotByStaff
                 ← CareRefused  ← HomeVisitMissing, OrderMissing, OutsideService, UserFundsMissing
                 ← PrescriptionMissing, SupportPlanMissing, HoursLimitExceeded, NoPauseOnThatDay
                 ← RungNotOpen, OutcomeNotYours
                 ← AssignmentNotPossible, KitchenNotReady, DayLocked, RecordWithdrawn
                 ← NotCheckedIn, SecondPersonNeeded
"""

from __future__ import annotations

from datetime import date

from services.runtime.errors import AlreadyExists, InvalidArgument, Refused

__all__ = [
    "AbsenceOver",
    "AlreadyRecorded",
    "AssignmentNotPossible",
    "AssistantAbsenceOverlaps",
    "CareRefused",
    "DayLocked",
    "DayOver",
    "DistrictTaken",
    "FutureCare",
    "HomeVisitMissing",
    "HoursLimitExceeded",
    "KitchenNotReady",
    "LineNotAllowed",
    "NoPauseOnThatDay",
    "NotCheckedIn",
    "OrderMissing",
    "OutcomeNotYours",
    "OutsideService",
    "PauseAllowanceExceeded",
    "PauseInvalidRange",
    "PauseNotAvailable",
    "PauseRefused",
    "PauseStartTooEarly",
    "PlanInThePast",
    "PrescriptionMissing",
    "ProofNotByStaff",
    "RecordWithdrawn",
    "RungNotOpen",
    "SecondPersonNeeded",
    "SupportPlanMissing",
    "UnknownDistrict",
    "UnknownPlanCode",
    "UserFundsMissing",
]


class UnknownPlanCode(InvalidArgument):
    """The service does not offer the code, or the signed plan does not have it."""

    reason = "UNKNOWN_PLAN_CODE"
    text_bg = "Дейността не е част от услугата или от плана."
    text_en = "The item is no part of the service or of the plan."

    def __init__(self, code: str, field: str) -> None:
        """Name the code; `field` is where the request has it."""
        super().__init__(field=field, metadata={"code": code})


class LineNotAllowed(InvalidArgument):
    """A line of a plan lies outside the service, or has a menu and is no meal."""

    reason = "PLAN_LINE_NOT_ALLOWED"
    text_bg = "Ред от плана не е възможен: {code}."
    text_en = "A line of the plan cannot be so: {code}."

    def __init__(self, code: str, problem: str) -> None:
        """Name the line's code and what is wrong with it, LINE_OUTSIDE_SERVICE or MENU_WITHOUT_MEAL."""
        super().__init__(field="plan", metadata={"code": code, "problem": problem})


class PlanInThePast(InvalidArgument):
    """A plan changes for days to come only."""

    reason = "EFFECTIVE_DATE_PASSED"
    text_bg = "Планът може да се промени най-рано от {first_day}."
    text_en = "The plan may change from {first_day} on."

    def __init__(self, first_day: date) -> None:
        """Name the first day from which it may."""
        super().__init__(field="first_date", metadata={"first_day": first_day.isoformat()})


class FutureCare(InvalidArgument):
    """Care is recorded once it happened, not before."""

    text_bg = "Грижа се записва, след като е предоставена."
    text_en = "Care is recorded once it has happened."


class PrescriptionMissing(Refused):
    """Medical rehabilitation without a doctor's prescription."""

    reason = "PRESCRIPTION_MISSING"
    article = "R-06"
    text_bg = "За медицинска рехабилитация е необходимо лекарско предписание."
    text_en = "Medical rehabilitation needs a doctor's prescription."


class SupportPlanMissing(Refused):
    """Social rehabilitation without an individual support plan."""

    reason = "SUPPORT_PLAN_MISSING"
    article = "R-07"
    text_bg = "За социална рехабилитация е необходим индивидуален план за подкрепа."
    text_en = "Social rehabilitation needs an individual support plan."


class HoursLimitExceeded(Refused):
    """More hours of assistant support than a day or month admits."""

    reason = "HOURS_LIMIT_EXCEEDED"
    article = "R-18"
    text_bg = "Часовете надхвърлят допустимото: до 4 часа на работен ден."
    text_en = "The hours exceed the limit: at most 4 hours on a working day."


class CareRefused(Refused):
    """The care cannot be recorded."""


class HomeVisitMissing(CareRefused):
    """Care before the home visit."""

    reason = "HOME_VISIT_MISSING"
    article = "R-05"
    text_bg = "Посещението в дома още не е извършено."
    text_en = "The home visit has not taken place yet."


class OrderMissing(CareRefused):
    """Care in a service that needs an order, on a day that no order covers."""

    reason = "ORDER_MISSING"
    article = "R-33"
    text_bg = "Няма заповед за настаняване за този ден."
    text_en = "No placement order covers the day."


class OutsideService(CareRefused):
    """Care outside the contract, or in a pause."""

    reason = "OUTSIDE_SERVICE"
    article = "P-11"
    text_bg = "Денят е извън срока на договора или попада в прекъсване."
    text_en = "The day lies outside the contract or in a pause."


class UserFundsMissing(CareRefused):
    """A purchase with the user's own money, of which none is recorded."""

    reason = "USER_FUNDS_MISSING"
    article = "R-08"
    text_bg = "Няма записани средства на потребителя за тази дейност."
    text_en = "No money of the user is recorded for this item."


class PauseRefused(Refused):
    """The pause is not granted."""


class PauseNotAvailable(PauseRefused):
    """Neither this service nor this state has pauses."""

    reason = "PAUSE_NOT_AVAILABLE"
    article = "P-03"
    text_bg = "Прекъсване е възможно само при домашен социален патронаж в ход."
    text_en = "Only home social patronage in service can be paused."


class PauseInvalidRange(PauseRefused):
    """The range ends before it starts."""

    reason = "PAUSE_INVALID_RANGE"
    article = "P-04"
    text_bg = "Краят на прекъсването е преди началото му."
    text_en = "The pause ends before it starts."


class PauseStartTooEarly(PauseRefused):
    """The pause does not start after the day of the request."""

    reason = "PAUSE_START_TOO_EARLY"
    article = "P-09"
    text_bg = "Прекъсването започва най-рано в деня след заявяването."
    text_en = "A pause starts after the day of the request."


class PauseAllowanceExceeded(PauseRefused):
    """More than the allowance of a calendar year; says the last admissible end."""

    reason = "PAUSE_ALLOWANCE_EXCEEDED"
    article = "P-08"
    text_bg = "Прекъсването надхвърля три месеца за календарна година."
    text_en = "The pause exceeds three months in a calendar year."

    def __init__(self, last_admissible_end: date | None) -> None:
        """Carry the last end that would be granted; None when not even the first day fits."""
        day = "" if last_admissible_end is None else last_admissible_end.isoformat()
        super().__init__(metadata={"last_admissible_end": day})
        self.last_admissible_end = last_admissible_end


class ProofNotByStaff(PauseRefused):
    """Somebody who is not of the office says that a hospital stay is proved."""

    reason = "PROOF_NOT_BY_STAFF"
    article = "P-09"
    text_bg = "Престоят в болница се доказва пред общината; служител въвежда прекъсването."
    text_en = "A hospital stay is proved to the office; its staff enter the pause."


class NoPauseOnThatDay(Refused):
    """No pause covers the day of return."""

    article = "P-10"
    text_bg = "В деня на връщането няма прекъсване."
    text_en = "No pause covers the day of return."


class RungNotOpen(Refused):
    """The welfare check stands on another rung by now, or has its outcome."""

    article = "S7"
    text_bg = "Проверката вече не е на тази стъпка."
    text_en = "The welfare check does not stand on that rung any more."


class OutcomeNotYours(Refused):
    """Only an office head may say that nobody was found, and only when every rung was tried."""

    reason = "OUTCOME_NOT_ALLOWED"
    article = "S7"
    text_bg = "Този изход може да даде само ръководителят на офиса, след като всички стъпки са опитани."
    text_en = "Only an office head may end the check like this, when every rung was tried."


class UnknownDistrict(InvalidArgument):
    """No register has such a district or municipality (section 11)."""

    reason = "UNKNOWN_DISTRICT"
    text_bg = "Няма район или община с код {district_code}."
    text_en = "There is no district or municipality {district_code}."


class DayOver(InvalidArgument):
    """What is planned for a day is changed on that day at the latest."""

    text_bg = "Този ден е минал."
    text_en = "That day is over."


class AbsenceOver(InvalidArgument):
    """The day back lies outside the absence."""

    text_bg = "Денят на връщане е извън отсъствието."
    text_en = "The day back lies outside the absence."


class AssistantAbsenceOverlaps(AlreadyExists):
    """The assistant is away on one of the days already."""

    text_bg = "За част от дните вече има отсъствие."
    text_en = "The assistant is away on some of these days already."


class DistrictTaken(AlreadyExists):
    """Another kitchen cooks for the district, or another route of the kitchen goes there."""

    text_bg = "За този район вече готви друга кухня или минава друг маршрут."
    text_en = "Another kitchen cooks for the district, or another route goes there."


class AssignmentNotPossible(Refused):
    """The assistant does not meet a hard condition of the visit."""

    reason = "ASSIGNMENT_NOT_POSSIBLE"
    text_bg = "Посещението не може да бъде възложено на този служител: {step}."
    text_en = "The visit cannot go to this assistant: {step}."


class KitchenNotReady(Refused):
    """The day is not planned yet, or its meals may still be taken off."""

    article = "C-29"
    text_bg = "Денят още не е планиран или срокът за отказ от храна не е изтекъл."
    text_en = "The day is not planned yet, or the cut-off of its meals has not passed."


class AlreadyRecorded(AlreadyExists):
    """Everything that was planned of the item on the day is recorded, and otherwise."""

    text_bg = "За този ден вече е записано нещо друго."
    text_en = "Something else is recorded for that day already."


class DayLocked(Refused):
    """The day may only be corrected (`delivery.lock_days`, `delivery.month_lock_days`)."""

    reason = "DAY_LOCKED"
    article = "C-29"
    text_bg = "Денят е заключен; поискайте поправка."
    text_en = "The day is locked; ask for a correction."


class RecordWithdrawn(Refused):
    """The record was corrected before, or lies outside the contract by now; it counts nowhere."""

    reason = "RECORD_WITHDRAWN"
    article = "C-29"
    text_bg = "Записът вече не важи; поискайте поправка на този, който го замества."
    text_en = "The record counts no more; ask for a correction of the one that stands instead."


class NotCheckedIn(Refused):
    """Nobody has arrived at the visit."""

    text_bg = "За посещението няма отбелязано пристигане."
    text_en = "Nobody has arrived at the visit."


class SecondPersonNeeded(Refused):
    """Who asked for a correction of a locked day cannot make it."""

    reason = "SECOND_PERSON_NEEDED"
    article = "C-29"
    text_bg = "Поправката се одобрява от друг служител."
    text_en = "Another staff member approves the correction."
