"""What a kubelet and Compose ask the worker: /live and /ready, on a port of its own.

The metrics port belongs to the Temporal SDK and answers whether Temporal is there or not.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import timedelta

from temporalio.api.workflowservice.v1 import DescribeNamespaceRequest
from temporalio.client import Client
from temporalio.service import RPCError
from temporalio.worker import Worker

from services.runtime.monitoring import Monitoring, Pulse

__all__ = ["Health"]

_PAUSE_SECONDS = 2.0
_SHORT_PAUSE_SECONDS = 0.5
"""While it is not ready, somebody waits for it."""
_ANSWER = timedelta(seconds=2)


class Health:
    """Ready while the workers run and Temporal knows the namespace; alive while the event loop comes round."""

    def __init__(self, bind: str) -> None:
        """Answer from now on: alive and not ready. OSError when the address is taken."""
        self._pulse = Pulse()
        self._monitoring = Monitoring(bind, None, self._pulse)
        self._client: Client | None = None
        self._workers: Sequence[Worker] = ()

    async def keep(self) -> None:
        """Look again and again; ends only when cancelled."""
        while True:
            serves = await self._serves()
            self._pulse.beat(serving=serves)
            await asyncio.sleep(_PAUSE_SECONDS if serves else _SHORT_PAUSE_SECONDS)

    def follow(self, client: Client, workers: Sequence[Worker]) -> None:
        """Say from now on how these are."""
        self._client, self._workers = client, workers

    def drain(self) -> None:
        """Not ready any more, and alive until `close`."""
        self._client = None
        self._pulse.beat(serving=False)

    def close(self) -> None:
        """Answer nobody any more."""
        self._monitoring.close()

    async def _serves(self) -> bool:
        client = self._client
        if client is None or not all(worker.is_running for worker in self._workers):
            return False
        asked = DescribeNamespaceRequest(namespace=client.namespace)
        try:
            await client.workflow_service.describe_namespace(asked, timeout=_ANSWER)
        except RPCError:
            return False
        return self._client is client
