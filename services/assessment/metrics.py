"""What the stage counts; labels are closed codes."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter

from services.assessment.domain.visits import Rung, VisitResult

__all__ = ["AssessmentMetrics"]


class AssessmentMetrics:
    """Counters of this process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.rungs = Counter(
            "socialcare_assessment_rungs", "Rungs of limits taken by this process.", ("rung",), registry=registry
        )
        self.visits = Counter(
            "socialcare_assessment_visits", "Attempts to visit recorded here.", ("result",), registry=registry
        )
        for rung in Rung:
            self.rungs.labels(rung)
        for result in VisitResult:
            self.visits.labels(result)
