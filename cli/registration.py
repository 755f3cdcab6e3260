"""What a Temporal server must know before the first case: the namespace, how long it keeps histories, attributes."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from google.protobuf.duration_pb2 import Duration
from temporalio.api.namespace.v1 import NamespaceConfig
from temporalio.api.workflowservice.v1 import (
    DescribeNamespaceRequest,
    RegisterNamespaceRequest,
    UpdateNamespaceRequest,
)
from temporalio.client import Client
from temporalio.service import RPCError, RPCStatusCode

from services.runtime.temporal_connection import TemporalConnection
from workflows.search_attributes import register_search_attributes

__all__ = ["RETENTION", "register"]

RETENTION = timedelta(days=30)
"""Shortest time for which a closed workflow stays readable."""

_KNOWN_EVERYWHERE_SECONDS = 60.0
"""Temporal's servers learn of a new namespace some seconds after it was made."""
_PAUSE_SECONDS = 0.5


async def register(connection: TemporalConnection) -> None:
    """Make the namespace and its search attributes what the product needs. Repeatable; a longer retention stays."""
    client = await connection.connect_temporal()
    await _ensure_namespace(client, connection.temporal_namespace)
    async with asyncio.timeout(_KNOWN_EVERYWHERE_SECONDS):
        await _register_search_attributes_when_known(client)


async def _register_search_attributes_when_known(client: Client) -> None:
    while True:
        try:
            await register_search_attributes(client)
        except RPCError as error:
            if error.status is not RPCStatusCode.NOT_FOUND:
                raise
            await asyncio.sleep(_PAUSE_SECONDS)
        else:
            return


async def _ensure_namespace(client: Client, namespace: str) -> None:
    wanted = Duration(seconds=int(RETENTION.total_seconds()))
    service = client.workflow_service
    try:
        found = await service.describe_namespace(DescribeNamespaceRequest(namespace=namespace))
    except RPCError as error:
        if error.status is not RPCStatusCode.NOT_FOUND:
            raise
        await service.register_namespace(
            RegisterNamespaceRequest(namespace=namespace, workflow_execution_retention_period=wanted)
        )
        return
    if found.config.workflow_execution_retention_ttl.ToTimedelta() < RETENTION:
        await service.update_namespace(
            UpdateNamespaceRequest(namespace=namespace, config=NamespaceConfig(workflow_execution_retention_ttl=wanted))
        )
