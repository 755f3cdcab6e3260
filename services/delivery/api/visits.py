"""Visits as the day goes on: what is late, and the look for missed visits of people who must be looked after."""

from __future__ import annotations

from grpc.aio import ServicerContext

from services.delivery.api.room import Room
from services.delivery.domain.visits import VisitState, state_at
from services.delivery.storage import visits as storage
from services.delivery.storage.local_rules import rules_of
from services.delivery.storage.visits import Visit
from services.delivery.storage.welfare import WelfareStore
from services.delivery.usecases.welfare import open_unseen
from services.delivery.wire.care import day_from_proto
from services.runtime.civil import code_to_proto, instant_to_proto
from services.runtime.commands import Call, Effect
from services.runtime.database import WriteTx
from services.runtime.paging import decode_token, encode_token, id_key, page_size
from socialcare.delivery.v1 import visits_pb2 as pb

__all__ = ["VisitMethods"]

Context = ServicerContext[object, object]

_DEFAULT_PAGE = 200
_LARGEST_PAGE = 1_000


class VisitMethods(Room):
    """Visits that nobody recorded, and what follows from them."""

    async def ListUnrecordedVisits(
        self, request: pb.ListUnrecordedVisitsRequest, context: Context
    ) -> pb.ListUnrecordedVisitsResponse:
        call = self._runtime.call()
        call.caller.require_municipality(request.municipality_id)
        on = day_from_proto(request.on_date, "on_date")
        size = page_size(request.page_size, default=_DEFAULT_PAGE, maximum=_LARGEST_PAGE)
        keys = decode_token(request.page_token, 1)
        after = "" if keys is None else id_key(keys[0])
        async with self._runtime.db.read() as tx:
            rules = await rules_of(tx, request.municipality_id)
            found = await storage.visits_of(tx, request.municipality_id, rules, on, after=after, size=size)
        token = encode_token(found[-1].id) if len(found) == size else ""
        return pb.ListUnrecordedVisitsResponse(
            visits=[_visit_to_proto(visit, call) for visit in found], next_page_token=token
        )

    async def SweepVisits(self, request: pb.SweepVisitsRequest, context: Context) -> pb.SweepVisitsResponse:
        call = self._runtime.call(request.request_id, municipality_id=request.municipality_id)
        opened = 0

        async def run(tx: WriteTx) -> Effect:
            nonlocal opened
            rules = await rules_of(tx, request.municipality_id)
            found = await storage.missed_unseen(tx, request.municipality_id, rules, call.now, call.today)
            opened = await open_unseen(found, WelfareStore(tx), call.now)
            return Effect(request.municipality_id, opened + 1)

        effect = await self._runtime.commands.perform(call, request, run)
        self._metrics.welfare_opened.labels("SWEEP").inc(opened)
        return pb.SweepVisitsResponse(opened=effect.version - 1, more=effect.version > storage.MOST)


def _visit_to_proto(visit: Visit, call: Call) -> pb.Visit:
    state = state_at(visit.unit, visit.limits, call.now)
    return pb.Visit(
        visit_id=visit.id,
        application_id=visit.application_id,
        code=visit.code,
        state=code_to_proto(pb.VisitState, VisitState(state)),
        late_time=instant_to_proto(visit.limits.late),
        missed_time=instant_to_proto(visit.limits.missed),
    )
