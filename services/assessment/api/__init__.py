"""The gRPC surface of assessment: conversions, permissions, peer reads, one transaction, the answer."""

from __future__ import annotations

from services.assessment.api.limits import LimitMethods
from services.assessment.api.needs import NeedsMethods
from services.assessment.api.operators import OperatorMethods
from services.assessment.api.reviews import ReviewMethods
from services.assessment.api.staff import StaffMethods
from services.assessment.metrics import AssessmentMetrics
from services.assessment.peers import DeliveryOverGrpc, DeliveryPort, IntakeOverGrpc, IntakePort
from services.runtime.server import Runtime

__all__ = ["AssessmentServicer"]


class AssessmentServicer(OperatorMethods, StaffMethods, NeedsMethods, LimitMethods, ReviewMethods):
    """Every method of `socialcare.assessment.v1.AssessmentService`."""

    def __init__(
        self, runtime: Runtime, intake: IntakePort | None = None, delivery: DeliveryPort | None = None
    ) -> None:
        """Serve with what the process has; `intake` and `delivery` stand in for the peers."""
        self._runtime = runtime
        self._intake = intake or IntakeOverGrpc(runtime.peers)
        self._delivery = delivery or DeliveryOverGrpc(runtime.peers)
        self._metrics = AssessmentMetrics(runtime.telemetry.registry)
