from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from services.assessment.domain.visits import (
    TRANSITIONS,
    Assessment,
    AssessmentState,
    Attempt,
    Parameters,
    Rung,
    Step,
    VisitResult,
    after,
)
from services.assessment.errors import HomeVisitMissing, StepNotAllowed, SuspensionNotAllowed
from services.assessment.rules import visits as rules
from services.kernel.codes import Event
from services.kernel.dates import start_of_day
from services.kernel.local_rules import SHIPPED_RULES, LocalRules
from services.kernel.municipal_settings import MunicipalSettings
from services.kernel.time_limit import LimitKind, LimitStatus, Suspension

DEFAULTS = Parameters.of(SHIPPED_RULES)


def opened(registered: date, parameters: Parameters = DEFAULTS) -> Assessment:
    return Assessment(
        application_id="a",
        municipality_id="M",
        person_id="p",
        state=AssessmentState.OPEN,
        version=1,
        opened_at=start_of_day(registered),
        intake_version=1,
        limits=rules.first_limits(registered, parameters),
    )


def scheduled(registered: date, on: date) -> Assessment:
    return rules.schedule(opened(registered), on, "")


def at(day: date, hour: int = 9) -> datetime:
    return start_of_day(day) + timedelta(hours=hour)


def test_the_ladder_of_a_missed_visit_has_a_reminder_a_breach_and_two_calls() -> None:
    # HSP-04: due on Monday 2 March; Tuesday the 3rd is a holiday.
    rungs = rules.pending_rungs(opened(date(2026, 2, 23)), at(date(2026, 2, 23)))
    days = [(rung.rung, rung.on_date) for rung in rungs if rung.kind is LimitKind.HOME_ASSESSMENT]
    assert days == [
        (Rung.REMINDER, date(2026, 2, 28)),
        (Rung.BREACH, date(2026, 3, 3)),
        (Rung.CALL_1, date(2026, 3, 4)),
        (Rung.CALL_2, date(2026, 3, 9)),
    ]
    assert all(rung.due_at == start_of_day(rung.on_date) for rung in rungs)


def test_a_rung_is_taken_once() -> None:
    assessment = opened(date(2026, 2, 23))
    once = rules.take_due_rungs(assessment, at(date(2026, 3, 4)), "r1")
    again = rules.take_due_rungs(once, at(date(2026, 3, 4)), "r2")
    assert [taken.rung for taken in once.rungs] == [Rung.BREACH, Rung.CALL_1]
    assert again == once
    assert rules.calls_made(once) == 1


def test_a_reminder_is_taken_two_days_before_the_end() -> None:
    taken = rules.take_due_rungs(opened(date(2026, 2, 23)), at(date(2026, 2, 28)), "r")
    assert [one.rung for one in taken.rungs] == [Rung.REMINDER]
    assert rules.next_due(taken, at(date(2026, 2, 28))) == start_of_day(date(2026, 3, 3))


def test_a_municipality_may_have_other_days_for_its_calls_and_no_reminder() -> None:
    own = MunicipalSettings.of({"escalation.assessment_days": "2,1", "reminder.assessment_days_before": "0"})
    rungs = rules.pending_rungs(opened(date(2026, 2, 23), Parameters.of(LocalRules(own))), at(date(2026, 2, 23)))
    visit = [(rung.rung, rung.on_date) for rung in rungs if rung.kind is LimitKind.HOME_ASSESSMENT]
    assert visit == [
        (Rung.BREACH, date(2026, 3, 3)),
        (Rung.CALL_1, date(2026, 3, 5)),
        (Rung.CALL_2, date(2026, 3, 6)),
    ]


def test_no_call_is_made_once_the_visit_is_done() -> None:
    late = scheduled(date(2026, 2, 23), date(2026, 3, 10))
    visited, event = rules.record_attempt(late, Attempt(at(date(2026, 3, 4)), VisitResult.COMPLETED), DEFAULTS)
    assert event is Event.VISIT_COMPLETED
    assert [rung.kind for rung in rules.pending_rungs(visited, at(date(2026, 3, 4)))] == [
        LimitKind.NEEDS_ASSESSMENT_AND_PLAN
    ]


def test_a_failed_visit_starts_a_new_term_with_its_own_calls() -> None:
    # HSP-06: the failed attempt of Saturday 4 April gives a term that ends after Easter.
    called = rules.take_due_rungs(scheduled(date(2026, 3, 20), date(2026, 4, 4)), at(date(2026, 4, 3)), "r")
    failed, event = rules.record_attempt(called, Attempt(at(date(2026, 4, 4)), VisitResult.ABSENT), DEFAULTS)
    limit = failed.current_limit(LimitKind.HOME_ASSESSMENT)
    assert event is Event.VISIT_FAILED
    assert failed.state is AssessmentState.VISIT_SCHEDULED
    assert limit is not None
    assert limit.ledger.due_date(limit.calendar) == date(2026, 4, 14)
    assert {rung.rung for rung in rules.pending_rungs(failed, at(date(2026, 4, 4)))} == set(Rung)
    assert rules.calls_made(failed) == 0


def test_the_second_failed_visit_closes_the_assessment() -> None:
    first, _ = rules.record_attempt(
        scheduled(date(2026, 3, 17), date(2026, 3, 24)), Attempt(at(date(2026, 3, 24)), VisitResult.ABSENT), DEFAULTS
    )
    second, event = rules.record_attempt(first, Attempt(at(date(2026, 3, 31)), VisitResult.REFUSED), DEFAULTS)
    assert event is Event.VISITS_EXHAUSTED
    assert (second.state, second.close_cause) == (AssessmentState.CLOSED, "VISITS_FAILED")
    assert rules.pending_rungs(second, at(date(2026, 5, 1))) == ()
    assert not rules.is_overdue(second, at(date(2026, 5, 1)))


def test_a_repeated_assessment_keeps_the_day_on_which_the_limit_was_met() -> None:
    visited, _ = rules.record_attempt(
        scheduled(date(2026, 1, 19), date(2026, 1, 22)), Attempt(at(date(2026, 1, 22)), VisitResult.COMPLETED), DEFAULTS
    )
    once = rules.complete(visited, at(date(2026, 1, 23)))
    again = rules.complete(once, at(date(2026, 3, 1)))
    limit = again.current_limit(LimitKind.NEEDS_ASSESSMENT_AND_PLAN)
    assert limit is not None
    assert rules.status_of(limit, at(date(2026, 3, 2))) is LimitStatus.MET


def test_an_assessment_before_the_visit_is_refused_by_name() -> None:
    with pytest.raises(HomeVisitMissing):
        rules.complete(opened(date(2026, 1, 19)), at(date(2026, 1, 20)))


def test_no_limit_is_suspended_unless_the_municipality_lists_the_reason() -> None:
    wish = Suspension(date(2026, 1, 20), date(2026, 1, 22), "HOSPITAL")
    with pytest.raises(SuspensionNotAllowed):
        rules.suspend(opened(date(2026, 1, 19)), LimitKind.HOME_ASSESSMENT, wish, date(2026, 1, 20), DEFAULTS)


def test_a_suspended_limit_ends_later_and_repeats_no_reminder() -> None:
    """T-13 and T-14."""
    allowed = Parameters.of(LocalRules(MunicipalSettings.of({"deadline.suspend_reasons": "HOSPITAL"})))
    reminded = rules.take_due_rungs(opened(date(2026, 1, 19), allowed), at(date(2026, 1, 24)), "r")
    wish = Suspension(date(2026, 1, 25), date(2026, 1, 28), "HOSPITAL")
    moved = rules.suspend(reminded, LimitKind.HOME_ASSESSMENT, wish, date(2026, 1, 25), allowed)
    visit = [rung for rung in rules.pending_rungs(moved, at(date(2026, 1, 25))) if rung.limit_number == 1]
    assert [rung.rung for rung in visit] == [Rung.BREACH, Rung.CALL_1, Rung.CALL_2]
    assert visit[0].on_date == date(2026, 1, 30)


def test_found_facts_replace_earlier_ones_of_the_same_name() -> None:
    merged = rules.merge_facts(
        '{"a": 1, "decision": {"percent": 50, "lifetime": true}}', '{"decision": {"percent": 80}}'
    )
    assert merged == '{"a": 1, "decision": {"percent": 80}}'


@pytest.mark.parametrize("state", AssessmentState)
@pytest.mark.parametrize("step", Step)
def test_a_step_outside_the_table_is_refused(state: AssessmentState, step: Step) -> None:
    if (state, step) in TRANSITIONS:
        assert after(state, step) is TRANSITIONS[state, step].to
    else:
        with pytest.raises((StepNotAllowed, HomeVisitMissing)):
            after(state, step)


def test_closing_leaves_a_completed_assessment_completed() -> None:
    done = replace(opened(date(2026, 1, 19)), state=AssessmentState.COMPLETED)
    assert rules.close(done, "WITHDRAWN") == done
