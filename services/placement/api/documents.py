"""The method about the contract as a document."""

from __future__ import annotations

from services.kernel.language import Language
from services.placement.api.cases import CaseMethods, Context
from services.placement.storage import documents
from services.runtime.civil import instant_to_proto
from services.runtime.errors import NotFound
from socialcare.placement.v1 import documents_pb2 as pb

__all__ = ["DocumentMethods"]


class DocumentMethods(CaseMethods):
    """Part of `PlacementServicer`; named by the contract."""

    async def GetContractDocument(
        self, request: pb.GetContractDocumentRequest, context: Context
    ) -> pb.GetContractDocumentResponse:
        call, found = await self._admitted("", request.application_id)
        language = Language(request.language) if request.language else None
        async with self._runtime.db.read() as tx:
            kept = await documents.document(tx, self._runtime.cipher, found.application_id, request.number, language)
        if kept is None:
            raise NotFound(resource_type="contract_document", resource_id=request.application_id)
        await self._runtime.commands.record_read(
            call,
            object_id=found.application_id,
            purpose="CONTRACT_DOCUMENT",
            municipality_id=found.municipality_id,
        )
        return pb.GetContractDocumentResponse(
            content=kept.rendering.content,
            sha256=kept.sha256,
            language=kept.rendering.language,
            sign_time=instant_to_proto(kept.kept_at),
            number=kept.number,
        )
