"""What a case needs of an account until a change of its contract takes effect."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

__all__ = ["Kept", "is_programme", "over"]


@dataclass(frozen=True, slots=True)
class Kept:
    """A quantity of an account that is needed until `last_date`, not on top of what is needed later."""

    account_code: str
    quantity: int
    last_date: date


def is_programme(account_code: str) -> bool:
    """Whether an account is that of a programme; no facility has a code like it."""
    return "/" in account_code


def over(kept: Iterable[Kept], today: date) -> tuple[Kept, ...]:
    """What is needed no more."""
    return tuple(one for one in kept if one.last_date < today)
