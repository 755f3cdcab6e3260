"""What intake asks of assessment: the facts that it found, and the day of the visit that it appointed."""

from __future__ import annotations

from datetime import date
from typing import Protocol

from services.intake.usecases.ports import FoundFacts
from services.intake.wire.facts import facts_from_proto
from services.kernel.codes import Stage
from services.runtime.civil import optional_date
from services.runtime.peers import Peers
from socialcare.assessment.v1 import assessment_service_pb2 as pb
from socialcare.assessment.v1 import assessment_service_pb2_grpc as grpc_pb

__all__ = ["Assessment", "AssessmentPeer"]


class Assessment(Protocol):
    """The part of assessment that intake needs."""

    async def found_facts(self, application_id: str) -> FoundFacts:
        """What the assessment found; PeerUnavailable when it is away, a refusal of its own as it is."""
        ...

    async def visit_day(self, application_id: str) -> date | None:
        """Day set for the visit, None while none is; refusals as above."""
        ...


class AssessmentPeer:
    """Assessment over the wire."""

    def __init__(self, peers: Peers) -> None:
        self._peers = peers

    async def found_facts(self, application_id: str) -> FoundFacts:
        stub = grpc_pb.AssessmentServiceStub(self._peers.channel(Stage.ASSESSMENT))
        answer = await stub.GetFoundFacts(pb.GetFoundFactsRequest(application_id=application_id))
        return FoundFacts(facts_from_proto(answer.facts), answer.version, answer.home_visit_done)

    async def visit_day(self, application_id: str) -> date | None:
        stub = grpc_pb.AssessmentServiceStub(self._peers.channel(Stage.ASSESSMENT))
        answer = await stub.GetAssessment(pb.GetAssessmentRequest(application_id=application_id))
        return optional_date(answer.assessment.scheduled_date, "scheduled_date")
