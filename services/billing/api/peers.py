"""What billing pulls from the other services, always before its own transaction (design law 2)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from services.billing.domain.accounts import Contract, ServedMonth, WarStatus
from services.billing.domain.tracing import CaseDays, CoveringAct, Finding, TracedUnit
from services.billing.errors import StateNotAllowed
from services.kernel.codes import Stage
from services.kernel.dates import Month, local_date
from services.kernel.local_rules import LocalRules
from services.kernel.ranges import DateRange
from services.runtime.civil import (
    date_from_proto,
    instant_from_proto,
    money_from_proto,
    month_from_proto,
    month_to_proto,
    optional_date,
    range_from_proto,
)
from services.runtime.errors import NotFound
from services.runtime.local_rules import rules_from_proto
from services.runtime.peers import Peers
from socialcare.assessment.v1 import assessment_service_pb2 as assessment_pb
from socialcare.assessment.v1.assessment_service_pb2_grpc import AssessmentServiceStub
from socialcare.delivery.v1 import delivery_service_pb2 as delivery_pb
from socialcare.delivery.v1 import resources_pb2 as delivery_res
from socialcare.delivery.v1 import tracing_pb2 as tracing_pb
from socialcare.delivery.v1.delivery_service_pb2_grpc import DeliveryServiceStub
from socialcare.intake.v1 import intake_service_pb2 as intake_pb
from socialcare.intake.v1 import people_pb2 as people_pb
from socialcare.intake.v1 import resources_pb2 as intake_res
from socialcare.intake.v1.intake_service_pb2_grpc import IntakeServiceStub
from socialcare.placement.v1 import placement_service_pb2 as placement_pb
from socialcare.placement.v1 import resources_pb2 as placement_res
from socialcare.placement.v1.placement_service_pb2_grpc import PlacementServiceStub

__all__ = ["CaseIdentity", "Neighbours", "PulledContract", "ServiceNeighbours"]


@dataclass(frozen=True, slots=True)
class CaseIdentity:
    """Whose case it is."""

    municipality_id: str
    person_id: str


@dataclass(frozen=True, slots=True)
class PulledContract:
    """A contract with what else its fees depend on."""

    contract: Contract
    war: WarStatus
    rules: LocalRules


class Neighbours(Protocol):
    """What billing asks of the other services."""

    async def identity(self, case_id: str) -> CaseIdentity:
        """Whose case it is, by intake; NotFound when there is no such application."""
        ...

    async def contract(self, case_id: str) -> PulledContract:
        """The contract by placement, war status and the municipality's decisions by intake.

        Raises NotFound when there is no such application and StateNotAllowed when no contract is signed.
        """
        ...

    async def rules(self, municipality_id: str) -> LocalRules:
        """What a municipality has decided, by intake."""
        ...

    async def office_heads(self, municipality_id: str) -> frozenset[str]:
        """Staff ids of the heads of a municipality's offices, by intake."""
        ...

    async def served(
        self, municipality_id: str, month: Month, case_ids: Sequence[str], counted: frozenset[str]
    ) -> list[ServedMonth]:
        """Served days of these cases (at most 500) in a month, by delivery: one call; units are those of `counted`."""
        ...

    async def knows(self, municipality_id: str, month: Month) -> bool:
        """Whether delivery knows anybody of the municipality in a month."""
        ...

    async def payer(self, person_id: str) -> str:
        """Full name of the user, by intake, for a document addressed to them."""
        ...

    async def case_days(self, case_id: str) -> CaseDays:
        """When the papers were complete and eligibility was decided, by intake."""
        ...

    async def acts(self, case_id: str) -> Sequence[CoveringAct]:
        """Which order or referral covers which days of a case under contract, in order, by placement."""
        ...

    async def findings(self, case_id: str) -> Sequence[Finding]:
        """When the assessment and reviews of a case found something, oldest first; none before the first."""
        ...

    async def units(self, case_id: str, month: Month) -> list[TracedUnit]:
        """The planned units of a case in a month, by delivery."""
        ...

    async def month_of_unit(self, unit_id: str) -> tuple[str, Month]:
        """Case and month of a unit, by delivery; NotFound when it has no such unit."""
        ...


class ServiceNeighbours:
    """The other services over the wire."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers

    async def identity(self, case_id: str) -> CaseIdentity:
        facts = await self._case_facts(case_id)
        return CaseIdentity(facts.municipality_id, facts.person_id)

    async def contract(self, case_id: str) -> PulledContract:
        facts = await self._case_facts(case_id)
        placement = PlacementServiceStub(self._peers.channel(Stage.PLACEMENT))
        try:
            answer = await placement.GetContract(placement_pb.GetContractRequest(application_id=case_id))
        except NotFound:
            raise StateNotAllowed(metadata={"application_id": case_id}) from None
        if not answer.HasField("contract"):
            raise StateNotAllowed(metadata={"application_id": case_id})
        return PulledContract(
            contract=_contract(answer.contract),
            war=WarStatus(facts.facts.war_veteran, facts.facts.war_disabled),
            rules=rules_from_proto(facts, facts.municipality_version),
        )

    async def rules(self, municipality_id: str) -> LocalRules:
        stub = IntakeServiceStub(self._peers.channel(Stage.INTAKE))
        answer = await stub.GetMunicipality(intake_pb.GetMunicipalityRequest(municipality_id=municipality_id))
        return rules_from_proto(answer.municipality, answer.municipality.version)

    async def office_heads(self, municipality_id: str) -> frozenset[str]:
        stub = IntakeServiceStub(self._peers.channel(Stage.INTAKE))
        answer = await stub.GetMunicipality(intake_pb.GetMunicipalityRequest(municipality_id=municipality_id))
        return frozenset(office.head_staff_id for office in answer.municipality.offices)

    async def served(
        self, municipality_id: str, month: Month, case_ids: Sequence[str], counted: frozenset[str]
    ) -> list[ServedMonth]:
        stub = DeliveryServiceStub(self._peers.channel(Stage.DELIVERY))
        answer = await stub.ListServedDays(
            delivery_pb.ListServedDaysRequest(
                municipality_id=municipality_id,
                month=month_to_proto(month),
                page_size=max(len(case_ids), 1),
                application_ids=case_ids,
            )
        )
        asked = frozenset(case_ids)
        return [_served(message, month, counted) for message in answer.cases if message.application_id in asked]

    async def knows(self, municipality_id: str, month: Month) -> bool:
        asked = delivery_pb.ListServedDaysRequest(
            municipality_id=municipality_id, month=month_to_proto(month), page_size=1
        )
        return bool((await DeliveryServiceStub(self._peers.channel(Stage.DELIVERY)).ListServedDays(asked)).cases)

    async def payer(self, person_id: str) -> str:
        stub = IntakeServiceStub(self._peers.channel(Stage.INTAKE))
        person = (await stub.GetPerson(people_pb.GetPersonRequest(person_id=person_id))).person
        return " ".join(name for name in (person.given_name, person.father_name, person.family_name) if name)

    async def case_days(self, case_id: str) -> CaseDays:
        facts = await self._case_facts(case_id)
        decided = facts.eligibility.decided_date if facts.HasField("eligibility") else None
        return CaseDays(
            registered_on=optional_date(facts.registered_date, "registered_date"),
            decided_on=None if decided is None else optional_date(decided, "decided_date"),
        )

    async def acts(self, case_id: str) -> Sequence[CoveringAct]:
        placement = PlacementServiceStub(self._peers.channel(Stage.PLACEMENT))
        answer = await placement.GetContract(placement_pb.GetContractRequest(application_id=case_id))
        return [
            CoveringAct(
                days.act_id,
                days.number,
                date_from_proto(days.from_date, "from_date"),
                optional_date(days.to_date, "to_date"),
            )
            for days in answer.covered
        ]

    async def findings(self, case_id: str) -> Sequence[Finding]:
        stub = AssessmentServiceStub(self._peers.channel(Stage.ASSESSMENT))
        try:
            answer = await stub.GetAssessment(assessment_pb.GetAssessmentRequest(application_id=case_id))
        except NotFound:
            return []
        return [Finding(item.version, local_date(instant_from_proto(item.found_time))) for item in answer.findings]

    async def units(self, case_id: str, month: Month) -> list[TracedUnit]:
        about = tracing_pb.CaseMonth(application_id=case_id, month=month_to_proto(month))
        stub = DeliveryServiceStub(self._peers.channel(Stage.DELIVERY))
        answer = await stub.TraceUnits(tracing_pb.TraceUnitsRequest(case_month=about))
        return [
            TracedUnit(
                unit.unit_id,
                unit.plan_line_id,
                unit.code,
                date_from_proto(unit.on_date, "on_date"),
                unit.quantity,
                unit.state,
            )
            for unit in answer.units
        ]

    async def month_of_unit(self, unit_id: str) -> tuple[str, Month]:
        stub = DeliveryServiceStub(self._peers.channel(Stage.DELIVERY))
        answer = await stub.TraceUnits(tracing_pb.TraceUnitsRequest(unit_id=unit_id))
        return answer.application_id, month_from_proto(answer.month, "month")

    async def _case_facts(self, case_id: str) -> intake_res.CaseFacts:
        stub = IntakeServiceStub(self._peers.channel(Stage.INTAKE))
        answer = await stub.GetCaseFacts(intake_pb.GetCaseFactsRequest(application_id=case_id))
        return answer.case_facts


def _served(message: delivery_res.ServedDays, month: Month, counted: frozenset[str]) -> ServedMonth:
    return ServedMonth(
        case_id=message.application_id,
        month=month,
        served_days=message.served_days,
        paused_days=message.paused_days,
        units=sum(item.units for item in message.delivered if item.code in counted),
        version=message.version,
    )


def _contract(message: placement_res.Contract) -> Contract:
    authorisation: DateRange | None = None
    if message.HasField("authorisation"):
        authorisation = range_from_proto(message.authorisation, "authorisation")
    return Contract(
        case_id=message.application_id,
        contract_id=message.contract_id,
        municipality_id=message.municipality_id,
        person_id=message.person_id,
        service_code=message.service_code,
        start=date_from_proto(message.start_date, "start_date"),
        end=optional_date(message.end_date, "end_date"),
        authorisation=authorisation,
        actual_cost=money_from_proto(message.actual_cost, "actual_cost") if message.HasField("actual_cost") else None,
        unit_price=money_from_proto(message.unit_price, "unit_price") if message.HasField("unit_price") else None,
        version=max(message.version, 1),
        authorised_by=message.authorisation_number,
    )
