"""Who the person of an application is and where they live: what somebody needs who goes there."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Contact"]


@dataclass(frozen=True, slots=True, repr=False)
class Contact:
    """Name and current address of the person of an application."""

    application_id: str
    given_name: str
    father_name: str
    family_name: str
    address: str
