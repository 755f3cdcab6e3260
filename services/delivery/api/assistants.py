"""Assistants, their absences, who goes to which visit, and the sheet of a day."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import date

from grpc.aio import ServicerContext
from sqlalchemy.exc import SQLAlchemyError

from services.delivery.api.assigning import assign_days
from services.delivery.api.contacts import SheetRoom
from services.delivery.api.room import require_own
from services.delivery.documents import print_day_sheet
from services.delivery.domain.contacts import Contacts
from services.delivery.domain.staff import AssignedVisit
from services.delivery.errors import DayOver
from services.delivery.rules.assignment import judge
from services.delivery.rules.assignment_words import explain_verdict
from services.delivery.storage import assignment, staff
from services.delivery.storage.assignment import AssignmentStore, Task
from services.delivery.storage.local_rules import rules_of
from services.delivery.storage.staff import StaffStore
from services.delivery.usecases import staff as usecases
from services.delivery.usecases.care import Moment
from services.delivery.wire import care as days
from services.delivery.wire import contacts as wire_contacts
from services.delivery.wire import staff as wire
from services.kernel.catalogue import CATALOGUE
from services.runtime.civil import date_from_proto, date_to_proto, optional_date
from services.runtime.commands import Call, Effect
from services.runtime.database import WriteTx
from services.runtime.errors import NotFound, NotYours
from services.runtime.ids import new_id
from services.runtime.paging import day_key, decode_token, encode_token, id_key, page_size
from socialcare.delivery.v1 import assistants_pb2 as pb

__all__ = ["AssistantMethods"]

Context = ServicerContext[object, object]


class AssistantMethods(SheetRoom):
    """Assistants, who goes to which visit, and the sheet of a day."""

    async def RegisterAssistant(
        self, request: pb.RegisterAssistantRequest, context: Context
    ) -> pb.RegisterAssistantResponse:
        described = wire.assistant_from_proto(request.assistant)
        call = self._for_municipality(described.municipality_id, request.request_id, described.id)

        async def run(tx: WriteTx) -> Effect:
            return await usecases.register_assistant(
                described, request.assistant.etag, StaffStore(tx), AssignmentStore(tx), Moment(call.now, call.today)
            )

        await self._runtime.commands.perform(call, request, run)
        async with self._runtime.db.glance() as tx:
            found = await staff.assistant(tx, described.municipality_id, described.id)
        return pb.RegisterAssistantResponse(assistant=wire.assistant_to_proto(found or described))

    async def ListAssistants(self, request: pb.ListAssistantsRequest, context: Context) -> pb.ListAssistantsResponse:
        self._for_municipality(request.municipality_id)
        size = page_size(request.page_size)
        (after,) = decode_token(request.page_token, 1) or ("",)
        async with self._runtime.db.glance() as tx:
            found = await staff.assistants_of(tx, request.municipality_id, after=after, size=size)
        return pb.ListAssistantsResponse(
            assistants=map(wire.assistant_to_proto, found),
            next_page_token=encode_token(found[-1].id) if len(found) == size else "",
        )

    async def SetAssistantAbsence(
        self, request: pb.SetAssistantAbsenceRequest, context: Context
    ) -> pb.SetAssistantAbsenceResponse:
        call = self._for_municipality(request.municipality_id, request.request_id, request.assistant_id)
        absence = wire.absence_from_proto(request, new_id())

        async def run(tx: WriteTx) -> Effect:
            return await usecases.set_absence(
                request.municipality_id, absence, StaffStore(tx), AssignmentStore(tx), Moment(call.now, call.today)
            )

        effect = await self._runtime.commands.perform(call, request, run)
        async with self._runtime.db.glance() as tx:
            moved = await assignment.released_visits(tx, request.municipality_id, request.assistant_id, absence.days)
        return pb.SetAssistantAbsenceResponse(
            absence=wire.absence_to_proto(replace(absence, id=effect.resource)),
            visits=map(wire.visit_to_proto, moved),
        )

    async def EndAssistantAbsence(
        self, request: pb.EndAssistantAbsenceRequest, context: Context
    ) -> pb.EndAssistantAbsenceResponse:
        call = self._for_municipality(request.municipality_id, request.request_id, request.absence_id)
        back_on = date_from_proto(request.back_date, "back_date")

        async def run(tx: WriteTx) -> Effect:
            return await usecases.end_absence(request.municipality_id, request.absence_id, back_on, StaffStore(tx))

        await self._runtime.commands.perform(call, request, run)
        async with self._runtime.db.glance() as tx:
            left = await staff.absence(tx, request.municipality_id, request.absence_id)
        return pb.EndAssistantAbsenceResponse(absence=None if left is None else wire.absence_to_proto(left))

    async def AssignVisits(self, request: pb.AssignVisitsRequest, context: Context) -> pb.AssignVisitsResponse:
        call = self._for_municipality(request.municipality_id, request.request_id)
        on = days.day_from_proto(request.on_date, "on_date")
        if on < call.today:
            raise DayOver(field="on_date")

        async def run(tx: WriteTx) -> Effect:
            await assign_days(tx, request.municipality_id, [on], Moment(call.now, call.today))
            return Effect(request.municipality_id)

        await self._runtime.commands.perform(call, request, run)
        async with self._runtime.db.glance() as tx:
            assigned, unassigned = await assignment.counts_of_day(tx, request.municipality_id, on)
        return pb.AssignVisitsResponse(assigned=assigned, unassigned=unassigned)

    async def AssignVisit(self, request: pb.AssignVisitRequest, context: Context) -> pb.AssignVisitResponse:
        call = self._runtime.call(request.request_id, object_id=request.unit_id)
        visit = await self._visit(call, request.unit_id)
        if visit.on < call.today:
            raise DayOver(field="unit_id")

        async def run(tx: WriteTx) -> Effect:
            tx.audit.municipality_id = visit.municipality_id
            return await usecases.assign_visit(
                visit, request.assistant_id, StaffStore(tx), AssignmentStore(tx), Moment(call.now, call.today)
            )

        await self._runtime.commands.perform(call, request, run)
        return pb.AssignVisitResponse(visit=wire.visit_to_proto(await self._visit(call, request.unit_id)))

    async def ExplainAssignment(
        self, request: pb.ExplainAssignmentRequest, context: Context
    ) -> pb.ExplainAssignmentResponse:
        call = self._runtime.call(object_id=request.unit_id)
        standing = await self._visit(call, request.unit_id)
        async with self._runtime.db.read() as tx:
            day = await assignment.day_of_visits(tx, standing.municipality_id, standing.on)
        asked = next((each for each in day.visits if each.visit.unit_id == standing.unit_id), None)
        if asked is None:
            return pb.ExplainAssignmentResponse(visit=wire.visit_to_proto(standing))
        others = [each for each in day.visits if each is not asked]
        visit = usecases.beside_others(asked, others)
        verdicts = [(workday, judge(visit, standing.on, workday)) for workday in usecases.workdays(day, others)]
        fitting = [(-each.score, each.slot, each.assistant_id) for _, each in verdicts if each.slot is not None]
        chosen = min(fitting)[2] if fitting else ""
        return pb.ExplainAssignmentResponse(
            visit=wire.visit_to_proto(standing),
            chosen_assistant_id=chosen,
            candidates=[
                wire.candidate_to_proto(
                    verdict,
                    explain_verdict(visit, standing.on, workday, verdict, chosen=verdict.assistant_id == chosen),
                    chosen=verdict.assistant_id == chosen,
                )
                for workday, verdict in verdicts
            ],
        )

    async def ListUnassignedVisits(
        self, request: pb.ListUnassignedVisitsRequest, context: Context
    ) -> pb.ListUnassignedVisitsResponse:
        call = self._for_municipality(request.municipality_id)
        first = optional_date(request.from_date, "from_date") or call.today
        size = page_size(request.page_size)
        keys = decode_token(request.page_token, 2)
        after = None if keys is None else (day_key(keys[0]), id_key(keys[1]))
        async with self._runtime.db.glance() as tx:
            found = await assignment.unassigned_page(tx, request.municipality_id, first, after=after, size=size)
        last = found[-1] if len(found) == size else None
        return pb.ListUnassignedVisitsResponse(
            visits=map(wire.visit_to_proto, found),
            next_page_token="" if last is None else encode_token(last.on.isoformat(), last.unit_id),
        )

    async def GetDaySheet(self, request: pb.GetDaySheetRequest, context: Context) -> pb.GetDaySheetResponse:
        on = days.day_from_proto(request.on_date, "on_date")
        tasks, contacts = await self._day_sheet(request.municipality_id, request.assistant_id, on)
        return pb.GetDaySheetResponse(
            assistant_id=request.assistant_id,
            on_date=date_to_proto(on),
            tasks=wire.tasks_to_proto(tasks, contacts),
            missing_stages=wire_contacts.missing_stages(contacts),
        )

    async def GetDaySheetDocument(
        self, request: pb.GetDaySheetDocumentRequest, context: Context
    ) -> pb.GetDaySheetDocumentResponse:
        on = days.day_from_proto(request.on_date, "on_date")
        tasks, contacts = await self._day_sheet(request.municipality_id, request.assistant_id, on)
        async with self._runtime.db.glance() as tx:
            catalogue = (await rules_of(tx, request.municipality_id)).catalogue if tasks else CATALOGUE
        document = await asyncio.to_thread(print_day_sheet, request.assistant_id, on, tasks, contacts, catalogue)
        return pb.GetDaySheetDocumentResponse(document=document, missing_stages=wire_contacts.missing_stages(contacts))

    async def _observe_visits(self) -> None:
        try:
            async with self._runtime.db.glance() as tx:
                counted = await assignment.unassigned_count(tx)
        except (SQLAlchemyError, OSError):
            counted = None
        self._metrics.show_unassigned(counted)

    async def _day_sheet(self, municipality_id: str, assistant_id: str, on: date) -> tuple[Sequence[Task], Contacts]:
        """The tasks of an assistant and who is visited; the read is audited, as menu codes may speak of health."""
        call = self._for_municipality(municipality_id)
        require_own(call.caller, assistant_id)
        async with self._runtime.commands.health_read(call, "DAY_SHEET") as (tx, note):
            note.object_id, note.municipality_id = assistant_id, municipality_id
            tasks = await assignment.day_sheet(tx, municipality_id, assistant_id, on)
        return tasks, await self._contacts(call, on, (task.standing.application_id for task in tasks))

    async def _visit(self, call: Call, unit_id: str) -> AssignedVisit:
        async with self._runtime.db.glance() as tx:
            found = await assignment.visits_by_id(tx, [unit_id])
        if not found:
            raise NotFound(resource_type="unit", resource_id=unit_id)
        try:
            call.caller.require_municipality(found[0].municipality_id)
        except NotYours:
            raise NotFound(resource_type="unit", resource_id=unit_id) from None
        return found[0]
