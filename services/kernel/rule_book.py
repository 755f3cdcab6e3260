"""Every rule of domain.md sections 4 to 8: its number, what it is about, and where it comes from.

A rule is decided by a function or table that says so with `decides` (services/kernel/register.py); docs/rules.md leads
from each rule to that place and to the tests that name it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["RULE_BOOK", "NumberedRule"]

HOUSE = "assumption"
"""Nobody's rule: what domain.md takes where every source is silent."""
DERIVED = "derived"
"""Follows from other rules."""


@dataclass(frozen=True, slots=True)
class NumberedRule:
    """One rule by its number in domain.md; `source` is the mark that domain.md gives it."""

    id: str
    title: str
    source: str


_STAGES = (
    NumberedRule("S1", "Application", "seed-004, seed-000; MLSP; Berkovitsa; provider FAQ 2023"),
    NumberedRule("S2", "Home assessment", "seed-004; ЗИД ЗСУ, ДВ 71/2020; CNST Iskra"),
    NumberedRule("S3", "Eligibility decision", "АПК, чл. 149, ал. 1"),
    NumberedRule("S4a", "Order of the directorate", "seed-004; econ.bg; ДПЛФУ; АПК, чл. 149, ал. 2"),
    NumberedRule("S4b", "Municipal referral", "empowerare"),
    NumberedRule("S4c", "Placement of a child", "seed-004; ЗЗДет, чл. 26, ал. 1"),
    NumberedRule("S5", "Waiting list", "empowerare; Bozhurishte; Pia Mater"),
    NumberedRule("S6", "Plan and contract", "seed-000; CNST Iskra"),
    NumberedRule("S7", "Delivery", "ASP"),
    NumberedRule("S8", "Pause", "seed-004"),
    NumberedRule("S9", "Billing", "Troyan, домашен социален патронаж"),
    NumberedRule("S10", "Review", "tvsat.bg"),
    NumberedRule("S11", "Termination", "Bozhurishte; Alexandrovska"),
)

_DEADLINES = (
    NumberedRule("D-01", "Home assessment: 7 days from the full set of documents", "seed-004"),
    NumberedRule("D-02", "Missing papers: 3 days from the notice", "АПК, чл. 30, ал. 2"),
    NumberedRule("D-03", "Needs assessment and plan: 20 days from registration", "CNST Iskra"),
    NumberedRule("D-04", "Order: 14 days from the request", "АПК, чл. 57, ал. 1"),
    NumberedRule("D-05", "Appeal: 14 days from the notification", "АПК, чл. 149, ал. 1"),
    NumberedRule("D-06", "Appeal against silence: 1 month from the end of D-04", "АПК, чл. 149, ал. 2"),
    NumberedRule("D-07", "Invoice: the 25th of the next month", "Troyan; Tervel"),
    NumberedRule("D-08", "Arrears: termination after more than 2 months", "Bozhurishte"),
    NumberedRule("D-09", "Opinion of another body: 14 days", "АПК, чл. 53"),
    NumberedRule("D-10", "Failed visit: a new 7-day term, after two the case is withdrawn", HOUSE),
    NumberedRule("D-11", "Signing of the contract: 30 days", HOUSE),
)

_PROCESS = tuple(
    NumberedRule(id_, title, HOUSE)
    for id_, title in (
        ("L-01", "Timed work of a day is due at its first instant; a month is billed on the 1st of the next"),
        ("L-02", "Which rules are asked at the counter, at the decision, at the signing and at the recording"),
        ("L-03", "Every service is visited first; the visit meets D-01, the assessment D-03"),
        ("L-04", "A found fact replaces the declared one; what nobody stated is false or unknown"),
        ("L-05", "One notice of missing papers; a conditional paper is needed when the facts name what it proves"),
        ("L-06", "A visit turned away starts a new term; calls on the office head"),
        ("L-07", "The request for an order and its answer"),
        ("L-08", "Appeals: from which day, until when, and what they lead to"),
        ("L-09", "A place is held, a freed place is offered to the first of the list"),
        ("L-10", "From which day the term for the contract runs; signing and start"),
        ("L-11", "Planned units of a day; the kitchen's count"),
        ("L-12", "Income, assets and cost are declared from a month on; a later fact makes a note"),
        ("L-13", "When a month is paid; arrears count from the oldest unpaid invoice"),
        ("L-14", "A child's placement: order, then court"),
        ("L-15", "Withdrawal before the contract, termination after it"),
    )
)

_ELIGIBILITY = (
    NumberedRule("R-01", "A personal number that is valid and agrees with the rest", HOUSE),
    NumberedRule("R-02", "One live case of a person and service", HOUSE),
    NumberedRule("R-03", "Validity of a medical board's decision", "domain.md R-03"),
    NumberedRule("R-04", "Target group of home patronage", "seed-004, seed-000; FAQ 2023"),
    NumberedRule("R-05", "Patronage: the home visit comes first", "seed-004, seed-000"),
    NumberedRule("R-06", "Medical rehabilitation on prescription", "seed-000"),
    NumberedRule("R-07", "Social rehabilitation by plan", "seed-000"),
    NumberedRule("R-08", "Purchases with the user's own money", "seed-000, seed-004"),
    NumberedRule("R-10", "Assistant support: start of intake", "seed-000"),
    NumberedRule("R-11", "Assistant support: districts", "seed-000"),
    NumberedRule("R-12", "Assistant support, group A", "seed-000; ЗСУ, чл. 93"),
    NumberedRule("R-13", "Assistant support, group B", "seed-000"),
    NumberedRule("R-14", "Assistant support, group C", "seed-000"),
    NumberedRule("R-15", "Assistant support: one of the groups, or an unknown fact is waited for", "domain.md R-15"),
    NumberedRule("R-16", "Assistant support: similar services", "seed-000; ЗСУ, чл. 93"),
    NumberedRule("R-17", "Assistant support: residential care", "domain.md R-17"),
    NumberedRule("R-18", "Assistant support: hours", "provider notice; Stara Zagora; Yambol"),
    NumberedRule("R-20", "Personal assistant, user group i", "seed-004"),
    NumberedRule("R-21", "Personal assistant, user group ii", "seed-004"),
    NumberedRule("R-22", "Personal assistant, user group iii", "seed-004"),
    NumberedRule("R-23", "Assistant: registered as unemployed", "seed-004"),
    NumberedRule("R-24", "Assistant: conditions for monthly benefits", "seed-004"),
    NumberedRule("R-25", "Assistant: working age", "seed-004"),
    NumberedRule("R-26", "Assistant: relation to the user", "seed-004"),
    NumberedRule("R-27", "Assistant: same settlement", "seed-004"),
    NumberedRule("R-28", "Assistant: no pension", "seed-004"),
    NumberedRule("R-29", "Assistant: exception for who cares for a child on a small income", "seed-004"),
    NumberedRule("R-30", "Closed services", "seed-004"),
    NumberedRule("R-31", "Target groups of institutions", "seed-004"),
    NumberedRule("R-32", "Institutions: the community's options are exhausted", "seed-004"),
    NumberedRule("R-33", "Order of the competent directorate", "seed-004"),
    NumberedRule("R-34", "Community services: the home visit comes first", "seed-004"),
    NumberedRule("R-35", "A child's route", "seed-004"),
    NumberedRule("R-36", "Grounds for a canteen", "Troyan, обществена трапезария"),
    NumberedRule("R-37", "Differentiated minimum income", "seed-004"),
    NumberedRule("R-40", "Pension age", "КСО, чл. 68, ал. 1"),
    NumberedRule("R-41", "Age of who was born on 29 February", "domain.md R-41"),
)

_FEES = (
    NumberedRule("F-01", "Exact arithmetic, one rounding, half up", HOUSE),
    NumberedRule("F-02", "Income that counts", "ПМС 108/2019, чл. 3; pomosti.com"),
    NumberedRule("F-03", "Never above the cost", "DSH-3 Kazanlak; Tervel"),
    NumberedRule("F-04", "Payers of the actual cost", "Тарифа, чл. 2; DSH-3; provider"),
    NumberedRule("F-05", "Fee of home patronage", "Такси на доставчика; pomosti.com"),
    NumberedRule("F-06", "War veterans", "Такси на доставчика; DSH-3"),
    NumberedRule("F-07", "War-disabled people", "Такси на доставчика"),
    NumberedRule("F-08", "Percent of institutions", "seed-004"),
    NumberedRule("F-09", "Percent of community services", "seed-004"),
    NumberedRule("F-10", "Fee of assistant support", "empowerare"),
    NumberedRule("F-11", "Days of the month", HOUSE),
    NumberedRule("F-12", "Units", HOUSE),
    NumberedRule("F-13", "Currency of a month and of its document", "Закон за въвеждане на еврото"),
    NumberedRule("F-14", "Fees and prices from lev to euro", "Закон за въвеждане на еврото"),
    NumberedRule("F-15", "Incomes from lev to euro", "НОИ"),
    NumberedRule("F-16", "The user's own money", "seed-000; seed-004"),
    NumberedRule("F-17", "Both currencies on a document", "Закон за въвеждане на еврото"),
    NumberedRule("F-18", "Corrections by notes", HOUSE),
    NumberedRule("F-19", "No income", DERIVED),
)

_PAUSES = (
    NumberedRule("P-01", "Up to three months a year, without a fee", "seed-004"),
    NumberedRule("P-02", "A pause over New Year is counted in both years", HOUSE),
    NumberedRule("P-03", "Which service and state can be paused", "seed-004"),
    NumberedRule("P-04", "Dates of a pause", HOUSE),
    NumberedRule("P-05", "Pauses that overlap or touch are one", HOUSE),
    NumberedRule("P-06", "Months and days of a pause", HOUSE),
    NumberedRule("P-07", "Use of the allowance in a year", HOUSE),
    NumberedRule("P-08", "More than the allowance is refused with the last admissible end", HOUSE),
    NumberedRule("P-09", "A pause starts after the request, except with hospital proof", HOUSE),
    NumberedRule("P-10", "Early return", "seed-004"),
    NumberedRule("P-11", "Paused days are not charged", "seed-004"),
)

_CIVIL = "ГПК, чл. 60"
_LABOUR = "КТ, чл. 154"

_TIME = (
    NumberedRule("T-01", "Days", _CIVIL),
    NumberedRule("T-02", "A last day that is no working day", _CIVIL),
    NumberedRule("T-03", "The last day lasts to 24:00", "ГПК, чл. 62"),
    NumberedRule("T-04", "Months and years", _CIVIL),
    NumberedRule("T-05", "Weeks", _CIVIL),
    NumberedRule("T-06", "Working days", HOUSE),
    NumberedRule("T-07", "Official holidays", f"{_LABOUR}, ал. 1"),
    NumberedRule("T-08", "Moved holidays", f"{_LABOUR}, ал. 2"),
    NumberedRule("T-09", "Declared days", "Решение № 808 на МС от 19.11.2025"),
    NumberedRule("T-10", "The instant after the last day", DERIVED),
    NumberedRule("T-11", "The day of an event", HOUSE),
    NumberedRule("T-12", "Acting on the first day or earlier", DERIVED),
    NumberedRule("T-13", "Suspension and extension", HOUSE),
    NumberedRule("T-14", "No reminder and no call twice", HOUSE),
)


def _by_id(*sections: Iterable[NumberedRule]) -> Mapping[str, NumberedRule]:
    return MappingProxyType({rule.id: rule for section in sections for rule in section})


RULE_BOOK = _by_id(_STAGES, _DEADLINES, _PROCESS, _ELIGIBILITY, _FEES, _PAUSES, _TIME)
"""Every rule by its number, in the order of domain.md."""
