from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from google.protobuf.message import Message
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, rule

from drill.replicas import Elsewhere, replicas
from services.kernel.codes import Role, Stage
from services.kernel.dates import SOFIA
from services.placement.domain.cases import PlacementState
from services.placement.domain.register import ACT_TRANSITIONS, ActKind, ActState, ActStep
from services.runtime.civil import date_to_proto
from socialcare.common.v1 import facts_pb2, types_pb2
from socialcare.placement.v1 import placement_service_pb2, register_pb2
from tests.storage.walks.list_model import Case
from tests.storage.walks.walking import DRAWN, Seen, Walk, walk

pytestmark = pytest.mark.postgres

K, S = ActKind, ActState
DIRECTORATE = "SAD-LYULIN"
TODAY = datetime(2026, 5, 20, 10, tzinfo=SOFIA)
START = date(2026, 6, 1)
ONE_DAY = timedelta(days=1)


@dataclass
class Row:
    """An act as the model knows it; the first day that it covers, and what became of it."""

    id: str
    kind: ActKind
    first: date
    state: ActState = S.RECORDED


class RegisterWalk(Walk):
    """The model: the acts of one signed case, and the days that they cover together (S4a, R-33)."""

    def __init__(self, elsewhere: Elsewhere, *of: Any) -> None:
        super().__init__(*of)
        self.elsewhere = elsewhere
        self.acts: list[Row] = []
        self.first, self.last = TODAY.date(), date.max
        self.numbers = 0

    def asking(self, request: Message, role: Role = Role.OFFICE_HEAD) -> Callable[[], Any]:
        return partial(self.replica.ask, request, TODAY, role, self.municipality, self.municipality)

    @initialize()
    def sign_under_an_order(self) -> None:
        facility = f"DC-{self.municipality[-8:]}"
        case = Case("DAY_CENTRE", PlacementState.ORDER_AWAITED, TODAY)
        pb = placement_service_pb2
        self.elsewhere.cases[case.id] = case.facts(self.municipality, facility, 0)
        fresh = {"request_id": str(uuid4()), "application_id": case.id}
        house = pb.CreateFacilityRequest(
            request_id=str(uuid4()),
            municipality_id=self.municipality,
            facility_code=facility,
            service_code=case.service,
            directorate_code=DIRECTORATE,
            capacity=1,
        )
        order = pb.RecordOrderRequest(
            **fresh,
            issued=True,
            number=self.number(),
            order_date=date_to_proto(TODAY.date()),
            directorate_code=DIRECTORATE,
            facility_code=facility,
        )
        line = facts_pb2.PlanLine(code=case.service, quantity=1, weekdays=[types_pb2.WEEKDAY_TUE])
        contract = pb.SignContractRequest(**fresh, plan=[line], start_date=date_to_proto(START))
        self.granted(self.asking(house, Role.MUNICIPALITY))
        self.granted(self.asking(pb.OpenPlacementRequest(**fresh), Role.WORKER))
        self.granted(self.asking(order, Role.DIRECTORATE))
        self.granted(self.asking(contract, Role.SOCIAL_WORKER))
        self.cases.append(case.id)
        act = self.do(self.replica.value("SELECT act_id FROM acts WHERE application_id = :id", {"id": case.id}))
        self.acts.append(Row(act, K.ORDER, TODAY.date()))

    def number(self) -> str:
        self.numbers += 1
        return f"РД-{self.numbers}"

    def some(self, drawn: int) -> Row:
        """The act in force more often than one that was followed."""
        lot = self.lot(drawn)
        return self.acts[-1] if lot.random() < 0.7 else lot.choice(self.acts)

    def take(self, act: Row, step: ActStep, request: Any, reason: str = "") -> bool:
        """Ask for the step, as a trial first; whether the table and `reason`, all that else decides, let it happen."""
        request.request_id, request.act_id = str(uuid4()), act.id
        request.paper.CopyFrom(register_pb2.ActPaper(number=self.number(), act_date=date_to_proto(TODAY.date())))
        found = ACT_TRANSITIONS.get((act.state, step))
        if found is None or act.kind not in found.kinds:
            self.seen.refused[act.state, step] += 1
            self.refused(self.asking(request), "STATE_NOT_ALLOWED")
            return False
        if reason:
            self.refused(self.asking(request), reason)
            return False
        before = self.rows()
        request.validate_only = True
        shown = self.do(self.asking(request)()).consequences
        assert self.rows() == before
        request.validate_only, request.request_id = False, str(uuid4())
        done = self.granted(self.asking(request)).consequences
        assert (done.covered_from, done.covered_to) == (shown.covered_from, shown.covered_to)
        self.seen.taken[act.state, step] += 1
        act.state = found.to
        self.acts.append(Row(done.following.act_id, _KINDS[step], act.first))
        return True

    @rule(drawn=DRAWN, days=st.integers(-3, 60))
    def amend(self, drawn: int, days: int) -> None:
        act = self.some(drawn)
        last = START + timedelta(days=days)
        request = register_pb2.AmendOrderRequest(effective_to=date_to_proto(last))
        if self.take(act, ActStep.AMEND, request, "INVALID_FIELD" if last < act.first else ""):
            self.last = last

    @rule(drawn=DRAWN, days=st.integers(-20, 40))
    def supersede(self, drawn: int, days: int) -> None:
        act = self.some(drawn)
        first = START + timedelta(days=days)
        touches = self.last == date.max or first <= self.last + ONE_DAY
        request = register_pb2.SupersedeOrderRequest(effective_from=date_to_proto(first))
        gap = not touches and first > START
        if self.take(act, ActStep.SUPERSEDE, request, "ORDER_LEAVES_GAP" if gap else ""):
            self.first, self.last = min(self.first, first) if touches else first, date.max
            self.acts[-1].first = first

    @rule(drawn=DRAWN, days=st.integers(-14, 40))
    def revoke(self, drawn: int, days: int) -> None:
        act = self.some(drawn)
        first = START + timedelta(days=days)
        request = register_pb2.RevokeOrderRequest(revoked_from=date_to_proto(first))
        if self.take(act, ActStep.REVOKE, request, "INVALID_FIELD" if first < act.first else ""):
            self.last = min(self.last, first - ONE_DAY)

    @invariant()
    def stored_is_what_the_model_says(self) -> None:
        if not self.acts:
            return
        rows = self.do(self.replica.rows(_ACTS, {"municipality": self.municipality}))
        assert {row.act_id: (row.kind, row.state) for row in rows} == {a.id: (a.kind, a.state) for a in self.acts}
        (contract,) = self.do(self.replica.rows(_CONTRACT, {"id": self.cases[0]}))
        last = contract.authorised_to or date.max
        assert (contract.authorised_from, last) == (self.first, self.last)


_KINDS = {ActStep.AMEND: K.AMENDMENT, ActStep.SUPERSEDE: K.ORDER, ActStep.REVOKE: K.REVOCATION}
_ACTS = "SELECT act_id, kind, state FROM acts WHERE municipality_id = :municipality"
_CONTRACT = "SELECT authorised_from, authorised_to FROM contracts WHERE application_id = :id"


async def test_an_act_is_followed_once_and_the_contract_covers_what_the_last_one_leaves(
    migrated_database: Callable[[Stage], Awaitable[str]],
) -> None:
    elsewhere = Elsewhere()
    dsn = await migrated_database(Stage.PLACEMENT)
    async with replicas(dsn, Stage.PLACEMENT, 1, elsewhere) as (replica,):
        await walk(partial(RegisterWalk, elsewhere), replica, never_seen)


def never_seen(seen: Seen) -> set[object]:
    """Steps of the table that no walk took."""
    return ACT_TRANSITIONS.keys() - seen.taken.keys()
