"""Credits of one month that pay what is open of another month of the same case (domain.md L-13)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from services.kernel.dates import Month
from services.kernel.money import Money

__all__ = ["OverpaidMonth", "SetOff"]


@dataclass(frozen=True, slots=True)
class SetOff:
    """A document by which a credit changes its month; never changed. Both amounts are above zero."""

    from_month: Month
    to_month: Month
    taken: Money
    """What the month that was overpaid gives, in the currency of its documents."""
    settled: Money
    """What it counts for in the other month, in the currency of that one's documents."""
    on: date
    set_off_id: str = ""
    """Empty until it is kept."""


@dataclass(frozen=True, slots=True)
class OverpaidMonth:
    """A month with more paid than its documents ask, in their currency.

    `refundable` is what of it came in as money: what was given up by order goes back to nobody.
    """

    case_id: str
    month: Month
    overpaid: Money
    refundable: Money
