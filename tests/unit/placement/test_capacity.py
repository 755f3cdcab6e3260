"""Hours a month that a plan takes of a limited programme."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from services.kernel.catalogue import CATALOGUE
from services.kernel.dates import Weekday
from services.kernel.plan_terms import LAST_TURN, LineTerms
from services.placement.domain.amendments import PlanLine
from services.placement.domain.capacity import monthly_hours

ON = date(2026, 5, 1)
MAY_END, JUNE = date(2026, 5, 31), date(2026, 6, 1)
THREE_DAYS = (Weekday.MON, Weekday.TUE, Weekday.WED)


def hours(quantity: int = 1, weekdays: tuple[Weekday, ...] = THREE_DAYS, **terms: Any) -> PlanLine:
    """On three days of each week: 1 hour is 13 a month."""
    return PlanLine("ASSISTANT_SUPPORT", quantity, weekdays, LineTerms(**terms))


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        pytest.param([hours()], 13, id="every week"),
        pytest.param([hours(weekdays=(Weekday.MON,))], 5, id="rounded up"),
        pytest.param([hours(every_weeks=2)], 7, id="every second week half, rounded up"),
        pytest.param([hours(every_weeks=2), hours(every_weeks=2)], 13, id="rounded once"),
        pytest.param([hours(every_weeks=13)], 1, id="every thirteenth week"),
        pytest.param([hours(2, (Weekday.MON,), turns=frozenset({1}))], 2, id="the first Monday of a month"),
        pytest.param([hours(2, turns=frozenset({1, LAST_TURN}))], 12, id="first and last of three weekdays"),
        pytest.param([hours(weekdays=())], 0, id="on request"),
        pytest.param([PlanLine("HSP_MEAL_DELIVERY", 1, THREE_DAYS)], 0, id="not in hours"),
        pytest.param([], 0, id="nothing"),
    ],
)
def test_a_line_counts_by_its_rhythm(plan: list[PlanLine], expected: int) -> None:
    assert monthly_hours(plan, CATALOGUE, ON) == expected


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        pytest.param([hours(4, last=date(2026, 4, 30)), hours()], 13, id="over before the plan holds"),
        pytest.param([hours(4, last=MAY_END), hours(first=JUNE)], 52, id="one after the other"),
        pytest.param([hours(1, last=MAY_END), hours(4, first=JUNE)], 52, id="more later"),
        pytest.param([hours(1, last=JUNE), hours(4, first=JUNE)], 65, id="both on one day"),
        pytest.param([hours(4, last=ON), hours()], 65, id="on the first day for the last time"),
    ],
)
def test_lines_count_together_only_where_they_hold_on_one_day(plan: list[PlanLine], expected: int) -> None:
    assert monthly_hours(plan, CATALOGUE, ON) == expected


def test_a_line_ahead_is_counted_by_the_catalogue_of_its_first_day() -> None:
    night = replace(CATALOGUE.entry("ASSISTANT_SUPPORT", JUNE), code="NIGHT_CARE", valid_from=JUNE)
    plan = [replace(hours(first=JUNE), code="NIGHT_CARE")]
    assert monthly_hours(plan, CATALOGUE.changed_by([night]), ON) == 13
