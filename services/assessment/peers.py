"""The other services as assessment sees them."""

from __future__ import annotations

from typing import Protocol

from services.kernel.codes import Stage
from services.kernel.local_rules import LocalRules
from services.runtime.local_rules import rules_from_proto
from services.runtime.peers import Peers
from socialcare.assessment.v1 import needs_pb2
from socialcare.common.v1 import facts_pb2
from socialcare.delivery.v1 import delivery_service_pb2, delivery_service_pb2_grpc
from socialcare.intake.v1 import intake_service_pb2, intake_service_pb2_grpc
from socialcare.intake.v1 import resources_pb2 as intake_pb2

__all__ = ["DeliveryOverGrpc", "DeliveryPort", "IntakeOverGrpc", "IntakePort"]


class IntakePort(Protocol):
    """What assessment asks of intake."""

    async def case_facts(self, application_id: str) -> intake_pb2.CaseFacts:
        """The facts of a case; NotFound, PeerUnavailable."""
        ...

    async def rules(self, municipality_id: str) -> LocalRules:
        """What a municipality has decided; NotFound, PeerUnavailable."""
        ...

    async def office_heads(self, municipality_id: str) -> frozenset[str]:
        """Staff ids of the heads of a municipality's offices; NotFound, PeerUnavailable."""
        ...


class IntakeOverGrpc:
    """Intake behind its contract."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers

    async def case_facts(self, application_id: str) -> intake_pb2.CaseFacts:
        """The facts of a case; NotFound, PeerUnavailable."""
        intake = intake_service_pb2_grpc.IntakeServiceStub(self._peers.channel(Stage.INTAKE))
        answer = await intake.GetCaseFacts(intake_service_pb2.GetCaseFactsRequest(application_id=application_id))
        return answer.case_facts

    async def rules(self, municipality_id: str) -> LocalRules:
        """What a municipality has decided; NotFound, PeerUnavailable."""
        municipality = await self._municipality(municipality_id)
        return rules_from_proto(municipality, municipality.version)

    async def office_heads(self, municipality_id: str) -> frozenset[str]:
        """Staff ids of the heads of a municipality's offices; NotFound, PeerUnavailable."""
        return frozenset(office.head_staff_id for office in (await self._municipality(municipality_id)).offices)

    async def _municipality(self, municipality_id: str) -> intake_pb2.Municipality:
        intake = intake_service_pb2_grpc.IntakeServiceStub(self._peers.channel(Stage.INTAKE))
        request = intake_service_pb2.GetMunicipalityRequest(municipality_id=municipality_id)
        return (await intake.GetMunicipality(request)).municipality


class DeliveryPort(Protocol):
    """What assessment asks of delivery."""

    async def check_plan(self, request: needs_pb2.ProposePlanRequest, case: intake_pb2.CaseFacts) -> None:
        """Have codes and hours of a proposal checked (R-18); delivery's own refusal, PeerUnavailable."""
        ...


class DeliveryOverGrpc:
    """Delivery behind its contract."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers

    async def check_plan(self, request: needs_pb2.ProposePlanRequest, case: intake_pb2.CaseFacts) -> None:
        """Have codes and hours of a proposal checked (R-18); delivery's own refusal, PeerUnavailable.

        A proposal is made before the papers of R-06 and R-07 need be there: they are asked for at the signing.
        """
        delivery = delivery_service_pb2_grpc.DeliveryServiceStub(self._peers.channel(Stage.DELIVERY))
        await delivery.CheckPlan(
            delivery_service_pb2.CheckPlanRequest(
                application_id=request.application_id,
                service_code=case.service_code,
                start_date=request.start_date,
                plan=request.lines,
                facts=facts_pb2.Facts(prescription=True, support_plan=True),
                catalogue_changes=case.catalogue_changes,
            )
        )
