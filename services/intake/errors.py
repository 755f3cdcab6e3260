"""Refusals of intake.

InvalidArgument ← InvalidIdentifier, IdentifierMismatch, UnknownService, UnknownDocument, InvalidFact,
                  BackdatingReasonMissing, UnknownDistrict,
                  EffectiveDatePassed
AlreadyExists   ← DuplicateCase, AuthorityOverlaps
Refused         ← StateNotAllowed, NotYetOpen, ServiceClosed, AppealOutOfTime
"""

from __future__ import annotations

from services.runtime.errors import AlreadyExists, InvalidArgument, Refused

__all__ = [
    "AppealOutOfTime",
    "AuthorityOverlaps",
    "BackdatingReasonMissing",
    "DuplicateCase",
    "EffectiveDatePassed",
    "IdentifierMismatch",
    "InvalidFact",
    "InvalidIdentifier",
    "NotYetOpen",
    "ServiceClosed",
    "StateNotAllowed",
    "UnknownDistrict",
    "UnknownDocument",
    "UnknownService",
]


class InvalidIdentifier(InvalidArgument):
    """The number is not valid; metadata `detail` says why (R-01)."""

    reason = "INVALID_IDENTIFIER"
    article = "R-01"
    text_bg = "Личният номер не е валиден ({detail})."
    text_en = "The personal number is not valid ({detail})."


class IdentifierMismatch(InvalidArgument):
    """Declared birth date or sex differ from the EGN's (section 9)."""

    reason = "IDENTIFIER_MISMATCH"
    article = "R-01"
    text_bg = "Датата на раждане или полът не отговарят на ЕГН."
    text_en = "Birth date or sex do not agree with the EGN."


class UnknownService(InvalidArgument):
    """The catalogue has no such service to apply for."""

    reason = "UNKNOWN_SERVICE"
    text_bg = "Няма такава услуга: {service_code}."
    text_en = "There is no such service: {service_code}."


class UnknownDocument(InvalidArgument):
    """Section 9 has no such paper."""

    reason = "UNKNOWN_DOCUMENT"
    text_bg = "Няма такъв документ: {document_code}."
    text_en = "There is no such document: {document_code}."


class InvalidFact(InvalidArgument):
    """A fact contradicts itself or lies outside its range."""

    reason = "INVALID_FACT"
    text_bg = "Деклариран факт е извън допустимите граници или си противоречи."
    text_en = "A declared fact contradicts itself or lies outside its range."


class BackdatingReasonMissing(InvalidArgument):
    """An earlier receipt came without its reason."""

    reason = "BACKDATING_REASON_MISSING"
    text_bg = "За по-ранна дата на получаване се посочва основание."
    text_en = "An earlier time of receipt needs a reason."


class UnknownDistrict(InvalidArgument):
    """No register has such a district or municipality (section 11)."""

    reason = "UNKNOWN_DISTRICT"
    text_bg = "Няма район или община с код {district_code}."
    text_en = "There is no district or municipality {district_code}."


class EffectiveDatePassed(InvalidArgument):
    """An edit of catalogue or calendar would change a day that is over."""

    reason = "EFFECTIVE_DATE_PASSED"
    text_bg = "Промяната засяга минал ден: {first_day}."
    text_en = "The edit would change a day that is over: {first_day}."


class DuplicateCase(AlreadyExists):
    """The person has a live case of the same service (R-02)."""

    reason = "DUPLICATE_CASE"
    article = "R-02"
    text_bg = "Лицето вече има открит случай за тази услуга."
    text_en = "The person already has a live case of this service."


class AuthorityOverlaps(AlreadyExists):
    """The representative has an authority of that kind on some of those days."""

    reason = "AUTHORITY_OVERLAPS"
    text_bg = "Представителят вече има такива правомощия за част от този период."
    text_en = "The representative has an authority of that kind on some of those days."


class StateNotAllowed(Refused):
    """The state of the case does not allow the step; metadata has the state."""

    reason = "STATE_NOT_ALLOWED"
    text_bg = "Случаят е в състояние {state}, което не позволява това действие."
    text_en = "The case is {state}, which does not allow this step."


class NotYetOpen(Refused):
    """Applications are not taken yet (R-10)."""

    reason = "NOT_YET_OPEN"
    article = "R-10"
    text_bg = "Приемът на заявления още не е започнал."
    text_en = "Applications are not taken yet."


class ServiceClosed(Refused):
    """The service takes no new applications (R-30)."""

    reason = "SERVICE_CLOSED"
    article = "R-30"
    text_bg = "По тази услуга не се приемат нови заявления."
    text_en = "This service takes no new applications."


class AppealOutOfTime(Refused):
    """The appeal came after D-05 (L-08)."""

    reason = "APPEAL_OUT_OF_TIME"
    article = "L-08"
    text_bg = "Срокът за обжалване изтече на {due_date}."
    text_en = "The term for an appeal ended on {due_date}."
