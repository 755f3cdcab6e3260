"""To whom the money of a bill goes: what the municipality has set, on the day on which it is written down."""

from __future__ import annotations

from services.billing.domain.payee import Payee
from services.kernel.municipal_settings import MunicipalSettings

__all__ = ["payee_of"]


def payee_of(settings: MunicipalSettings) -> Payee | None:
    """The payee; None when the municipality has set nothing of it."""
    parts = (settings.text("billing.payee"), settings.text("billing.payee_address"), settings.text("billing.iban"))
    return Payee(*parts) if any(parts) else None
