"""The time limits of the trade as data: length, unit and ground of each (domain.md D-01 to D-11)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum
from types import MappingProxyType

from services.kernel.calendar import BusinessCalendar
from services.kernel.dates import add_months, add_years
from services.kernel.municipal_settings import MunicipalSettings
from services.kernel.register import decides

__all__ = [
    "FAILED_VISIT_TERM",
    "OFFER_TERM",
    "TERMS",
    "LimitKind",
    "LimitUnit",
    "Shift",
    "Term",
    "count",
    "terms_under",
]


class LimitUnit(StrEnum):
    """What a length is counted in."""

    DAYS = "days"
    WEEKS = "weeks"
    MONTHS = "months"
    YEARS = "years"
    WORKING_DAYS = "working_days"


class LimitKind(StrEnum):
    """Kind of a time limit; values as in domain.md, names as in `socialcare.common.v1`."""

    HOME_ASSESSMENT = "home_assessment"
    REMEDY_DOCUMENTS = "remedy_documents"
    NEEDS_ASSESSMENT_AND_PLAN = "needs_assessment_and_plan"
    ORDER_DECISION = "order_decision"
    APPEAL = "appeal"
    TACIT_REFUSAL_APPEAL = "tacit_refusal_appeal"
    INVOICE_DUE = "invoice_due"
    ARREARS_TERMINATION = "arrears_termination"
    ORDER_OPINION = "order_opinion"
    CONTRACT_SIGNATURE = "contract_signature"
    OFFER_ANSWER = "offer_answer"


class Shift(StrEnum):
    """What happens to a limit whose last day is no working day (T-02, C-17)."""

    FORWARD = "FORWARD"
    NONE = "NONE"


@decides("T-01", "T-04", "T-05", "T-06")
def count(event_date: date, length: int, unit: LimitUnit, calendar: BusinessCalendar) -> date:
    """The nominal last day, before the shift of T-02; the day of the event is not counted (T-01, T-04 to T-06).

    ValueError when the length is below 1.
    """
    if length < 1:
        raise ValueError("a time limit has a length of at least 1")
    match unit:
        case LimitUnit.DAYS:
            return event_date + timedelta(days=length)
        case LimitUnit.WEEKS:
            return event_date + timedelta(weeks=length)
        case LimitUnit.MONTHS:
            return add_months(event_date, length)
        case LimitUnit.YEARS:
            return add_years(event_date, length)
        case LimitUnit.WORKING_DAYS:
            return calendar.add_working_days(event_date, length)


@dataclass(frozen=True, slots=True)
class Term:
    """A time limit as the rule gives it, before any event; lengths and shift are settings of the municipality."""

    rule: str
    kind: LimitKind
    length: int
    unit: LimitUnit
    citation: str
    shift: Shift = Shift.FORWARD


def _days(rule: str, kind: LimitKind, length: int, citation: str) -> Term:
    return Term(rule, kind, length, LimitUnit.DAYS, citation)


_ALL = (
    _days("D-01", LimitKind.HOME_ASSESSMENT, 7, "seed-004"),
    _days("D-02", LimitKind.REMEDY_DOCUMENTS, 3, "АПК, чл. 30, ал. 2"),
    _days("D-03", LimitKind.NEEDS_ASSESSMENT_AND_PLAN, 20, "CNST Iskra"),
    _days("D-04", LimitKind.ORDER_DECISION, 14, "АПК, чл. 57, ал. 1"),
    _days("D-05", LimitKind.APPEAL, 14, "АПК, чл. 149, ал. 1"),
    Term("D-06", LimitKind.TACIT_REFUSAL_APPEAL, 1, LimitUnit.MONTHS, "АПК, чл. 149, ал. 2"),
    _days("D-07", LimitKind.INVOICE_DUE, 25, "Troyan, домашен социален патронаж"),
    Term("D-08", LimitKind.ARREARS_TERMINATION, 2, LimitUnit.MONTHS, "Bozhurishte, домашен социален патронаж"),
    _days("D-09", LimitKind.ORDER_OPINION, 14, "АПК, чл. 53"),
    _days("D-11", LimitKind.CONTRACT_SIGNATURE, 30, "domain.md D-11"),
)

TERMS: Mapping[LimitKind, Term] = decides(
    "D-01", "D-02", "D-03", "D-04", "D-05", "D-06", "D-07", "D-08", "D-09", "D-11"
)(MappingProxyType({term.kind: term for term in _ALL}))
"""The terms by kind. D-07 counts from the last day of the billed month, so 25 days are the 25th of the next month."""

FAILED_VISIT_TERM = decides("D-10")(_days("D-10", LimitKind.HOME_ASSESSMENT, 7, "domain.md D-10"))
"""The new term that a failed visit starts in place of D-01."""

OFFER_TERM = decides("L-09")(_days("L-09", LimitKind.OFFER_ANSWER, 7, "domain.md C-29"))
"""The term to answer an offered place; it runs only where `offer.days` gives its length (C-29)."""

_LENGTHS = {"D-04": "deadline.order_days", "D-07": "billing.due_day", "D-11": "deadline.contract_days"}
_PROVIDERS_SEVEN_DAYS = frozenset({"D-01", "D-10"})


def terms_under(settings: MunicipalSettings) -> Mapping[str, Term]:
    """Every term by its rule, `D-01` to `D-11`, with the lengths of the municipality (C-02, C-26, C-27).

    `deadline.shift_non_working` is about the provider's seven days only (C-17); every other term shifts (T-02).
    """
    visits = Shift.FORWARD if settings.flag("deadline.shift_non_working") else Shift.NONE
    terms: dict[str, Term] = {}
    for term in (*_ALL, FAILED_VISIT_TERM):
        length = settings.whole(_LENGTHS[term.rule]) if term.rule in _LENGTHS else term.length
        shift = visits if term.rule in _PROVIDERS_SEVEN_DAYS else term.shift
        terms[term.rule] = replace(term, length=length, shift=shift)
    return MappingProxyType(terms)
