"""What a case holds of the accounts of capacity (L-09).

A case holds the most that it needs on any day from now on: what a further version takes is held from the agreement, as
a place is from the order, and what it no longer needs is free on its first day, not before.
"""

from __future__ import annotations

from datetime import date, timedelta

from services.kernel.register import decides
from services.placement.domain.cases import Placement
from services.placement.domain.holdings import Kept

__all__ = ["accounts_of", "held_of", "kept_before", "next_return"]

_ONE_DAY = timedelta(days=1)


def accounts_of(placement: Placement) -> frozenset[str]:
    """Codes of the accounts of which the case holds something."""
    return frozenset({code for code, _ in _latest(placement)} | {one.account_code for one in placement.kept})


@decides("L-09")
def held_of(placement: Placement, account_code: str) -> int:
    """How much of the account the case holds: the most that it needs until a change, or by its latest version."""
    needed = [quantity for code, quantity in _latest(placement) if code == account_code]
    kept = [one.quantity for one in placement.kept if one.account_code == account_code]
    return max((*needed, *kept), default=0)


def kept_before(placement: Placement, first_date: date) -> tuple[Kept, ...]:
    """What the case needs until the day before a further version holds, in the order of days.

    A version that is replaced on its own first day never holds: nothing is kept for it.
    """
    contract = placement.contract
    if contract is None or contract.present_from >= first_date:
        return placement.kept
    last_date = first_date - _ONE_DAY
    return (*placement.kept, *(Kept(code, quantity, last_date) for code, quantity in _latest(placement)))


def next_return(placement: Placement) -> date | None:
    """The next day on which something is free because the case needs less; None: nothing is kept that it needs then."""
    days = []
    for one in placement.kept:
        later = [other.quantity for other in placement.kept if _follows(other, one)]
        latest = [quantity for code, quantity in _latest(placement) if code == one.account_code]
        if one.quantity > max((*later, *latest), default=0):
            days.append(one.last_date + _ONE_DAY)
    return min(days, default=None)


def _follows(other: Kept, one: Kept) -> bool:
    return other.account_code == one.account_code and other.last_date > one.last_date


def _latest(placement: Placement) -> tuple[tuple[str, int], ...]:
    """What the latest version takes: account and quantity."""
    if placement.holds_place:
        return ((placement.facility_code, 1),)
    if placement.programme_quantity:
        return ((placement.programme_code, placement.programme_quantity),)
    return ()
