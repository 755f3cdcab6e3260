"""DeliveryService: checks who may see what, reads the neighbours, runs one use case, answers."""

from __future__ import annotations

import time

from google.protobuf.timestamp_pb2 import Timestamp
from grpc.aio import ServicerContext

from services.delivery import previews, wire
from services.delivery.domain import Care, MissFault, Outcome, next_transition
from services.delivery.errors import HoursLimitExceeded, PrescriptionMissing, SupportPlanMissing, UnknownPlanCode
from services.delivery.metrics import DeliveryMetrics
from services.delivery.peers import Neighbours
from services.delivery.rules.pause_terms import PausePolicy
from services.delivery.rules.plan import PlanProblem, Problem, check_plan, offered, plan_hash
from services.delivery.rules.plan_words import explain_plan
from services.delivery.rules.recording import Funds, Obstacle, before_contract, spends_own_money
from services.delivery.storage import planning, reading
from services.delivery.storage.local_rules import keep_rules, rules_of
from services.delivery.storage.store import Store, find_care
from services.delivery.usecases import (
    Moment,
    PauseRequest,
    RecordCare,
    advance_care,
    copy_contract,
    decide_pause,
    end_pause_early,
    raise_obstacle,
    record_care,
    request_pause,
)
from services.kernel.catalogue import CATALOGUE
from services.kernel.trace import TraceBuilder
from services.runtime.auth import Caller
from services.runtime.civil import (
    code_from_proto,
    instant_to_proto,
    month_from_proto,
    month_to_proto,
    trace_to_proto,
)
from services.runtime.commands import Call, Effect
from services.runtime.database import WriteTx
from services.runtime.errors import NotFound, NotYours
from services.runtime.ids import new_id
from services.runtime.local_rules import entries_from_proto, rules_from_proto
from services.runtime.paging import decode_token, encode_token, id_key, page_size
from services.runtime.server import Runtime
from socialcare.delivery.v1 import delivery_service_pb2 as pb
from socialcare.delivery.v1 import resources_pb2 as resources

__all__ = ["DeliveryServicer"]

_DEFAULT_PAGE = 1000
_LARGEST_PAGE = 5000

Context = ServicerContext[object, object]


class DeliveryServicer:
    """Handlers of the contract; what a method means stands there."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._neighbours = Neighbours(runtime.peers)
        self._metrics = DeliveryMetrics(runtime.telemetry.registry)

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

    async def RequestPause(self, request: pb.RequestPauseRequest, context: Context) -> pb.RequestPauseResponse:
        call = self._runtime.call(request.request_id, object_id=request.application_id)
        care = await self._visible_care(call, request.application_id)
        command = PauseRequest(
            care.id,
            wire.day_from_proto(request.start_date, "start_date"),
            wire.day_from_proto(request.end_date, "end_date"),
            wire.proof_of(shown=request.hospital_proof),
        )

        async def run(tx: WriteTx) -> Effect:
            return await request_pause(command, Store(tx), _moment(call, tx, care))

        await self._runtime.commands.perform(call, request, run)
        return pb.RequestPauseResponse(care=await self._care_now(call, care.id))

    async def PreviewPause(self, request: pb.PreviewPauseRequest, context: Context) -> pb.PreviewPauseResponse:
        call = self._runtime.call(object_id=request.application_id)
        if not request.application_id:
            return previews.preview_without_care(request, call.today)
        care = await self._visible_care(call, request.application_id)
        trace = TraceBuilder()
        asked = previews.asked_days(request, trace)
        command = PauseRequest(care.id, asked.start, asked.end, wire.proof_of(shown=request.hospital_proof))
        asked_on = call.today
        if request.HasField("request_date"):
            asked_on = wire.day_from_proto(request.request_date, "request_date")
        async with self._runtime.db.read() as tx:
            rules = await rules_of(tx, care.contract.municipality_id)
        decision = decide_pause(care, command, rules.settings, asked_on, trace)
        fees = await self._neighbours.pause_effects(care, asked.days) if decision.refusal is None else []
        return previews.preview_of(asked, decision, PausePolicy.of(rules.settings), trace.build(), fees)

    async def EndPauseEarly(self, request: pb.EndPauseEarlyRequest, context: Context) -> pb.EndPauseEarlyResponse:
        call = self._runtime.call(request.request_id, object_id=request.application_id)
        care = await self._visible_care(call, request.application_id)
        return_date = wire.day_from_proto(request.return_date, "return_date")

        async def run(tx: WriteTx) -> Effect:
            return await end_pause_early(care.id, return_date, Store(tx), _moment(call, tx, care))

        await self._runtime.commands.perform(call, request, run)
        return pb.EndPauseEarlyResponse(care=await self._care_now(call, care.id))

    async def RecordDelivery(self, request: pb.RecordDeliveryRequest, context: Context) -> pb.RecordDeliveryResponse:
        call = self._runtime.call(request.request_id, object_id=request.application_id)
        on = wire.past_day(request.on_date, "on_date", call.today)
        command = RecordCare(request.application_id, request.code, on, request.units, Outcome.DELIVERED)
        effect = await self._record(call, request, command)
        return pb.RecordDeliveryResponse(delivery_id=effect.resource, units=request.units)

    async def RecordMissed(self, request: pb.RecordMissedRequest, context: Context) -> pb.RecordMissedResponse:
        call = self._runtime.call(request.request_id, object_id=request.application_id)
        on = wire.past_day(request.on_date, "on_date", call.today)
        fault = code_from_proto(pb.MissFault, request.fault, MissFault, "fault")
        command = RecordCare(request.application_id, request.code, on, request.units, Outcome.MISSED, fault)
        effect = await self._record(call, request, command)
        return pb.RecordMissedResponse(delivery_id=effect.resource, units=request.units)

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

    async def ListDeliveredUnits(
        self, request: pb.ListDeliveredUnitsRequest, context: Context
    ) -> pb.ListDeliveredUnitsResponse:
        call = self._runtime.call(object_id=request.application_id)
        care = await self._visible_care(call, request.application_id)
        async with self._runtime.db.read() as tx:
            units = await reading.delivered_units(tx, care.id, month_from_proto(request.month, "month"))
        return pb.ListDeliveredUnitsResponse(delivered=wire.unit_counts(units))

    async def ExplainPauseUsage(
        self, request: pb.ExplainPauseUsageRequest, context: Context
    ) -> pb.ExplainPauseUsageResponse:
        return previews.explain_usage(request)

    async def ExplainHoursLimit(
        self, request: pb.ExplainHoursLimitRequest, context: Context
    ) -> pb.ExplainHoursLimitResponse:
        return wire.explain_hours(request)

    async def CopyContract(self, request: pb.CopyContractRequest, context: Context) -> pb.CopyContractResponse:
        call = self._runtime.call(request.request_id, object_id=request.application_id)
        case = await self._neighbours.case_facts(request.application_id)
        contract = wire.contract_from_proto(await self._neighbours.contract(request.application_id), case)
        rules = rules_from_proto(case, case.municipality_version)

        async def run(tx: WriteTx) -> Effect:
            tx.audit.municipality_id = contract.municipality_id
            return await copy_contract(contract, rules, Store(tx), Moment(call.now, call.today))

        await self._runtime.commands.perform(call, request, run)
        care = await self._stored_care(request.application_id)
        state, due = _standing(care, call)
        return pb.CopyContractResponse(state=state, next_due_time=due)

    async def AdvanceCare(self, request: pb.AdvanceCareRequest, context: Context) -> pb.AdvanceCareResponse:
        call = self._runtime.call(request.request_id, object_id=request.application_id)

        async def run(tx: WriteTx) -> Effect:
            return await advance_care(request.application_id, request.request_id, Store(tx))

        await self._runtime.commands.perform(call, request, run)
        care = await self._stored_care(request.application_id)
        answered_request, month = care.answered or ("", None)
        corrected = month_to_proto(month) if month is not None and answered_request == request.request_id else None
        state, due = _standing(care, call)
        return pb.AdvanceCareResponse(state=state, next_due_time=due, corrected_from_month=corrected)

    async def OpenDailyRun(self, request: pb.OpenDailyRunRequest, context: Context) -> pb.OpenDailyRunResponse:
        call = self._runtime.call(request.request_id, municipality_id=request.municipality_id)
        on = wire.day_from_proto(request.on_date, "on_date")
        rules = await self._neighbours.rules(request.municipality_id)

        async def run(tx: WriteTx) -> Effect:
            opened = await planning.open_run(tx, new_id(), request.municipality_id, on, call.now)
            await keep_rules(tx, request.municipality_id, rules, call.now)
            return Effect(opened.id)

        effect = await self._runtime.commands.perform(call, request, run)
        async with self._runtime.db.read() as tx:
            found = await planning.run_by_id(tx, effect.resource)
        return pb.OpenDailyRunResponse(run_id=found.id, finished=found.finished)

    async def PlanPage(self, request: pb.PlanPageRequest, context: Context) -> pb.PlanPageResponse:
        after = _after(request.page_token)
        size = page_size(request.page_size, default=_DEFAULT_PAGE, maximum=_LARGEST_PAGE)
        started = time.monotonic()
        # Planning a page again changes nothing, so the page needs neither key nor audit row of its own.
        async with self._runtime.db.write() as tx:
            page = await planning.plan_page(tx, await planning.run_by_id(tx, request.run_id), after, size)
        self._metrics.page_seconds.observe(time.monotonic() - started)
        self._metrics.units_planned.inc(page.units)
        token = encode_token(page.last) if page.last else ""
        return pb.PlanPageResponse(next_page_token=token, cases=page.cases, units=page.units)

    async def CloseDailyRun(self, request: pb.CloseDailyRunRequest, context: Context) -> pb.CloseDailyRunResponse:
        call = self._runtime.call(request.request_id, object_id=request.run_id)

        async def run(tx: WriteTx) -> Effect:
            found = await planning.run_by_id(tx, request.run_id)
            tx.audit.municipality_id = found.municipality_id
            if not found.finished:
                await planning.close_run(tx, found, call.now)
                self._metrics.runs_closed.inc()
            return Effect(found.id)

        await self._runtime.commands.perform(call, request, run)
        async with self._runtime.db.read() as tx:
            closed = await planning.run_by_id(tx, request.run_id)
        return pb.CloseDailyRunResponse(meals=closed.meals, units=closed.units)

    async def ListServedDays(self, request: pb.ListServedDaysRequest, context: Context) -> pb.ListServedDaysResponse:
        self._runtime.call().caller.require_municipality(request.municipality_id)
        after = _after(request.page_token)
        size = page_size(request.page_size, default=_DEFAULT_PAGE, maximum=_LARGEST_PAGE)
        month = month_from_proto(request.month, "month")
        async with self._runtime.db.read() as tx:
            served = await reading.served_page(
                tx, request.municipality_id, month, after=after, size=size, ids=list(request.application_ids)
            )
        token = encode_token(served[-1].application_id) if len(served) == size else ""
        return pb.ListServedDaysResponse(cases=[wire.served_to_proto(case) for case in served], next_page_token=token)

    async def GetCaseSequences(
        self, request: pb.GetCaseSequencesRequest, context: Context
    ) -> pb.GetCaseSequencesResponse:
        async with self._runtime.db.read() as tx:
            found = await reading.sequences(tx, list(request.application_ids))
        return pb.GetCaseSequencesResponse(sequences=found)

    async def _record(
        self, call: Call, request: pb.RecordDeliveryRequest | pb.RecordMissedRequest, command: RecordCare
    ) -> Effect:
        async with self._runtime.db.read() as tx:
            care = await find_care(tx, command.application_id)
            catalogue = CATALOGUE if care is None else (await rules_of(tx, care.contract.municipality_id)).catalogue
        if care is None:
            return await self._refuse_without_contract(call, request, command)
        _require_sight(call.caller, care)
        funds = Funds.RECORDED if care.contract.user_funds else Funds.NONE
        if command.outcome is Outcome.DELIVERED and spends_own_money(command.code, command.on, catalogue):
            funds = funds if funds is Funds.RECORDED else await self._neighbours.own_money(care.id)
        asked = RecordCare(care.id, command.code, command.on, command.units, command.outcome, command.fault, funds)

        async def run(tx: WriteTx) -> Effect:
            return await record_care(asked, Store(tx), _moment(call, tx, care))

        effect = await self._runtime.commands.perform(call, request, run)
        if not effect.replayed:
            self._metrics.recorded.labels(command.outcome).inc()
        return effect

    async def _refuse_without_contract(
        self, call: Call, request: pb.RecordDeliveryRequest | pb.RecordMissedRequest, command: RecordCare
    ) -> Effect:
        """No contract was copied, so no care: say why, and leave the refusal in the audit."""
        case = await self._neighbours.case_facts(command.application_id)
        _require_municipality(call.caller, case.municipality_id, command.application_id)
        catalogue = rules_from_proto(case, case.municipality_version).catalogue
        known = command.code in offered(case.service_code, command.on, catalogue)
        standing = await self._neighbours.before_contract(case)
        found = before_contract(standing, command.on, catalogue) if known else Obstacle.UNKNOWN_PLAN_CODE

        async def run(tx: WriteTx) -> Effect:
            tx.audit.municipality_id = case.municipality_id
            raise_obstacle(found, command.code)
            raise AssertionError("every obstacle is a refusal")

        return await self._runtime.commands.perform(call, request, run)

    async def _stored_care(self, application_id: str) -> Care:
        async with self._runtime.db.read() as tx:
            care = await find_care(tx, application_id)
        if care is None:
            raise NotFound(resource_type="application", resource_id=application_id)
        return care

    async def _visible_care(self, call: Call, application_id: str) -> Care:
        care = await self._stored_care(application_id)
        _require_sight(call.caller, care)
        return care

    async def _care_now(self, call: Call, application_id: str) -> resources.Care:
        return wire.care_to_proto(await self._stored_care(application_id), call.today)


def _after(token: str) -> str:
    """Application id behind which the page begins; empty: from the first."""
    keys = decode_token(token, 1)
    return "" if keys is None else id_key(keys[0])


def _moment(call: Call, tx: WriteTx, care: Care) -> Moment:
    tx.audit.municipality_id = care.contract.municipality_id
    return Moment(call.now, call.today)


def _require_municipality(caller: Caller, municipality_id: str, application_id: str) -> None:
    """What a caller may not know of is not there."""
    try:
        caller.require_municipality(municipality_id)
    except NotYours:
        raise NotFound(resource_type="application", resource_id=application_id) from None


def _require_sight(caller: Caller, care: Care) -> None:
    _require_municipality(caller, care.contract.municipality_id, care.id)
    try:
        caller.require_person(care.contract.person_id)
    except NotYours:
        raise NotFound(resource_type="application", resource_id=care.id) from None


def _standing(care: Care, call: Call) -> tuple[str, Timestamp | None]:
    due = next_transition(care.contract, care.paused, call.today)
    return wire.state_to_proto(care.state_on(call.today)), None if due is None else instant_to_proto(due)


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
