"""Pauses: asked for, shown beforehand, ended early."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from grpc.aio import ServicerContext

from services.delivery import previews
from services.delivery.api.assigning import assign_new_visits
from services.delivery.api.room import Room, moment
from services.delivery.domain.care import Care
from services.delivery.errors import ProofNotByStaff
from services.delivery.rules import pause_words
from services.delivery.rules.pause_terms import PausePolicy
from services.delivery.rules.pauses import HospitalProof
from services.delivery.storage.kitchens import KitchenStore, kept_meals, meals_since
from services.delivery.storage.local_rules import rules_of
from services.delivery.storage.store import Store
from services.delivery.usecases.care import Moment, PauseRequest, decide_pause, end_pause_early
from services.delivery.usecases.kitchens import late_meals, pause_and_keep_meals
from services.delivery.wire import care as wire
from services.kernel.codes import Role
from services.kernel.municipal_settings import MunicipalSettings
from services.kernel.ranges import DateRange, DateSet
from services.kernel.trace import TraceBuilder
from services.runtime.auth import Caller
from services.runtime.commands import Call, Effect
from services.runtime.database import ReadTx, WriteTx
from services.runtime.errors import InvalidArgument
from socialcare.billing.v1 import billing_service_pb2 as billing
from socialcare.delivery.v1 import delivery_service_pb2 as pb

__all__ = ["PauseMethods"]

Context = ServicerContext[object, object]


class PauseMethods(Room):
    """Pauses: asked for, shown beforehand, ended early."""

    async def RequestPause(self, request: pb.RequestPauseRequest, context: Context) -> pb.RequestPauseResponse:
        call = self._runtime.call(request.request_id, object_id=request.application_id)
        care = await self._visible_care(call, request.application_id)
        if request.evidence_id and not request.hospital_proof:
            raise InvalidArgument(field="evidence_id")
        command = PauseRequest(
            care.id,
            wire.day_from_proto(request.start_date, "start_date"),
            wire.day_from_proto(request.end_date, "end_date"),
            wire.proof_of(shown=request.hospital_proof),
            request.evidence_id,
        )

        async def run(tx: WriteTx) -> Effect:
            _require_proof_by_staff(call.caller, command)
            return await pause_and_keep_meals(command, Store(tx), KitchenStore(tx), moment(call, tx, care))

        await self._runtime.commands.perform(call, request, run)
        return pb.RequestPauseResponse(care=await self._care_now(call, care.id))

    async def PreviewPause(self, request: pb.PreviewPauseRequest, context: Context) -> pb.PreviewPauseResponse:
        call = self._runtime.call(object_id=request.application_id)
        if not request.application_id:
            return previews.preview_without_care(request, call.today)
        care = await self._visible_care(call, request.application_id)
        trace = TraceBuilder()
        async with self._runtime.db.read() as tx:
            settings = (await rules_of(tx, care.contract.municipality_id)).settings
            policy = PausePolicy.of(settings)
            previewed = previews.early_return(request, care, policy, trace)
            kept = await kept_meals(tx, care.id)
            if previewed is None:
                previewed = _as_if_asked(call, care, request, settings, trace)
                kept = await _kept_then(tx, call, request, previewed.days, kept, settings)
        charged = DateSet.of(DateRange(day, day) for day in kept)
        days = previewed.days
        fees: Sequence[billing.PauseEffect] = ()
        if days is not None:
            kept = {day: meals for day, meals in sorted(kept.items()) if days.contains(day)}
            beside = previewed.beside.minus(charged)
            fees = await self._neighbours.pause_effects(care, days, beside, charged.within(days))
            if kept:
                trace.add(pause_words.meals_kept(kept))
        return previews.preview_of(previewed, policy, trace.build(), fees, kept if days else {})

    async def EndPauseEarly(self, request: pb.EndPauseEarlyRequest, context: Context) -> pb.EndPauseEarlyResponse:
        call = self._runtime.call(request.request_id, object_id=request.application_id)
        care = await self._visible_care(call, request.application_id)
        return_date = wire.day_from_proto(request.return_date, "return_date")

        async def run(tx: WriteTx) -> Effect:
            return await end_pause_early(care.id, return_date, Store(tx), moment(call, tx, care))

        await self._runtime.commands.perform(call, request, run)
        await assign_new_visits(self._runtime.db, care.id, Moment(call.now, call.today))
        return pb.EndPauseEarlyResponse(care=await self._care_now(call, care.id))

    async def ExplainPauseUsage(
        self, request: pb.ExplainPauseUsageRequest, context: Context
    ) -> pb.ExplainPauseUsageResponse:
        return previews.explain_usage(request)


def _require_proof_by_staff(caller: Caller, asked: PauseRequest) -> None:
    """A hospital stay takes back days that are over, and their fee: whoever asks for that does not prove it too."""
    if asked.proof is HospitalProof.SHOWN and not caller.has(Role.SOCIAL_WORKER, Role.OFFICE_HEAD):
        raise ProofNotByStaff


def _as_if_asked(
    call: Call, care: Care, request: pb.PreviewPauseRequest, settings: MunicipalSettings, trace: TraceBuilder
) -> previews.Previewed:
    asked = previews.asked_days(request, trace)
    command = PauseRequest(care.id, asked.start, asked.end, wire.proof_of(shown=request.hospital_proof))
    decision = decide_pause(care, command, settings, _asked_on(call, request), trace)
    return asked.previewed(decision, care.paused)


async def _kept_then(  # noqa: PLR0917 the days and what is known of them
    tx: ReadTx,
    call: Call,
    request: pb.PreviewPauseRequest,
    days: DateRange | None,
    kept: Mapping[date, int],
    settings: MunicipalSettings,
) -> dict[date, int]:
    """Meals that are cooked and charged once the pause is granted, as `pause_and_keep_meals` would have it."""
    if days is None:
        return dict(kept)
    proved = request.hospital_proof
    then = {day: meals for day, meals in kept.items() if not (proved and day <= call.today and days.contains(day))}
    late = late_meals(days, call.now, settings) if _asked_on(call, request) == call.today else None
    if late is not None:
        meals = await meals_since(tx, request.application_id, *late)
        then |= {late[0]: len(meals)} if meals else {}
    return then


def _asked_on(call: Call, request: pb.PreviewPauseRequest) -> date:
    if not request.HasField("request_date"):
        return call.today
    return wire.day_from_proto(request.request_date, "request_date")
