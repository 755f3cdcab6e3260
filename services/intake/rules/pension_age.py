"""The day on which pension age is attained (R-40; KSO art. 68(1))."""

from __future__ import annotations

from datetime import date

from services.kernel.codes import Sex
from services.kernel.dates import add_months, age_on
from services.kernel.register import decides
from services.kernel.trace import NO_TRACE, Recorder, Step

__all__ = ["attainment_date", "explain_age", "has_attained", "limit_months"]

_SOURCE = "КСО, чл. 68, ал. 1"


def limit_months(sex: Sex, year: int) -> int:
    """The age limit of the year in months: rising since 2017, for women until 2037, for men until 2029."""
    if sex is Sex.MALE:
        if year <= 2016:
            return 63 * 12 + 10
        return 64 * 12 + min(year - 2017, 12)
    if year <= 2016:
        return 60 * 12 + 10
    if year <= 2029:
        return 61 * 12 + 2 * (year - 2017)
    return 63 * 12 + 3 * min(year - 2029, 8)


@decides("R-40")
def attainment_date(birth_date: date, sex: Sex, recorder: Recorder = NO_TRACE) -> date:
    """Earliest day d with birth + limit(sex, year of d) <= d; may lie in the future, is never lost again (R-40)."""
    year = birth_date.year + limit_months(sex, birth_date.year) // 12
    while add_months(birth_date, limit_months(sex, year)) > date(year, 12, 31):
        year += 1
    # The limit of a year begins to count on its first day, whatever it was the day before.
    attained = max(add_months(birth_date, limit_months(sex, year)), date(year, 1, 1))
    if recorder.recording:
        recorder.add(_step(birth_date, sex, year, attained))
    return attained


def has_attained(birth_date: date, sex: Sex, on: date) -> bool:
    """Whether pension age is attained on the day."""
    return attainment_date(birth_date, sex) <= on


def explain_age(birth_date: date, on: date, recorder: Recorder) -> int:
    """Completed years on a day not before the birth, with the step (R-41)."""
    age = age_on(birth_date, on)
    if recorder.recording:
        recorder.add(
            Step(
                rule="R-41",
                inputs={"birth_date": birth_date.isoformat(), "on": on.isoformat()},
                outcome=str(age),
                source="domain.md R-41",
                text_bg=f"Дата на раждане {birth_date:%d.%m.%Y}; на {on:%d.%m.%Y} навършените години са {age}.",
                text_en=f"Born on {birth_date:%d.%m.%Y}, on {on:%d.%m.%Y}: {age} completed years.",
            )
        )
    return age


def _step(birth_date: date, sex: Sex, year: int, attained: date) -> Step:
    years, months = divmod(limit_months(sex, year), 12)
    return Step(
        rule="R-40",
        inputs={
            "birth_date": birth_date.isoformat(),
            "sex": sex.value,
            "year": str(year),
            "limit": f"{years}-{months}",
        },
        outcome=attained.isoformat(),
        source=_SOURCE,
        text_bg=f"Пенсионната възраст за {year} г. е {years} г. и {months} м.: навършва се на {attained:%d.%m.%Y}.",
        text_en=f"Pension age in {year} is {years} years and {months} months: attained on {attained:%d.%m.%Y}.",
    )
