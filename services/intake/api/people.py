"""The methods of intake about people: representatives, identity documents seen, possible duplicates, links."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace

from google.protobuf.message import Message
from grpc.aio import ServicerContext

from services.intake.access import speaking_for, standing_of
from services.intake.domain.identity import IdentityDocument
from services.intake.domain.links import LinkReason, PersonRecord, UnlinkReason
from services.intake.domain.representation import AuthorityScope
from services.intake.rules.duplicates import LEAST_SCORE, evidence_of, score_of
from services.intake.storage import person_reading, reading
from services.intake.storage.cases import Cases
from services.intake.storage.registry import Registry
from services.intake.usecases import people
from services.intake.usecases.people_ports import Act
from services.intake.wire import applications
from services.intake.wire import people as wire
from services.kernel.codes import Role
from services.runtime.civil import code_from_proto, date_from_proto
from services.runtime.commands import Call, Effect
from services.runtime.database import WriteTx
from services.runtime.errors import NotFound, NotYours
from services.runtime.paging import page_size
from services.runtime.server import Runtime
from socialcare.intake.v1 import people_pb2 as pb

__all__ = ["PeopleMethods", "act_of"]

Context = ServicerContext[Message, Message]
PeopleCommand = Callable[[Cases, Registry], Awaitable[Effect]]


def act_of(call: Call) -> Act:
    """Who does something, when."""
    return Act(call.caller.subject, call.now, call.today)


class PeopleMethods:
    """Part of `IntakeServicer`; named by the contract."""

    _runtime: Runtime

    async def GetPerson(self, request: pb.GetPersonRequest, context: Context) -> pb.GetPersonResponse:
        call, record = await self._of_person(self._runtime.call(object_id=request.person_id), request.person_id)
        representative = call.caller.person if call.on_behalf_of else None
        async with self._runtime.db.read() as tx:
            view = await person_reading.person_view(tx, record, representative, call.today)
        if not call.caller.has(Role.SOCIAL_WORKER, Role.OFFICE_HEAD):
            view = replace(view, links=())
        await self._runtime.commands.record_read(
            call, object_id=record.id, purpose="PERSON", municipality_id=record.municipality_id
        )
        return pb.GetPersonResponse(person=wire.person_to_proto(view, call.today))

    async def RecordRepresentative(
        self, request: pb.RecordRepresentativeRequest, context: Context
    ) -> pb.RecordRepresentativeResponse:
        call = await self._at_case(request.request_id, request.application_id)
        shown = wire.authority_from(request.representative, call.today)
        effect = await self._carry_out(
            call,
            request,
            lambda cases, registry: people.record_representative(
                request.application_id, shown, cases, registry, act_of(call)
            ),
        )
        return pb.RecordRepresentativeResponse(representation=await self._representation(call, effect))

    async def EndRepresentation(
        self, request: pb.EndRepresentationRequest, context: Context
    ) -> pb.EndRepresentationResponse:
        call = await self._at_case(request.request_id, request.application_id)
        command = people.EndRepresentation(
            request.application_id,
            request.representation_id,
            date_from_proto(request.last_date, "last_date"),
            request.reason_code,
        )
        effect = await self._carry_out(
            call, request, lambda cases, registry: people.end_representation(command, cases, registry, act_of(call))
        )
        return pb.EndRepresentationResponse(representation=await self._representation(call, effect))

    async def RecordIdentityShown(
        self, request: pb.RecordIdentityShownRequest, context: Context
    ) -> pb.RecordIdentityShownResponse:
        call = await self._at_case(request.request_id, request.application_id)
        kind = code_from_proto(pb.IdentityDocumentKind, request.kind, IdentityDocument, "kind")
        await self._carry_out(
            call,
            request,
            lambda cases, registry: people.record_identity_shown(
                request.application_id, kind, cases, registry, act_of(call)
            ),
        )
        async with self._runtime.db.glance() as tx:
            view = await reading.view(tx, request.application_id)
        return pb.RecordIdentityShownResponse(application=applications.application_to_proto(view, call.now))

    async def FindPossibleDuplicates(
        self, request: pb.FindPossibleDuplicatesRequest, context: Context
    ) -> pb.FindPossibleDuplicatesResponse:
        call, record = await self._of_person(self._runtime.call(object_id=request.person_id), request.person_id)
        async with self._runtime.db.read() as tx:
            candidates = await person_reading.candidates(tx, self._runtime.cipher, record.id)
        weighed = [(candidate, evidence_of(candidate.compared)) for candidate in candidates]
        likely = [pair for pair in weighed if score_of(pair[1]) >= LEAST_SCORE]
        likely.sort(key=lambda pair: (-score_of(pair[1]), pair[0].record.id))
        await self._runtime.commands.record_read(
            call, object_id=record.id, purpose="POSSIBLE_DUPLICATES", municipality_id=record.municipality_id
        )
        shown = likely[: page_size(request.max_results, default=20, maximum=50)]
        return pb.FindPossibleDuplicatesResponse(
            candidates=[wire.candidate_to_proto(candidate, evidence) for candidate, evidence in shown]
        )

    async def LinkPersons(self, request: pb.LinkPersonsRequest, context: Context) -> pb.LinkPersonsResponse:
        call = self._runtime.call(request.request_id, object_id=request.person_id)
        call, record = await self._of_person(call, request.person_id)
        reason = code_from_proto(pb.LinkReason, request.reason, LinkReason, "reason")
        pair = (request.person_id, request.other_person_id)
        effect = await self._carry_out(
            call,
            request,
            lambda _, registry: people.link_persons(record.municipality_id, pair, reason, registry, act_of(call)),
        )
        return pb.LinkPersonsResponse(link=await self._link(effect))

    async def UnlinkPersons(self, request: pb.UnlinkPersonsRequest, context: Context) -> pb.UnlinkPersonsResponse:
        call = self._runtime.call(request.request_id, object_id=request.person_id)
        call, _ = await self._of_person(call, request.person_id)
        reason = code_from_proto(pb.UnlinkReason, request.reason, UnlinkReason, "reason")
        pair = (request.person_id, request.other_person_id)
        effect = await self._carry_out(
            call, request, lambda _, registry: people.unlink_persons(pair, reason, registry, act_of(call))
        )
        return pb.UnlinkPersonsResponse(link=await self._link(effect))

    async def _of_person(self, call: Call, person_id: str) -> tuple[Call, PersonRecord]:
        """The call about a person whom the caller may know of; NotFound for any other."""
        async with self._runtime.db.glance() as tx:
            record = await person_reading.person(tx, person_id)
        if call.caller.has(Role.SERVICE):
            return replace(call, municipality_id=record.municipality_id), record
        try:
            call.caller.require_municipality(record.municipality_id)
            call.caller.require_person(record.id)
        except NotYours as error:
            held = await speaking_for(call.caller, record.municipality_id, record.id, "", call.today, self._runtime.db)
            if AuthorityScope.READ not in held:
                raise NotFound(resource_type="person", resource_id=person_id) from error
            call = replace(call, on_behalf_of=record.id)
        return replace(call, municipality_id=record.municipality_id), record

    async def _at_case(self, request_id: str, application_id: str) -> Call:
        call = self._runtime.call(request_id, object_id=application_id)
        async with self._runtime.db.glance() as tx:
            application = await reading.application(tx, application_id)
        return await standing_of(call, application, AuthorityScope.READ, self._runtime.db)

    async def _carry_out(self, call: Call, request: Message, command: PeopleCommand) -> Effect:
        async def use_case(tx: WriteTx) -> Effect:
            return await command(Cases(tx, self._runtime.cipher), Registry(tx, self._runtime.cipher))

        return await self._runtime.commands.perform(call, request, use_case)

    async def _representation(self, call: Call, effect: Effect) -> pb.Representation:
        async with self._runtime.db.glance() as tx:
            found = await person_reading.representation(tx, effect.resource)
        return wire.representation_to_proto(found, call.today)

    async def _link(self, effect: Effect) -> pb.PersonLink:
        async with self._runtime.db.glance() as tx:
            return wire.link_to_proto(await person_reading.link(tx, effect.resource))
