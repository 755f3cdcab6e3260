"""The methods of intake about imports: many applications in one request."""

from __future__ import annotations

from google.protobuf.message import Message
from grpc.aio import ServicerContext

from services.intake.metrics import IntakeMetrics
from services.intake.storage import imports as stored
from services.intake.storage.imports import Imports
from services.intake.storage.reading import Page
from services.intake.usecases import imports
from services.intake.usecases.imports import Opened, RowOutcome
from services.intake.wire import imports as wire
from services.runtime import audit
from services.runtime.audit import AuditEntry
from services.runtime.commands import Call, Effect
from services.runtime.database import AuditNote, WriteTx
from services.runtime.errors import DomainError
from services.runtime.paging import decode_token, encode_token, page_size
from services.runtime.server import Runtime
from socialcare.intake.v1 import imports_pb2 as pb

__all__ = ["ImportMethods"]

Context = ServicerContext[Message, Message]
_PURPOSE = "BULK_IMPORT"


class ImportMethods:
    """Part of `IntakeServicer`; named by the contract."""

    _runtime: Runtime
    _metrics: IntakeMetrics

    async def ImportApplications(
        self, request: pb.ImportApplicationsRequest, context: Context
    ) -> pb.ImportApplicationsResponse:
        call = self._runtime.call(
            request.request_id,
            municipality_id=request.municipality_id,
            object_id=request.import_id,
            purpose=_PURPOSE,
        )
        call.caller.require_municipality(request.municipality_id)
        command = wire.import_from(request, call.now)
        outcomes: list[RowOutcome] = []

        async def use_case(tx: WriteTx) -> Effect:
            store = Imports(tx, self._runtime.cipher, call.now)
            outcomes[:] = await imports.import_applications(command, store, call.caller, call.now, call.today)
            await audit.record_all(tx, [_audited(call, outcome) for outcome in outcomes if not _stood(outcome)])
            return Effect(request.import_id)

        if request.validate_only:
            await self._runtime.commands.rehearse(call, use_case)
        else:
            effect = await self._runtime.commands.perform(call, request, use_case)
            if effect.replayed:
                return await self._outcomes(command)
            self._count_opened(outcomes)
        return pb.ImportApplicationsResponse(outcomes=map(wire.outcome_to_proto, outcomes))

    async def ListImportRows(self, request: pb.ListImportRowsRequest, context: Context) -> pb.ListImportRowsResponse:
        self._runtime.call().caller.require_municipality(request.municipality_id)
        page = Page(page_size(request.page_size, default=200), decode_token(request.page_token, 1))
        async with self._runtime.db.read() as tx:
            found = await stored.list_rows(
                tx, request.municipality_id, request.import_id, page, rejected_only=request.rejected_only
            )
            part = await stored.count_rows(tx, request.municipality_id, request.import_id)
        return pb.ListImportRowsResponse(
            outcomes=found,
            next_page_token=encode_token(found[-1].row_key) if len(found) == page.size else "",
            imported_count=part.imported,
            rejected_count=part.rejected,
        )

    async def _outcomes(self, command: imports.ImportApplications) -> pb.ImportApplicationsResponse:
        """The answer to a request that was carried out before."""
        async with self._runtime.db.glance() as tx:
            return pb.ImportApplicationsResponse(outcomes=await stored.outcomes_of(tx, command))

    def _count_opened(self, outcomes: list[RowOutcome]) -> None:
        for outcome in outcomes:
            if isinstance(outcome.result, Opened) and not outcome.result.before:
                self._metrics.stepped(outcome.result.state)


def _stood(outcome: RowOutcome) -> bool:
    return isinstance(outcome.result, Opened) and outcome.result.before


def _audited(call: Call, outcome: RowOutcome) -> AuditEntry:
    """The row that SubmitApplication would have left, under the method that was called."""
    result = outcome.result
    if isinstance(result, DomainError):
        return audit.entry(call, AuditNote("", call.municipality_id, call.purpose), result.reason)
    return audit.entry(call, AuditNote(result.application_id, call.municipality_id, call.purpose), audit.DONE)
