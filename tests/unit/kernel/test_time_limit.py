"""Time limits: the worked table of domain.md section 8, T-13, the calls of L-06 and the explanation."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.kernel.calendar import DEFAULT_CALENDAR, DayKind, DayOverride
from services.kernel.dates import Month, next_midnight
from services.kernel.terms import FAILED_VISIT_TERM, OFFER_TERM, TERMS, LimitKind, LimitUnit, Shift, Term, count
from services.kernel.time_limit import (
    NOTHING_MOVES,
    CalendarVersionError,
    LimitMoveRefusedError,
    LimitStatus,
    MovePolicy,
    MoveRefusal,
    Suspension,
    begin,
    due_date,
    escalation_days,
    first_arrears_termination_day,
    invoice_due_date,
    limit_status,
)

CALENDAR = DEFAULT_CALENDAR
VISIT = TERMS[LimitKind.HOME_ASSESSMENT]
HOSPITAL = "HOSPITAL_STAY"
LENIENT = MovePolicy(suspend_reasons=frozenset({HOSPITAL}), extend_max_days=10)
EVENTS = st.dates(date(2022, 1, 1), date(2030, 6, 30))

WORKED = [
    (date(2026, 2, 10), 7, LimitUnit.DAYS, date(2026, 2, 17), date(2026, 2, 17)),
    (date(2026, 4, 3), 7, LimitUnit.DAYS, date(2026, 4, 10), date(2026, 4, 14)),
    (date(2026, 4, 2), 7, LimitUnit.DAYS, date(2026, 4, 9), date(2026, 4, 9)),
    (date(2025, 12, 17), 7, LimitUnit.DAYS, date(2025, 12, 24), date(2025, 12, 29)),
    (date(2025, 12, 24), 7, LimitUnit.DAYS, date(2025, 12, 31), date(2026, 1, 5)),
    (date(2026, 4, 24), 7, LimitUnit.DAYS, date(2026, 5, 1), date(2026, 5, 4)),
    (date(2026, 5, 17), 7, LimitUnit.DAYS, date(2026, 5, 24), date(2026, 5, 26)),
    (date(2026, 12, 18), 7, LimitUnit.DAYS, date(2026, 12, 25), date(2026, 12, 29)),
    (date(2027, 4, 23), 7, LimitUnit.DAYS, date(2027, 4, 30), date(2027, 5, 5)),
    (date(2024, 4, 26), 7, LimitUnit.DAYS, date(2024, 5, 3), date(2024, 5, 7)),
    (date(2026, 2, 24), 7, LimitUnit.DAYS, date(2026, 3, 3), date(2026, 3, 4)),
    (date(2026, 2, 24), 20, LimitUnit.DAYS, date(2026, 3, 16), date(2026, 3, 16)),
    (date(2026, 4, 29), 14, LimitUnit.DAYS, date(2026, 5, 13), date(2026, 5, 13)),
    (date(2026, 9, 8), 14, LimitUnit.DAYS, date(2026, 9, 22), date(2026, 9, 23)),
    (date(2026, 9, 23), 1, LimitUnit.MONTHS, date(2026, 10, 23), date(2026, 10, 23)),
    (date(2026, 12, 11), 14, LimitUnit.DAYS, date(2026, 12, 25), date(2026, 12, 29)),
    (date(2026, 1, 31), 1, LimitUnit.MONTHS, date(2026, 2, 28), date(2026, 3, 2)),
    (date(2028, 1, 31), 1, LimitUnit.MONTHS, date(2028, 2, 29), date(2028, 2, 29)),
]


@pytest.mark.parametrize(("event", "length", "unit", "nominal", "due"), WORKED)
def test_a_limit_ends_as_in_the_worked_table(
    event: date, length: int, unit: LimitUnit, nominal: date, due: date
) -> None:
    assert count(event, length, unit, CALENDAR) == nominal
    assert due_date(event, length, unit, CALENDAR) == due


@pytest.mark.parametrize(
    ("event", "instant"),
    [
        (date(2026, 3, 23), datetime(2026, 3, 30, 21, tzinfo=UTC)),
        (date(2026, 10, 19), datetime(2026, 10, 26, 22, tzinfo=UTC)),
    ],
)
def test_a_limit_over_a_clock_change_expires_at_local_midnight(event: date, instant: datetime) -> None:
    assert begin(VISIT, event, CALENDAR).expires_at(CALENDAR) == instant


@pytest.mark.parametrize(
    ("billed", "due"), [(Month(2025, 12), date(2026, 1, 26)), (Month(2026, 11), date(2026, 12, 29))]
)
def test_an_invoice_is_due_on_the_25th_of_the_next_month_or_after(billed: Month, due: date) -> None:
    assert invoice_due_date(billed.last, CALENDAR) == due


def test_arrears_allow_termination_on_the_day_after_two_months() -> None:
    assert first_arrears_termination_day(date(2026, 3, 25), CALENDAR) == date(2026, 5, 27)
    assert first_arrears_termination_day(date(2026, 4, 27), CALENDAR) == date(2026, 6, 30)


def test_a_failed_visit_starts_seven_new_days_under_its_own_rule() -> None:
    limit = begin(FAILED_VISIT_TERM, date(2026, 1, 20), CALENDAR)
    assert (limit.kind, limit.rule, limit.due_date(CALENDAR)) == (
        LimitKind.HOME_ASSESSMENT,
        "D-10",
        date(2026, 1, 27),
    )


def test_every_kind_of_limit_has_its_term() -> None:
    assert {*TERMS, OFFER_TERM.kind} == set(LimitKind)


def test_the_calls_come_on_the_first_working_day_and_on_the_third_after_it() -> None:
    assert escalation_days(date(2026, 1, 26), CALENDAR) == (date(2026, 1, 27), date(2026, 1, 30))
    assert escalation_days(date(2026, 4, 9), CALENDAR) == (date(2026, 4, 14), date(2026, 4, 17))


def test_a_limit_without_shift_may_end_on_a_sunday() -> None:
    limit = begin(replace(VISIT, shift=Shift.NONE), date(2026, 2, 8), CALENDAR)
    assert limit.due_date(CALENDAR) == date(2026, 2, 15)


def test_a_limit_has_a_length() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        due_date(date(2026, 2, 8), 0, LimitUnit.DAYS, CALENDAR)


@pytest.mark.parametrize(
    ("now", "done_at", "status"),
    [
        (datetime(2026, 2, 17, 21, 59, tzinfo=UTC), None, LimitStatus.RUNNING),
        (datetime(2026, 2, 17, 22, 0, tzinfo=UTC), None, LimitStatus.OVERDUE),
        (datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 2, 17, 21, 59, tzinfo=UTC), LimitStatus.MET),
        (datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 2, 17, 22, 0, tzinfo=UTC), LimitStatus.DONE_LATE),
        (datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 2, 9, 8, 0, tzinfo=UTC), LimitStatus.MET),
    ],
)
def test_a_limit_says_where_it_stands(now: datetime, done_at: datetime | None, status: LimitStatus) -> None:
    limit = begin(VISIT, date(2026, 2, 10), CALENDAR)
    assert limit.status(CALENDAR, now, done_at) == status
    assert limit_status(limit.due_date(CALENDAR), now, done_at) == status


def test_nothing_moves_a_limit_by_default() -> None:
    limit = begin(VISIT, date(2026, 2, 10), CALENDAR)
    stay = Suspension(date(2026, 2, 12), date(2026, 2, 15), HOSPITAL)
    with pytest.raises(LimitMoveRefusedError) as suspended:
        limit.suspend(stay, date(2026, 2, 12), NOTHING_MOVES, CALENDAR)
    with pytest.raises(LimitMoveRefusedError) as extended:
        limit.extend(1, date(2026, 2, 12), NOTHING_MOVES, CALENDAR)
    assert suspended.value.reason is MoveRefusal.SUSPENSION_NOT_ALLOWED
    assert extended.value.reason is MoveRefusal.EXTENSION_NOT_ALLOWED


def test_a_suspension_adds_its_calendar_days_before_the_shift() -> None:
    limit = begin(VISIT, date(2026, 2, 10), CALENDAR)
    stay = Suspension(date(2026, 2, 12), date(2026, 2, 16), HOSPITAL)
    moved = limit.suspend(stay, date(2026, 2, 12), LENIENT, CALENDAR)
    assert moved.nominal_end(CALENDAR) == date(2026, 2, 21)
    assert moved.due_date(CALENDAR) == date(2026, 2, 23)


def test_suspensions_that_overlap_count_a_day_once() -> None:
    limit = begin(VISIT, date(2026, 2, 10), CALENDAR)
    for start, end in ((12, 16), (14, 17)):
        stay = Suspension(date(2026, 2, start), date(2026, 2, end), HOSPITAL)
        limit = limit.suspend(stay, date(2026, 2, 12), LENIENT, CALENDAR)
    assert limit.suspended_days == 5


def test_extensions_add_up_to_the_most_that_is_allowed() -> None:
    limit = begin(VISIT, date(2026, 2, 10), CALENDAR).extend(4, date(2026, 2, 11), LENIENT, CALENDAR)
    assert limit.extend(6, date(2026, 2, 11), LENIENT, CALENDAR).nominal_end(CALENDAR) == date(2026, 2, 27)
    with pytest.raises(LimitMoveRefusedError):
        limit.extend(7, date(2026, 2, 11), LENIENT, CALENDAR)


def test_nothing_moves_a_limit_after_its_due_date() -> None:
    limit = begin(VISIT, date(2026, 2, 10), CALENDAR)
    late, stay = date(2026, 2, 18), Suspension(date(2026, 2, 12), date(2026, 2, 15), HOSPITAL)
    with pytest.raises(LimitMoveRefusedError):
        limit.suspend(stay, late, LENIENT, CALENDAR)
    with pytest.raises(LimitMoveRefusedError):
        limit.extend(1, late, LENIENT, CALENDAR)


def test_a_suspension_begins_inside_the_limit() -> None:
    limit = begin(VISIT, date(2026, 2, 10), CALENDAR)
    for start in (date(2026, 2, 9), date(2026, 2, 18)):
        stay = Suspension(start, start + timedelta(days=2), HOSPITAL)
        with pytest.raises(LimitMoveRefusedError):
            limit.suspend(stay, date(2026, 2, 11), LENIENT, CALENDAR)


def test_a_suspension_has_a_day() -> None:
    with pytest.raises(ValueError, match="at least one day"):
        Suspension(date(2026, 2, 12), date(2026, 2, 12), HOSPITAL)


def test_a_limit_is_asked_under_its_own_calendar() -> None:
    declared = {date(2026, 2, 17): DayOverride(DayKind.NON_WORKING, "МС 1/2026")}
    edited = CALENDAR.with_overrides("bg-2", declared)
    limit = begin(VISIT, date(2026, 2, 10), CALENDAR)
    with pytest.raises(CalendarVersionError):
        limit.due_date(edited)
    assert limit.under(edited).due_date(edited) == date(2026, 2, 18)


def test_an_explanation_leads_from_the_event_to_the_instant() -> None:
    limit = begin(VISIT, date(2026, 4, 3), CALENDAR)
    trace = limit.explain(CALENDAR)
    assert [(step.rule, step.outcome) for step in trace] == [
        ("S2", "2026-04-03"),
        ("D-01", "2026-04-10"),
        ("T-02", "2026-04-14"),
        ("T-10", "2026-04-14T21:00:00Z"),
        ("L-01", "2026-04-15"),
        ("L-03", "2026-04-14"),
    ]
    assert "Велики петък" in trace[2].text_bg
    assert "Good Friday" in trace[2].text_en


def test_an_explanation_names_what_moved_the_limit() -> None:
    limit = begin(VISIT, date(2026, 2, 10), CALENDAR).extend(4, date(2026, 2, 11), LENIENT, CALENDAR)
    (moved,) = (step for step in limit.explain(CALENDAR) if step.rule == "T-13")
    assert (moved.rule, moved.outcome, moved.inputs["extension_days"]) == ("T-13", "2026-02-21", "4")


@given(EVENTS, st.integers(1, 60), st.sampled_from(LimitUnit))
def test_a_limit_ends_on_a_working_day_after_its_event(event: date, length: int, unit: LimitUnit) -> None:
    length = min(length, 5) if unit is LimitUnit.YEARS else length
    limit = begin(Term("T-01", LimitKind.APPEAL, length, unit, "test"), event, CALENDAR)
    due = limit.due_date(CALENDAR)
    assert due >= limit.nominal_end(CALENDAR) > event
    assert CALENDAR.is_working_day(due)
    assert limit.expires_at(CALENDAR) == next_midnight(due)


@given(EVENTS, st.integers(1, 60))
def test_a_later_event_never_ends_earlier(event: date, length: int) -> None:
    earlier = due_date(event, length, LimitUnit.MONTHS, CALENDAR)
    later = due_date(event + timedelta(days=1), length, LimitUnit.MONTHS, CALENDAR)
    assert earlier <= later


@given(EVENTS, st.integers(1, 20))
def test_weeks_are_seven_days(event: date, weeks: int) -> None:
    assert count(event, weeks, LimitUnit.WEEKS, CALENDAR) == count(event, 7 * weeks, LimitUnit.DAYS, CALENDAR)
