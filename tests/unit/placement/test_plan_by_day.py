"""The plans of all versions as one: a line that goes on keeps the weeks in which it was given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta

import pytest

from services.kernel.dates import Weekday
from services.kernel.plan_terms import LineTerms
from services.placement.domain.amendments import (
    Amendment,
    AmendmentCause,
    PlanLine,
    facilities_by_day,
    plan_by_day,
)

START = date(2026, 3, 9)
MEALS = PlanLine("HSP_MEAL_DELIVERY", 1, (Weekday.MON,))


def fortnightly(quantity: int = 1, **terms: date) -> PlanLine:
    return PlanLine("HSP_LAUNDRY", quantity, (Weekday.TUE,), LineTerms(every_weeks=2, **terms))


def amended(number: int, first: date, *plan: PlanLine) -> Amendment:
    return Amendment(number, AmendmentCause.AMENDED, date(2026, 3, 10), first, plan, "", "LYULIN", "LYULIN")


def laundry_days(lines: Sequence[PlanLine], until: date) -> list[date]:
    """As delivery plans them."""
    days = (START + timedelta(days=offset) for offset in range((until - START).days + 1))
    return [
        day
        for day in days
        for line in lines
        if line.code == "HSP_LAUNDRY" and day.isoweekday() == 2 and line.terms.holds_on(day, START)
    ]


@pytest.mark.parametrize(
    "line",
    [
        pytest.param(fortnightly(), id="from the first day of the contract"),
        pytest.param(fortnightly(first=date(2026, 3, 16)), id="from a day of its own"),
        pytest.param(fortnightly(anchor=date(2026, 3, 17)), id="from the week of an anchor"),
    ],
)
@pytest.mark.parametrize("first", [date(2026, 4, 20), date(2026, 4, 27)])
def test_a_fortnightly_line_that_goes_on_keeps_its_weeks(line: PlanLine, first: date) -> None:
    until = date(2026, 6, 30)
    unchanged = laundry_days(plan_by_day(START, [line], []), until)
    again = amended(3, first + timedelta(days=14), line, MEALS)
    assert laundry_days(plan_by_day(START, [line], [amended(2, first, line, MEALS), again]), until) == unchanged


def test_a_line_of_another_quantity_goes_on_in_the_same_weeks() -> None:
    until = date(2026, 6, 30)
    lines = plan_by_day(START, [fortnightly()], [amended(2, date(2026, 4, 27), fortnightly(quantity=3))])
    assert laundry_days(lines, until) == laundry_days([fortnightly()], until)


def test_a_line_that_begins_with_its_version_counts_from_there_and_from_its_own_anchor_when_it_names_one() -> None:
    begun = plan_by_day(START, [MEALS], [amended(2, date(2026, 4, 27), fortnightly())])
    assert laundry_days(begun, date(2026, 5, 12)) == [date(2026, 4, 28), date(2026, 5, 12)]
    moved = fortnightly(anchor=date(2026, 4, 27))
    lines = plan_by_day(START, [fortnightly()], [amended(2, date(2026, 4, 20), moved)])
    assert laundry_days(lines, date(2026, 5, 12))[-2:] == [date(2026, 4, 28), date(2026, 5, 12)]


def test_lines_of_every_week_and_of_a_contract_as_signed_are_told_as_they_were_agreed() -> None:
    assert plan_by_day(START, [fortnightly(), MEALS], []) == (fortnightly(), MEALS)
    (before, after) = plan_by_day(START, [MEALS], [amended(2, date(2026, 4, 27), MEALS)])
    assert (before.terms.anchor, after.terms.anchor) == (None, None)


def moved(number: int, first: date, before: str | None, after: str) -> Amendment:
    """From one facility to another; None: by a release that did not keep which was left."""
    agreed = date(2026, 3, 10)
    version = Amendment(number, AmendmentCause.TRANSFERRED, agreed, first, (MEALS,), after, "LYULIN", "LYULIN")
    return replace(version, facility_before=before)


def test_a_facility_holds_until_the_day_before_the_next_and_of_two_from_one_day_the_later() -> None:
    april, may = date(2026, 4, 20), date(2026, 5, 4)
    assert facilities_by_day(START, [moved(2, april, "A", "B"), moved(3, may, "B", "C")]) == (
        (START, "A"),
        (april, "B"),
        (may, "C"),
    )
    assert facilities_by_day(START, [moved(2, april, "A", "B"), moved(3, april, "B", "C")]) == (
        (START, "A"),
        (april, "C"),
    )
    assert facilities_by_day(START, [moved(2, START, "A", "B")]) == ((START, "B"),)


def test_who_stays_in_a_facility_or_left_one_that_is_not_on_record_has_none_by_day() -> None:
    assert facilities_by_day(START, [moved(2, date(2026, 4, 20), "A", "A")]) == ()
    assert facilities_by_day(START, [moved(2, date(2026, 4, 20), None, "B")]) == ()
