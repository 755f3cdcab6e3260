"""The stored histories take every branch that a story can take, and carry ids and codes only."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

import pytest

from cli.stories import format as story
from cli.stories.session import read_stories
from services.kernel.codes import CLOSED_STATES, CaseState, Event, WorkflowType
from tests.replay import stored
from tests.stories.history_text import texts_of
from tests.stories.leaks import Fragment, leaks_in, secrets_of

STORIES = [
    told
    for told in read_stories(Path(__file__).parents[1] / "stories" / "public.jsonl", [])
    if isinstance(told, story.Story)
]

FAILED_VISIT = {Event.VISIT_FAILED, Event.VISITS_EXHAUSTED}
PLACES = {Event.PLACE_OFFERED}
EVENTS_OF_ACTS: dict[type[object], dict[str, set[Event]]] = {
    story.AttachDocuments: {"": {Event.REGISTERED}},
    story.ConfirmExpiry: {"": {Event.EXPIRY_CONFIRMED}},
    story.ScheduleVisit: {"": {Event.VISIT_SCHEDULED}},
    story.RecordVisitAttempt: {"COMPLETED": {Event.VISIT_COMPLETED}, "ABSENT": FAILED_VISIT, "REFUSED": FAILED_VISIT},
    story.CompleteAssessment: {"": {Event.ASSESSMENT_COMPLETED}},
    story.DecideException: {"APPROVED": {Event.EXCEPTION_DECIDED}, "REFUSED": {Event.EXCEPTION_DECIDED}},
    story.RecordOrder: {"ISSUED": {Event.ORDER_RECORDED}, "REFUSED": {Event.ORDER_REFUSED}},
    story.RecordCourtDecision: {"": {Event.COURT_DECIDED}},
    story.RecordReferral: {"": {Event.REFERRAL_RECORDED}},
    story.FileAppeal: {"": {Event.APPEAL_FILED}},
    story.DecideAppeal: {"GRANTED": {Event.APPEAL_GRANTED}, "DISMISSED": {Event.APPEAL_DISMISSED}},
    story.SetCapacity: {"": PLACES},
    story.AnswerOffer: {"ACCEPTED": PLACES | {Event.OFFER_ACCEPTED}, "DECLINED": PLACES | {Event.OFFER_DECLINED}},
    story.SignContract: {"": {Event.CONTRACT_SIGNED}},
    story.RequestPause: {"": {Event.PAUSE_CHANGED}},
    story.EndPauseEarly: {"": {Event.PAUSE_CHANGED}},
    story.Withdraw: {"": {Event.WITHDRAWN}},
    story.Terminate: {"": {Event.TERMINATION_RECORDED}},
}
"""What each accepted act of a story tells the case's workflow, by its choice."""

NOT_TOLD_YET = {Event.ARREARS_CHANGED}
"""Codes that no story brings: arrears are found by a Schedule, which a municipality on simulated time has not."""

NEVER_MOVED_TO = {CaseState.DRAFT, CaseState.SUBMITTED}
"""States before a case exists for the flow."""


def choice_of(act: story.Act) -> str:
    for name in ("decision", "result", "answer"):
        if hasattr(act, name):
            return str(getattr(act, name))
    return ""


def events_of(told: story.Story) -> set[Event]:
    """Events that the acts of a story can bring; a refused one brings none."""
    found: set[Event] = set()
    for act in told.timeline:
        if not isinstance(act, story.CheckStep) and act.expect is None:
            found |= EVENTS_OF_ACTS.get(type(act), {}).get(choice_of(act), set())
    return found


@cache
def recorded_events() -> frozenset[Event]:
    return frozenset(event for name in stored.names() for event in stored.events_in(stored.read(name)))


@cache
def recorded_states() -> frozenset[CaseState]:
    return frozenset(state for name in stored.names() for state in stored.states_in(stored.read(name)))


def test_every_event_that_a_story_can_bring_is_in_a_stored_history() -> None:
    wanted = {event for told in STORIES for event in events_of(told)}
    assert wanted - recorded_events() == set()


def test_every_event_of_the_contract_is_in_a_stored_history_unless_nobody_emits_it() -> None:
    assert set(Event) - recorded_events() == NOT_TOLD_YET


def test_every_state_of_a_case_is_in_a_stored_history() -> None:
    assert set(CaseState) - recorded_states() == NEVER_MOVED_TO


def test_every_end_and_every_going_on_is_in_a_stored_history() -> None:
    ends = {(kind, stored.end_of(history)) for kind, history in _typed()}
    application, care, check = WorkflowType.APPLICATION, WorkflowType.CARE, WorkflowType.WELFARE_CHECK
    assert {end for kind, end in ends if kind is application} >= {
        application.value,
        care.value,
        *(state.value for state in CLOSED_STATES - {CaseState.TERMINATED}),
    }
    assert {end for kind, end in ends if kind is care} >= {care.value, "TERMINATED"}
    assert {end for kind, end in ends if kind is check} >= {"FOUND_WELL", "EMERGENCY_CALLED", "NOT_FOUND", ""}
    assert {end for kind, end in ends if kind not in {application, care, check}} == {
        "FINISHED",
        "FINISHED_BEFORE",
        WorkflowType.BILLING_RUN.value,
    }


def test_a_month_is_stored_with_its_approval_and_without() -> None:
    approvals = {
        Event.RUN_APPROVED in stored.events_in(history)
        for kind, history in _typed()
        if kind is WorkflowType.BILLING_RUN
    }
    assert approvals == {True, False}


def test_every_way_through_the_gate_of_a_month_is_stored() -> None:
    months = [history for kind, history in _typed() if kind is WorkflowType.BILLING_RUN]
    renewed = [history for history in months if "Billing.RenewRunReview" in stored.way_of(history)]
    refused = {
        event.workflow_execution_update_completed_event_attributes.outcome.failure.application_failure_info.type
        for history in months
        for event in history.events
    }
    rejected_only = [
        history
        for history in months
        if Event.RUN_REJECTED in stored.events_in(history) and stored.end_of(history) == "FINISHED"
    ]
    assert renewed
    assert "REVIEW_OUTDATED" in refused
    assert any(Event.RUN_APPROVED not in stored.events_in(history) for history in rejected_only)


def test_no_two_stored_histories_took_the_same_way() -> None:
    ways = [stored.way_of(history) for _, history in _typed()]
    assert len(ways) == len(set(ways))


def test_the_stored_histories_are_small() -> None:
    assert sum(file.stat().st_size for file in stored.HISTORIES.iterdir()) < 3_000_000


@pytest.mark.parametrize("told", STORIES, ids=lambda told: told.id)
def test_no_stored_history_of_a_story_knows_its_person(told: story.Story) -> None:
    assert leaks_in(_fragments(told.id), secrets_of(told)) == []


def test_a_person_put_into_a_stored_history_would_be_found() -> None:
    (told,) = (told for told in STORIES if told.id == "HSP-01")
    planted = Fragment("planted", f'{{"name": "{told.person.name.family}"}}')
    assert leaks_in([*_fragments(told.id), planted], secrets_of(told)) != []


def _typed() -> Iterable[tuple[WorkflowType, stored.WorkflowHistory]]:
    for name in stored.names():
        history = stored.read(name)
        yield stored.type_of(history), history


def _fragments(story_id: str) -> list[Fragment]:
    return [
        fragment
        for name in stored.names()
        if name.startswith((f"{story_id}.", f"{story_id}-"))
        for event in stored.read(name).events
        for fragment in texts_of(f"{name} event {event.event_id}", event)
    ]
