"""What the stage counts; labels are closed codes."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from services.delivery.domain.care import Outcome
from services.delivery.domain.kitchens import UncookedReason
from services.delivery.domain.staff import AssignmentStep
from services.delivery.domain.welfare import OPEN_STATES, WelfareOutcome, WelfareState
from services.delivery.storage.assignment import UnassignedCount
from services.delivery.storage.authorisations import Ending
from services.delivery.storage.pages import Parked
from services.kernel.dates import start_of_day

__all__ = ["CookingMetrics", "DeliveryMetrics", "WatchMetrics"]

_NOT_LOOKED_AT = "NOT_LOOKED_AT"
"""Planned since the day was assigned."""
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
        self.sheets_without_contacts = Counter(
            "socialcare_delivery_sheets_without_contacts",
            "Day and route sheets given without names and addresses, as intake did not answer.",
            registry=registry,
        )
        self.welfare_opened = Counter(
            "socialcare_delivery_welfare_opened", "Welfare checks opened by calls.", ("cause",), registry=registry
        )
        for cause in ("RECORD", "SWEEP"):
            self.welfare_opened.labels(cause)
        self.welfare_closed = Counter(
            "socialcare_delivery_welfare_closed", "Welfare checks ended here.", ("outcome",), registry=registry
        )
        for ending in WelfareOutcome:
            self.welfare_closed.labels(ending)
        shared = "replicas show the same rows, take the maximum. NaN while the database is away."
        self._welfare_open = Gauge(
            "socialcare_delivery_welfare_checks_open",
            f"Welfare checks without an outcome, by rung; {shared}",
            ("rung",),
            registry=registry,
        )
        self._welfare_overdue = Gauge(
            "socialcare_delivery_welfare_checks_overdue",
            f"Of these, with the office head or past the time of their rung; {shared}",
            ("rung",),
            registry=registry,
        )
        self.show_welfare(None)
        self._unassigned = Gauge(
            "socialcare_delivery_visits_unassigned",
            f"Planned visits that nobody goes to, by the condition at which the last assistant fell out, or "
            f"`{_NOT_LOOKED_AT}`; {shared}",
            ("reason",),
            registry=registry,
        )
        self.show_unassigned(None)
        rows = "replicas show the same rows, take the maximum. Absent where there is none, and without the database."
        self._parked = Gauge(
            "socialcare_delivery_parked_cases",
            f"Cases that no daily run could plan, or send anybody to; {rows}",
            ("municipality",),
            registry=registry,
        )
        self._unplanned = Gauge(
            "socialcare_delivery_parked_first_day_timestamp_seconds",
            f"Unix time at which the first day begins of which nothing is planned for a parked case; {rows}",
            ("municipality",),
            registry=registry,
        )

        self._ending = Gauge(
            "socialcare_delivery_authorisations_ending",
            f"Contracts that go on while their order or referral ends soon or has ended; {rows}",
            ("municipality",),
            registry=registry,
        )
        self._first_end = Gauge(
            "socialcare_delivery_authorisation_end_timestamp_seconds",
            f"Unix time at which care stops, or has stopped, in the first of these contracts; {rows}",
            ("municipality",),
            registry=registry,
        )

    def show_ending(self, found: Mapping[str, Ending]) -> None:
        """Show ending authorisations by municipality; empty: none, or not known."""
        self._ending.clear()
        self._first_end.clear()
        for municipality, ending in found.items():
            self._ending.labels(municipality).set(ending.cases)
            stops = start_of_day(ending.first_last_day + timedelta(days=1))
            self._first_end.labels(municipality).set(stops.timestamp())

    def show_parked(self, found: Mapping[str, Parked]) -> None:
        """Show parked cases by municipality; empty: none, or not known."""
        self._parked.clear()
        self._unplanned.clear()
        for municipality, parked in found.items():
            self._parked.labels(municipality).set(parked.cases)
            self._unplanned.labels(municipality).set(start_of_day(parked.first_day).timestamp())

    def show_welfare(self, counted: Mapping[WelfareState, tuple[int, int]] | None) -> None:
        """Show open checks and those that are too late, by rung; None: not known."""
        for rung in OPEN_STATES:
            checks, overdue = (float("nan"), float("nan")) if counted is None else counted.get(rung, (0, 0))
            self._welfare_open.labels(rung).set(checks)
            self._welfare_overdue.labels(rung).set(overdue)

    def show_unassigned(self, counted: UnassignedCount | None) -> None:
        """Show how many visits nobody goes to, by reason; None: not known."""
        for step in (None, *AssignmentStep):
            if step is not AssignmentStep.SCORE:
                reason = _NOT_LOOKED_AT if step is None else step
                self._unassigned.labels(reason).set(float("nan") if counted is None else counted.get(step, 0))


class WatchMetrics:
    """What the look for missed visits shows."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._looked = Gauge(
            "socialcare_delivery_visits_looked_at_timestamp_seconds",
            "Unix time at which every municipality had been looked at for missed visits; NaN before the first time.",
            registry=registry,
        )
        self._looked.set(float("nan"))
        self._opened = Counter(
            "socialcare_delivery_visits_found_missed",
            "Welfare checks opened by the look for missed visits.",
            registry=registry,
        )

    def looked(self, at: datetime) -> None:
        """Note that every municipality has been looked at."""
        self._looked.set(at.timestamp())

    def opened(self, checks: int) -> None:
        """Note how many checks a look opened."""
        self._opened.inc(checks)


class CookingMetrics:
    """What the clerk of kitchens shows."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self._looked = Gauge(
            "socialcare_delivery_kitchens_looked_at_timestamp_seconds",
            "Unix time at which every kitchen had the sheets that are due; NaN before the first time.",
            registry=registry,
        )
        self._looked.set(float("nan"))
        self._uncooked = Gauge(
            "socialcare_delivery_meals_uncooked",
            "Meals of today and tomorrow that somebody waits for and no kitchen cooks, by reason; replicas show the "
            "same rows, take the maximum. Absent where there is none.",
            ("municipality", "reason"),
            registry=registry,
        )

    def looked(self, at: datetime) -> None:
        """Note that every kitchen has been told what to cook."""
        self._looked.set(at.timestamp())

    def show(self, uncooked: Mapping[tuple[str, UncookedReason], int]) -> None:
        """Show meals that no kitchen cooks, by municipality and reason; empty: none, or not known."""
        self._uncooked.clear()
        for (municipality, reason), meals in uncooked.items():
            self._uncooked.labels(municipality, reason).set(meals)
