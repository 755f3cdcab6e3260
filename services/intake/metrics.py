"""What intake counts beside the calls themselves: cases by the state that they entered."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge

from services.kernel.codes import CaseState

__all__ = ["IntakeMetrics", "NoticeMetrics"]


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


class NoticeMetrics:
    """What waits to be delivered; replicas show the same rows, take the maximum."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._waiting = Gauge(
            "socialcare_intake_notices_waiting", "Notices to applicants not delivered yet.", registry=registry
        )
        self._oldest = Gauge(
            "socialcare_intake_notices_oldest_timestamp_seconds",
            "Unix time at which the oldest waiting notice was written; NaN when none waits.",
            registry=registry,
        )
        self.handed_over = Counter(
            "socialcare_intake_notices_spooled", "Notices spooled by this process.", registry=registry
        )
        self._oldest.set(float("nan"))

    def show(self, waiting: int, oldest: float | None) -> None:
        """Show how many wait and since when the oldest does."""
        self._waiting.set(waiting)
        self._oldest.set(float("nan") if oldest is None else oldest)
