"""Services are replaced first: an earlier worker hears what it does not know yet, and today's code replays that."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import WorkflowHistory
from temporalio.converter import default
from temporalio.worker import Replayer

from services.kernel.codes import Event, Stage
from socialcare.common.v1.flow_pb2 import CaseEvent, Happened
from tests.replay import stored
from workflows.wire import case_event, stage_on_wire, timestamp

_TASK = 3
"""Events of a workflow task: scheduled, started, completed."""


def message(sequence: int, event: Event, at: datetime, due: datetime | None = None) -> Happened:
    return Happened(
        stage=stage_on_wire(Stage.PLACEMENT if event is not Event.CARE_CORRECTED else Stage.DELIVERY),
        sequence=sequence,
        event=CaseEvent.Value(f"CASE_EVENT_{event}"),
        event_time=timestamp(at),
        due_time=timestamp(due),
    )


def shifted(event: HistoryEvent, by: int) -> HistoryEvent:
    """The event with its own number, and those of the events before it that it names, so much higher."""
    moved = HistoryEvent()
    moved.CopyFrom(event)
    moved.event_id += by
    attributes = getattr(moved, str(moved.WhichOneof("attributes")))
    for name in ("scheduled_event_id", "started_event_id", "workflow_task_completed_event_id"):
        if getattr(attributes, name, 0):
            setattr(attributes, name, getattr(attributes, name) + by)
    return moved


def saying(event: HistoryEvent, said: Happened) -> HistoryEvent:
    """The signal with another message."""
    heard = shifted(event, 0)
    (payload,) = heard.workflow_execution_signaled_event_attributes.input.payloads
    payload.CopyFrom(default().payload_converter.to_payload(said))
    return heard


def signal_of(history: WorkflowHistory, event: Event) -> int:
    """Index of the first signal that says so."""
    return next(
        index
        for index, found in enumerate(history.events)
        if any(case_event(said.event) is event for said in stored.messages(found, Happened))
    )


def heard_without_a_step(history: WorkflowHistory, index: int, said: Happened) -> list[HistoryEvent]:
    """A signal and an empty workflow task in the place of that index, as the signal lives it that stands at it."""
    signal, *task = history.events[index : index + 1 + _TASK]
    return [saying(signal, said), *task]


def replayed(history: WorkflowHistory, events: Sequence[HistoryEvent]) -> WorkflowHistory:
    return WorkflowHistory(history.workflow_id, list(events))


async def test_a_run_that_heard_of_an_amended_contract_without_its_day_keeps_its_timer(replayer: Replayer) -> None:
    history = stored.read("an_amended_contract_is_copied_by_delivery_and_billing.CareWorkflow")
    events = list(history.events)
    amended = signal_of(history, Event.CONTRACT_AMENDED)
    at = datetime(2026, 3, 10, tzinfo=UTC)
    day_of_giving_back = datetime(2026, 4, 20, tzinfo=UTC)
    events[amended] = saying(events[amended], message(2, Event.CONTRACT_AMENDED, at, day_of_giving_back))

    end = len(events)
    corrected = heard_without_a_step(history, amended, message(9, Event.CARE_CORRECTED, at))
    events += [shifted(event, end - amended) for event in corrected]
    asked = next(
        event
        for event in reversed(history.events)
        if event.activity_task_scheduled_event_attributes.activity_type.name == "Delivery.AdvanceCare"
    )
    again = shifted(asked, end + len(corrected) + 1 - asked.event_id)
    attributes = again.activity_task_scheduled_event_attributes
    attributes.activity_id = str(int(attributes.activity_id) + 1)
    attributes.workflow_task_completed_event_id = end + len(corrected)

    result = await replayer.replay_workflow(replayed(history, [*events, again]))
    assert result.replay_failure is None


async def test_a_run_whose_message_of_an_opinion_was_dropped_takes_no_step_for_it(replayer: Replayer) -> None:
    history = stored.read("INS-01.ApplicationWorkflow")
    ordered = signal_of(history, Event.ORDER_RECORDED)
    asked_at = datetime(2026, 2, 9, 8, tzinfo=UTC)
    # The order of the stored history has the first sequence of placement: the opinion comes before it, without one.
    dropped = heard_without_a_step(history, ordered, message(0, Event.OPINION_CHANGED, asked_at))
    later = [shifted(event, len(dropped)) for event in history.events[ordered:]]

    result = await replayer.replay_workflow(replayed(history, [*history.events[:ordered], *dropped, *later]))
    assert result.replay_failure is None
