"""What the stage counts; labels are closed codes."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter

from services.placement.domain.cases import Ground

__all__ = ["PlacementMetrics"]


class PlacementMetrics:
    """Counters of this process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.signed = Counter("socialcare_placement_contracts_signed", "Contracts signed here.", registry=registry)
        self.lapsed = Counter(
            "socialcare_placement_lapsed", "Cases closed because nobody signed in time.", registry=registry
        )
        self.terminated = Counter(
            "socialcare_placement_contracts_terminated", "Ends of service recorded.", ("ground",), registry=registry
        )
        for ground in Ground:
            self.terminated.labels(ground)
