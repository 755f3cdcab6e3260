"""The service that every stage offers beside its own: how much of its outbox still waits."""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc

from services.runtime.database import ReadTx
from socialcare.common.v1 import outbox_service_pb2 as pb

if TYPE_CHECKING:
    from services.runtime.server import Runtime

__all__ = ["OUTBOX_SERVICE", "OutboxServicer"]

_COUNT = """
SELECT count(*) FROM outbox
WHERE state = 'PENDING' AND (CAST(:municipality_id AS text) IS NULL OR municipality_id = :municipality_id)
"""

OUTBOX_SERVICE = pb.DESCRIPTOR.services_by_name["OutboxService"]


class OutboxServicer:
    """Handlers of `socialcare.common.v1.OutboxService`."""

    def __init__(self, runtime: Runtime) -> None:
        """Work on the stage's own database."""
        self._runtime = runtime

    async def CountPending(  # noqa: N802  # Name given by the contract.
        self,
        request: pb.CountPendingRequest,
        context: grpc.aio.ServicerContext[pb.CountPendingRequest, pb.CountPendingResponse],
    ) -> pb.CountPendingResponse:
        """Count the rows that wait, of one municipality or of all; all is for those who may act for all."""
        del context
        call = self._runtime.call(municipality_id=request.municipality_id)
        call.caller.require_municipality(request.municipality_id or "*")
        async with self._runtime.db.read() as tx:
            return pb.CountPendingResponse(pending=await _count(tx, request.municipality_id or None))


async def _count(tx: ReadTx, municipality_id: str | None) -> int:
    return int(await tx.scalar(_COUNT, {"municipality_id": municipality_id}))
