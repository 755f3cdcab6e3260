"""What was delivered and what was missed."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from grpc.aio import ServicerContext

from services.delivery.api.room import (
    Room,
    is_assistant_only,
    moment,
    require_among,
    require_municipality,
    require_sight,
)
from services.delivery.domain.care import Care, MissFault, Outcome
from services.delivery.errors import DayLocked
from services.delivery.rules.attendance import is_locked
from services.delivery.rules.plan import offered
from services.delivery.rules.recording import Funds, Obstacle, before_contract, spends_own_money
from services.delivery.storage import attendance, reading
from services.delivery.storage.local_rules import rules_of
from services.delivery.storage.store import Store, find_care
from services.delivery.storage.welfare import WelfareStore
from services.delivery.usecases.attendance import Recorder
from services.delivery.usecases.care import (
    RecordCare,
    raise_obstacle,
    record_care,
)
from services.delivery.usecases.welfare import Miss, open_after_miss
from services.delivery.wire import care as wire
from services.kernel.catalogue import CATALOGUE, Catalogue
from services.runtime.civil import (
    code_from_proto,
    month_from_proto,
)
from services.runtime.commands import Call, Effect
from services.runtime.database import WriteTx
from services.runtime.local_rules import rules_from_proto
from socialcare.delivery.v1 import delivery_service_pb2 as pb

__all__ = ["RecordingMethods", "require_open_day", "require_own_visit"]

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
        funds = await self._funds_for(care, command.code, command.on, command.outcome, catalogue)
        asked = RecordCare(care.id, command.code, command.on, command.units, command.outcome, command.fault, funds)

        async def run(tx: WriteTx) -> Effect:
            await require_own_visit(tx, call, care, command.code, command.on)
            await require_open_day(tx, call, care, command.on)
            return await self._write_down(tx, call, care, asked)

        effect = await self._runtime.commands.perform(call, request, run)
        if not effect.replayed:
            self._metrics.recorded.labels(command.outcome).inc()
        return effect

    async def _write_down(self, tx: WriteTx, call: Call, care: Care, asked: RecordCare) -> Effect:
        """Record care, and look after who was missed: the one way in which a record comes to be.

        Who is at fault for a miss that is known already says nothing new of the person.
        """
        effect = await record_care(asked, Store(tx), moment(call, tx, care))
        if asked.misses_more:
            missed = Miss(care, asked.code, asked.on, effect.resource)
            opened = await open_after_miss(missed, WelfareStore(tx), call.now, call.today)
            self._metrics.welfare_opened.labels("RECORD").inc(opened)
        return effect

    def _recorder(self, tx: WriteTx, call: Call, care: Care, funds: Funds) -> Recorder:
        """Records care of the case in the transaction, as RecordDelivery and RecordMissed do."""

        async def record(command: RecordCare) -> Effect:
            return await self._write_down(tx, call, care, replace(command, funds=funds))

        return record

    async def _funds_for(self, care: Care, code: str, on: date, outcome: Outcome, catalogue: Catalogue) -> Funds:
        """Whether money of the user is recorded, asked of billing where the item needs it."""
        if care.contract.user_funds:
            return Funds.RECORDED
        if outcome is Outcome.DELIVERED and spends_own_money(code, on, catalogue):
            return await self._neighbours.own_money(care.id)
        return Funds.NONE

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


async def require_open_day(tx: WriteTx, call: Call, care: Care, on: date) -> None:
    """Raise DayLocked when the day may only be corrected."""
    rules = await rules_of(tx, care.contract.municipality_id)
    if is_locked(on, call.today, rules.settings):
        raise DayLocked


async def require_own_visit(tx: WriteTx, call: Call, care: Care, code: str, on: date) -> None:
    """Raise NotYours when somebody else is known to do what an assistant wants to write down."""
    if is_assistant_only(call.caller) and (doing := await attendance.who_goes(tx, care, code, on)):
        require_among(call.caller, doing)
