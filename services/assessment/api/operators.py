"""What operators ask for in the Temporal UI, carried out in the name of a staff member (design section 5)."""

from __future__ import annotations

from typing import Any

import grpc

from services.assessment.api.visits import VisitMethods
from services.assessment.storage import visits as storage
from services.assessment.storage.staff import is_social_worker
from services.kernel.codes import Role
from services.kernel.operator_acts import OperatorVerb
from services.runtime.commands import Call
from services.runtime.errors import InvalidArgument, NotFound
from services.runtime.operator_acts import OperatorWish, in_the_name_of_staff
from socialcare.assessment.v1 import assessment_service_pb2 as pb

__all__ = ["OperatorMethods"]

_Context = grpc.aio.ServicerContext[Any, Any]

_SERVICE = pb.DESCRIPTOR.services_by_name["AssessmentService"]
_METHODS = {
    OperatorVerb.SCHEDULE: "ScheduleVisit",
    OperatorVerb.REASSIGN: "ReassignVisit",
    OperatorVerb.SUSPEND: "SuspendLimit",
    OperatorVerb.RESUME: "ResumeLimit",
    OperatorVerb.EXTEND: "ExtendLimit",
}


class OperatorMethods(VisitMethods):
    """Part of `AssessmentServicer`; named by the contract."""

    async def ActForOperator(self, request: pb.ActForOperatorRequest, context: _Context) -> pb.ActForOperatorResponse:
        verb = OperatorVerb(request.WhichOneof("command") or "")
        command = getattr(request, verb.value)
        if command.request_id != request.request_id:
            raise InvalidArgument(field=f"{verb.value}.request_id")
        asked = await self._asked(request.request_id, command.application_id)
        roles = await self._roles_of(request.act.staff_id, asked)
        method = _SERVICE.methods_by_name[_METHODS[verb]]
        async with in_the_name_of_staff(self._runtime, OperatorWish(asked, request.act, verb, roles), method):
            answer = await getattr(self, method.name)(command, context)
        return pb.ActForOperatorResponse(assessment=answer.assessment)

    async def _asked(self, request_id: str, application_id: str) -> Call:
        async with self._runtime.db.glance() as tx:
            owner = await storage.owner_of(tx, application_id)
        if owner is None:
            raise NotFound(resource_type="assessment", resource_id=application_id)
        return self._runtime.call(request_id, municipality_id=owner.municipality_id, object_id=application_id)

    async def _roles_of(self, staff_id: str, asked: Call) -> frozenset[Role]:
        heads = await self._intake.office_heads(asked.municipality_id)
        async with self._runtime.db.glance() as tx:
            visits_homes = await is_social_worker(tx, asked.municipality_id, staff_id, asked.today)
        roles = {Role.OFFICE_HEAD: staff_id in heads, Role.SOCIAL_WORKER: visits_homes}
        return frozenset(role for role, held in roles.items() if held)
