"""The methods of intake about the catalogue and the calendar of a municipality."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from google.protobuf.message import Message
from grpc.aio import ServicerContext

from services.intake.domain.application import Municipality
from services.intake.storage import reading
from services.intake.storage.municipalities import Municipalities
from services.intake.usecases import local_rules
from services.kernel.catalogue import ServiceEntry
from services.kernel.local_rules import SHIPPED_RULES, LocalRules
from services.runtime.civil import date_from_proto, optional_date
from services.runtime.commands import Call, Effect, etag_of
from services.runtime.database import WriteTx
from services.runtime.errors import InvalidArgument, NotFound
from services.runtime.local_rules import (
    calendar_to_proto,
    catalogue_entry_from_proto,
    catalogue_entry_to_proto,
    declared_days_from_proto,
)
from services.runtime.paging import decode_token, encode_token, page_size
from services.runtime.server import Runtime
from socialcare.intake.v1 import intake_service_pb2 as pb

__all__ = ["CatalogueMethods"]

Context = ServicerContext[Message, Message]
UseCase = Callable[[WriteTx], Awaitable[Effect]]


class CatalogueMethods:
    """Part of `IntakeServicer`; named by the contract."""

    _runtime: Runtime

    async def ListCatalogue(self, request: pb.ListCatalogueRequest, context: Context) -> pb.ListCatalogueResponse:
        on = optional_date(request.on_date, "on_date")
        size = page_size(request.page_size, default=200)
        after = decode_token(request.page_token, 2) or ("", "")
        rules, etag = SHIPPED_RULES, ""
        if request.municipality_id:
            rules, etag = await self._rules_of(request.municipality_id)
        entries = [
            entry
            for entry in sorted(rules.catalogue.entries, key=_place)
            if (on is None or entry.covers(on)) and request.service_code in ("", entry.code) and _place(entry) > after
        ]
        page = entries[:size]
        return pb.ListCatalogueResponse(
            entries=[catalogue_entry_to_proto(entry) for entry in page],
            next_page_token=encode_token(*_place(page[-1])) if len(entries) > size else "",
            etag=etag,
        )

    async def PutCatalogueEntry(
        self, request: pb.PutCatalogueEntryRequest, context: Context
    ) -> pb.PutCatalogueEntryResponse:
        call = self._about(request.request_id, request.municipality_id)
        entry = catalogue_entry_from_proto(request.entry)
        command = local_rules.PutCatalogueEntry(request.municipality_id, entry, request.etag)

        async def use_case(tx: WriteTx) -> Effect:
            return await local_rules.put_catalogue_entry(command, Municipalities(tx), call.now, call.today)

        changed = await self._change(call, request, use_case, rehearse=request.validate_only)
        entries = sorted((item for item in changed.rules.catalogue.entries if item.code == entry.code), key=_place)
        return pb.PutCatalogueEntryResponse(
            entries=[catalogue_entry_to_proto(item) for item in entries], etag=etag_of(changed.version)
        )

    async def GetCalendar(self, request: pb.GetCalendarRequest, context: Context) -> pb.GetCalendarResponse:
        calendar, etag = SHIPPED_RULES.calendar, ""
        if request.municipality_id:
            rules, etag = await self._rules_of(request.municipality_id)
            calendar = rules.calendar
        wanted = request.calendar_version
        if wanted and wanted != calendar.version:
            if not request.municipality_id:
                raise NotFound(resource_type="calendar", resource_id=wanted)
            async with self._runtime.db.read() as tx:
                calendar = await reading.calendar(tx, request.municipality_id, wanted)
        return pb.GetCalendarResponse(calendar=calendar_to_proto(calendar), etag=etag)

    async def PutCalendarOverrides(
        self, request: pb.PutCalendarOverridesRequest, context: Context
    ) -> pb.PutCalendarOverridesResponse:
        call = self._about(request.request_id, request.municipality_id)
        withdrawn = [date_from_proto(day, "withdrawn_dates") for day in request.withdrawn_dates]
        if len(set(withdrawn)) != len(withdrawn):
            raise InvalidArgument(field="withdrawn_dates")
        command = local_rules.PutCalendarOverrides(
            municipality_id=request.municipality_id,
            declared=declared_days_from_proto(request.declared_days, "declared_days"),
            withdrawn=frozenset(withdrawn),
            etag=request.etag,
        )

        async def use_case(tx: WriteTx) -> Effect:
            return await local_rules.put_calendar_overrides(command, Municipalities(tx), call.now, call.today)

        changed = await self._change(call, request, use_case, rehearse=request.validate_only)
        return pb.PutCalendarOverridesResponse(
            calendar=calendar_to_proto(changed.rules.calendar), etag=etag_of(changed.version)
        )

    def _about(self, request_id: str, municipality_id: str) -> Call:
        call = self._runtime.call(request_id, municipality_id=municipality_id, object_id=municipality_id)
        call.caller.require_municipality(municipality_id)
        return call

    async def _rules_of(self, municipality_id: str) -> tuple[LocalRules, str]:
        self._runtime.call().caller.require_municipality(municipality_id)
        async with self._runtime.db.read() as tx:
            rules = await reading.local_rules(tx, municipality_id)
        return rules, etag_of(rules.version)

    async def _change(self, call: Call, request: Message, use_case: UseCase, *, rehearse: bool) -> Municipality:
        """Carry out the change, or only show it; the municipality after it."""
        if not rehearse:
            effect = await self._runtime.commands.perform(call, request, use_case)
            async with self._runtime.db.read() as tx:
                return await reading.municipality(tx, effect.resource)
        shown: list[Municipality] = []

        async def rehearsal(tx: WriteTx) -> Effect:
            effect = await use_case(tx)
            shown.append(await reading.municipality(tx, effect.resource))
            return effect

        await self._runtime.commands.rehearse(call, rehearsal)
        return shown[0]


def _place(entry: ServiceEntry) -> tuple[str, str]:
    """Where the entry stands in the list: by code, then by first day."""
    return entry.code, entry.valid_from.isoformat()
