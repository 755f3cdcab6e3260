"""Which fact made a credit or debit note necessary."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

__all__ = ["UNKNOWN_CAUSE", "Cause", "NoteCause"]


class NoteCause(StrEnum):
    """Kind of the fact that a note follows; UNKNOWN for notes that were issued before it was kept."""

    INCOME = "INCOME"
    ASSETS = "ASSETS"
    COST = "COST"
    CONTRACT = "CONTRACT"
    SERVED_DAYS = "SERVED_DAYS"
    TARIFF = "TARIFF"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Cause:
    """The fact whose recording issued a note.

    `fact_id` is the declaration's id, the contract's version, the version of the month's served days, or the
    number of the tariff; empty when unknown.
    """

    code: NoteCause
    fact_id: str


UNKNOWN_CAUSE = Cause(NoteCause.UNKNOWN, "")
