"""Whether a plan may be signed: codes of the service, R-06, R-07, R-18 (L-02)."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum

from services.delivery.domain.care import PlanLine
from services.delivery.rules.hours import LIMITED_SERVICE, MAX_HOURS_A_DAY
from services.kernel.catalogue import Catalogue, Condition, ServiceEntry
from services.kernel.dates import Weekday
from services.kernel.register import decides

__all__ = ["PlanFacts", "PlanProblem", "Problem", "check_plan", "offered", "plan_hash"]

_MEAL = "MEAL"
_WEEK = tuple(Weekday)
_WEEKEND = frozenset({Weekday.SAT, Weekday.SUN})


class Problem(StrEnum):
    """Why a plan may not be signed, in the order in which the rules are asked."""

    UNKNOWN_PLAN_CODE = "UNKNOWN_PLAN_CODE"
    LINE_OUTSIDE_SERVICE = "LINE_OUTSIDE_SERVICE"
    MENU_WITHOUT_MEAL = "MENU_WITHOUT_MEAL"
    PRESCRIPTION_MISSING = "PRESCRIPTION_MISSING"
    SUPPORT_PLAN_MISSING = "SUPPORT_PLAN_MISSING"
    HOURS_LIMIT_EXCEEDED = "HOURS_LIMIT_EXCEEDED"


@dataclass(frozen=True, slots=True)
class PlanProblem:
    """The first thing that is wrong, and the code of the line that has it."""

    problem: Problem
    code: str


@dataclass(frozen=True, slots=True)
class PlanFacts:
    """Which of the papers behind R-06 and R-07 are recorded, as conditions of the catalogue."""

    recorded: frozenset[Condition] = frozenset()


def offered(service_code: str, on: date, catalogue: Catalogue) -> dict[str, ServiceEntry]:
    """What a plan of the service may name on the day, by code; empty when there is no such service."""
    if catalogue.find(service_code, on) is None:
        return {}
    return {entry.code: entry for entry in catalogue.plan_items(service_code, on)}


@decides("R-06", "R-07", "S6")
def check_plan(
    service_code: str, start: date, plan: Sequence[PlanLine], facts: PlanFacts, catalogue: Catalogue
) -> PlanProblem | None:
    """The first reason not to sign the plan, None when there is none."""
    entries = offered(service_code, start, catalogue)
    unknown = next((line.code for line in plan if line.code not in entries), None)
    if unknown is not None:
        return PlanProblem(Problem.UNKNOWN_PLAN_CODE, unknown)
    for line in plan:
        if line.terms.last is not None and line.terms.last < start:
            return PlanProblem(Problem.LINE_OUTSIDE_SERVICE, line.code)
        if line.terms.menu and entries[line.code].unit != _MEAL:
            return PlanProblem(Problem.MENU_WITHOUT_MEAL, line.code)
    for condition, problem in (
        (Condition.PRESCRIPTION, Problem.PRESCRIPTION_MISSING),
        (Condition.SUPPORT_PLAN, Problem.SUPPORT_PLAN_MISSING),
    ):
        if condition in facts.recorded:
            continue
        lacking = next((line.code for line in plan if condition in entries[line.code].conditions), None)
        if lacking is not None:
            return PlanProblem(problem, lacking)
    if _exceeds_hours([line for line in plan if line.code == LIMITED_SERVICE], start):
        return PlanProblem(Problem.HOURS_LIMIT_EXCEEDED, LIMITED_SERVICE)
    return None


@decides("L-11")
def _exceeds_hours(lines: Sequence[PlanLine], start: date) -> bool:
    """R-18: on working days 4 hours each keep every month under its ceiling, so each day alone decides."""
    if any(line.quantity > MAX_HOURS_A_DAY or not _WEEKEND.isdisjoint(line.weekdays) for line in lines):
        return True
    return any(_hours_on(lines, day, start) > MAX_HOURS_A_DAY for day in _days_that_tell(lines, start))


def _hours_on(lines: Sequence[PlanLine], day: date, start: date) -> int:
    weekday = _WEEK[day.weekday()]
    return sum(line.quantity for line in lines if weekday in line.weekdays and line.terms.holds_on(day, start))


def _days_that_tell(lines: Sequence[PlanLine], start: date) -> Iterable[date]:
    """Days after which the lines only repeat: a week where nothing but weekdays counts, else a year from each first
    day.
    """
    plain = all(line.terms.every_weeks == 1 and not line.terms.turns for line in lines)
    firsts = {max(start, line.terms.first or start) for line in lines}
    return (first + timedelta(days=number) for first in sorted(firsts) for number in range(7 if plain else 366))


def plan_hash(service_code: str, start: date, plan: Sequence[PlanLine]) -> str:
    """SHA-256 of what was checked, hexadecimal; the order of the lines counts, that of weekdays does not."""
    order = list(Weekday)
    text = "\n".join((service_code, start.isoformat(), *(_written(line, order) for line in plan)))
    return hashlib.sha256(text.encode()).hexdigest()


def _written(line: PlanLine, order: Sequence[Weekday]) -> str:
    """Code, quantity, weekdays, and the terms where a line has any."""
    text = f"{line.code}:{line.quantity}:{','.join(day for day in order if day in line.weekdays)}"
    terms = line.terms.text()
    return f"{text}:{terms}" if terms else text
