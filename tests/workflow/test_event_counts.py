"""A benchmark counts the events of every run of a chain: a run that was continued as new has cost something too."""

from __future__ import annotations

from uuid import uuid4

from temporalio import workflow
from temporalio.client import Client
from temporalio.worker import UnsandboxedWorkflowRunner, Worker

from bench.histories import events_of

TURNS = 3


@workflow.defn
class Chain:
    """Begins anew until its turns are over."""

    @workflow.run
    async def run(self, turn: int) -> None:
        if turn < TURNS:
            workflow.continue_as_new(turn + 1)


async def test_the_events_of_a_chain_are_those_of_all_its_runs(temporal: Client) -> None:
    queue, workflow_id = f"chain-{uuid4()}", f"chain/{uuid4()}"
    async with Worker(temporal, task_queue=queue, workflows=[Chain], workflow_runner=UnsandboxedWorkflowRunner()):
        handle = await temporal.start_workflow(Chain.run, 1, id=workflow_id, task_queue=queue)
        await handle.result()
    last = (await handle.describe()).history_length
    # Each run is started, scheduled, taken up, completed and ended.
    assert last == 5
    assert await events_of(temporal, workflow_id) == TURNS * last
