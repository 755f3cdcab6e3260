"""To whom the money of a bill goes (domain.md C-26)."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Payee"]


@dataclass(frozen=True, slots=True)
class Payee:
    """Who is paid, as it stands on paper; a part that the municipality has not given is empty.

    `iban` is in capital letters without blanks, its check digits are right.
    """

    name: str
    address: str
    iban: str
