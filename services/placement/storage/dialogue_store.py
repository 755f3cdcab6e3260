"""The port of the dialogue on one write transaction."""

from __future__ import annotations

from datetime import datetime

from services.placement.domain.cases import Placement
from services.placement.domain.dialogue import OrderRequest, Receipt, RequestStep
from services.placement.storage import dialogue
from services.placement.storage.cases import Store
from services.runtime.crypto import PersonCipher
from services.runtime.database import WriteTx

__all__ = ["DialogueStore"]


class DialogueStore(Store):
    """Requests and what is said about them; words are sealed under the person's key."""

    def __init__(self, tx: WriteTx, cipher: PersonCipher) -> None:
        super().__init__(tx)
        self._cipher = cipher

    async def open_request_of(self, application_id: str) -> OrderRequest | None:
        """The request that is not settled; None when there is none. The placement is locked before."""
        return await dialogue.open_request_of(self._tx, application_id)

    async def keep_step(
        self, placement: Placement, before: OrderRequest, step: RequestStep, now: datetime, words: str
    ) -> None:
        """Store a step that somebody took, with its words."""
        kept = await dialogue.sealed(self._tx, placement.person_id, words, self._cipher)
        await dialogue.keep_step(self._tx, before, step, now, kept)

    async def keep_receipt(self, request: OrderRequest, receipt: Receipt) -> None:
        """Store under which number the directorate took the request in."""
        await dialogue.keep_receipt(self._tx, request, receipt)
