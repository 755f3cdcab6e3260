"""Today's workflows, as a worker runs them."""

from __future__ import annotations

import pytest
from temporalio.worker import Replayer

from workflows.clock import BusinessTimeInterceptor, ClockMode
from workflows.sandbox import workflow_runner
from workflows.worker import BATCH_WORKFLOWS, CASE_WORKFLOWS


@pytest.fixture(scope="module")
def replayer() -> Replayer:
    return Replayer(
        workflows=[*CASE_WORKFLOWS, *BATCH_WORKFLOWS],
        workflow_runner=workflow_runner(),
        interceptors=[BusinessTimeInterceptor(ClockMode.SIMULATED)],
    )
