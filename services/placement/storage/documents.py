"""SQL of contract documents; what they say is sealed with the key of their person."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from services.kernel.language import Language
from services.placement.documents.contract import Basis, Rendering
from services.placement.documents.words import Said
from services.placement.domain.cases import Contract, Placement
from services.placement.domain.register import Act
from services.placement.storage import contracts
from services.placement.storage.cases import Store
from services.runtime.crypto import PersonCipher
from services.runtime.database import ReadTx, WriteTx

__all__ = ["ContractFile", "KeptDocument", "basis_of", "basis_on", "document"]

_FIELD = "contract_document"
_INSERT = """
INSERT INTO contract_documents (contract_id, number, language, person_id, content, sha256, kept_at)
VALUES (:contract_id, :number, :language, :person_id, :content, :sha256, :kept_at)
"""
# Without a language that in which the contract was given: its hash stands in the contract.
_DOCUMENT = """
SELECT d.number, d.language, d.person_id, d.content, d.sha256, d.kept_at
FROM contract_documents d JOIN contracts c USING (contract_id)
LEFT JOIN contract_amendments a USING (contract_id, number)
WHERE c.application_id = :application_id AND (:number = 0 OR d.number = :number)
  AND CASE WHEN :language = '' THEN d.sha256 = coalesce(a.document_sha256, c.document_sha256)
           ELSE d.language = :language END
ORDER BY c.start_date DESC, d.number DESC LIMIT 1
"""
_BASIS = """
SELECT kind, number, act_date, authority FROM acts
WHERE application_id = :application_id AND kind IN ('ORDER', 'REFERRAL') ORDER BY recorded_at DESC LIMIT 1
"""
_KINDS = {"ORDER": Said("Заповед", "Order"), "REFERRAL": Said("Насочване", "Referral")}


@dataclass(frozen=True, slots=True)
class KeptDocument:
    """A document as it is kept, opened."""

    number: int
    rendering: Rendering
    sha256: str
    kept_at: datetime


async def document(
    tx: ReadTx, cipher: PersonCipher, application_id: str, number: int, language: Language | None
) -> KeptDocument | None:
    """The document of the contract's version, 0 for the latest, without a language in that of the contract, or None.

    Raises NotFound when the person's key was destroyed.
    """
    row = await tx.one_or_none(
        _DOCUMENT, {"application_id": application_id, "number": number, "language": language or ""}
    )
    if row is None:
        return None
    content = base64.b64decode(await cipher.open(tx, row.person_id, _FIELD, row.content))
    return KeptDocument(row.number, Rendering(Language(row.language), content), row.sha256, row.kept_at)


async def basis_of(tx: ReadTx, application_id: str) -> Basis | None:
    """The latest order or referral of the case; None when there is none."""
    row = await tx.one_or_none(_BASIS, {"application_id": application_id})
    return None if row is None else Basis(_KINDS[row.kind], row.number, row.act_date, row.authority)


def basis_on(order: Act) -> Basis:
    """An order that is about to be registered."""
    return Basis(_KINDS[order.kind], order.paper.number, order.paper.act_date, order.authority)


class ContractFile(Store):
    """The port of who signs: placements and the documents of contracts on one write transaction."""

    def __init__(self, tx: WriteTx, cipher: PersonCipher) -> None:
        super().__init__(tx)
        self._cipher = cipher

    async def keep_document(
        self, placement: Placement, contract_id: str, number: int, renderings: Sequence[Rendering], now: datetime
    ) -> None:
        """Keep every rendering of a version of the contract, sealed."""
        key = await self._cipher.key(self._tx, placement.person_id)
        rows = [
            {
                "contract_id": contract_id,
                "number": number,
                "language": rendering.language,
                "person_id": placement.person_id,
                "content": bytes(key.seal(_FIELD, base64.b64encode(rendering.content).decode())),
                "sha256": rendering.sha256,
                "kept_at": now,
            }
            for rendering in renderings
        ]
        await self._tx.run(_INSERT, rows)

    async def add_version(self, application_id: str, contract: Contract, now: datetime) -> None:
        """Store the latest version of the contract."""
        await contracts.amend(self._tx, application_id, contract, now)
