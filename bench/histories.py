"""The runs of a workflow as Temporal has them, without what only simulated time puts into them."""

from __future__ import annotations

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client

__all__ = ["events_of", "moves_time", "runs_of"]

_SKIPPING = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TIME_SKIPPING_TRANSITIONED


async def runs_of(client: Client, workflow_id: str) -> list[list[HistoryEvent]]:
    """Events of every run of a workflow id, the first run first; skips of simulated time are left out."""
    described = await client.get_workflow_handle(workflow_id).describe()
    run_id = described.raw_info.first_run_id
    runs = []
    while run_id:
        history = await client.get_workflow_handle(workflow_id, run_id=run_id).fetch_history()
        events = [event for event in history.events if not moves_time(event)]
        runs.append(events)
        run_id = events[-1].workflow_execution_continued_as_new_event_attributes.new_execution_run_id
    return runs


async def events_of(client: Client, workflow_id: str) -> int:
    """How many events the runs of a workflow id have together, each that another one continued included."""
    return sum(len(run) for run in await runs_of(client, workflow_id))


def moves_time(event: HistoryEvent) -> bool:
    """Whether the player moved the clock: its request, or what the server notes of the skip."""
    changed = event.workflow_execution_options_updated_event_attributes
    return event.event_type == _SKIPPING or changed.HasField("time_skipping_config")
