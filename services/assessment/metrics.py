"""What the stage counts; labels are closed codes."""

from __future__ import annotations

from collections.abc import Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge

from services.assessment.domain.visits import LADDERS, Rung, VisitResult
from services.kernel.time_limit import LimitKind

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
        self._breaches = Gauge(
            "socialcare_assessment_breaches_without_cause",
            "Breached limits for which nobody recorded a cause; replicas show the same rows, take the maximum. "
            "NaN while the database is away.",
            ("kind",),
            registry=registry,
        )
        self.show_breaches(None)
        for rung in Rung:
            self.rungs.labels(rung)
        for result in VisitResult:
            self.visits.labels(result)

    def show_breaches(self, counted: Mapping[LimitKind, int] | None) -> None:
        """Show how many breaches have no cause, by limit; None: not known."""
        for kind in LADDERS:
            self._breaches.labels(kind).set(float("nan") if counted is None else counted.get(kind, 0))
