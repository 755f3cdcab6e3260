"""What the stage counts; labels are closed codes."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Histogram

from services.delivery.domain.care import Outcome

__all__ = ["DeliveryMetrics"]

_SECONDS = (0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)


class DeliveryMetrics:
    """Counters of this process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.units_planned = Counter(
            "socialcare_delivery_units_planned", "Planned units that pages made or changed.", registry=registry
        )
        self.page_seconds = Histogram(
            "socialcare_delivery_page_seconds", "Seconds to plan one page.", registry=registry, buckets=_SECONDS
        )
        self.runs_closed = Counter("socialcare_delivery_runs_closed", "Daily runs finished.", registry=registry)
        self.recorded = Counter("socialcare_delivery_recorded", "Records of care.", ("outcome",), registry=registry)
        for outcome in (Outcome.DELIVERED, Outcome.MISSED):
            self.recorded.labels(outcome)
