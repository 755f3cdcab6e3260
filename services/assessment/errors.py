"""Refusals of assessment.

InvalidArgument
├─ EffectiveDatePassed
├─ InvalidFact
├─ InvalidInstrument
├─ NeedsAnswerMissing
├─ NeedsAnswerNotAllowed
├─ UnknownBreachCause
├─ UnknownDistrict
└─ UnknownNeedsItem
AlreadyExists
├─ AbsenceOverlaps
└─ InstrumentOverlaps
Refused
├─ StepNotAllowed
├─ AbsenceOver
├─ NoOpenReview
├─ ReviewIsOpen
├─ WorkerNotAbsent
├─ NotRegistered
├─ HomeVisitMissing
├─ SuspensionNotAllowed
└─ ExtensionNotAllowed
"""

from __future__ import annotations

from services.runtime.errors import AlreadyExists, InvalidArgument, Refused

__all__ = [
    "AbsenceOver",
    "AbsenceOverlaps",
    "EffectiveDatePassed",
    "ExtensionNotAllowed",
    "HomeVisitMissing",
    "InstrumentOverlaps",
    "InvalidFact",
    "InvalidInstrument",
    "NeedsAnswerMissing",
    "NeedsAnswerNotAllowed",
    "NoOpenReview",
    "NotRegistered",
    "ReviewIsOpen",
    "StepNotAllowed",
    "SuspensionNotAllowed",
    "UnknownBreachCause",
    "UnknownDistrict",
    "UnknownNeedsItem",
    "WorkerNotAbsent",
]


class InvalidFact(InvalidArgument):
    """A found fact contradicts itself (section 9)."""

    reason = "INVALID_FACT"
    text_bg = "Установен факт си противоречи."
    text_en = "A fact that was found contradicts itself."


class UnknownBreachCause(InvalidArgument):
    """The municipality does not list this cause (`breach.cause_codes`)."""

    reason = "SETTING_NOT_ALLOWED"
    article = "C-29"
    text_bg = "Общината не е определила такава причина."
    text_en = "The municipality does not list this cause."


class UnknownDistrict(InvalidArgument):
    """No register has such a district or municipality (section 11)."""

    reason = "UNKNOWN_DISTRICT"
    text_bg = "Няма район или община с код {district_code}."
    text_en = "There is no district or municipality {district_code}."


class EffectiveDatePassed(InvalidArgument):
    """An instrument cannot come into force on a day that is over."""

    reason = "EFFECTIVE_DATE_PASSED"
    text_bg = "Въпросникът не може да влезе в сила на минал ден: {first_day}."
    text_en = "An instrument cannot come into force on a day that is over: {first_day}."


class InvalidInstrument(InvalidArgument):
    """Codes repeat, bands do not rise, or a score would have no level."""

    reason = "INVALID_INSTRUMENT"
    text_bg = "Въпросникът си противоречи: повторени кодове или степени, които не обхващат всички точки."
    text_en = "The instrument contradicts itself: codes repeat, or its bands do not cover every score."


class UnknownNeedsItem(InvalidArgument):
    """The instrument has no such item."""

    reason = "UNKNOWN_NEEDS_ITEM"
    text_bg = "Въпросникът няма въпрос {item_code}."
    text_en = "The instrument has no item {item_code}."


class NeedsAnswerMissing(InvalidArgument):
    """An item of the instrument has no answer."""

    reason = "NEEDS_ANSWER_MISSING"
    text_bg = "Липсва отговор на въпрос {item_code}."
    text_en = "Item {item_code} has no answer."


class NeedsAnswerNotAllowed(InvalidArgument):
    """The item has no such option, or was answered twice."""

    reason = "NEEDS_ANSWER_NOT_ALLOWED"
    text_bg = "Въпрос {item_code} няма такъв отговор или е отговорен два пъти."
    text_en = "Item {item_code} has no such option, or was answered twice."


class InstrumentOverlaps(AlreadyExists):
    """Another instrument begins on that day or later."""

    text_bg = "Друг въпросник влиза в сила на този ден или по-късно."
    text_en = "Another instrument comes into force on that day or later."


class AbsenceOverlaps(AlreadyExists):
    """The social worker is away on one of the days already."""

    text_bg = "Социалният работник вече отсъства в част от тези дни."
    text_en = "The social worker is away on some of these days already."


class AbsenceOver(Refused):
    """The day back lies outside the absence."""

    text_bg = "Отсъствието е от {first_day} до {last_day} и не може да свърши преди {back_day}."
    text_en = "The absence lasts from {first_day} to {last_day}; it cannot end before {back_day}."


class ReviewIsOpen(Refused):
    """The case has an open review."""

    article = "S10"
    text_bg = "По случая вече има започнат преглед."
    text_en = "The case has an open review already."


class NoOpenReview(Refused):
    """The case has no open review."""

    article = "S10"
    text_bg = "По случая няма започнат преглед."
    text_en = "The case has no open review."


class WorkerNotAbsent(Refused):
    """The social worker is away neither today nor later."""

    text_bg = "Социалният работник не отсъства."
    text_en = "The social worker is not absent."


class StepNotAllowed(Refused):
    """The assessment is in a state in which the step is not possible."""

    text_bg = "Оценката е в състояние {state} и не позволява това действие."
    text_en = "The assessment is {state} and does not allow this step."


class NotRegistered(Refused):
    """The papers of the case are not complete, so no clock runs yet (C-18)."""

    article = "C-18"
    text_bg = "Документите по случая не са пълни; сроковете още не текат."
    text_en = "The papers of the case are not complete; no limit runs yet."


class HomeVisitMissing(Refused):
    """No assessment before the completed visit (L-03)."""

    reason = "HOME_VISIT_MISSING"
    article = "L-03"
    text_bg = "Домашното посещение още не е извършено."
    text_en = "The home visit has not taken place."


class SuspensionNotAllowed(Refused):
    """This limit is not suspended (T-13)."""

    reason = "SUSPENSION_NOT_ALLOWED"
    article = "T-13"
    text_bg = "Спирането на този срок не е допуснато."
    text_en = "Suspending this limit is not allowed."


class ExtensionNotAllowed(Refused):
    """This limit is not extended (T-13)."""

    reason = "EXTENSION_NOT_ALLOWED"
    article = "T-13"
    text_bg = "Удължаването на този срок не е допуснато."
    text_en = "Extending this limit is not allowed."
