"""The process of intake: `python -m services.intake`."""

from __future__ import annotations

from services.intake.api import IntakeServicer
from services.intake.sending import Clerk, spool_of
from services.kernel.codes import Stage
from services.runtime.server import StageService, run
from socialcare.intake.v1 import intake_service_pb2

__all__ = ["SERVICE"]

SERVICE = StageService(
    Stage.INTAKE,
    intake_service_pb2.DESCRIPTOR.services_by_name["IntakeService"],
    IntakeServicer,
    companions=lambda runtime: (Clerk(runtime, spool_of(runtime)),),
)

if __name__ == "__main__":
    run(SERVICE)
