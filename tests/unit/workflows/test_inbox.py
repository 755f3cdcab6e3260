from __future__ import annotations

from datetime import UTC, datetime

import pytest

from services.kernel.codes import Event
from socialcare.common.v1.flow_pb2 import Happened, StageSequence
from workflows.case.inbox import Inbox
from workflows.wire import timestamp

NOON = datetime(2026, 1, 20, 12, tzinfo=UTC)


def message(sequence: int, event: str = "VISIT_SCHEDULED", stage: str = "ASSESSMENT") -> Happened:
    return Happened(stage=f"STAGE_{stage}", sequence=sequence, event=f"CASE_EVENT_{event}", event_time=timestamp(NOON))


def test_messages_are_taken_in_order_of_arrival() -> None:
    inbox = Inbox([], [])
    inbox.put(message(1))
    inbox.put(message(1, "CONTRACT_SIGNED", "PLACEMENT"))
    inbox.put(message(2, "VISIT_COMPLETED"))
    assert [inbox.take(NOON).event for _ in range(3)] == [
        Event.VISIT_SCHEDULED,
        Event.CONTRACT_SIGNED,
        Event.VISIT_COMPLETED,
    ]


def test_a_sequence_that_came_before_is_dropped() -> None:
    inbox = Inbox([StageSequence(stage="STAGE_ASSESSMENT", sequence=3)], [])
    for sequence in (1, 2, 3):
        inbox.put(message(sequence))
    assert not inbox
    inbox.put(message(4))
    inbox.put(message(4))
    assert len(inbox) == 1


def test_the_next_run_knows_what_was_seen_and_what_is_pending() -> None:
    inbox = Inbox([StageSequence(stage="STAGE_INTAKE", sequence=1)], [])
    inbox.put(message(5))
    following = Inbox(inbox.sequences(), inbox.pending())
    following.put(message(5))
    assert len(following) == 1
    assert following.take(NOON).at == NOON
    assert {(int(row.stage), row.sequence) for row in following.sequences()} == {(1, 1), (2, 5)}


def test_an_empty_inbox_has_nothing_to_take() -> None:
    with pytest.raises(IndexError):
        Inbox([], []).take(NOON)


def test_what_no_outbox_numbered_is_always_taken_and_happens_now() -> None:
    inbox = Inbox([StageSequence(stage="STAGE_ASSESSMENT", sequence=3)], [])
    for _ in range(2):
        inbox.put(Happened(event="CASE_EVENT_RECONCILED"))
    assert [(news.event, news.at) for news in (inbox.take(NOON), inbox.take(NOON))] == [(Event.RECONCILED, NOON)] * 2
