"""What an operator of billing watches; no label is an id."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from prometheus_client import CollectorRegistry, Counter, Gauge

from services.billing.domain.arrears import AGE_BUCKETS, AgeingLine
from services.billing.storage.standstill import Standstill

__all__ = ["BillingMetrics"]


class BillingMetrics:
    """Counters of one process."""

    def __init__(self, registry: CollectorRegistry) -> None:
        self.drafted = Counter(
            "socialcare_billing_drafts_total", "Invoices drafted by billing runs.", registry=registry
        )
        self.issued = Counter("socialcare_billing_invoices_total", "Invoices issued.", registry=registry)
        self.corrections = Counter(
            "socialcare_billing_corrections_total",
            "Documents issued over billed months: notes, and invoices of months billed 0.00.",
            registry=registry,
        )
        self.runs_finished = Counter(
            "socialcare_billing_runs_finished_total", "Billing runs that issued all their drafts.", registry=registry
        )
        self.bank_payments = Counter(
            "socialcare_billing_bank_payments_total", "Payments taken in from bank files.", registry=registry
        )
        shared = "replicas show the same rows, take the maximum. Absent where there is none, and without the database."
        self._blocked = Gauge(
            "socialcare_billing_blocked_runs",
            f"Billing runs that wait because an invariant is red; {shared}",
            ("municipality", "invariant"),
            registry=registry,
        )
        self._parked = Gauge(
            "socialcare_billing_parked_accounts",
            f"Accounts and months that no billing run could bill and nobody dismissed; {shared}",
            ("municipality", "reason"),
            registry=registry,
        )
        self._in_review = Gauge(
            "socialcare_billing_review_oldest_timestamp_seconds",
            f"Unix time since which the drafted month that waits longest has waited for approval; {shared}",
            ("municipality",),
            registry=registry,
        )
        self._letters = Gauge(
            "socialcare_billing_letters_waiting",
            f"Letters to clients that nobody delivered; {shared}",
            ("municipality",),
            registry=registry,
        )
        self._oldest_letter = Gauge(
            "socialcare_billing_letters_oldest_timestamp_seconds",
            f"Unix time at which the oldest of these letters was written; {shared}",
            ("municipality",),
            registry=registry,
        )
        self._next_month = Gauge(
            "socialcare_billing_next_month_timestamp_seconds",
            f"Unix time at which the first month with care that no finished run has billed is over; {shared}",
            ("municipality",),
            registry=registry,
        )
        self._uncounted = Gauge(
            "socialcare_billing_custody_counted_timestamp_seconds",
            "Unix time at which a count of clients' own money last agreed with the books, or at which the first of it "
            f"came in since; {shared}",
            ("municipality",),
            registry=registry,
        )
        self._overdue_invoices = Gauge(
            "socialcare_billing_overdue_invoices",
            "Invoices with open arrears, by days past the due date; replicas show the same rows, take the maximum. "
            "Absent while the database is away.",
            ("municipality", "above_days"),
            registry=registry,
        )
        self._unswept = Gauge(
            "socialcare_billing_unswept_cases",
            f"Cases at which the daily sweep of arrears failed; {shared}",
            ("municipality",),
            registry=registry,
        )
        self._overdue_cents = Gauge(
            "socialcare_billing_overdue_cents",
            "What is open of these invoices, in cents of the currency.",
            ("municipality", "above_days", "currency"),
            registry=registry,
        )

    def show_standstill(self, found: Standstill | None) -> None:
        """Show what waits for somebody, by municipality; None: not known."""
        for gauge in (self._blocked, self._in_review, self._parked, self._next_month, self._uncounted):
            gauge.clear()
        for gauge in (self._letters, self._oldest_letter):
            gauge.clear()
        if found is None:
            return
        for (municipality, invariant), runs in found.blocked.items():
            self._blocked.labels(municipality, invariant).set(runs)
        for municipality, since in found.in_review.items():
            self._in_review.labels(municipality).set(since.timestamp())
        for (municipality, reason), accounts in found.parked.items():
            self._parked.labels(municipality, reason).set(accounts)
        for municipality, (letters, oldest) in found.letters.items():
            self._letters.labels(municipality).set(letters)
            self._oldest_letter.labels(municipality).set(oldest.timestamp())
        for municipality, over_at in found.next_months.items():
            self._next_month.labels(municipality).set(over_at.timestamp())
        for municipality, since in found.uncounted.items():
            self._uncounted.labels(municipality).set(since.timestamp())

    def show_unswept(self, found: Mapping[str, int]) -> None:
        """Show at how many cases the sweep failed, by municipality."""
        self._unswept.clear()
        for municipality, cases in found.items():
            self._unswept.labels(municipality).set(cases)

    def show_overdue(self, found: Mapping[str, Sequence[AgeingLine]] | None) -> None:
        """Show what is overdue by municipality; None: not known."""
        self._overdue_invoices.clear()
        self._overdue_cents.clear()
        for municipality, lines in (found or {}).items():
            for line in lines:
                age = str((0, *AGE_BUCKETS)[line.bucket])
                self._overdue_invoices.labels(municipality, age).inc(line.invoices)
                self._overdue_cents.labels(municipality, age, line.total.currency.value).set(line.total.minor)
