"""How long the history of a workflow is, over all the runs in which it went on anew."""

from __future__ import annotations

from temporalio.client import Client

__all__ = ["events_of_chain"]


async def events_of_chain(client: Client, workflow_id: str) -> int:
    """Events of the newest run of a workflow and of all runs that it continues; RPCError when there is none."""
    described = await client.get_workflow_handle(workflow_id).describe()
    events, run_id = described.history_length, await _run_before(client, workflow_id, described.run_id)
    while run_id:
        described = await client.get_workflow_handle(workflow_id, run_id=run_id).describe()
        events += described.history_length
        run_id = await _run_before(client, workflow_id, run_id)
    return events


async def _run_before(client: Client, workflow_id: str, run_id: str) -> str:
    """The run that a run continues; empty: it is the first."""
    handle = client.get_workflow_handle(workflow_id, run_id=run_id)
    async for event in handle.fetch_history_events(page_size=1):
        return event.workflow_execution_started_event_attributes.continued_execution_run_id
    raise LookupError(run_id)
