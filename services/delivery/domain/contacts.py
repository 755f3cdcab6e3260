"""Where somebody goes to: names and addresses, which are intake's and pass through delivery unstored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Contact", "Contacts"]


@dataclass(frozen=True, slots=True, repr=False)
class Contact:
    """Name and current address of a person."""

    given_name: str
    father_name: str
    family_name: str
    address: str

    @property
    def name(self) -> str:
        """All names in their order; who has no father's name has two."""
        return " ".join(part for part in (self.given_name, self.father_name, self.family_name) if part)


@dataclass(frozen=True, slots=True, repr=False)
class Contacts:
    """What is known of the people of a sheet."""

    by_application: Mapping[str, Contact]
    """Without those that intake does not know."""
    failure: str = ""
    """Reason for which intake did not answer for all of them; empty: it did."""
