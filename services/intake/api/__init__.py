"""The gRPC face of intake: who may, what was asked, which use case, what is answered."""

from __future__ import annotations

from services.intake.api.catalogue import CatalogueMethods
from services.intake.api.contacts import ContactMethods
from services.intake.api.found_facts import FoundFactsMethods
from services.intake.api.imports import ImportMethods
from services.intake.api.limits import LimitMethods
from services.intake.api.notices import NoticeMethods
from services.intake.api.operators import OperatorMethods
from services.intake.api.timelines import TimelineMethods
from services.intake.assessment import Assessment, AssessmentPeer
from services.intake.metrics import IntakeMetrics
from services.intake.stages import Stages, StagesOverGrpc
from services.runtime.server import Runtime

__all__ = ["IntakeServicer"]


class IntakeServicer(
    OperatorMethods,
    CatalogueMethods,
    ContactMethods,
    ImportMethods,
    NoticeMethods,
    TimelineMethods,
    LimitMethods,
    FoundFactsMethods,
):
    """Every method of `socialcare.intake.v1.IntakeService`."""

    def __init__(self, runtime: Runtime, assessment: Assessment | None = None, stages: Stages | None = None) -> None:
        """Serve with what the process has; `assessment` and `stages` stand in for the peers."""
        self._runtime = runtime
        self._assessment = assessment or AssessmentPeer(runtime.peers)
        self._stages = stages or StagesOverGrpc(runtime.peers)
        self._metrics = IntakeMetrics(runtime.telemetry.registry)
