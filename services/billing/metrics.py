"""What an operator of billing watches; no label is an id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge

from services.billing.domain.arrears import AGE_BUCKETS, AgeingLine
from services.billing.domain.runs import Invariant, ParkReason

__all__ = ["BillingMetrics"]


class BillingMetrics:
    """Counters of one process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.drafted = Counter(
            "socialcare_billing_drafts_total", "Invoices drafted by billing runs.", registry=registry
        )
        self.issued = Counter("socialcare_billing_invoices_total", "Invoices issued.", registry=registry)
        self.corrections = Counter(
            "socialcare_billing_corrections_total", "Credit and debit notes issued.", registry=registry
        )
        self.runs_finished = Counter(
            "socialcare_billing_runs_finished_total", "Billing runs that issued all their drafts.", registry=registry
        )
        self.bank_payments = Counter(
            "socialcare_billing_bank_payments_total", "Payments taken in from bank files.", registry=registry
        )
        self._blocked = Gauge(
            "socialcare_billing_blocked_runs",
            "Billing runs that wait because an invariant is red; replicas show the same rows, take the maximum. "
            "NaN while the database is away.",
            ("invariant",),
            registry=registry,
        )
        self._parked = Gauge(
            "socialcare_billing_parked_accounts",
            "Accounts and months that no billing run could bill; replicas show the same rows, take the maximum. "
            "NaN while the database is away.",
            ("reason",),
            registry=registry,
        )
        self._overdue_invoices = Gauge(
            "socialcare_billing_overdue_invoices",
            "Invoices with open arrears, by days past the due date; replicas show the same rows, take the maximum. "
            "Absent while the database is away.",
            ("municipality", "above_days"),
            registry=registry,
        )
        self._overdue_cents = Gauge(
            "socialcare_billing_overdue_cents",
            "What is open of these invoices, in cents of the currency.",
            ("municipality", "above_days", "currency"),
            registry=registry,
        )
        self.show_runs(None, None)

    def show_runs(self, blocked: Mapping[Invariant, int] | None, parked: Mapping[ParkReason, int] | None) -> None:
        """Show how many runs wait by invariant and how many accounts by reason; None: not known."""
        for invariant in Invariant:
            self._blocked.labels(invariant).set(float("nan") if blocked is None else blocked.get(invariant, 0))
        for reason in ParkReason:
            self._parked.labels(reason).set(float("nan") if parked is None else parked.get(reason, 0))

    def show_overdue(self, found: Mapping[str, Sequence[AgeingLine]] | None) -> None:
        """Show what is overdue by municipality; None: not known."""
        self._overdue_invoices.clear()
        self._overdue_cents.clear()
        for municipality, lines in (found or {}).items():
            for line in lines:
                age = str((0, *AGE_BUCKETS)[line.bucket])
                self._overdue_invoices.labels(municipality, age).inc(line.invoices)
                self._overdue_cents.labels(municipality, age, line.total.currency.value).set(line.total.minor)
