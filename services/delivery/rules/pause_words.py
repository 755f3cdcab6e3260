"""A decision on a pause in words: what was merged, measured, used, left, and what is not charged (section 7)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import NamedTuple

from services.delivery.rules.pause_terms import CARRY_DAYS, PausePolicy, PauseQuestion, Refusal, Usage
from services.kernel.dates import Month
from services.kernel.ranges import DateRange, DateSet
from services.kernel.trace import Step

__all__ = [
    "available",
    "cancelled",
    "exceeded",
    "granted",
    "meals_kept",
    "measured",
    "merged",
    "not_charged",
    "refused",
    "shortened",
    "split",
    "summed",
]

_SEED = "seed-004"
_HOUSE = "domain.md, section 7"


def merged(asked: DateRange, whole: DateRange) -> Step:
    """The pause joins others and counts with them as one (P-05)."""
    return Step(
        rule="P-05",
        inputs={"start": asked.start.isoformat(), "end": asked.end.isoformat()},
        outcome=f"{whole.start.isoformat()}/{whole.end.isoformat()}",
        source=_HOUSE,
        text_bg=f"Застъпва или допира друго прекъсване: общо от {whole.start:%d.%m.%Y} до {whole.end:%d.%m.%Y}.",
        text_en=f"It overlaps or touches another pause: together {whole.start:%d.%m.%Y} to {whole.end:%d.%m.%Y}.",
    )


def split(whole: DateRange) -> Step:
    """The pause runs over New Year (P-02)."""
    years = range(whole.start.year, whole.end.year + 1)
    listed = ", ".join(map(str, years))
    return Step(
        rule="P-02",
        inputs={"start": whole.start.isoformat(), "end": whole.end.isoformat()},
        outcome=listed,
        source=_HOUSE,
        text_bg=f"Прекъсването минава през Нова година и се брои поотделно за {listed} г.",
        text_en=f"The pause runs over New Year and is counted separately in {listed}.",
    )


def available(question: PauseQuestion) -> Step:
    """The service goes on and may be interrupted without being given up (S8)."""
    return Step(
        rule="S8",
        inputs={"service": question.service_code, "start": question.start.isoformat()},
        outcome="PAUSED",
        source=_SEED,
        text_bg=f"Услугата се прекъсва от {question.start:%d.%m.%Y}, без отказ от нея.",
        text_en=f"The service is interrupted from {question.start:%d.%m.%Y}, without being given up.",
    )


def shortened(asked: DateRange, left: DateRange) -> Step:
    """The return ends the pause the day before it; the rest of the days comes back (P-10)."""
    back = asked.days - left.days
    return Step(
        rule="P-10",
        inputs={"start": asked.start.isoformat(), "end": asked.end.isoformat()},
        outcome=f"{left.start.isoformat()}/{left.end.isoformat()}",
        source=_SEED,
        text_bg=f"Връщане по-рано: прекъсването е до {left.end:%d.%m.%Y}, {back} дни остават за ползване.",
        text_en=f"Early return: the pause lasts to {left.end:%d.%m.%Y}, {back} days come back.",
    )


def cancelled(asked: DateRange) -> Step:
    """The return on the first day cancels the pause; all of its days come back (P-10)."""
    return Step(
        rule="P-10",
        inputs={"start": asked.start.isoformat(), "end": asked.end.isoformat()},
        outcome="0",
        source=_SEED,
        text_bg=f"Връщане още на първия ден: прекъсване няма, {asked.days} дни остават за ползване.",
        text_en=f"Return on the first day: there is no pause, {asked.days} days come back.",
    )


def meals_kept(meals: Mapping[date, int]) -> Step:
    """Days of the pause whose meal was ordered before it was asked for, and is charged (C-29)."""
    days = ", ".join(f"{day:%d.%m.%Y}" for day in meals)
    return Step(
        rule="C-29",
        inputs={day.isoformat(): str(number) for day, number in meals.items()},
        outcome=str(sum(meals.values())),
        source=_HOUSE,
        text_bg=f"Храната е поръчана и се заплаща за: {days}.",
        text_en=f"The meal is ordered and charged on: {days}.",
    )


def not_charged(days: DateRange) -> Step:
    """What the pause does to the fee: days of each month that are not charged (P-11)."""
    months = []
    month = Month.of(days.start)
    while month.first <= days.end:
        paused = (min(days.end, month.last) - max(days.start, month.first)).days + 1
        months.append((month, paused))
        month = month.next()
    return Step(
        rule="P-11",
        inputs={str(month): str(paused) for month, paused in months},
        outcome=str(days.days),
        source=_SEED,
        text_bg="Без такса: "
        + "; ".join(f"{month.first:%m.%Y} — {paused} от {month.days} дни" for month, paused in months)
        + ".",
        text_en="Not charged: "
        + "; ".join(f"{month.first:%m.%Y} — {paused} of {month.days} days" for month, paused in months)
        + ".",
    )


def measured(item: DateRange, use: Usage) -> Step:
    """Months and days of one merged pause (P-06)."""
    return Step(
        rule="P-06",
        inputs={"start": item.start.isoformat(), "end": item.end.isoformat()},
        outcome=f"{use.months} m {use.days} d",
        source=_HOUSE,
        text_bg=f"От {item.start:%d.%m.%Y} до {item.end:%d.%m.%Y} включително са {_span(use).bg}.",
        text_en=f"From {item.start:%d.%m.%Y} to and with {item.end:%d.%m.%Y}: {_span(use).en}.",
    )


def summed(year: int, part: DateSet, use: Usage, policy: PausePolicy) -> Step:
    """Use of the allowance in a year and what is left of it (P-07)."""
    return Step(
        rule="P-07",
        inputs={"year": str(year), "pauses": str(len(part.ranges)), "paused_days": str(part.days)},
        outcome=f"{use.months} m {use.days} d",
        source=_HOUSE,
        text_bg=f"За {year} г. общо {_span(use).bg} (всеки 30 дни са един месец); {_left(use, policy).bg}.",
        text_en=f"{year} in all {_span(use).en} (each 30 days make a month); {_left(use, policy).en}.",
    )


def _span(use: Usage) -> _Said:
    """`2 месеца и 1 ден`; a part that is 0 is left out unless both are."""
    bg, en = [], []
    if use.months:
        bg.append(f"{use.months} {'месец' if use.months == 1 else 'месеца'}")
        en.append(f"{use.months} month{'' if use.months == 1 else 's'}")
    if use.days or not use.months:
        bg.append(f"{use.days} {'ден' if use.days == 1 else 'дни'}")
        en.append(f"{use.days} day{'' if use.days == 1 else 's'}")
    return _Said(" и ".join(bg), " and ".join(en))


class _Said(NamedTuple):
    bg: str
    en: str


def _left(use: Usage, policy: PausePolicy) -> _Said:
    most = policy.allowance
    if use > most:
        allowed = _span(most)
        return _Said(f"позволени са {allowed.bg}", f"{allowed.en} are allowed")
    days = (most.months - use.months) * CARRY_DAYS - use.days
    months, rest = divmod(days, CARRY_DAYS)
    left = _span(Usage(months, rest))
    return _Said(f"остават {left.bg}", f"{left.en} left")


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


def refused(question: PauseQuestion, refusal: Refusal) -> Step:
    """A refusal that looks at the request alone (P-03, P-04, P-09)."""
    rule, text_bg, text_en = _REFUSED_TEXTS[refusal]
    return Step(rule, _asked(question), refusal, _HOUSE, text_bg, text_en)


def granted(question: PauseQuestion, policy: PausePolicy) -> Step:
    """The pause fits (P-01)."""
    return Step(
        rule="P-01",
        inputs={**_asked(question), "max_months": str(policy.max_months)},
        outcome="GRANTED",
        source=_SEED,
        text_bg=f"До {policy.max_months} месеца за календарна година не са надхвърлени: прекъсването е възможно.",
        text_en=f"At most {policy.max_months} months a calendar year are used: the pause is possible.",
    )


def exceeded(question: PauseQuestion, policy: PausePolicy, last_end: date | None) -> Step:
    """The pause does not fit (P-08)."""
    until_bg = "нито един ден не е допустим" if last_end is None else f"последен допустим ден {last_end:%d.%m.%Y}"
    until_en = "not even one day fits" if last_end is None else f"the last admissible end is {last_end:%d.%m.%Y}"
    return Step(
        rule="P-08",
        inputs={**_asked(question), "max_months": str(policy.max_months)},
        outcome=Refusal.PAUSE_ALLOWANCE_EXCEEDED,
        source=_HOUSE,
        text_bg=f"Надхвърлени са {policy.max_months} месеца за календарна година; {until_bg}.",
        text_en=f"More than {policy.max_months} months a calendar year; {until_en}.",
    )
