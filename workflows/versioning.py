"""Which build of the worker's code goes on with a workflow, where builds are told apart (docs/deployment.md)."""

from __future__ import annotations

from temporalio.common import VersioningBehavior, WorkerDeploymentVersion
from temporalio.worker import WorkerDeploymentConfig

from workflows.settings import WorkerSettings

__all__ = ["BATCH_BEHAVIOR", "CASE_BEHAVIOR", "deployment_config"]

CASE_BEHAVIOR = VersioningBehavior.AUTO_UPGRADE
"""A case and its care live for months and years: they go on with the current build, which replays what an earlier one
began (tests/replay). Pinned, every build would have to be kept running for as long as its last case."""

BATCH_BEHAVIOR = VersioningBehavior.PINNED
"""A run takes minutes or hours: all its pages are done by the build that began it."""


def deployment_config(settings: WorkerSettings, behavior: VersioningBehavior) -> WorkerDeploymentConfig | None:
    """How a worker with these settings presents itself; None without a build id, when builds are not told apart."""
    if not settings.worker_build_id:
        return None
    return WorkerDeploymentConfig(
        version=WorkerDeploymentVersion(settings.worker_deployment, settings.worker_build_id),
        use_worker_versioning=True,
        default_versioning_behavior=behavior,
    )
