"""What the stage counts; labels are closed codes and codes of directorates."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from services.kernel.time_limit import LimitKind
from services.placement.domain.cases import Ground, Placement
from services.placement.domain.dialogue import RequestOutcome
from services.placement.storage.dialogue import Backlog
from services.placement.usecases.cases import Order

__all__ = ["PlacementMetrics"]

_DAYS = (1, 3, 7, 10, 14, 21, 30, 60, 90)


class PlacementMetrics:
    """Counters of this process, and what the database says of directorates."""

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
        self._answers = Histogram(
            "socialcare_placement_directorate_answer_days",
            "Civil days from a request for an order to its answer, of answers recorded by this process.",
            ("directorate", "outcome"),
            buckets=_DAYS,
            registry=registry,
        )
        self._waiting = Gauge(
            "socialcare_placement_directorate_waiting",
            "Requests for an order that the directorate has not answered; replicas show the same rows, take the "
            "maximum. NaN while the database is away.",
            ("directorate",),
            registry=registry,
        )
        self._oldest = Gauge(
            "socialcare_placement_directorate_oldest_timestamp_seconds",
            "Unix time since which the longest waiting request has been with the directorate; NaN when none waits.",
            ("directorate",),
            registry=registry,
        )
        self._directorates: set[str] = set()

    def answered(self, asked: Placement, order: Order, today: date) -> None:
        """Count an order or refusal by the days that it took; `asked` is the placement before it."""
        limit = asked.current_limit(LimitKind.ORDER_DECISION)
        if limit is not None:
            outcome = RequestOutcome.ISSUED if order.issued else RequestOutcome.REFUSED
            days = (today - limit.ledger.event_date).days
            self._answers.labels(order.directorate_code, outcome).observe(days)

    def show_backlogs(self, found: Mapping[str, Backlog] | None) -> None:
        """Show what waits for each directorate; one that has answered all shows 0. None: not known."""
        self._directorates.update(found or ())
        for code in self._directorates:
            backlog = None if found is None else found.get(code)
            waiting = float("nan") if found is None else 0 if backlog is None else backlog.requests
            self._waiting.labels(code).set(waiting)
            self._oldest.labels(code).set(float("nan") if backlog is None else backlog.since.timestamp())
