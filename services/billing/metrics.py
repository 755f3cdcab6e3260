"""What an operator of billing watches; no label is an id."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter

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
