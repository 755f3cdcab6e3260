"""What a tariff, changed settings or an entry of the catalogue would do to all cases, page by page."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from uuid import uuid4

from services.billing.api.answers import Context
from services.billing.api.desk import Desk, act_of, rules_to_try
from services.billing.errors import InvalidFact
from services.billing.storage import Store
from services.billing.storage.tariffs import cases_of
from services.billing.usecases.fee_changes import FeeChange, Outcome, try_fee_change
from services.billing.wire.fee_changes import outcome_to_proto
from services.billing.wire.tariffs import tariff_to_try
from services.kernel.catalogue import ServiceEntry
from services.kernel.dates import Month
from services.kernel.local_rules import LocalRules
from services.runtime.commands import Effect
from services.runtime.database import WriteTx
from services.runtime.local_rules import catalogue_entry_from_proto
from services.runtime.paging import decode_token, encode_token, id_key, page_size
from socialcare.billing.v1 import fee_changes_pb2 as pb

__all__ = ["FeeChangeMethods"]

_PAGE_OF_CASES = 100
_BEFORE_ALL = "00000000-0000-0000-0000-000000000000"


class FeeChangeMethods(Desk):
    """Previews of what the council or the municipality would decide."""

    async def PreviewFeeChange(
        self, request: pb.PreviewFeeChangeRequest, context: Context
    ) -> pb.PreviewFeeChangeResponse:
        call = self._municipal_call(request.municipality_id)
        keys = decode_token(request.page_token, 1)
        after = id_key(keys[0]) if keys else _BEFORE_ALL
        size = page_size(request.page_size, default=_PAGE_OF_CASES)
        # Apart from the rehearsal: runs keep the rules first and then take their own row.
        rules = await self._keep_rules(request.municipality_id)
        change, service = _change_of(request, rules, call.today)
        async with self._runtime.db.read() as tx:
            cases = await cases_of(tx, request.municipality_id, service, after, size)
        act = replace(act_of(call), request_id=str(uuid4()))
        tried: list[Outcome] = []

        async def rehearse(tx: WriteTx) -> Effect:
            tried.append(await try_fee_change(change, cases, Store(tx, self._runtime.cipher), act))
            return Effect(request.municipality_id)

        await self._runtime.commands.rehearse(call, rehearse)
        token = encode_token(cases[-1]) if len(cases) == size else ""
        return outcome_to_proto(tried[0], len(cases), token)


def _change_of(request: pb.PreviewFeeChangeRequest, rules: LocalRules, today: date) -> tuple[FeeChange, str]:
    """The change, and the service whose cases it can touch; empty: all."""
    if request.WhichOneof("change") == "tariff":
        asked = request.tariff
        new = tariff_to_try(asked.tariff, request.municipality_id, asked.service_code)
        return FeeChange(request.municipality_id, new, new.from_month), asked.service_code
    if request.WhichOneof("change") == "catalogue_entry":
        entry = _entry_to_try(request, rules, today)
        service = entry.code if entry.is_applied_for else ""
        return FeeChange(request.municipality_id, rules.with_entry(entry), Month.of(entry.valid_from)), service
    return FeeChange(request.municipality_id, rules_to_try(rules, request.settings.settings)), ""


def _entry_to_try(request: pb.PreviewFeeChangeRequest, rules: LocalRules, today: date) -> ServiceEntry:
    entry = catalogue_entry_from_proto(request.catalogue_entry, "catalogue_entry")
    wrong = "valid_from_date" if entry.valid_from < today else rules.catalogue.contradicted_by(entry)
    if wrong is not None:
        raise InvalidFact(field=f"catalogue_entry.{wrong}")
    return entry
