"""What a walk over placement knows by itself: cases, one facility, and its list in the order of registration."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from uuid import uuid4

from services.placement.domain.cases import PlacementState
from services.runtime.civil import date_to_proto, instant_to_proto
from socialcare.common.v1 import types_pb2
from socialcare.intake.v1 import resources_pb2 as intake_pb2


@dataclass
class Case:
    """One case; limits are last days, a vacancy of 0 is none."""

    service: str
    state: PlacementState
    received_at: datetime
    id: str = field(default_factory=lambda: str(uuid4()))
    contract_until: date | None = None
    refused_until: date | None = None
    holds: bool = False
    vacancy: int = 0
    ended_on: date | None = None
    appeal: str = "none"
    answer_until: date | None = None
    """Last day to answer the offer that waits; None where offers do not expire."""

    def facts(self, municipality: str, facility: str, offer_days: int) -> intake_pb2.CaseFacts:
        """What intake says of it: accepted on the day, nobody's priority is higher than another's."""
        day = date_to_proto(self.received_at.date())
        return intake_pb2.CaseFacts(
            application_id=self.id,
            municipality_id=municipality,
            person_id=f"person-{self.id}",
            service_code=self.service,
            district_code="LYULIN",
            facility_code=facility,
            received_time=instant_to_proto(self.received_at),
            application_date=day,
            birth_date=date_to_proto(date(1960, 1, 1)),
            eligibility=intake_pb2.EligibilityDecision(
                outcome=types_pb2.ELIGIBILITY_OUTCOME_ELIGIBLE, decided_date=day
            ),
            version=1,
            municipality_version=1,
            settings={"offer.days": str(offer_days)} if offer_days else {},
        )


@dataclass
class House:
    """One facility and all cases; to whom a vacancy was offered is remembered with it."""

    capacity: int = 1
    cases: list[Case] = field(default_factory=list)
    offered_to: dict[int, set[str]] = field(default_factory=dict)

    @property
    def held(self) -> int:
        return sum(case.holds for case in self.cases)

    @property
    def offered(self) -> int:
        return sum(case.state is PlacementState.OFFERED for case in self.cases)

    @property
    def free(self) -> int:
        return self.capacity - self.held - self.offered

    def new_vacancy(self) -> int:
        number = len(self.offered_to) + 1
        self.offered_to[number] = set()
        return number

    def next_in_line(self, vacancy: int) -> Case | None:
        """Who is offered a free place: the first who waits and was not offered it yet; nobody when none is free."""
        asked = self.offered_to[vacancy]
        line = [case for case in self.cases if case.state is PlacementState.WAITLISTED and case.id not in asked]
        if self.free <= 0 or not line:
            return None
        first = min(line, key=lambda case: (case.received_at, case.id))
        asked.add(first.id)
        first.vacancy = vacancy
        return first
