"""The pause allowance (domain.md section 7, P-01 to P-11).

Every answer is a function of the days, the request and the policy; how days were put into ranges changes nothing,
because ranges are merged before anything is counted (P-05).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from services.kernel.dates import add_months
from services.kernel.ranges import DateRange, DateSet
from services.kernel.trace import NO_TRACE, Recorder, Step

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
_CARRY_DAYS = 30
_NOTHING = DateSet()
_SEED = "seed-004"
_HOUSE = "domain.md, section 7"


@dataclass(frozen=True, slots=True, order=True)
class Usage:
    """Use of the allowance: whole months and 0 to 29 days beside them, in order of size."""

    months: int
    days: int


@dataclass(frozen=True, slots=True)
class PausePolicy:
    """What a municipality allows (C-04, C-05)."""

    max_months: int = 3
    """Whole months a calendar year, inclusive (P-01, P-07)."""
    services: frozenset[str] = frozenset({"HSP"})
    """Services that can be paused (P-03)."""

    @property
    def allowance(self) -> Usage:
        """The most that a calendar year admits."""
        return Usage(self.max_months, 0)


DEFAULT_POLICY = PausePolicy()


class Refusal(StrEnum):
    """Why a pause is not granted, in the order in which the rules are asked."""

    PAUSE_NOT_AVAILABLE = "PAUSE_NOT_AVAILABLE"
    PAUSE_INVALID_RANGE = "PAUSE_INVALID_RANGE"
    PAUSE_START_TOO_EARLY = "PAUSE_START_TOO_EARLY"
    PAUSE_ALLOWANCE_EXCEEDED = "PAUSE_ALLOWANCE_EXCEEDED"


class HospitalProof(StrEnum):
    """Whether a hospital stay is proved (P-09)."""

    SHOWN = "SHOWN"
    NONE = "NONE"


class Availability(StrEnum):
    """Whether the state of care admits a pause at all (P-03)."""

    IN_SERVICE = "IN_SERVICE"
    OTHER = "OTHER"


@dataclass(frozen=True, slots=True)
class PauseQuestion:
    """A request for a pause with all that the rules look at.

    `end` may lie before `start`; that is one of the refusals.
    """

    service_code: str
    requested_on: date
    start: date
    end: date
    prior: DateSet = _NOTHING
    proof: HospitalProof = HospitalProof.NONE
    availability: Availability = Availability.IN_SERVICE


@dataclass(frozen=True, slots=True)
class PauseDecision:
    """Granted when there is no refusal.

    `usage` counts all granted days with the requested ones, of exactly the years they touch; `last_end` is said with
    PAUSE_ALLOWANCE_EXCEEDED only, None when not even the first day fits.
    """

    refusal: Refusal | None
    usage: Mapping[int, Usage]
    last_end: date | None = None


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
    return Usage(sum(part.months for part in measured) + days // _CARRY_DAYS, days % _CARRY_DAYS)


def usage_by_year(days: DateSet, trace: Recorder = NO_TRACE) -> dict[int, Usage]:
    """Use of the allowance by calendar year (P-02, P-05 to P-07), exactly the years touched."""
    usage: dict[int, Usage] = {}
    for year, part in days.by_year().items():
        measured = tuple((item, measure(item)) for item in part.ranges)
        usage[year] = _total(use for _, use in measured)
        if trace.recording:
            for item, use in measured:
                trace.add(_measured(item, use))
            trace.add(_summed(year, part, usage[year]))
    return usage


def decide(question: PauseQuestion, policy: PausePolicy = DEFAULT_POLICY, trace: Recorder = NO_TRACE) -> PauseDecision:
    """Whether the pause is granted; the first rule that fails refuses it whole (P-03, P-04, P-09, P-08)."""
    refusal = _formal_refusal(question, policy)
    if refusal is not None:
        trace.add(_refused(question, refusal))
        return PauseDecision(refusal, usage_by_year(question.prior))
    usage = usage_by_year(question.prior.union(DateSet((DateRange(question.start, question.end),))), trace)
    if _fits(usage, question, policy):
        trace.add(_granted(question, policy))
        return PauseDecision(None, usage)
    last_end = last_admissible_end(question.start, question.prior, policy)
    trace.add(_exceeded(question, policy, last_end))
    return PauseDecision(Refusal.PAUSE_ALLOWANCE_EXCEEDED, usage, last_end)


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


def chargeable(served: DateRange, paused: DateSet) -> DateSet:
    """Served days that are not paused (P-11, F-11)."""
    return DateSet((served,)).minus(paused)


def _measured(item: DateRange, use: Usage) -> Step:
    return Step(
        rule="P-06",
        inputs={"start": item.start.isoformat(), "end": item.end.isoformat()},
        outcome=f"{use.months} m {use.days} d",
        source=_HOUSE,
        text_bg=f"Прекъсването от {item.start:%d.%m.%Y} до {item.end:%d.%m.%Y} е {use.months} м. и {use.days} д.",
        text_en=f"The pause from {item.start} to {item.end} measures {use.months} months and {use.days} days.",
    )


def _summed(year: int, part: DateSet, use: Usage) -> Step:
    return Step(
        rule="P-07",
        inputs={"year": str(year), "pauses": str(len(part.ranges)), "paused_days": str(part.days)},
        outcome=f"{use.months} m {use.days} d",
        source=_HOUSE,
        text_bg=f"За {year} г. са използвани {use.months} м. и {use.days} д.; всеки 30 дни са един месец.",
        text_en=f"{year} uses {use.months} months and {use.days} days; each 30 days make a month.",
    )


def _asked(question: PauseQuestion) -> dict[str, str]:
    return {
        "service": question.service_code,
        "requested_on": question.requested_on.isoformat(),
        "start": question.start.isoformat(),
        "end": question.end.isoformat(),
        "hospital_proof": question.proof,
    }


_REFUSED_TEXTS = {
    Refusal.PAUSE_NOT_AVAILABLE: (
        "P-03",
        "Прекъсване е възможно само при домашен социален патронаж, който се предоставя.",
        "Only home social patronage that is in service can be paused.",
    ),
    Refusal.PAUSE_INVALID_RANGE: (
        "P-04",
        "Краят на прекъсването е преди началото му.",
        "The pause ends before it starts.",
    ),
    Refusal.PAUSE_START_TOO_EARLY: (
        "P-09",
        "Прекъсването трябва да започва след деня на заявяването, освен при доказан болничен престой.",
        "A pause starts after the day of the request, unless a hospital stay is proved.",
    ),
}


def _refused(question: PauseQuestion, refusal: Refusal) -> Step:
    rule, text_bg, text_en = _REFUSED_TEXTS[refusal]
    return Step(rule, _asked(question), refusal, _HOUSE, text_bg, text_en)


def _granted(question: PauseQuestion, policy: PausePolicy) -> Step:
    return Step(
        rule="P-01",
        inputs={**_asked(question), "max_months": str(policy.max_months)},
        outcome="GRANTED",
        source=_SEED,
        text_bg=f"До {policy.max_months} месеца за календарна година не са надхвърлени; такса за тези дни не се дължи.",
        text_en=f"At most {policy.max_months} months a calendar year are used; no fee is due for these days.",
    )


def _exceeded(question: PauseQuestion, policy: PausePolicy, last_end: date | None) -> Step:
    until_bg = "нито един ден не е допустим" if last_end is None else f"последен допустим ден {last_end:%d.%m.%Y}"
    until_en = "not even one day fits" if last_end is None else f"the last admissible end is {last_end}"
    return Step(
        rule="P-08",
        inputs={**_asked(question), "max_months": str(policy.max_months)},
        outcome=Refusal.PAUSE_ALLOWANCE_EXCEEDED,
        source=_HOUSE,
        text_bg=f"Надхвърлени са {policy.max_months} месеца за календарна година; {until_bg}.",
        text_en=f"More than {policy.max_months} months a calendar year; {until_en}.",
    )
