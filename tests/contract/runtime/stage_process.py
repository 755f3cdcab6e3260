"""A stage's `__main__` as tests start it."""

from __future__ import annotations

from services.kernel.codes import Stage
from services.runtime.server import Runtime, StageService, run
from socialcare.intake.v1 import intake_service_pb2 as pb


class Nothing:
    """A servicer that offers nothing yet."""

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime


if __name__ == "__main__":
    run(StageService(Stage.INTAKE, pb.DESCRIPTOR.services_by_name["IntakeService"], Nothing))
