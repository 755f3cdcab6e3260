"""The other services as placement sees them; all calls are read-only and come before the transaction.

No circle closes: delivery and billing answer `CheckPlan`, `CheckTerms` and `CheckTermination` without asking placement.
"""

from __future__ import annotations

from datetime import date
from typing import Protocol

from services.kernel.codes import Stage
from services.kernel.local_rules import LocalRules
from services.placement.documents.contract import User
from services.placement.errors import ArrearsTermNotReached
from services.runtime.civil import date_from_proto, date_to_proto
from services.runtime.local_rules import rules_from_proto
from services.runtime.peers import Peers
from socialcare.billing.v1 import billing_service_pb2, billing_service_pb2_grpc
from socialcare.delivery.v1 import delivery_service_pb2, delivery_service_pb2_grpc
from socialcare.intake.v1 import intake_service_pb2, intake_service_pb2_grpc, people_pb2
from socialcare.intake.v1 import resources_pb2 as intake_pb2
from socialcare.placement.v1 import placement_service_pb2 as pb

__all__ = ["Neighbours", "NeighboursOverGrpc"]


class Neighbours(Protocol):
    """What placement asks of the others; each raises the peer's own refusal, or PeerUnavailable."""

    async def case_facts(self, application_id: str) -> intake_pb2.CaseFacts:
        """Intake's facts of a case."""
        ...

    async def rules(self, municipality_id: str) -> LocalRules:
        """What a municipality has decided, by intake."""
        ...

    async def check_plan(self, request: pb.SignContractRequest, case: intake_pb2.CaseFacts) -> None:
        """Have delivery check the plan (R-06, R-07, R-18)."""
        ...

    async def check_terms(self, request: pb.SignContractRequest, case: intake_pb2.CaseFacts) -> None:
        """Have billing check the terms (F-13)."""
        ...

    async def check_termination(self, application_id: str, on: date) -> None:
        """Have billing check the arrears (D-08)."""
        ...

    async def user(self, person_id: str) -> User:
        """Whom a contract is for, by intake."""
        ...


class NeighboursOverGrpc:
    """The others behind their contracts."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers

    async def case_facts(self, application_id: str) -> intake_pb2.CaseFacts:
        """Intake's facts of a case."""
        intake = intake_service_pb2_grpc.IntakeServiceStub(self._peers.channel(Stage.INTAKE))
        answer = await intake.GetCaseFacts(intake_service_pb2.GetCaseFactsRequest(application_id=application_id))
        return answer.case_facts

    async def rules(self, municipality_id: str) -> LocalRules:
        """What a municipality has decided, by intake."""
        intake = intake_service_pb2_grpc.IntakeServiceStub(self._peers.channel(Stage.INTAKE))
        request = intake_service_pb2.GetMunicipalityRequest(municipality_id=municipality_id)
        municipality = (await intake.GetMunicipality(request)).municipality
        return rules_from_proto(municipality, municipality.version)

    async def check_plan(self, request: pb.SignContractRequest, case: intake_pb2.CaseFacts) -> None:
        """Have delivery check the plan (R-06, R-07, R-18)."""
        delivery = delivery_service_pb2_grpc.DeliveryServiceStub(self._peers.channel(Stage.DELIVERY))
        await delivery.CheckPlan(
            delivery_service_pb2.CheckPlanRequest(
                application_id=request.application_id,
                service_code=case.service_code,
                start_date=request.start_date,
                plan=request.plan,
                facts=case.facts,
                catalogue_changes=case.catalogue_changes,
            )
        )

    async def check_terms(self, request: pb.SignContractRequest, case: intake_pb2.CaseFacts) -> None:
        """Have billing check the terms (F-13)."""
        billing = billing_service_pb2_grpc.BillingServiceStub(self._peers.channel(Stage.BILLING))
        await billing.CheckTerms(
            billing_service_pb2.CheckTermsRequest(
                application_id=request.application_id,
                service_code=case.service_code,
                start_date=request.start_date,
                actual_cost=request.actual_cost if request.HasField("actual_cost") else None,
                unit_price=request.unit_price if request.HasField("unit_price") else None,
                catalogue_changes=case.catalogue_changes,
            )
        )

    async def check_termination(self, application_id: str, on: date) -> None:
        """Have billing check the arrears (D-08)."""
        billing = billing_service_pb2_grpc.BillingServiceStub(self._peers.channel(Stage.BILLING))
        answer = await billing.CheckTermination(
            billing_service_pb2.CheckTerminationRequest(application_id=application_id, on_date=date_to_proto(on))
        )
        if not answer.allowed:
            raise ArrearsTermNotReached

    async def user(self, person_id: str) -> User:
        """Whom a contract is for, by intake."""
        intake = intake_service_pb2_grpc.IntakeServiceStub(self._peers.channel(Stage.INTAKE))
        person = (await intake.GetPerson(people_pb2.GetPersonRequest(person_id=person_id))).person
        names = (person.given_name, person.father_name, person.family_name)
        return User(
            name=" ".join(name for name in names if name),
            birth_date=date_from_proto(person.birth_date, "birth_date"),
            address=person.address,
        )
