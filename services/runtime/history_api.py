"""The service that every stage offers beside its own: what it has on record of a case.

A stage's migration defines the function `case_history(application_id)`; a stage without it has nothing on record beside
its own methods.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc

from services.runtime.civil import instant_to_proto
from services.runtime.paging import decode_token, encode_token, instant_key, page_size
from socialcare.common.v1 import history_service_pb2 as pb

if TYPE_CHECKING:
    from services.runtime.server import Runtime

__all__ = ["HISTORY_SERVICE", "HistoryServicer"]

_RECORDS = """
SELECT at, cause, ref FROM case_history(:application_id)
WHERE CAST(:cause AS text) IS NULL OR (at, cause, ref) > (CAST(:at AS timestamptz), :cause, :ref)
ORDER BY at, cause, ref
LIMIT :size
"""

HISTORY_SERVICE = pb.DESCRIPTOR.services_by_name["HistoryService"]


class HistoryServicer:
    """Handlers of `socialcare.common.v1.HistoryService`."""

    def __init__(self, runtime: Runtime) -> None:
        """Work on the stage's own database."""
        self._runtime = runtime

    async def ListCaseRecords(  # noqa: N802  # Name given by the contract.
        self,
        request: pb.ListCaseRecordsRequest,
        context: grpc.aio.ServicerContext[pb.ListCaseRecordsRequest, pb.ListCaseRecordsResponse],
    ) -> pb.ListCaseRecordsResponse:
        """A page of what the stage recorded of the case."""
        del context
        size = page_size(request.page_size, default=500)
        at, cause, ref = decode_token(request.page_token, 3) or (None, None, None)
        keys = {
            "application_id": request.application_id,
            "at": None if at is None else instant_key(at),
            "cause": cause,
            "ref": ref,
            "size": size + 1,
        }
        async with self._runtime.db.glance() as tx:
            rows = await tx.all(_RECORDS, keys)
        page = rows[:size]
        records = [pb.CaseRecord(record_time=instant_to_proto(row.at), cause=row.cause, ref=row.ref) for row in page]
        more = len(rows) > size
        last = page[-1] if more else None
        return pb.ListCaseRecordsResponse(
            records=records,
            next_page_token="" if last is None else encode_token(last.at.isoformat(), last.cause, last.ref),
        )
