"""The other services as assessment sees them."""

from __future__ import annotations

from typing import Protocol

from services.kernel.codes import Stage
from services.runtime.peers import Peers
from socialcare.intake.v1 import intake_service_pb2, intake_service_pb2_grpc
from socialcare.intake.v1 import resources_pb2 as intake_pb2

__all__ = ["IntakeOverGrpc", "IntakePort"]


class IntakePort(Protocol):
    """What assessment asks of intake."""

    async def case_facts(self, application_id: str) -> intake_pb2.CaseFacts:
        """The facts of a case; NotFound, PeerUnavailable."""
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
