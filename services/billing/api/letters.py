"""Methods about letters to people: what was written, the document, and that it was delivered."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime

from services.billing import storage
from services.billing.api.answers import Context
from services.billing.api.desk import Desk
from services.billing.api.payments import by_of
from services.billing.api.peers import Neighbours
from services.billing.domain.letters import LetterText
from services.billing.papers.letter import letter_pdf
from services.billing.storage import Store
from services.billing.storage import letters as stored
from services.billing.usecases.letters import record_delivered
from services.billing.wire.letters import delivery_from, letter_to_proto
from services.kernel.language import Language
from services.runtime.commands import Call
from services.runtime.paging import decode_token, encode_token, id_key, instant_key, page_size
from services.runtime.server import Runtime
from socialcare.billing.v1 import documents_pb2
from socialcare.billing.v1 import letters_pb2 as pb

__all__ = ["FIRST_LETTER", "LetterMethods", "letter_as_read"]

FIRST_LETTER = (datetime(1, 1, 1, tzinfo=UTC), "00000000-0000-0000-0000-000000000000")
"""Sort keys before those of every letter."""

_LANGUAGES = {documents_pb2.DOCUMENT_LANGUAGE_BG: Language.BG, documents_pb2.DOCUMENT_LANGUAGE_EN: Language.EN}


async def letter_as_read(runtime: Runtime, neighbours: Neighbours, case_id: str, letter_id: str) -> LetterText:
    """The letter as it is read, the name as it was at the first reading; NotFound when there is none."""
    async with runtime.db.read() as tx:
        person_id, text = await stored.letter_text(tx, runtime.cipher, case_id, letter_id)
    if text is not None:
        return text
    name = await neighbours.payer(person_id)
    async with runtime.db.write() as tx:
        await stored.keep_name(tx, runtime.cipher, person_id, letter_id, name)
        _, text = await stored.letter_text(tx, runtime.cipher, case_id, letter_id)
    if text is None:
        raise AssertionError("the name was kept in this transaction")
    return text


class LetterMethods(Desk):
    """Letters of a case, and those that wait."""

    async def ListLetters(self, request: pb.ListLettersRequest, context: Context) -> pb.ListLettersResponse:
        await self._about_case("", request.application_id)
        async with self._runtime.db.read() as tx:
            found = await stored.letters_of_case(tx, request.application_id)
        return pb.ListLettersResponse(letters=map(letter_to_proto, found))

    async def ListWaitingLetters(
        self, request: pb.ListWaitingLettersRequest, context: Context
    ) -> pb.ListWaitingLettersResponse:
        self._municipal_call(request.municipality_id)
        size = page_size(request.page_size)
        after = _after(request.page_token)
        async with self._runtime.db.read() as tx:
            found = await stored.waiting_letters(tx, request.municipality_id, after, size)
        last = found[-1] if len(found) == size else None
        return pb.ListWaitingLettersResponse(
            letters=map(letter_to_proto, found),
            next_page_token="" if last is None else encode_token(last.written_at.isoformat(), last.letter_id),
        )

    async def GetLetter(self, request: pb.GetLetterRequest, context: Context) -> pb.GetLetterResponse:
        call = await self._about_case("", request.application_id)
        text = await letter_as_read(self._runtime, self._neighbours, request.application_id, request.letter_id)
        letter = text.letter
        async with self._runtime.db.read() as tx:
            rules = await storage.rules_of(tx, letter.municipality_id)
        await self._runtime.commands.record_read(
            call, object_id=letter.case_id, purpose="LETTER", municipality_id=letter.municipality_id
        )
        language = _LANGUAGES.get(request.language) or Language(rules.settings.text("statement.language"))
        pdf = letter_pdf(text, language, rules.catalogue)
        return pb.GetLetterResponse(letter=letter_to_proto(letter), pdf=pdf, sha256=hashlib.sha256(pdf).hexdigest())

    async def RecordLetterDelivered(
        self, request: pb.RecordLetterDeliveredRequest, context: Context
    ) -> pb.RecordLetterDeliveredResponse:
        call = await self._about_case(request.request_id, request.application_id)
        delivery, by = delivery_from(request), by_of(call)
        await self._runtime.commands.perform(
            call,
            request,
            lambda tx: record_delivered(
                request.application_id, request.letter_id, delivery, Store(tx, self._runtime.cipher), by
            ),
        )
        async with self._runtime.db.read() as tx:
            letter = await stored.letter_of_case(tx, request.application_id, request.letter_id)
        return pb.RecordLetterDeliveredResponse(letter=letter_to_proto(letter))

    async def _about_case(self, request_id: str, case_id: str) -> Call:
        """The present call about a case that the caller may know of; NotFound for any other."""
        call = self._runtime.call(request_id, object_id=case_id)
        await self._contracted(call, case_id)
        return call


def _after(token: str) -> tuple[datetime, str]:
    keys = decode_token(token, 2)
    return FIRST_LETTER if keys is None else (instant_key(keys[0]), id_key(keys[1]))
