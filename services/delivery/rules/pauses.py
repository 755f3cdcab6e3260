"""The pause allowance (domain.md section 7, P-01 to P-11).

Every answer is a function of the days, the request and the policy; how days were put into ranges changes nothing,
because ranges are merged before anything is counted (P-05).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date, timedelta

from services.delivery.rules import pause_words
from services.delivery.rules.pause_terms import (
    CARRY_DAYS,
    DEFAULT_POLICY,
    Availability,
    HospitalProof,
    PauseDecision,
    PausePolicy,
    PauseQuestion,
    Refusal,
    Usage,
)
from services.kernel.dates import add_months
from services.kernel.ranges import DateRange, DateSet
from services.kernel.register import decides
from services.kernel.trace import NO_TRACE, Recorder

__all__ = [
    "DEFAULT_POLICY",
    "Availability",
    "HospitalProof",
    "PauseDecision",
    "PausePolicy",
    "PauseQuestion",
    "Refusal",
    "Usage",
    "chargeable",
    "decide",
    "last_admissible_end",
    "measure",
    "usage_by_year",
]

_ONE_DAY = timedelta(days=1)


@decides("P-06")
def measure(days: DateRange) -> Usage:
    """Months and days of one merged pause within a year (P-06): 30 days may remain, the carry is P-07's."""
    behind = days.end + _ONE_DAY
    months = (behind.year - days.start.year) * 12 + behind.month - days.start.month
    if add_months(days.start, months) > behind:
        months -= 1
    return Usage(months, (behind - add_months(days.start, months)).days)


def _total(parts: Iterable[Usage]) -> Usage:
    measured = tuple(parts)
    days = sum(part.days for part in measured)
    return Usage(sum(part.months for part in measured) + days // CARRY_DAYS, days % CARRY_DAYS)


@decides("P-02", "P-05", "P-07")
def usage_by_year(days: DateSet, trace: Recorder = NO_TRACE, policy: PausePolicy = DEFAULT_POLICY) -> dict[int, Usage]:
    """Use of the allowance by calendar year (P-02, P-05 to P-07), exactly the years touched."""
    usage: dict[int, Usage] = {}
    if trace.recording:
        for item in days.ranges:
            if item.start.year != item.end.year:
                trace.add(pause_words.split(item))
    for year, part in days.by_year().items():
        measured = tuple((item, measure(item)) for item in part.ranges)
        usage[year] = _total(use for _, use in measured)
        if trace.recording:
            for item, use in measured:
                trace.add(pause_words.measured(item, use))
            trace.add(pause_words.summed(year, part, usage[year], policy))
    return usage


@decides("P-01", "P-08", "S8")
def decide(question: PauseQuestion, policy: PausePolicy = DEFAULT_POLICY, trace: Recorder = NO_TRACE) -> PauseDecision:
    """Whether the pause is granted; the first rule that fails refuses it whole (P-03, P-04, P-09, P-08)."""
    refusal = _formal_refusal(question, policy)
    if refusal is not None:
        trace.add(pause_words.refused(question, refusal))
        return PauseDecision(refusal, usage_by_year(question.prior))
    asked = DateRange(question.start, question.end)
    days = question.prior.union(DateSet((asked,)))
    whole = next(item for item in days.ranges if item.contains(asked.start))
    if trace.recording and whole != asked:
        trace.add(pause_words.merged(asked, whole))
    usage = usage_by_year(days, trace, policy)
    if _fits(usage, question, policy):
        trace.add(pause_words.granted(question, policy))
        trace.add(pause_words.available(question))
        trace.add(pause_words.not_charged(asked))
        return PauseDecision(None, usage)
    last_end = last_admissible_end(question.start, question.prior, policy)
    trace.add(pause_words.exceeded(question, policy, last_end))
    return PauseDecision(Refusal.PAUSE_ALLOWANCE_EXCEEDED, usage, last_end)


@decides("P-03", "P-04", "P-09")
def _formal_refusal(question: PauseQuestion, policy: PausePolicy) -> Refusal | None:
    if question.service_code not in policy.services or question.availability is not Availability.IN_SERVICE:
        return Refusal.PAUSE_NOT_AVAILABLE
    if question.end < question.start:
        return Refusal.PAUSE_INVALID_RANGE
    if question.start <= question.requested_on and question.proof is HospitalProof.NONE:
        return Refusal.PAUSE_START_TOO_EARLY
    return None


def _fits(usage: Mapping[int, Usage], question: PauseQuestion, policy: PausePolicy) -> bool:
    years = range(question.start.year, question.end.year + 1)
    return all(usage[year] <= policy.allowance for year in years)


def last_admissible_end(start: date, prior: DateSet, policy: PausePolicy = DEFAULT_POLICY) -> date | None:
    """Last day to which a pause from `start` would be granted (P-08); None when not even the first day fits.

    Asked from the far end, because joining an earlier pause may make a longer pause count for less (P-05, P-06).
    """
    end = _farthest(start, policy)
    while end >= start:
        usage = usage_by_year(prior.union(DateSet((DateRange(start, end),))))
        if all(usage[year] <= policy.allowance for year in range(start.year, end.year + 1)):
            return end
        end -= _ONE_DAY
    return None


def _farthest(start: date, policy: PausePolicy) -> date:
    """No pause is longer than the rest of its year and the next year's allowance, nor longer than both allowances."""
    own_year = add_months(start, policy.max_months)
    if own_year.year == start.year:
        return own_year
    return add_months(date(start.year + 1, 1, 1), policy.max_months)


@decides("P-11")
def chargeable(served: DateRange, paused: DateSet) -> DateSet:
    """Served days that are not paused (P-11, F-11)."""
    return DateSet((served,)).minus(paused)
