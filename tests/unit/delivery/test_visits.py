"""Due, late, missed: by the time of day of a visit and the grace of its service."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest

from services.delivery.domain.units import UnitState
from services.delivery.domain.visits import TRANSITIONS, Graces, VisitState, limits_of, state_at
from services.kernel.local_rules import SHIPPED_RULES

DAY = date(2026, 5, 6)
GRACE = timedelta(minutes=60)
IN_THE_MORNING = limits_of(DAY, time(10, 0), GRACE)


def graces(minutes: str) -> Graces:
    return Graces.of(SHIPPED_RULES.settings.changed({"visit.grace_minutes": minutes}))


@pytest.mark.parametrize(
    ("at", "state"),
    [
        (datetime(2026, 5, 6, 6, 59, 59, tzinfo=UTC), VisitState.DUE),
        (datetime(2026, 5, 6, 7, 0, tzinfo=UTC), VisitState.LATE),
        (datetime(2026, 5, 6, 7, 59, 59, tzinfo=UTC), VisitState.LATE),
        (datetime(2026, 5, 6, 8, 0, tzinfo=UTC), VisitState.MISSED),
    ],
)
def test_a_visit_promised_until_ten_is_late_from_ten_and_missed_after_its_grace(
    at: datetime, state: VisitState
) -> None:
    assert state_at(UnitState.PLANNED, IN_THE_MORNING, at) is state


def test_a_visit_without_a_time_of_day_is_due_until_its_civil_day_ends() -> None:
    limits = limits_of(DAY, None, graces("60").of_visit("HSP", None))
    assert state_at(UnitState.PLANNED, limits, datetime(2026, 5, 6, 20, 59, 59, tzinfo=UTC)) is VisitState.DUE
    assert state_at(UnitState.PLANNED, limits, datetime(2026, 5, 6, 21, 0, tzinfo=UTC)) is VisitState.MISSED


def test_a_visit_without_a_time_of_day_is_late_for_the_minutes_of_its_own_service() -> None:
    limits = limits_of(DAY, None, graces("60,HSP:600").of_visit("HSP", None))
    assert state_at(UnitState.PLANNED, limits, datetime(2026, 5, 7, 6, 59, 59, tzinfo=UTC)) is VisitState.LATE
    assert state_at(UnitState.PLANNED, limits, datetime(2026, 5, 7, 7, 0, tzinfo=UTC)) is VisitState.MISSED
    assert graces("60,HSP:600").of_visit("ASSISTANT_SUPPORT", None) == timedelta()
    assert graces("60,HSP:600").of_visit("ASSISTANT_SUPPORT", time(10, 0)) == GRACE


def test_grace_counts_minutes_also_where_the_clocks_change() -> None:
    limits = limits_of(date(2026, 10, 25), time(2, 30), timedelta(minutes=120))
    assert limits.missed - limits.late == timedelta(minutes=120)
    assert limits.late == datetime(2026, 10, 24, 23, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("unit", "state"),
    [
        (UnitState.DONE, VisitState.DONE),
        (UnitState.MISSED, VisitState.MISSED),
        (UnitState.PAUSED, VisitState.CALLED_OFF),
        (UnitState.CANCELLED, VisitState.CALLED_OFF),
    ],
)
@pytest.mark.parametrize("minutes", [-60, 30, 90])
def test_what_became_of_a_unit_wins_over_the_clock(unit: UnitState, state: VisitState, minutes: int) -> None:
    assert state_at(unit, IN_THE_MORNING, IN_THE_MORNING.late + timedelta(minutes=minutes)) is state


def test_the_clock_moves_a_visit_by_steps_of_its_table_only() -> None:
    seen = [
        state_at(UnitState.PLANNED, IN_THE_MORNING, IN_THE_MORNING.late + timedelta(minutes=minutes))
        for minutes in range(-90, 180)
    ]
    steps = {(before, after) for before, after in pairwise(seen) if before is not after}
    assert steps <= {(source, step.to) for (source, _), step in TRANSITIONS.items()}
    assert steps == {(VisitState.DUE, VisitState.LATE), (VisitState.LATE, VisitState.MISSED)}
