"""Process of assessment: `python -m services.assessment`."""

from __future__ import annotations

from services.assessment.api import AssessmentServicer
from services.kernel.codes import Stage
from services.runtime.server import StageService, run
from socialcare.assessment.v1 import assessment_service_pb2

__all__ = ["SERVICE"]

SERVICE = StageService(
    Stage.ASSESSMENT, assessment_service_pb2.DESCRIPTOR.services_by_name["AssessmentService"], AssessmentServicer
)
"""Assessment as its process sees it."""

if __name__ == "__main__":
    run(SERVICE)
