"""Stored histories replay with today's code; code that takes steps in another order does not pass."""

from __future__ import annotations

import pytest
from temporalio import workflow
from temporalio.worker import Replayer, UnsandboxedWorkflowRunner

from services.kernel.codes import CaseState, Stage, WorkflowType
from socialcare.common.v1.flow_pb2 import CaseCarry, CaseStart
from tests.replay import stored
from workflows.case.application import ApplicationWorkflow


@pytest.mark.parametrize("name", stored.names())
async def test_todays_code_replays_a_stored_history(name: str, replayer: Replayer) -> None:
    result = await replayer.replay_workflow(stored.read(name))
    assert result.replay_failure is None


@workflow.defn(name=WorkflowType.APPLICATION.value)
class ReorderedWorkflow(ApplicationWorkflow):
    """Moves the case before it asks the assessment."""

    @workflow.init
    def __init__(self, start: CaseStart, carry: CaseCarry | None = None) -> None:
        super().__init__(start, carry)

    @workflow.run
    async def run(self, start: CaseStart, carry: CaseCarry | None = None) -> str:
        await self._case.advance(CaseState.ASSESSMENT_SCHEDULED, "VISIT_SCHEDULED", Stage.ASSESSMENT)
        return await super().run(start, carry)


async def test_a_reordered_workflow_fails_the_replay() -> None:
    replayer = Replayer(workflows=[ReorderedWorkflow], workflow_runner=UnsandboxedWorkflowRunner())
    with pytest.raises(workflow.NondeterminismError):
        await replayer.replay_workflow(stored.read("HSP-01.ApplicationWorkflow"))
