"""What the case workflow and placement ask of delivery."""

from __future__ import annotations

from google.protobuf.timestamp_pb2 import Timestamp
from grpc.aio import ServicerContext

from services.delivery.api.assigning import assign_new_visits
from services.delivery.api.room import Room
from services.delivery.domain.care import Care, next_transition
from services.delivery.rules.authorisations import authorisation_end
from services.delivery.storage import reading
from services.delivery.storage.local_rules import rules_of
from services.delivery.storage.store import Store
from services.delivery.storage.welfare import WelfareStore
from services.delivery.usecases.care import (
    Moment,
    advance_care,
    copy_contract,
)
from services.delivery.wire import care as wire
from services.runtime.civil import (
    instant_to_proto,
    month_to_proto,
)
from services.runtime.commands import Call, Effect
from services.runtime.database import WriteTx
from services.runtime.local_rules import rules_from_proto
from socialcare.delivery.v1 import delivery_service_pb2 as pb

__all__ = ["CaseMethods"]

Context = ServicerContext[object, object]


class CaseMethods(Room):
    """What the case workflow and placement ask of delivery."""

    async def CopyContract(self, request: pb.CopyContractRequest, context: Context) -> pb.CopyContractResponse:
        call = self._runtime.call(request.request_id, object_id=request.application_id)
        case = await self._neighbours.case_facts(request.application_id)
        signed = await self._neighbours.contract(request.application_id)
        contract = wire.contract_from_proto(signed, case)
        rules = rules_from_proto(case, case.municipality_version)

        async def run(tx: WriteTx) -> Effect:
            tx.audit.municipality_id = contract.municipality_id
            effect = await copy_contract(contract, rules, Store(tx), Moment(call.now, call.today))
            await WelfareStore(tx).copy_risk(
                contract.application_id,
                living_alone=case.facts.living_alone,
                vulnerable=case.facts.vulnerable,
                office_code=case.office_code,
            )
            return effect

        await self._runtime.commands.perform(call, request, run)
        await assign_new_visits(self._runtime.db, request.application_id, Moment(call.now, call.today))
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
        answer = pb.AdvanceCareResponse(state=state, next_due_time=due, corrected_from_month=corrected)
        async with self._runtime.db.glance() as tx:
            rules = await rules_of(tx, care.contract.municipality_id)
        ending = authorisation_end(care.contract, rules.settings)
        if ending is not None:
            answer.authorisation_notice_time.CopyFrom(instant_to_proto(ending.noticed))
            answer.authorisation_end_time.CopyFrom(instant_to_proto(ending.ends))
        return answer

    async def GetCaseSequences(
        self, request: pb.GetCaseSequencesRequest, context: Context
    ) -> pb.GetCaseSequencesResponse:
        async with self._runtime.db.read() as tx:
            found = await reading.sequences(tx, list(request.application_ids))
        return pb.GetCaseSequencesResponse(sequences=found)


def _standing(care: Care, call: Call) -> tuple[str, Timestamp | None]:
    due = next_transition(care.contract, care.paused, call.today)
    return wire.state_to_proto(care.state_on(call.today)), None if due is None else instant_to_proto(due)
