from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from google.protobuf.message import Message
from hypothesis.stateful import initialize, invariant, rule

from drill.replicas import Elsewhere, replicas
from services.kernel.codes import Role, Stage
from services.kernel.dates import SOFIA
from services.placement.domain.cases import PlacementState
from services.placement.domain.dialogue import REQUEST_TRANSITIONS, RequestState, RequestStep
from services.runtime.civil import date_to_proto
from socialcare.placement.v1 import dialogue_pb2 as pb
from socialcare.placement.v1 import placement_service_pb2
from tests.storage.walks.list_model import Case
from tests.storage.walks.walking import DRAWN, Seen, Walk, walk

pytestmark = pytest.mark.postgres

S, T = RequestState, RequestStep
DIRECTORATE = "SAD-LYULIN"
TODAY = datetime(2026, 5, 20, 10, tzinfo=SOFIA)


class DialogueWalk(Walk):
    """The model: the one request of a case, how often it was reminded of and returned, and what was said (L-07)."""

    def __init__(self, elsewhere: Elsewhere, *of: Any) -> None:
        super().__init__(*of)
        self.elsewhere = elsewhere
        self.state = S.SENT
        self.said: list[RequestStep] = []

    def asking(self, request: Message, role: Role = Role.OFFICE_HEAD) -> Callable[[], Any]:
        return partial(self.replica.ask, request, TODAY, role, self.municipality, self.municipality)

    def fresh(self) -> dict[str, Any]:
        return {"request_id": str(uuid4()), "application_id": self.cases[0]}

    @initialize()
    def ask_for_an_order(self) -> None:
        self.facility = f"DC-{self.municipality[-8:]}"
        case = Case("DAY_CENTRE", PlacementState.ORDER_AWAITED, TODAY)
        self.elsewhere.cases[case.id] = case.facts(self.municipality, self.facility, 0)
        self.cases.append(case.id)
        house = placement_service_pb2.CreateFacilityRequest(
            request_id=str(uuid4()),
            municipality_id=self.municipality,
            facility_code=self.facility,
            service_code=case.service,
            directorate_code=DIRECTORATE,
            capacity=1,
        )
        self.granted(self.asking(house, Role.MUNICIPALITY))
        self.granted(self.asking(placement_service_pb2.OpenPlacementRequest(**self.fresh()), Role.WORKER))

    def take(self, step: RequestStep, request: Message) -> None:
        """Ask for the step; the table says whether it happens, and a settled request is none any more."""
        found = REQUEST_TRANSITIONS.get((self.state, step))
        if found is None:
            self.seen.refused[self.state, step] += 1
            self.refused(self.asking(request), "NOT_FOUND" if self.state is S.SETTLED else "STATE_NOT_ALLOWED")
            return
        self.granted(self.asking(request))
        self.seen.taken[self.state, step] += 1
        self.state = found.to
        self.said.append(step)

    @rule()
    def acknowledge(self) -> None:
        on = date_to_proto(TODAY.date())
        self.take(T.ACKNOWLEDGE, pb.RecordAcknowledgementRequest(**self.fresh(), incoming_number="1", incoming_date=on))

    @rule()
    def remind(self) -> None:
        self.take(T.REMIND, pb.RemindDirectorateRequest(**self.fresh()))

    @rule()
    def send_back(self) -> None:
        self.take(T.RETURN, pb.RecordReturnRequest(**self.fresh(), remarks="Липсва документ."))

    @rule()
    def send_again(self) -> None:
        self.take(T.SEND_AGAIN, pb.SendRequestAgainRequest(**self.fresh(), reply="Приложен е."))

    @rule(drawn=DRAWN)
    def order(self, drawn: int) -> None:
        """Seldom, as it ends the walk's dialogue."""
        if self.lot(drawn).random() < 0.7:
            return
        request = placement_service_pb2.RecordOrderRequest(
            **self.fresh(),
            issued=True,
            number="РД-1",
            order_date=date_to_proto(TODAY.date()),
            directorate_code=DIRECTORATE,
            facility_code=self.facility,
        )
        if self.state is S.SETTLED:
            self.refused(self.asking(request, Role.DIRECTORATE), "STATE_NOT_ALLOWED")
            return
        self.granted(self.asking(request, Role.DIRECTORATE))
        self.seen.taken[self.state, T.SETTLE] += 1
        self.state = S.SETTLED

    @invariant()
    def stored_is_what_the_model_says(self) -> None:
        if not self.cases:
            return
        (kept,) = self.do(self.replica.rows(_REQUEST, {"id": self.cases[0]}))
        assert (kept.state, kept.own_number) == (self.state, 1)
        assert (kept.reminders, kept.returns) == (self.said.count(T.REMIND), self.said.count(T.RETURN))
        steps = self.do(self.replica.rows(_STEPS, {"id": self.cases[0]}))
        assert [(row.number, row.step) for row in steps] == list(enumerate(self.said, 1))


_REQUEST = "SELECT state, own_number, reminders, returns FROM order_requests WHERE application_id = :id"
_STEPS = "SELECT number, step FROM order_request_steps WHERE application_id = :id ORDER BY number"


async def test_what_is_said_about_a_request_follows_the_table_until_it_is_settled(
    migrated_database: Callable[[Stage], Awaitable[str]],
) -> None:
    elsewhere = Elsewhere()
    dsn = await migrated_database(Stage.PLACEMENT)
    async with replicas(dsn, Stage.PLACEMENT, 1, elsewhere) as (replica,):
        await walk(partial(DialogueWalk, elsewhere), replica, never_seen)


def never_seen(seen: Seen) -> set[object]:
    """Steps of the table that no walk took."""
    return REQUEST_TRANSITIONS.keys() - seen.taken.keys()
