"""The races for places, orders and contracts (L-09, L-10, L-15)."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import partial
from typing import Any, NamedTuple
from uuid import uuid4

from google.protobuf.message import Message

from drill.racing import Field, Race, refusal_of, require
from drill.replicas import Replica
from services.kernel.codes import Role, Stage
from services.kernel.dates import SOFIA, start_of_day
from services.runtime.civil import date_to_proto, instant_to_proto
from socialcare.common.v1 import facts_pb2, types_pb2
from socialcare.intake.v1 import resources_pb2 as intake_pb2
from socialcare.placement.v1 import amendments_pb2
from socialcare.placement.v1 import placement_service_pb2 as pb

__all__ = ["CLOSED_AT", "DIRECTORATE", "RACES_FOR_PLACES", "Office"]

_SERVICE = "DAY_CENTRE"
DIRECTORATE = "SAD-LYULIN"
_DECIDED = date(2026, 5, 12)
_OPENED = datetime(2026, 5, 12, 11, tzinfo=SOFIA)
_ORDERED = datetime(2026, 5, 20, 10, tzinfo=SOFIA)
CLOSED_AT = datetime(2026, 5, 21, 10, tzinfo=SOFIA)
_MOVES = date(2026, 7, 1)


class _Facility(NamedTuple):
    capacity: int
    held: int
    offered: int


class Office:
    """Plays authorities, people and the worker of one municipality."""

    def __init__(self, field: Field) -> None:
        self.field = field

    async def ask(self, replica: Replica, request: Message, at: datetime, role: Role = Role.OFFICE_HEAD) -> Any:  # noqa: ANN401 the answer of whichever method
        return await replica.ask(request, at, role, self.field.municipality)

    async def facility(self, capacity: int) -> str:
        code = f"DC-{uuid4().hex[:12].upper()}"
        request = pb.CreateFacilityRequest(
            request_id=str(uuid4()),
            municipality_id=self.field.municipality,
            facility_code=code,
            service_code=_SERVICE,
            directorate_code=DIRECTORATE,
            capacity=capacity,
        )
        await self.ask(self.field.first, request, _OPENED)
        return code

    async def case(self, facility: str) -> str:
        """An accepted case that waits for its order."""
        case = str(uuid4())
        self.field.elsewhere.cases[case] = intake_pb2.CaseFacts(
            application_id=case,
            municipality_id=self.field.municipality,
            person_id=f"person-{case}",
            service_code=_SERVICE,
            district_code="LYULIN",
            facility_code=facility,
            received_time=instant_to_proto(_OPENED),
            application_date=date_to_proto(_DECIDED),
            birth_date=date_to_proto(date(1950, 1, 1)),
            eligibility=intake_pb2.EligibilityDecision(
                outcome=types_pb2.ELIGIBILITY_OUTCOME_ELIGIBLE, decided_date=date_to_proto(_DECIDED)
            ),
            version=1,
            municipality_version=1,
            settings=self.field.elsewhere.settings,
        )
        request = pb.OpenPlacementRequest(request_id=str(uuid4()), application_id=case)
        await self.ask(self.field.first, request, _OPENED, Role.WORKER)
        return case

    def order(self, replica: Replica, case: str, facility: str, number: str = "") -> partial[Any]:
        request = pb.RecordOrderRequest(
            request_id=str(uuid4()),
            application_id=case,
            issued=True,
            number=number or f"РД-{case[:13]}",
            order_date=date_to_proto(_ORDERED.date()),
            directorate_code=DIRECTORATE,
            facility_code=facility,
        )
        return partial(self.ask, replica, request, _ORDERED, Role.DIRECTORATE)

    def close(self, replica: Replica, case: str) -> partial[Any]:
        request = pb.ClosePlacementRequest(request_id=str(uuid4()), application_id=case, cause="WITHDRAWN_BY_APPLICANT")
        return partial(self.ask, replica, request, CLOSED_AT, Role.WORKER)

    def capacity(self, replica: Replica, facility: str, places: int) -> partial[Any]:
        request = pb.SetCapacityRequest(
            request_id=str(uuid4()),
            municipality_id=self.field.municipality,
            facility_code=facility,
            capacity=places,
        )
        return partial(self.ask, replica, request, CLOSED_AT)

    async def ordered(self, facility: str) -> str:
        """A case that the directorate has placed there, or put on the list where no place is free."""
        case = await self.case(facility)
        await self.order(self.field.first, case, facility)()
        return case

    async def signed(self, facility: str) -> str:
        """A case with a contract that holds a place there."""
        case = await self.ordered(facility)
        request = pb.SignContractRequest(
            request_id=str(uuid4()),
            application_id=case,
            plan=[facts_pb2.PlanLine(code=_SERVICE, quantity=1, weekdays=[types_pb2.WEEKDAY_TUE])],
            start_date=date_to_proto(date(2026, 6, 1)),
        )
        await self.ask(self.field.first, request, _ORDERED)
        return case

    def transfer(
        self, replica: Replica, case: str, facility: str, first: date = _MOVES, at: datetime = CLOSED_AT
    ) -> partial[Any]:
        request = amendments_pb2.TransferPlacementRequest(
            request_id=str(uuid4()),
            application_id=case,
            facility_code=facility,
            first_date=date_to_proto(first),
            order_number=f"ПР-{uuid4().hex[:13]}",
            order_date=date_to_proto(_ORDERED.date()),
            directorate_code=DIRECTORATE,
        )
        return partial(self.ask, replica, request, at)

    def claim(self, replica: Replica, case: str, at: datetime) -> partial[Any]:
        request = pb.ClaimDueLimitsRequest(request_id=str(uuid4()), application_id=case)
        return partial(self.ask, replica, request, at, Role.WORKER)

    async def state(self, case: str) -> str:
        found = await self.field.first.value("SELECT state FROM placements WHERE application_id = :id", {"id": case})
        return str(found)

    async def states(self, *cases: str) -> list[str]:
        return [await self.state(case) for case in cases]

    async def places(self, facility: str) -> _Facility:
        """Capacity, places held, places offered."""
        (row,) = await self.field.first.rows(
            "SELECT capacity, held, offered FROM capacity_accounts WHERE account_code = :code", {"code": facility}
        )
        return _Facility(row.capacity, row.held, row.offered)

    async def acts(self, *cases: str) -> list[str]:
        """Cases among these that an act was registered for."""
        rows = await self.field.first.rows(
            "SELECT application_id FROM acts WHERE application_id = ANY(CAST(:ids AS text[]))", {"ids": list(cases)}
        )
        return [row.application_id for row in rows]


async def last_bed_by_order(field: Field) -> str:
    """Two orders place two people where one bed is free: one has it, the other waits."""
    office = Office(field)
    facility = await office.facility(1)
    one, other = await office.case(facility), await office.case(facility)
    for answer in await field.release(
        office.order(field.first, one, facility), office.order(field.second, other, facility)
    ):
        require(not isinstance(answer, Exception), "both orders are recorded")
    states = await office.states(one, other)
    require(sorted(states) == ["READY", "WAITLISTED"], "one placed, one on the list")
    require(await office.places(facility) == (1, 1, 0), "the bed is held once")
    return "first order" if states[0] == "READY" else "second order"


async def last_bed_by_offer(field: Field) -> str:
    """Two held places come back at once where one bed is left: it is offered once, to the first in line."""
    office = Office(field)
    facility = await office.facility(2)
    leaving = [await office.ordered(facility) for _ in range(2)]
    waiting = [await office.ordered(facility) for _ in range(2)]
    await office.capacity(field.first, facility, 1)()
    closings = [office.close(replica, case) for replica, case in zip(field.replicas, leaving, strict=True)]
    for answer in await field.release(*closings):
        require(not isinstance(answer, Exception), "both leave")
    require(await office.places(facility) == (1, 0, 1), "the bed is offered once")
    rows = await field.first.rows(
        "SELECT application_id, state, xmin::text AS written FROM placements WHERE facility_code = :code",
        {"code": facility},
    )
    state = {row.application_id: row.state for row in rows}
    require(sorted(state[case] for case in waiting) == ["OFFERED", "WAITLISTED"], "one offer")
    written = {row.application_id: row.written for row in rows}
    (offered,) = (case for case in waiting if state[case] == "OFFERED")
    require(min(waiting) == offered, "the first in line has it")
    require(written[offered] in {written[case] for case in leaving}, "it was offered as somebody left")
    return "first leaver offers" if written[offered] == written[leaving[0]] else "second leaver offers"


async def order_of_a_withdrawn_case(field: Field) -> str:
    """The order is recorded while the case ends: it places and the place comes back, or it finds the case closed.

    Every other time the order names another facility than the application did.
    """
    office = Office(field)
    wished = await office.facility(1)
    named = wished if field.lot.random() < 0.5 else await office.facility(1)
    case = await office.case(wished)
    neighbour = await office.ordered(wished) if named != wished else ""
    closing = office.close(field.second, case)
    ordered, closed = await field.release(office.order(field.first, case, named), closing)
    closed = await field.settled(closed, closing)
    require(not isinstance(closed, Exception), "a case can always end")
    require(await office.state(case) == "CLOSED", "the case has ended")
    require(await office.places(named) == (1, 0, 0), "no place is held for it")
    if neighbour:
        require(await office.places(wished) == (1, 1, 0), "the neighbour keeps the place")
    if await office.acts(case):
        require(not isinstance(ordered, Exception), "the order was recorded")
        return "order"
    refusal_of(ordered, "STATE_NOT_ALLOWED")
    return "withdrawal"


async def one_number(field: Field) -> str:
    """Two orders of one directorate come with one number: the second is refused and places nobody."""
    office = Office(field)
    facilities = [await office.facility(1) for _ in range(2)]
    cases = [await office.case(facility) for facility in facilities]
    number = f"РД-{uuid4().hex[:12]}"
    answers = await field.release(
        office.order(field.first, cases[0], facilities[0], number),
        office.order(field.second, cases[1], facilities[1], number),
    )
    (recorded,) = await office.acts(*cases)
    winner = cases.index(recorded)
    loser = 1 - winner
    refusal_of(answers[loser], "ORDER_NUMBER_TAKEN")
    require(await office.states(cases[winner], cases[loser]) == ["READY", "ORDER_AWAITED"], "one is placed")
    require(await office.places(facilities[winner]) == (1, 1, 0), "the winner holds a place")
    require(await office.places(facilities[loser]) == (1, 0, 0), "the loser holds none")
    version = await field.first.value("SELECT version FROM placements WHERE application_id = :id", {"id": cases[loser]})
    require(version == 1, "the loser's case did not change")
    return ("first order", "second order")[winner]


async def signing_of_a_taken_place(field: Field) -> str:
    """The contract is signed as D-11 passes and the place goes to the next in line: signed, or taken, never both."""
    office = Office(field)
    facility = await office.facility(1)
    case, waiting = await office.ordered(facility), await office.ordered(facility)
    last_day = datetime(2026, 6, 19, 23, 59, tzinfo=SOFIA)
    signing = pb.SignContractRequest(
        request_id=str(uuid4()),
        application_id=case,
        plan=[facts_pb2.PlanLine(code=_SERVICE, quantity=1, weekdays=[types_pb2.WEEKDAY_TUE])],
        start_date=date_to_proto(date(2026, 7, 1)),
    )
    claim = pb.ClaimDueLimitsRequest(request_id=str(uuid4()), application_id=case)
    signed, claimed = await field.release(
        partial(office.ask, field.first, signing, last_day),
        partial(office.ask, field.second, claim, last_day + timedelta(days=4), Role.WORKER),
    )
    require(not isinstance(claimed, Exception), "the worker is never refused")
    contracts = await field.first.value("SELECT count(*) FROM contracts WHERE application_id = :id", {"id": case})
    states = await office.states(case, waiting)
    if contracts:
        require(not isinstance(signed, Exception), "the contract was signed")
        require(states == ["CONTRACTED", "WAITLISTED"], "who signed keeps the place")
        require(await office.places(facility) == (1, 1, 0), "the place is held")
        return "signing"
    refusal_of(signed, "STATE_NOT_ALLOWED")
    require(states == ["CLOSED", "OFFERED"], "the place went to the next in line")
    require(await office.places(facility) == (1, 0, 1), "the place is offered")
    return "place taken"


async def capacity_below_what_is_held(field: Field) -> str:
    """Places are given up below what is held while an order asks for one of them: placed before, or on the list."""
    office = Office(field)
    facility = await office.facility(2)
    holding, case = await office.ordered(facility), await office.case(facility)
    for answer in await field.release(
        office.capacity(field.first, facility, 0), office.order(field.second, case, facility)
    ):
        require(not isinstance(answer, Exception), "neither is refused")
    require(await office.state(holding) == "READY", "who holds a place keeps it")
    state = await office.state(case)
    if state == "READY":
        require(await office.places(facility) == (0, 2, 0), "placed before the places were given up")
        return "order"
    require(state == "WAITLISTED", "no place is taken that is not there")
    require(await office.places(facility) == (0, 1, 0), "one place is held")
    return "capacity"


async def capacity_of_a_freed_place(field: Field) -> str:
    """A place is given up while its holder leaves: offered before, or to nobody."""
    office = Office(field)
    facility = await office.facility(1)
    leaving, waiting = await office.ordered(facility), await office.ordered(facility)
    for answer in await field.release(office.capacity(field.first, facility, 0), office.close(field.second, leaving)):
        require(not isinstance(answer, Exception), "neither is refused")
    state = await office.state(waiting)
    if state == "OFFERED":
        require(await office.places(facility) == (0, 0, 1), "offered before the place was given up")
        return "offer"
    require(state == "WAITLISTED", "no place is offered that is not there")
    require(await office.places(facility) == (0, 0, 0), "nobody holds anything")
    return "capacity"


async def offer_that_expires(field: Field) -> str:
    """An offer is accepted at the end of its last day as the worker lets it expire: held, or with the next in line."""
    field.elsewhere.settings["offer.days"] = "5"
    office = Office(field)
    facility = await office.facility(1)
    leaving = await office.ordered(facility)
    waiting = sorted([await office.ordered(facility) for _ in range(2)])
    await office.close(field.first, leaving)()
    require(await office.states(*waiting) == ["OFFERED", "WAITLISTED"], "the first in line has the offer")
    last_day = datetime(2026, 5, 26, 23, 59, tzinfo=SOFIA)
    accepting = pb.AnswerOfferRequest(request_id=str(uuid4()), application_id=waiting[0], accepted=True)
    claim = pb.ClaimDueLimitsRequest(request_id=str(uuid4()), application_id=waiting[0])
    claiming = partial(office.ask, field.second, claim, last_day + timedelta(days=1), Role.WORKER)
    accepted, claimed = await field.release(partial(office.ask, field.first, accepting, last_day), claiming)
    claimed = await field.settled(claimed, claiming)
    require(not isinstance(claimed, Exception), "the worker is never refused")
    states = await office.states(*waiting)
    if states == ["READY", "WAITLISTED"]:
        require(not isinstance(accepted, Exception), "the offer was accepted")
        require(await office.places(facility) == (1, 1, 0), "who accepted holds the place")
        return "answer"
    refusal_of(accepted, "STATE_NOT_ALLOWED")
    require(states == ["WAITLISTED", "OFFERED"], "it went to the next in line")
    require(await office.places(facility) == (1, 0, 1), "the place is offered once")
    return "expiry"


async def last_bed_by_transfer(field: Field) -> str:
    """Two people move to the facility with one free bed: one moves, the other keeps the place that was held."""
    office = Office(field)
    homes, target = [await office.facility(1) for _ in range(2)], await office.facility(1)
    movers = [await office.signed(home) for home in homes]
    answers = await field.release(
        office.transfer(field.first, movers[0], target), office.transfer(field.second, movers[1], target)
    )
    count = "SELECT count(*) FROM contract_amendments WHERE application_id = :id"
    moved = [await field.first.value(count, {"id": mover}) for mover in movers]
    require(sorted(moved) == [0, 1], "one has moved")
    winner = moved.index(1)
    refusal_of(answers[1 - winner], "NO_FREE_PLACE")
    require(await office.places(target) == (1, 1, 0), "the bed is held once")
    require(await office.places(homes[winner]) == (1, 1, 0), "the winner keeps the old place until the move")
    await office.claim(field.first, movers[winner], start_of_day(_MOVES))()
    require(await office.places(homes[winner]) == (1, 0, 0), "the winner's old place is free on its day")
    require(await office.places(homes[1 - winner]) == (1, 1, 0), "the loser keeps the old place")
    return ("first move", "second move")[winner]


async def return_on_the_day_of_a_move(field: Field) -> str:
    """Who has moved returns as the old place comes back and is offered on: one has it, in a place that is there."""
    office = Office(field)
    home, target = await office.facility(1), await office.facility(1)
    mover = await office.signed(home)
    waiting = await office.ordered(home)
    await office.transfer(field.first, mover, target)()
    last_day = datetime(2026, 6, 30, 23, 59, tzinfo=SOFIA)
    returning = office.transfer(field.first, mover, home, date(2026, 7, 6), last_day)
    claiming = office.claim(field.second, mover, start_of_day(_MOVES))
    returned, claimed = await field.release(returning, claiming)
    returned = await field.settled(returned, returning)
    claimed = await field.settled(claimed, claiming)
    require(not isinstance(claimed, Exception), "the worker is never refused")
    require((await office.places(target)).held == 1, "the place moved to is held")
    if await office.state(waiting) == "OFFERED":
        refusal_of(returned, "NO_FREE_PLACE")
        require(await office.places(home) == (1, 0, 1), "the place came back and is offered")
        return "place given back"
    require(not isinstance(returned, Exception), "the return was agreed")
    require(await office.places(home) == (1, 1, 0), "the place is held for who returns")
    return "return"


_ORDERS = ("first order", "second order")

RACES_FOR_PLACES = (
    Race("two orders for the last bed", Stage.PLACEMENT, _ORDERS, last_bed_by_order),
    Race(
        "two offers for the last bed",
        Stage.PLACEMENT,
        ("first leaver offers", "second leaver offers"),
        last_bed_by_offer,
    ),
    Race(
        "an order recorded while the case is withdrawn",
        Stage.PLACEMENT,
        ("order", "withdrawal"),
        order_of_a_withdrawn_case,
    ),
    Race("two orders with one number", Stage.PLACEMENT, _ORDERS, one_number),
    Race("signing while the place is taken", Stage.PLACEMENT, ("signing", "place taken"), signing_of_a_taken_place),
    Race("capacity lowered below what is held", Stage.PLACEMENT, ("order", "capacity"), capacity_below_what_is_held),
    Race("two moves to the last bed", Stage.PLACEMENT, ("first move", "second move"), last_bed_by_transfer),
    Race("a return on the day of a move", Stage.PLACEMENT, ("place given back", "return"), return_on_the_day_of_a_move),
    Race("an offer that expires while it is accepted", Stage.PLACEMENT, ("answer", "expiry"), offer_that_expires),
    Race("capacity lowered while a place is freed", Stage.PLACEMENT, ("offer", "capacity"), capacity_of_a_freed_place),
)
"""Races of placement."""
