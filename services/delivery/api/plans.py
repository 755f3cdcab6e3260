"""Plans, what they plan, and a case's care as it stands."""

from __future__ import annotations

from datetime import date

from grpc.aio import ServicerContext

from services.delivery.api.assigning import assign_new_visits
from services.delivery.api.room import Room, moment
from services.delivery.rules.care_words import explain_duration
from services.delivery.rules.plan import check_plan, plan_hash
from services.delivery.rules.plan_words import explain_plan
from services.delivery.storage import planning, plans
from services.delivery.storage.cooking import kitchen_of
from services.delivery.storage.store import Store
from services.delivery.usecases.care import Moment
from services.delivery.usecases.plans import AmendPlan, raise_plan_problem
from services.delivery.usecases.plans import amend_plan as amend
from services.delivery.wire import care as wire
from services.delivery.wire import plans as wire_plans
from services.kernel.catalogue import CATALOGUE
from services.runtime.civil import (
    trace_to_proto,
)
from services.runtime.commands import Call, Effect, UseCase
from services.runtime.database import WriteTx
from services.runtime.local_rules import entries_from_proto
from socialcare.delivery.v1 import delivery_service_pb2 as pb
from socialcare.delivery.v1 import plan_pb2

__all__ = ["PlanMethods"]

Context = ServicerContext[object, object]


class PlanMethods(Room):
    """Plans, what they plan, and a case's care as it stands."""

    async def CheckPlan(self, request: pb.CheckPlanRequest, context: Context) -> pb.CheckPlanResponse:
        start = wire.day_from_proto(request.start_date, "start_date")
        plan = wire.plan_from_proto(request.plan)
        catalogue = CATALOGUE.changed_by(entries_from_proto(request.catalogue_changes))
        raise_plan_problem(check_plan(request.service_code, start, plan, wire.plan_facts(request.facts), catalogue))
        return pb.CheckPlanResponse(
            plan_hash=plan_hash(request.service_code, start, plan), trace=trace_to_proto(explain_plan(start, plan))
        )

    async def AmendPlan(self, request: plan_pb2.AmendPlanRequest, context: Context) -> plan_pb2.AmendPlanResponse:
        call = self._runtime.call(request.request_id, object_id=request.application_id)
        care = await self._visible_care(call, request.application_id)
        case = await self._neighbours.case_facts(care.id)
        command = AmendPlan(
            care.id,
            wire.day_from_proto(request.first_date, "first_date"),
            wire.plan_from_proto(request.plan),
            wire.plan_facts(case.facts),
        )

        async def run(tx: WriteTx) -> Effect:
            return await amend(command, Store(tx), moment(call, tx, care).today)

        if request.validate_only:
            return await self._as_amended(call, care.id, command.first, run)
        await self._runtime.commands.perform(call, request, run)
        await assign_new_visits(self._runtime.db, care.id, Moment(call.now, call.today))
        return plan_pb2.AmendPlanResponse(ranges=await self._ranges(care.id))

    async def _as_amended(self, call: Call, case: str, first: date, run: UseCase) -> plan_pb2.AmendPlanResponse:
        answer = plan_pb2.AmendPlanResponse()

        async def compare(tx: WriteTx) -> Effect:
            before = await plans.planned_from(tx, case, first)
            effect = await run(tx)
            after = await plans.planned_from(tx, case, first)
            answer.changes.extend(wire_plans.changes_to_proto(before, after))
            found = await plans.ranges_of(tx, case)
            answer.ranges.extend(wire_plans.range_to_proto(part) for part in found)
            return effect

        await self._runtime.commands.rehearse(call, compare)
        return answer

    async def GetPlan(self, request: plan_pb2.GetPlanRequest, context: Context) -> plan_pb2.GetPlanResponse:
        care = await self._visible_care(self._runtime.call(object_id=request.application_id), request.application_id)
        return plan_pb2.GetPlanResponse(ranges=await self._ranges(care.id))

    async def _ranges(self, application_id: str) -> list[plan_pb2.PlanRange]:
        async with self._runtime.db.read() as tx:
            found = await plans.ranges_of(tx, application_id)
        return [wire_plans.range_to_proto(part) for part in found]

    async def GetCare(self, request: pb.GetCareRequest, context: Context) -> pb.GetCareResponse:
        call = self._runtime.call(object_id=request.application_id)
        care = await self._visible_care(call, request.application_id)
        trace = explain_duration(care.contract, call.today)
        return pb.GetCareResponse(care=wire.care_to_proto(care, call.today), trace=trace_to_proto(trace))

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
            kitchen = await kitchen_of(tx, request.municipality_id, request.district_code)
        return pb.GetKitchenCountResponse(meals=meals, kitchen_id=kitchen)
