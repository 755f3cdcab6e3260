"""Refusals of assessment.

InvalidArgument
├─ InvalidFact
├─ UnknownBreachCause
└─ UnknownDistrict
AlreadyExists
└─ AbsenceOverlaps
Refused
├─ StepNotAllowed
├─ AbsenceOver
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
    "ExtensionNotAllowed",
    "HomeVisitMissing",
    "InvalidFact",
    "NotRegistered",
    "StepNotAllowed",
    "SuspensionNotAllowed",
    "UnknownBreachCause",
    "UnknownDistrict",
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


class AbsenceOverlaps(AlreadyExists):
    """The social worker is away on one of the days already."""

    text_bg = "Социалният работник вече отсъства в част от тези дни."
    text_en = "The social worker is away on some of these days already."


class AbsenceOver(Refused):
    """The day back lies outside the absence."""

    text_bg = "Отсъствието е от {first_day} до {last_day} и не може да свърши преди {back_day}."
    text_en = "The absence lasts from {first_day} to {last_day}; it cannot end before {back_day}."


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
