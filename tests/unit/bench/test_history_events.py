"""What the benchmarks count of a history, and what the floor of a case follows."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent

from bench.bare_script import Script, read_script
from bench.histories import moves_time
from bench.history_events import between, from_the_last_timer

START = datetime(2026, 2, 9, tzinfo=UTC)


def event(kind: str, days: float = 0) -> HistoryEvent:
    found = HistoryEvent(event_type=EventType.Value(f"EVENT_TYPE_{kind}"))
    found.event_time.FromDatetime(START + timedelta(days=days))
    return found


A_YEAR_OF_CARE = [
    event("WORKFLOW_EXECUTION_STARTED", -10),
    event("TIMER_FIRED"),
    event("WORKFLOW_TASK_COMPLETED"),
    event("WORKFLOW_EXECUTION_SIGNALED", 40),
    event("TIMER_FIRED", 365),
    event("WORKFLOW_TASK_COMPLETED", 365),
    event("WORKFLOW_EXECUTION_CONTINUED_AS_NEW", 365),
]


def test_a_review_is_counted_from_its_timer_to_the_end_of_the_run() -> None:
    assert from_the_last_timer(A_YEAR_OF_CARE) == 3


def test_steady_care_begins_a_day_after_care_and_ends_before_the_review() -> None:
    assert between(A_YEAR_OF_CARE) == [A_YEAR_OF_CARE[3]]


def test_only_what_moves_simulated_time_is_left_out() -> None:
    skipped = event("WORKFLOW_EXECUTION_TIME_SKIPPING_TRANSITIONED")
    asked = event("WORKFLOW_EXECUTION_OPTIONS_UPDATED")
    asked.workflow_execution_options_updated_event_attributes.time_skipping_config.SetInParent()
    repinned = event("WORKFLOW_EXECUTION_OPTIONS_UPDATED")
    repinned.workflow_execution_options_updated_event_attributes.unset_versioning_override = True

    assert [moves_time(each) for each in (skipped, asked, repinned, *A_YEAR_OF_CARE)] == [True, True] + [False] * 8


def test_the_floor_takes_the_commands_of_a_turn_after_the_same_signals_and_activities() -> None:
    history = [
        event("WORKFLOW_TASK_COMPLETED"),
        event("ACTIVITY_TASK_SCHEDULED"),
        event("ACTIVITY_TASK_COMPLETED"),
        event("WORKFLOW_TASK_COMPLETED"),
        event("WORKFLOW_EXECUTION_SIGNALED"),
        event("WORKFLOW_TASK_COMPLETED"),
        event("TIMER_STARTED"),
        event("ACTIVITY_TASK_SCHEDULED"),
    ]

    turns = Script((history,)).turns(0)

    kinds = [(turn.signals, turn.activities, [command.kind for command in turn.commands]) for turn in turns]
    assert kinds == [(0, 0, [history[1].event_type]), (1, 1, [history[6].event_type, history[7].event_type])]


def test_a_script_is_read_as_it_was_written(tmp_path: Path) -> None:
    script = Script((A_YEAR_OF_CARE, A_YEAR_OF_CARE[:2]))

    script.write(tmp_path / "script")

    assert read_script(tmp_path / "script") == script


def test_an_activity_of_the_floor_answers_what_the_real_one_did() -> None:
    ended = event("ACTIVITY_TASK_COMPLETED")
    ended.activity_task_completed_event_attributes.scheduled_event_id = 5
    ended.activity_task_completed_event_attributes.result.payloads.add(data=b"answer")

    assert Script((A_YEAR_OF_CARE, [ended])).answers()["1/5"].payload.data == b"answer"
