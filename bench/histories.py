"""The runs of a case as Temporal has them."""

from __future__ import annotations

from temporalio.api.enums.v1 import EventType
from temporalio.api.history.v1 import HistoryEvent
from temporalio.client import Client

__all__ = ["SKIPPING", "runs_of"]

SKIPPING = EventType.EVENT_TYPE_WORKFLOW_EXECUTION_TIME_SKIPPING_TRANSITIONED
"""What the server notes when simulated time moves; production has none."""


async def runs_of(client: Client, workflow_id: str) -> list[list[HistoryEvent]]:
    """Events of every run of a workflow id, the first run first."""
    described = await client.get_workflow_handle(workflow_id).describe()
    run_id = described.raw_info.first_run_id
    runs = []
    while run_id:
        history = await client.get_workflow_handle(workflow_id, run_id=run_id).fetch_history()
        events = list(history.events)
        runs.append(events)
        run_id = events[-1].workflow_execution_continued_as_new_event_attributes.new_execution_run_id
    return runs
