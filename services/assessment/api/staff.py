"""The methods about social workers, who has which visit, and breaches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from typing import Any

import grpc
from sqlalchemy.exc import SQLAlchemyError

from services.assessment.api.visits import require_visible
from services.assessment.domain.staff import Reassignment, SocialWorker
from services.assessment.metrics import AssessmentMetrics
from services.assessment.rules import visits as rules
from services.assessment.rules.allocation import AllocationQuestion, allocate
from services.assessment.storage import allocation as assignments
from services.assessment.storage import breaches, staff, visits
from services.assessment.storage.allocation import WorkerPage
from services.assessment.storage.breaches import BreachFilter, BreachPage
from services.assessment.storage.staff import AbsencePage, StaffStore
from services.assessment.usecases import staff as usecases
from services.assessment.wire import staff as wire
from services.runtime import audit
from services.runtime.civil import code_from_proto, date_from_proto, date_to_proto, optional_date, range_from_proto
from services.runtime.commands import Call, Effect
from services.runtime.database import AuditNote, WriteTx
from services.runtime.errors import InvalidArgument, NotFound
from services.runtime.ids import new_id
from services.runtime.paging import day_key, decode_token, encode_token, number_key, page_size
from services.runtime.server import Runtime
from socialcare.assessment.v1 import staff_pb2 as pb

__all__ = ["StaffMethods"]

_Context = grpc.aio.ServicerContext[Any, Any]


class StaffMethods:
    """Part of `AssessmentServicer`; named by the contract."""

    _runtime: Runtime
    _metrics: AssessmentMetrics

    async def RegisterSocialWorker(
        self, request: pb.RegisterSocialWorkerRequest, context: _Context
    ) -> pb.RegisterSocialWorkerResponse:
        worker = wire.worker_from(request.social_worker)
        call = self._called(worker.municipality_id, request.request_id, worker.id)
        etag = request.social_worker.etag
        await self._runtime.commands.perform(
            call, request, lambda tx: usecases.register_worker(worker, etag, StaffStore(tx))
        )
        found = await self._worker(worker.municipality_id, worker.id)
        return pb.RegisterSocialWorkerResponse(social_worker=wire.worker_to_proto(found))

    async def ListSocialWorkers(
        self, request: pb.ListSocialWorkersRequest, context: _Context
    ) -> pb.ListSocialWorkersResponse:
        call = self._called(request.municipality_id)
        on = optional_date(request.on_date, "on_date") or call.today
        size = page_size(request.page_size)
        (after,) = decode_token(request.page_token, 1) or ("",)
        page = WorkerPage(request.municipality_id, request.office_code, after, size)
        async with self._runtime.db.read() as tx:
            found = await assignments.workers_with_visits(tx, page, on, call.today)
        return pb.ListSocialWorkersResponse(
            social_workers=[wire.worker_to_proto(worker, visits) for worker, visits in found],
            next_page_token=encode_token(found[-1][0].id) if len(found) == size else "",
        )

    async def RecordAbsence(self, request: pb.RecordAbsenceRequest, context: _Context) -> pb.RecordAbsenceResponse:
        call = self._called(request.municipality_id, request.request_id, request.social_worker_id)
        absence = wire.absence_from(request, new_id())
        effect = await self._runtime.commands.perform(
            call, request, lambda tx: usecases.record_absence(request.municipality_id, absence, StaffStore(tx))
        )
        return pb.RecordAbsenceResponse(absence=wire.absence_to_proto(replace(absence, id=effect.resource)))

    async def EndAbsence(self, request: pb.EndAbsenceRequest, context: _Context) -> pb.EndAbsenceResponse:
        call = self._called(request.municipality_id, request.request_id, request.absence_id)
        back_on = date_from_proto(request.back_date, "back_date")
        await self._runtime.commands.perform(
            call,
            request,
            lambda tx: usecases.end_absence(request.municipality_id, request.absence_id, back_on, StaffStore(tx)),
        )
        async with self._runtime.db.glance() as tx:
            left = await staff.absence(tx, request.municipality_id, request.absence_id)
        return pb.EndAbsenceResponse(absence=None if left is None else wire.absence_to_proto(left))

    async def ListAbsences(self, request: pb.ListAbsencesRequest, context: _Context) -> pb.ListAbsencesResponse:
        call = self._called(request.municipality_id)
        asked = range_from_proto(request.days, "days") if request.HasField("days") else None
        after = decode_token(request.page_token, 2)
        page = AbsencePage(
            request.municipality_id,
            request.social_worker_id,
            call.today if asked is None else asked.start,
            None if asked is None else asked.end,
            (date.min, "") if after is None else (day_key(after[0]), after[1]),
            page_size(request.page_size),
        )
        async with self._runtime.db.glance() as tx:
            found = await staff.absences_of(tx, page)
        full = len(found) == page.size
        return pb.ListAbsencesResponse(
            absences=[wire.absence_to_proto(absence) for absence in found],
            next_page_token=encode_token(found[-1].days.start.isoformat(), found[-1].id) if full else "",
        )

    async def ExplainAllocation(
        self, request: pb.ExplainAllocationRequest, context: _Context
    ) -> pb.ExplainAllocationResponse:
        call = self._runtime.call(object_id=request.application_id)
        asked = optional_date(request.on_date, "on_date")
        async with self._runtime.db.read() as tx:
            found = await visits.assessment(tx, request.application_id)
            if found is None:
                raise NotFound(resource_type="assessment", resource_id=request.application_id)
            require_visible(call, request.application_id, found)
            rules.require_open(found)
            day = asked or rules.visit_day(found, call.today)
            if day < call.today:
                raise InvalidArgument(field="on_date")
            candidates = await assignments.candidates(tx, found, day, call.today)
            assigned = await assignments.assignments_of(tx, request.application_id)
        allocation = allocate(AllocationQuestion(found.district, day, call.today), candidates)
        return pb.ExplainAllocationResponse(
            social_worker_id=allocation.chosen,
            visit_date=date_to_proto(day),
            candidates=wire.candidates_to_proto(allocation.verdicts),
            assignments=[wire.assignment_to_proto(each) for each in assigned],
        )

    async def ReassignAbsentWorker(
        self, request: pb.ReassignAbsentWorkerRequest, context: _Context
    ) -> pb.ReassignAbsentWorkerResponse:
        call = self._called(request.municipality_id, request.request_id, request.social_worker_id)
        command = usecases.ReassignAbsent(new_id(), request.municipality_id, request.social_worker_id, call.now)
        rows: Sequence[Reassignment] = ()

        async def reassign(tx: WriteTx) -> Effect:
            nonlocal rows
            store = visits.Store(tx, self._runtime.cipher)
            effect, rows = await usecases.reassign_absent(command, StaffStore(tx), store)
            for row in rows:
                note = AuditNote(row.application_id, request.municipality_id, f"ABSENCE_{row.outcome}")
                await audit.record(tx, audit.entry(call, note, audit.DONE))
            tx.audit.object_id, tx.audit.municipality_id = request.social_worker_id, request.municipality_id
            return effect

        if request.validate_only:
            await self._runtime.commands.rehearse(call, reassign)
        else:
            effect = await self._runtime.commands.perform(call, request, reassign)
            async with self._runtime.db.glance() as reading:
                rows = await staff.reassignments_of(reading, effect.resource)
        return pb.ReassignAbsentWorkerResponse(reassignments=[wire.reassignment_to_proto(row) for row in rows])

    async def ListBreaches(self, request: pb.ListBreachesRequest, context: _Context) -> pb.ListBreachesResponse:
        call = self._called(request.municipality_id)
        size = page_size(request.page_size)
        after = decode_token(request.page_token, 3)
        page = BreachPage(
            request.municipality_id,
            code_from_proto(pb.BreachFilter, request.filter, BreachFilter, "filter") if request.filter else None,
            request.office_code,
            (date.min, "", 0) if after is None else (day_key(after[0]), after[1], number_key(after[2])),
            size,
        )
        async with self._runtime.db.glance() as tx:
            found = await breaches.breaches(tx, page, call.today)
        last = found[-1] if len(found) == size else None
        token = "" if last is None else encode_token(last.due_date.isoformat(), last.application_id, str(last.number))
        return pb.ListBreachesResponse(breaches=map(wire.breach_to_proto, found), next_page_token=token)

    async def observe(self) -> None:
        """Bring the gauges up to date; the process calls it now and then."""
        try:
            async with self._runtime.db.glance() as tx:
                self._metrics.show_breaches(await breaches.breaches_without_cause(tx))
        except (SQLAlchemyError, OSError):
            self._metrics.show_breaches(None)

    def _called(self, municipality_id: str, request_id: str = "", object_id: str = "") -> Call:
        call = self._runtime.call(request_id, municipality_id=municipality_id, object_id=object_id)
        call.caller.require_municipality(municipality_id)
        return call

    async def _worker(self, municipality_id: str, worker_id: str) -> SocialWorker:
        async with self._runtime.db.glance() as tx:
            found = await staff.social_worker(tx, municipality_id, worker_id)
        if found is None:
            raise NotFound(resource_type="social_worker", resource_id=worker_id)
        return found
