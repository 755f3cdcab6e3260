"""Methods about tariffs: record, list, bring to the cases."""

from __future__ import annotations

from services.billing.api.answers import Context
from services.billing.api.desk import Desk, act_of
from services.billing.storage import Store
from services.billing.storage import tariffs as kept
from services.billing.usecases.tariffs import apply_tariffs, set_tariff
from services.billing.wire.tariffs import new_tariff, tariff_to_proto
from services.runtime.commands import Effect
from services.runtime.database import WriteTx
from services.runtime.errors import InvalidArgument
from services.runtime.paging import decode_token, encode_token, page_size
from socialcare.billing.v1 import tariffs_pb2 as pb

__all__ = ["TariffMethods"]

CASES_TRIED = 200
"""Cases for which `validate_only` works out the notes; with more waiting it answers their number alone."""

_PAGE_OF_CASES = 100
_NUMBER_DIGITS = 19


class TariffMethods(Desk):
    """What the council fixes for everybody."""

    async def SetTariff(self, request: pb.SetTariffRequest, context: Context) -> pb.SetTariffResponse:
        call = self._municipal_call(request.municipality_id, request.request_id)
        tariff = new_tariff(request)
        # Apart from the command: runs keep the rules first and then take their own row.
        await self._keep_rules(request.municipality_id)
        answer = pb.SetTariffResponse()

        async def record(tx: WriteTx) -> Effect:
            return await set_tariff(tariff, Store(tx, self._runtime.cipher), act_of(call))

        async def rehearse(tx: WriteTx) -> Effect:
            effect = await record(tx)
            answer.waiting_cases = await kept.cases_waiting(tx, request.municipality_id)
            if answer.waiting_cases <= CASES_TRIED:
                store = Store(tx, self._runtime.cipher)
                tried = await apply_tariffs(request.municipality_id, CASES_TRIED, store, act_of(call))
                answer.notes = int(tried.resource)
            return effect

        if request.validate_only:
            await self._runtime.commands.rehearse(call, rehearse)
            return answer
        await self._runtime.commands.perform(call, request, record)
        answer.waiting_cases = await self._waiting(request.municipality_id)
        return answer

    async def ListTariffs(self, request: pb.ListTariffsRequest, context: Context) -> pb.ListTariffsResponse:
        self._municipal_call(request.municipality_id)
        after, size = _after(request.page_token), page_size(request.page_size)
        async with self._runtime.db.read() as tx:
            page = await kept.list_tariffs(tx, request.municipality_id, request.service_code, after, size)
        return pb.ListTariffsResponse(
            tariffs=map(tariff_to_proto, page),
            next_page_token=encode_token(str(page[-1].tariff.number)) if len(page) == size else "",
        )

    async def ApplyTariff(self, request: pb.ApplyTariffRequest, context: Context) -> pb.ApplyTariffResponse:
        call = self._municipal_call(request.municipality_id, request.request_id)
        decode_token(request.page_token, 1)
        size = page_size(request.page_size, default=_PAGE_OF_CASES)
        effect = await self._runtime.commands.perform(
            call,
            request,
            lambda tx: apply_tariffs(request.municipality_id, size, Store(tx, self._runtime.cipher), act_of(call)),
        )
        notes = int(effect.resource)
        if not effect.replayed:
            self._metrics.corrections.inc(notes)
        # What is left is asked each time: a page is the next cases that wait, so none is passed over.
        waiting = await self._waiting(request.municipality_id)
        async with self._runtime.db.read() as tx:
            undecided = await kept.cases_undecided(tx, request.municipality_id)
        return pb.ApplyTariffResponse(
            cases=effect.version,
            notes=notes,
            waiting_cases=waiting,
            next_page_token=encode_token("MORE") if waiting else "",
            undecided_cases=undecided,
        )

    async def _waiting(self, municipality_id: str) -> int:
        async with self._runtime.db.read() as tx:
            return await kept.cases_waiting(tx, municipality_id)


def _after(token: str) -> int:
    keys = decode_token(token, 1)
    if keys is None:
        return 0
    if not keys[0].isdecimal() or not keys[0].isascii() or len(keys[0]) >= _NUMBER_DIGITS:
        raise InvalidArgument(field="page_token")
    return int(keys[0])
