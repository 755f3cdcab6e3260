"""The sandbox of workflow code: contracts, kernel and the stateless modules beside it are loaded once, not per run."""

from __future__ import annotations

from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions

__all__ = ["workflow_runner"]

_LOADED_ONCE = (
    "google",
    "grpc",
    "services",
    "socialcare",
    "workflows.activities",
    "workflows.calls",
    "workflows.channels",
    "workflows.clock",
    "workflows.language",
    "workflows.search_attributes",
    "workflows.settings",
    "workflows.texts",
    "workflows.wire",
)


def workflow_runner() -> SandboxedWorkflowRunner:
    """The runner of every worker and replayer."""
    return SandboxedWorkflowRunner(restrictions=SandboxRestrictions.default.with_passthrough_modules(*_LOADED_ONCE))
