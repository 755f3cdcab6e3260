"""The gRPC face of billing."""

from __future__ import annotations

from services.billing.api.answers import PureAnswers

__all__ = ["BillingServicer"]


class BillingServicer(PureAnswers):
    """Every method of `BillingService` that this version offers."""
