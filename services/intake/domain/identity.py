"""What is recorded of an identity document: that it was seen (domain.md section 10)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

__all__ = ["IDENTITY_SHOWN", "IdentityDocument", "Sighting"]

IDENTITY_SHOWN = "IDENTITY_SHOWN"
"""Code of the paper of section 9 that a sighting stands for."""


class IdentityDocument(StrEnum):
    """Kind of an identity document."""

    IDENTITY_CARD = "IDENTITY_CARD"
    PASSPORT = "PASSPORT"
    DRIVING_LICENCE = "DRIVING_LICENCE"
    RESIDENCE_PERMIT = "RESIDENCE_PERMIT"


@dataclass(frozen=True, slots=True)
class Sighting:
    """An identity document was shown for an application: kind, staff id of who saw it, instant. There is no more."""

    application_id: str
    kind: IdentityDocument
    seen_by: str
    seen_at: datetime
