"""The sandbox of workflow code: contracts, kernel and stateless modules are loaded once, not per run.

A module that is loaded once is not watched by the sandbox. None of ours has state, a clock or chance of its own; a test
keeps it so. The modules that define the workflows stay inside.
"""

from __future__ import annotations

from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

__all__ = ["LOADED_ONCE", "workflow_runner"]

LOADED_ONCE = (
    "google",
    "grpc",
    "services",
    "socialcare",
    "workflows.activities",
    "workflows.alarm",
    "workflows.calls",
    "workflows.case.assessment",
    "workflows.case.case",
    "workflows.case.delivery",
    "workflows.case.documents",
    "workflows.case.eligibility",
    "workflows.case.inbox",
    "workflows.case.placement",
    "workflows.case.way",
    "workflows.channels",
    "workflows.clock",
    "workflows.desk",
    "workflows.language",
    "workflows.search_attributes",
    "workflows.settings",
    "workflows.texts",
    "workflows.wire",
)


def workflow_runner() -> SandboxedWorkflowRunner:
    """The runner of every worker and replayer."""
    return SandboxedWorkflowRunner(restrictions=SandboxRestrictions.default.with_passthrough_modules(*LOADED_ONCE))
