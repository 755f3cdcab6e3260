from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import uuid4

import pytest
from google.protobuf.message import Message
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule

from drill.replicas import Elsewhere, replicas
from services.kernel.codes import Role, Stage
from services.kernel.dates import SOFIA
from services.placement.domain.cases import TRANSITIONS, PlacementState, Step
from services.runtime.civil import date_to_proto
from socialcare.common.v1 import facts_pb2, types_pb2
from socialcare.placement.v1 import placement_service_pb2 as pb
from tests.storage.walks.foresight import came_as_foreseen, ground
from tests.storage.walks.list_model import Case, House
from tests.storage.walks.walking import DRAWN, Seen, Walk, walk

pytestmark = pytest.mark.postgres

S = PlacementState
SERVICES = {"DAY_CENTRE": S.ORDER_AWAITED, "HSP": S.READY, "ASSISTANT_SUPPORT": S.REFERRAL_AWAITED}
DIRECTORATE = "SAD-LYULIN"


class PlacementWalk(Walk):
    """The model: every case with its place, one facility, and the list in the order of registration (S5, L-09)."""

    def __init__(self, elsewhere: Elsewhere, *of: Any) -> None:
        super().__init__(*of)
        self.elsewhere = elsewhere
        self.now = datetime(2026, 5, 12, 10, tzinfo=SOFIA)
        self.house = House()
        self.facility = f"DC-{self.municipality[-8:]}"
        self.numbers = 0
        self.offer_days = 0

    @property
    def of(self) -> list[Case]:
        return self.house.cases

    def offer(self, vacancy: int) -> None:
        first = self.house.next_in_line(vacancy)
        if first is not None:
            self.moved(first, Step.OFFER)
            if self.offer_days:
                first.answer_until = self.do(self.replica.value(_DUE, {"id": first.id, "kind": "offer_answer"}))

    def moved(self, case: Case, step: Step) -> None:
        self.seen.taken[case.state, step] += 1
        case.state = TRANSITIONS[case.state, step].to

    def has_lapsed(self, case: Case) -> bool:
        return case.contract_until is not None and self.now.date() > case.contract_until

    def offer_is_over(self, case: Case) -> bool:
        return case.state is S.OFFERED and case.answer_until is not None and self.now.date() > case.answer_until

    def asking(self, request: Message, role: Role) -> Callable[[], Any]:
        return partial(self.replica.ask, request, self.now, role, self.municipality, self.municipality)

    def take(self, case: Case, step: Step, request: Message, role: Role, *, standing: bool = True) -> bool:
        """Ask for the step; whether the table and `standing`, all that else decides, let it happen."""
        work = self.asking(request, role)
        if (case.state, step) in TRANSITIONS and standing:
            self.granted_as_foreseen(request, role)
            return True
        reason = "STATE_NOT_ALLOWED"
        if step is Step.SIGN and case.state in {S.ORDER_AWAITED, S.ORDER_REFUSED}:
            reason = "ORDER_MISSING"
        if step is Step.SIGN and case.state in {S.WAITLISTED, S.OFFERED}:
            reason = "NO_FREE_PLACE"
        self.seen.refused[case.state, step] += 1
        self.refused(work, reason)
        return False

    def granted_as_foreseen(self, request: Message, role: Role) -> None:
        """What the command shows with `validate_only` changes nothing, and is what the command then does."""
        if "validate_only" not in request.DESCRIPTOR.fields_by_name:
            self.granted(self.asking(request, role))
            return
        question = type(request)()
        question.CopyFrom(request)
        question.request_id = str(uuid4())
        question.validate_only = True
        rows = self.rows()
        preview = self.do(self.asking(question, role)()).preview
        assert self.rows() == rows
        before = self.do(ground(self.replica, self.municipality))
        self.granted(self.asking(request, role))
        came_as_foreseen(preview, before, self.do(ground(self.replica, self.municipality)))

    def contract_term(self, case: Case) -> None:
        due = self.do(self.replica.value(_DUE, {"id": case.id, "kind": "contract_signature"}))
        case.contract_until = due

    @initialize(capacity=st.integers(0, 2), offer_days=st.sampled_from((0, 3)))
    def build(self, capacity: int, offer_days: int) -> None:
        self.house.capacity, self.offer_days = capacity, offer_days
        request = pb.CreateFacilityRequest(
            request_id=str(uuid4()),
            municipality_id=self.municipality,
            facility_code=self.facility,
            service_code="DAY_CENTRE",
            directorate_code=DIRECTORATE,
            capacity=capacity,
        )
        self.granted(self.asking(request, Role.MUNICIPALITY))
        for _ in range(3):
            self.another_case_of("DAY_CENTRE")

    @rule(service=st.sampled_from(("DAY_CENTRE", "DAY_CENTRE", "HSP", "ASSISTANT_SUPPORT")))
    def another_case(self, service: str) -> None:
        self.another_case_of(service)

    def another_case_of(self, service: str) -> None:
        case = Case(service, SERVICES[service], self.now)
        facility = self.facility if service == "DAY_CENTRE" else ""
        self.elsewhere.cases[case.id] = case.facts(self.municipality, facility, self.offer_days)
        self.granted(self.asking(pb.OpenPlacementRequest(request_id=str(uuid4()), application_id=case.id), Role.WORKER))
        self.of.append(case)
        self.cases.append(case.id)
        if case.state is S.READY:
            self.contract_term(case)

    def some(self, drawn: int, *states: PlacementState) -> Case:
        """A case, in one of the states more often than not."""
        lot = self.lot(drawn)
        fitting = [case for case in self.of if case.state in states]
        return lot.choice(fitting if fitting and lot.random() < 0.7 else self.of)

    @precondition(lambda self: self.of)
    @rule(drawn=DRAWN)
    def order(self, drawn: int) -> None:
        self.order_for(self.some(drawn, S.ORDER_AWAITED))

    def order_for(self, case: Case) -> None:
        if case.service != "DAY_CENTRE":
            return
        step = Step.PLACE if self.house.free > 0 else Step.QUEUE
        if self.take(case, step, self.act(case, self.facility), Role.DIRECTORATE):
            self.moved(case, step)
            case.holds = step is Step.PLACE
            if case.holds:
                self.contract_term(case)

    def act(self, case: Case, facility: str) -> pb.RecordOrderRequest:
        self.numbers += 1
        return pb.RecordOrderRequest(
            request_id=str(uuid4()),
            application_id=case.id,
            issued=bool(facility),
            number=f"РД-{self.numbers}",
            order_date=date_to_proto(self.now.date()),
            directorate_code=DIRECTORATE,
            facility_code=facility,
        )

    @precondition(lambda self: self.of)
    @rule(drawn=DRAWN)
    def refuse(self, drawn: int) -> None:
        self.refuse_order_for(self.some(drawn, S.ORDER_AWAITED))

    def refuse_order_for(self, case: Case) -> None:
        if self.take(case, Step.REFUSE, self.act(case, ""), Role.DIRECTORATE):
            self.moved(case, Step.REFUSE)
            case.refused_until = self.do(self.replica.value(_DUE, {"id": case.id, "kind": "appeal"}))
            if case.appeal != "filed":
                case.appeal = "possible"

    @precondition(lambda self: self.numbers and self.of)
    @rule(drawn=DRAWN)
    def a_number_again(self, drawn: int) -> None:
        """What the authority numbers is unique with it, whatever the state of the case (S4a)."""
        case = self.some(drawn, S.ORDER_AWAITED)
        if case.state is not S.ORDER_AWAITED:
            return
        taken = self.do(self.replica.value(_A_NUMBER, {"municipality": self.municipality}))
        if taken is None:
            return
        request = self.act(case, self.facility)
        request.number = taken
        self.refused(self.asking(request, Role.DIRECTORATE), "ORDER_NUMBER_TAKEN")

    @precondition(lambda self: self.of)
    @rule(drawn=DRAWN)
    def refer(self, drawn: int) -> None:
        self.refer_case(self.some(drawn, S.REFERRAL_AWAITED))

    def refer_case(self, case: Case) -> None:
        self.numbers += 1
        request = pb.RecordReferralRequest(
            request_id=str(uuid4()),
            application_id=case.id,
            number=f"НС-{self.numbers}",
            referral_date=date_to_proto(self.now.date()),
        )
        if self.take(case, Step.REFER, request, Role.MUNICIPALITY):
            self.moved(case, Step.REFER)
            self.contract_term(case)

    @precondition(lambda self: self.of)
    @rule(drawn=DRAWN)
    def file_appeal(self, drawn: int) -> None:
        self.appeal_for(self.some(drawn, S.ORDER_REFUSED))

    def appeal_for(self, case: Case) -> None:
        request = pb.FileAppealRequest(
            request_id=str(uuid4()), application_id=case.id, against=pb.APPEAL_SUBJECT_REFUSAL
        )
        work = self.asking(request, Role.OFFICE_HEAD)
        if case.state is not S.ORDER_REFUSED or case.appeal != "possible":
            self.refused(work, "STATE_NOT_ALLOWED")
        elif case.refused_until is not None and self.now.date() > case.refused_until:
            self.refused(work, "APPEAL_OUT_OF_TIME")
        else:
            self.granted(work)
            case.appeal = "filed"

    @precondition(lambda self: self.of)
    @rule(drawn=DRAWN, granted=st.booleans())
    def decide_appeal(self, drawn: int, granted: bool) -> None:
        self.decide_appeal_of(self.some(drawn, S.ORDER_REFUSED), granted=granted)

    def decide_appeal_of(self, case: Case, *, granted: bool) -> None:
        request = pb.DecideAppealRequest(request_id=str(uuid4()), application_id=case.id, granted=granted)
        work = self.asking(request, Role.OFFICE_HEAD)
        possible = case.appeal == "filed" and (not granted or (case.state, Step.REOPEN) in TRANSITIONS)
        if not possible:
            self.refused(work, "STATE_NOT_ALLOWED")
            return
        self.granted(work)
        case.appeal = "decided"
        if granted:
            self.moved(case, Step.REOPEN)

    @precondition(lambda self: self.of)
    @rule(drawn=DRAWN, accepted=st.booleans())
    def answer(self, drawn: int, accepted: bool) -> None:
        self.answer_for(self.some(drawn, S.OFFERED), accepted=accepted)

    def answer_for(self, case: Case, *, accepted: bool) -> None:
        step = Step.ACCEPT if accepted else Step.DECLINE
        request = pb.AnswerOfferRequest(request_id=str(uuid4()), application_id=case.id, accepted=accepted)
        if self.take(case, step, request, Role.OFFICE_HEAD, standing=not self.offer_is_over(case)):
            self.moved(case, step)
            vacancy, case.vacancy = case.vacancy, 0
            if accepted:
                case.holds = True
                self.contract_term(case)
            else:
                self.offer(vacancy)

    @precondition(lambda self: self.of)
    @rule(drawn=DRAWN)
    def sign(self, drawn: int) -> None:
        self.sign_for(self.some(drawn, S.READY))

    def sign_for(self, case: Case) -> None:
        request = pb.SignContractRequest(
            request_id=str(uuid4()),
            application_id=case.id,
            plan=[facts_pb2.PlanLine(code="HSP_LAUNDRY", quantity=1, weekdays=[types_pb2.WEEKDAY_TUE])],
            start_date=date_to_proto(self.now.date() + timedelta(days=3)),
        )
        if self.take(case, Step.SIGN, request, Role.SOCIAL_WORKER, standing=not self.has_lapsed(case)):
            self.moved(case, Step.SIGN)

    @precondition(lambda self: self.of)
    @rule(drawn=DRAWN, days=st.integers(0, 9))
    def terminate(self, drawn: int, days: int) -> None:
        self.terminate_for(self.some(drawn, S.CONTRACTED), days=days)

    def terminate_for(self, case: Case, *, days: int) -> None:
        last = self.now.date() + timedelta(days=days)
        request = pb.TerminateRequest(
            request_id=str(uuid4()), application_id=case.id, last_date=date_to_proto(last), ground="REQUEST"
        )
        earlier = case.ended_on is None or (self.now.date() <= case.ended_on and last < case.ended_on)
        if self.take(case, Step.TERMINATE, request, Role.SOCIAL_WORKER, standing=earlier):
            self.moved(case, Step.TERMINATE)
            case.ended_on = last

    @precondition(lambda self: self.of)
    @rule(drawn=DRAWN)
    def close(self, drawn: int) -> None:
        self.close_case(self.some(drawn, S.TERMINATED, S.WAITLISTED, S.OFFERED, S.READY))

    def close_case(self, case: Case) -> None:
        request = pb.ClosePlacementRequest(
            request_id=str(uuid4()), application_id=case.id, cause="WITHDRAWN_BY_APPLICANT"
        )
        if self.take(case, Step.CLOSE, request, Role.WORKER):
            self.moved(case, Step.CLOSE)
            self.give_back(case)

    @precondition(lambda self: self.of)
    @rule(drawn=DRAWN)
    def claim(self, drawn: int) -> None:
        self.claim_for(self.some(drawn, S.READY, S.TERMINATED, S.OFFERED))

    def claim_for(self, case: Case) -> None:
        request = pb.ClaimDueLimitsRequest(request_id=str(uuid4()), application_id=case.id)
        self.granted(self.asking(request, Role.WORKER))
        if case.state is S.READY and self.has_lapsed(case):
            self.moved(case, Step.CLOSE)
        if self.offer_is_over(case):
            self.moved(case, Step.EXPIRE)
            vacancy, case.vacancy = case.vacancy, 0
            self.offer(vacancy)
        self.give_back(case)

    def give_back(self, case: Case) -> None:
        over = case.state is S.TERMINATED and case.ended_on is not None and self.now.date() > case.ended_on
        if (case.holds or case.vacancy) and (case.state is S.CLOSED or over):
            vacancy = case.vacancy or self.house.new_vacancy()
            case.holds, case.vacancy = False, 0
            self.offer(vacancy)

    @precondition(lambda self: self.of)
    @rule(drawn=DRAWN)
    def lead_on(self, drawn: int) -> None:
        """Steps that the table has, so that walks get far."""
        lot = self.lot(drawn)
        for _ in range(lot.randint(2, 6)):
            self.lead(lot.choice(self.of[-6:]), lot)

    def lead(self, case: Case, lot: random.Random) -> None:
        rare = lot.random() < 0.25
        match case.state:
            case S.ORDER_AWAITED:
                self.refuse_order_for(case) if rare else self.order_for(case)
            case S.ORDER_REFUSED if case.appeal == "filed":
                self.decide_appeal_of(case, granted=not rare)
            case S.ORDER_REFUSED:
                self.close_case(case) if rare else self.appeal_for(case)
            case S.REFERRAL_AWAITED:
                self.close_case(case) if rare else self.refer_case(case)
            case S.WAITLISTED:
                self.close_case(case) if rare else self.give_places(min(self.house.capacity + 1, 4))
            case S.OFFERED:
                self.close_case(case) if rare else self.lead_on_from_an_offer(case, accepted=lot.random() < 0.5)
            case S.READY:
                self.close_case(case) if rare else self.sign_for(case)
            case S.CONTRACTED:
                self.terminate_for(case, days=lot.randint(2, 9))
            case S.TERMINATED:
                self.terminate_for(case, days=0) if rare else self.claim_for(case)
            case _:
                self.another_case_of("DAY_CENTRE")

    def lead_on_from_an_offer(self, case: Case, *, accepted: bool) -> None:
        if self.offer_is_over(case):
            self.claim_for(case)
        else:
            self.answer_for(case, accepted=accepted)

    @rule(capacity=st.integers(0, 4))
    def set_capacity(self, capacity: int) -> None:
        self.give_places(capacity)

    def give_places(self, capacity: int) -> None:
        request = pb.SetCapacityRequest(
            request_id=str(uuid4()),
            municipality_id=self.municipality,
            facility_code=self.facility,
            capacity=capacity,
        )
        self.granted_as_foreseen(request, Role.MUNICIPALITY)
        more, self.house.capacity = capacity - self.house.capacity, capacity
        for _ in range(min(more, self.house.free)):
            self.offer(self.house.new_vacancy())

    @rule(days=st.integers(1, 14))
    def days_pass(self, days: int) -> None:
        self.now += timedelta(days=days)

    @invariant()
    def stored_is_what_the_table_says(self) -> None:
        rows = self.do(self.replica.rows(_STORED, {"municipality": self.municipality}))
        assert {row.application_id: (row.state, row.holds_place) for row in rows} == {
            case.id: (case.state, case.holds) for case in self.of
        }
        places = self.do(self.replica.rows(_PLACES, {"code": self.facility}))
        expected = (self.house.capacity, self.house.held, self.house.offered)
        assert [tuple(row) for row in places] == [expected for _ in places]
        entered = self.do(self.replica.rows(_ENTERED, {"code": self.facility}))
        assert [tuple(row) for row in entered] == [expected for _ in entered]


_STORED = "SELECT application_id, state, holds_place FROM placements WHERE municipality_id = :municipality"
_PLACES = "SELECT capacity, held, offered FROM capacity_accounts WHERE account_code = :code"
_ENTERED = """
SELECT sum(capacity_change)::int, sum(held_change)::int, sum(offered_change)::int FROM capacity_entries
WHERE account_code = :code HAVING count(*) > 0
"""
_DUE = "SELECT due_date FROM time_limits WHERE application_id = :id AND kind = :kind ORDER BY number DESC LIMIT 1"
_A_NUMBER = "SELECT number FROM acts WHERE municipality_id = :municipality AND authority LIKE 'SAD-%' LIMIT 1"


async def test_a_placement_is_never_where_its_table_forbids_and_no_place_is_taken_twice(
    migrated_database: Callable[[Stage], Awaitable[str]],
) -> None:
    elsewhere = Elsewhere()
    dsn = await migrated_database(Stage.PLACEMENT)
    async with replicas(dsn, Stage.PLACEMENT, 1, elsewhere) as (replica,):
        await walk(partial(PlacementWalk, elsewhere), replica, never_seen)


def never_seen(seen: Seen) -> set[object]:
    """Steps of the table that no walk took, but a second appeal while the first is heard."""
    return TRANSITIONS.keys() - seen.taken.keys() - {(S.ORDER_AWAITED, Step.REOPEN)}
