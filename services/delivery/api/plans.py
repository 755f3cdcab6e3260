"""Plans, what they plan, and a case's care as it stands."""

from __future__ import annotations

from grpc.aio import ServicerContext

from services.delivery.api.room import Room
from services.delivery.errors import HoursLimitExceeded, PrescriptionMissing, SupportPlanMissing, UnknownPlanCode
from services.delivery.rules.plan import PlanProblem, Problem, check_plan, plan_hash
from services.delivery.rules.plan_words import explain_plan
from services.delivery.storage import planning
from services.delivery.wire import care as wire
from services.kernel.catalogue import CATALOGUE
from services.runtime.civil import (
    trace_to_proto,
)
from services.runtime.local_rules import entries_from_proto
from socialcare.delivery.v1 import delivery_service_pb2 as pb

__all__ = ["PlanMethods"]

Context = ServicerContext[object, object]


class PlanMethods(Room):
    """Plans, what they plan, and a case's care as it stands."""

    async def CheckPlan(self, request: pb.CheckPlanRequest, context: Context) -> pb.CheckPlanResponse:
        start = wire.day_from_proto(request.start_date, "start_date")
        plan = wire.plan_from_proto(request.plan)
        catalogue = CATALOGUE.changed_by(entries_from_proto(request.catalogue_changes))
        _raise_problem(check_plan(request.service_code, start, plan, wire.plan_facts(request.facts), catalogue))
        return pb.CheckPlanResponse(
            plan_hash=plan_hash(request.service_code, start, plan), trace=trace_to_proto(explain_plan(start, plan))
        )

    async def GetCare(self, request: pb.GetCareRequest, context: Context) -> pb.GetCareResponse:
        call = self._runtime.call(object_id=request.application_id)
        care = await self._visible_care(call, request.application_id)
        return pb.GetCareResponse(care=wire.care_to_proto(care, call.today))

    async def ExplainHoursLimit(
        self, request: pb.ExplainHoursLimitRequest, context: Context
    ) -> pb.ExplainHoursLimitResponse:
        return wire.explain_hours(request)

    async def ListPlannedUnits(
        self, request: pb.ListPlannedUnitsRequest, context: Context
    ) -> pb.ListPlannedUnitsResponse:
        call = self._runtime.call(object_id=request.application_id)
        care = await self._visible_care(call, request.application_id)
        on = wire.day_from_proto(request.on_date, "on_date")
        async with self._runtime.db.read() as tx:
            planned = await planning.planned_units(tx, care.id, on)
        return pb.ListPlannedUnitsResponse(planned=wire.unit_counts(planned))

    async def GetKitchenCount(self, request: pb.GetKitchenCountRequest, context: Context) -> pb.GetKitchenCountResponse:
        self._runtime.call().caller.require_municipality(request.municipality_id)
        on = wire.day_from_proto(request.on_date, "on_date")
        async with self._runtime.db.read() as tx:
            meals = await planning.kitchen_meals(tx, request.municipality_id, request.district_code, on)
        return pb.GetKitchenCountResponse(meals=meals)


def _raise_problem(found: PlanProblem | None) -> None:
    """Raise the refusal that stands for a problem of a plan."""
    if found is None:
        return
    match found.problem:
        case Problem.UNKNOWN_PLAN_CODE:
            raise UnknownPlanCode(found.code, "plan")
        case Problem.PRESCRIPTION_MISSING:
            raise PrescriptionMissing(metadata={"code": found.code})
        case Problem.SUPPORT_PLAN_MISSING:
            raise SupportPlanMissing(metadata={"code": found.code})
        case Problem.HOURS_LIMIT_EXCEEDED:
            raise HoursLimitExceeded(metadata={"code": found.code})
