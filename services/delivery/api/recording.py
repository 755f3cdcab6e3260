"""What was delivered and what was missed."""

from __future__ import annotations

from grpc.aio import ServicerContext

from services.delivery.api.room import Room, moment, require_municipality, require_sight
from services.delivery.domain.care import MissFault, Outcome
from services.delivery.rules.plan import offered
from services.delivery.rules.recording import Funds, Obstacle, before_contract, spends_own_money
from services.delivery.storage import reading
from services.delivery.storage.local_rules import rules_of
from services.delivery.storage.store import Store, find_care
from services.delivery.storage.welfare import WelfareStore
from services.delivery.usecases.care import (
    RecordCare,
    raise_obstacle,
    record_care,
)
from services.delivery.usecases.welfare import Miss, open_after_miss
from services.delivery.wire import care as wire
from services.kernel.catalogue import CATALOGUE
from services.runtime.civil import (
    code_from_proto,
    month_from_proto,
)
from services.runtime.commands import Call, Effect
from services.runtime.database import WriteTx
from services.runtime.local_rules import rules_from_proto
from socialcare.delivery.v1 import delivery_service_pb2 as pb

__all__ = ["RecordingMethods"]

Context = ServicerContext[object, object]


class RecordingMethods(Room):
    """What was delivered and what was missed."""

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

    async def ListDeliveredUnits(
        self, request: pb.ListDeliveredUnitsRequest, context: Context
    ) -> pb.ListDeliveredUnitsResponse:
        call = self._runtime.call(object_id=request.application_id)
        care = await self._visible_care(call, request.application_id)
        async with self._runtime.db.read() as tx:
            units = await reading.delivered_units(tx, care.id, month_from_proto(request.month, "month"))
        return pb.ListDeliveredUnitsResponse(delivered=wire.unit_counts(units))

    async def _record(
        self, call: Call, request: pb.RecordDeliveryRequest | pb.RecordMissedRequest, command: RecordCare
    ) -> Effect:
        async with self._runtime.db.read() as tx:
            care = await find_care(tx, command.application_id)
            catalogue = CATALOGUE if care is None else (await rules_of(tx, care.contract.municipality_id)).catalogue
        if care is None:
            return await self._refuse_without_contract(call, request, command)
        require_sight(call.caller, care)
        funds = Funds.RECORDED if care.contract.user_funds else Funds.NONE
        if command.outcome is Outcome.DELIVERED and spends_own_money(command.code, command.on, catalogue):
            funds = funds if funds is Funds.RECORDED else await self._neighbours.own_money(care.id)
        asked = RecordCare(care.id, command.code, command.on, command.units, command.outcome, command.fault, funds)

        opened = False

        async def run(tx: WriteTx) -> Effect:
            nonlocal opened
            effect = await record_care(asked, Store(tx), moment(call, tx, care))
            if command.outcome is Outcome.MISSED:
                missed = Miss(care, command.code, command.on, effect.resource)
                opened = await open_after_miss(missed, WelfareStore(tx), call.now, call.today)
            return effect

        effect = await self._runtime.commands.perform(call, request, run)
        self._metrics.welfare_opened.labels("RECORD").inc(opened)
        if not effect.replayed:
            self._metrics.recorded.labels(command.outcome).inc()
        return effect

    async def _refuse_without_contract(
        self, call: Call, request: pb.RecordDeliveryRequest | pb.RecordMissedRequest, command: RecordCare
    ) -> Effect:
        """No contract was copied, so no care: say why, and leave the refusal in the audit."""
        case = await self._neighbours.case_facts(command.application_id)
        require_municipality(call.caller, case.municipality_id, command.application_id)
        catalogue = rules_from_proto(case, case.municipality_version).catalogue
        known = command.code in offered(case.service_code, command.on, catalogue)
        standing = await self._neighbours.before_contract(case)
        found = before_contract(standing, command.on, catalogue) if known else Obstacle.UNKNOWN_PLAN_CODE

        async def run(tx: WriteTx) -> Effect:
            tx.audit.municipality_id = case.municipality_id
            raise_obstacle(found, command.code)
            raise AssertionError("every obstacle is a refusal")

        return await self._runtime.commands.perform(call, request, run)
