"""The timeline of a case and of a person, made of what every stage has on record."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass

from google.protobuf.message import Message
from grpc.aio import ServicerContext

from services.intake.access import may_read_records, require_staff, standing_of
from services.intake.api.people import PeopleMethods
from services.intake.domain.links import PersonLink
from services.intake.domain.representation import AuthorityScope
from services.intake.domain.timeline import Record, TimelineEntry, merged
from services.intake.stages import Stages
from services.intake.storage import person_reading, reading
from services.intake.wire.applications import entry_to_proto
from services.kernel.codes import Role, Stage
from services.runtime.auth import Caller
from services.runtime.civil import code_to_proto
from services.runtime.errors import PeerUnavailable
from services.runtime.paging import decode_token, encode_token, page_size
from socialcare.common.v1 import types_pb2
from socialcare.intake.v1 import intake_service_pb2 as pb
from socialcare.intake.v1 import resources_pb2

__all__ = ["TimelineMethods"]

Context = ServicerContext[Message, Message]

_AROUND = (Stage.ASSESSMENT, Stage.PLACEMENT, Stage.DELIVERY, Stage.BILLING)


_OF_A_PERSON = frozenset({"REPRESENTATIVE_RECORDED", "REPRESENTATION_ENDED"})


@dataclass(frozen=True, slots=True)
class _Told:
    """Entries in order, and the stages that could not be asked."""

    entries: list[TimelineEntry]
    missing: frozenset[Stage] = frozenset()


class TimelineMethods(PeopleMethods):
    """Part of `IntakeServicer`; named by the contract."""

    _stages: Stages

    async def GetCaseTimeline(self, request: pb.GetCaseTimelineRequest, context: Context) -> pb.GetCaseTimelineResponse:
        call = self._runtime.call(object_id=request.application_id)
        async with self._runtime.db.glance() as tx:
            application = await reading.application(tx, request.application_id)
        call = await standing_of(call, application, AuthorityScope.READ, self._runtime.db)
        told = await self._told_of(request.application_id, request.detail, call.caller)
        if call.on_behalf_of:
            await self._runtime.commands.record_read(call, object_id=application.id, purpose="REPRESENTATION")
        page, token = _page_of(told.entries, request.page_size, request.page_token)
        return pb.GetCaseTimelineResponse(
            entries=[entry_to_proto(entry) for entry in page],
            next_page_token=token,
            missing_stages=_stages_to_proto(told.missing),
        )

    async def GetPersonTimeline(
        self, request: pb.GetPersonTimelineRequest, context: Context
    ) -> pb.GetPersonTimelineResponse:
        call, record = await self._of_person(self._runtime.call(object_id=request.person_id), request.person_id)
        if request.include_linked:
            require_staff(call.caller)
        async with self._runtime.db.read() as tx:
            links = await person_reading.links_of(tx, record.id)
            joined = [link.other_than(record.id) for link in links if link.unlink_reason is None]
            people = [record.id, *(joined if request.include_linked else [])]
            cases = [case for person in people for case in await person_reading.cases_of(tx, person)]
        detail = resources_pb2.TIMELINE_DETAIL_EVERYTHING
        told = [await self._told_of(case, detail, call.caller) for case in cases]
        entries = _once_a_person(entry for one in told for entry in one.entries)
        if call.caller.has(Role.SOCIAL_WORKER, Role.OFFICE_HEAD):
            entries += _entries_of_links(links)
        await self._runtime.commands.record_read(call, object_id=record.id, purpose="TIMELINE")
        page, token = _page_of(sorted(entries, key=lambda entry: entry.key), request.page_size, request.page_token)
        missing = frozenset(stage for one in told for stage in one.missing)
        return pb.GetPersonTimelineResponse(
            entries=[entry_to_proto(entry) for entry in page],
            next_page_token=token,
            missing_stages=_stages_to_proto(missing),
        )

    async def _told_of(self, application_id: str, detail: resources_pb2.TimelineDetail, caller: Caller) -> _Told:
        async with self._runtime.db.read() as tx:
            steps = await reading.timeline(tx, application_id)
            own = await reading.records(tx, application_id)
        if detail != resources_pb2.TIMELINE_DETAIL_EVERYTHING:
            return _Told(list(steps))
        asked = [stage for stage in _AROUND if may_read_records(caller, stage)]
        answers = await asyncio.gather(*(self._records(stage, application_id) for stage in asked))
        missing = {stage for stage, answer in zip(asked, answers, strict=True) if answer is None}
        records = [*own, *(record for answer in answers for record in answer or ())]
        return _Told(merged(steps, records, application_id), frozenset(missing))

    async def _records(self, stage: Stage, application_id: str) -> tuple[Record, ...] | None:
        """What the stage has on record; None when it is away."""
        try:
            return await self._stages.records(stage, application_id)
        except PeerUnavailable:
            return None


def _once_a_person(entries: Iterable[TimelineEntry]) -> list[TimelineEntry]:
    """An authority over every case of a person is on record with each, and told once."""
    told = dict[tuple[str, str], TimelineEntry]()
    others = []
    for entry in entries:
        if entry.cause in _OF_A_PERSON:
            told.setdefault((entry.cause, entry.ref), entry)
        else:
            others.append(entry)
    return [*others, *told.values()]


def _entries_of_links(links: Iterable[PersonLink]) -> list[TimelineEntry]:
    entries = []
    for link in links:
        entries.append(TimelineEntry(link.linked_at, None, "PERSONS_LINKED", Stage.INTAKE, ref=link.id))
        if link.unlinked_at is not None:
            entries.append(TimelineEntry(link.unlinked_at, None, "PERSONS_UNLINKED", Stage.INTAKE, ref=link.id))
    return entries


def _page_of(entries: list[TimelineEntry], size: int, token: str) -> tuple[list[TimelineEntry], str]:
    """The entries behind the token's key, and the token of those behind them."""
    after = decode_token(token, 3)
    seen = 0 if after is None else next((place for place, entry in enumerate(entries, 1) if entry.key == after), None)
    # The entry may be gone when a stage is away that was there before.
    behind = entries[seen:] if seen is not None else [entry for entry in entries if after is None or entry.key > after]
    page = behind[: page_size(size, default=500)]
    return page, encode_token(*page[-1].key) if len(behind) > len(page) else ""


def _stages_to_proto(stages: Iterable[Stage]) -> list[types_pb2.Stage]:
    return [code_to_proto(types_pb2.Stage, stage) for stage in Stage if stage in stages]
