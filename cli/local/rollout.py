"""Which build of the worker gets work: the calls behind `socialcare rollout`."""

from __future__ import annotations

import asyncio

from temporalio.api.deployment.v1 import WorkerDeploymentInfo
from temporalio.api.enums.v1 import RoutingConfigUpdateState, VersionDrainageStatus
from temporalio.api.workflowservice.v1 import (
    DescribeWorkerDeploymentRequest,
    SetWorkerDeploymentCurrentVersionRequest,
    SetWorkerDeploymentRampingVersionRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from cli.local.errors import LocalStackError

__all__ = ["BuildUnknown", "builds", "roll_out"]

_AGAIN_SECONDS = 0.5
_NOT_YET = frozenset({RPCStatusCode.NOT_FOUND, RPCStatusCode.FAILED_PRECONDITION})
"""No worker of the build has polled; or not all of its task queues have been."""
_SPREADING = RoutingConfigUpdateState.ROUTING_CONFIG_UPDATE_STATE_IN_PROGRESS
_DRAINAGE = {
    VersionDrainageStatus.VERSION_DRAINAGE_STATUS_DRAINING: "draining: pinned runs still need its workers",
    VersionDrainageStatus.VERSION_DRAINAGE_STATUS_DRAINED: "drained: its workers can be stopped",
}


class BuildUnknown(LocalStackError):
    """No worker of the build works for the deployment."""


async def roll_out(client: Client, deployment: str, build_id: str, percent: int, patience_seconds: float) -> None:
    """Give the build this share of new and auto-upgrading workflows, 100: all of them.

    Raises:
        BuildUnknown: no worker of the build polled within the patience, or not for every task queue in use.
    """
    give_up = asyncio.get_running_loop().time() + patience_seconds
    while True:
        try:
            await _set(client, deployment, build_id, percent)
        except RPCError as error:
            if error.status not in _NOT_YET:
                raise
            if asyncio.get_running_loop().time() > give_up:
                raise BuildUnknown(
                    f"build {build_id} of {deployment} cannot take over: {error.message}. Is a worker with "
                    f"SOCIALCARE_WORKER_BUILD_ID={build_id} running?"
                ) from None
            await asyncio.sleep(_AGAIN_SECONDS)
        else:
            break
    # Until every task queue has heard of it, an earlier build still gets work.
    while (await _described(client, deployment)).routing_config_update_state == _SPREADING:  # noqa: ASYNC110  Temporal tells nobody.
        await asyncio.sleep(_AGAIN_SECONDS / 10)


async def _described(client: Client, deployment: str) -> WorkerDeploymentInfo:
    answer = await client.workflow_service.describe_worker_deployment(
        DescribeWorkerDeploymentRequest(namespace=client.namespace, deployment_name=deployment)
    )
    return answer.worker_deployment_info


async def _set(client: Client, deployment: str, build_id: str, percent: int) -> None:
    service = client.workflow_service
    if percent < 100:
        await service.set_worker_deployment_ramping_version(
            SetWorkerDeploymentRampingVersionRequest(
                namespace=client.namespace,
                deployment_name=deployment,
                build_id=build_id,
                percentage=percent,
                identity=client.identity,
            )
        )
        return
    await service.set_worker_deployment_current_version(
        SetWorkerDeploymentCurrentVersionRequest(
            namespace=client.namespace, deployment_name=deployment, build_id=build_id, identity=client.identity
        )
    )


async def builds(client: Client, deployment: str) -> list[str]:
    """A line for each build that Temporal knows, newest first; none for an unknown deployment."""
    try:
        info = await _described(client, deployment)
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        return []
    return [f"{summary.deployment_version.build_id}  {_standing(info, summary)}" for summary in info.version_summaries]


def _standing(info: WorkerDeploymentInfo, summary: WorkerDeploymentInfo.WorkerDeploymentVersionSummary) -> str:
    if summary.deployment_version == info.routing_config.current_deployment_version:
        return "current"
    if summary.deployment_version == info.routing_config.ramping_deployment_version:
        return f"ramping, {info.routing_config.ramping_version_percentage:g} percent"
    return _DRAINAGE.get(summary.drainage_status, "inactive")
