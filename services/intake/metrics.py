"""What intake counts beside the calls themselves: cases by the state that they entered."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter

from services.kernel.codes import CaseState

__all__ = ["IntakeMetrics"]


class IntakeMetrics:
    """Counters of the stage; labels are closed codes."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._cases = Counter(
            "socialcare_intake_case_steps",
            "Steps of cases, by the state after the step.",
            ("state",),
            registry=registry,
        )
        for state in CaseState:
            self._cases.labels(state)

    def stepped(self, state: CaseState) -> None:
        """Count a step that a command led to; a repeated request is no step."""
        self._cases.labels(state).inc()
