"""Which days order or referral cover after an act that follows them (S4a, R-33)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta

from services.kernel.register import decides
from services.placement.domain.cases import Placement, PlacementState
from services.placement.domain.register import (
    MUNICIPALITY,
    Act,
    ActChange,
    ActKind,
    ActStep,
    Coverage,
    CoveredDays,
    RegisteredAct,
    act_after,
)
from services.placement.errors import OrderLeavesGap, StepNotAllowed
from services.runtime.errors import InvalidArgument

__all__ = ["authorised", "covered_by", "days_of_acts", "following"]

_ONE_DAY = timedelta(days=1)
_ON_ORDER = frozenset(
    {
        PlacementState.READY,
        PlacementState.WAITLISTED,
        PlacementState.OFFERED,
        PlacementState.CONTRACTED,
        PlacementState.TERMINATED,
    }
)


@decides("S4a")
def following(act: RegisteredAct, change: ActChange) -> Act:
    """The act that follows this one and covers what is left, or more.

    Raises:
        StepNotAllowed: the act has been followed already, or covers nothing that could be changed.
        InvalidArgument: a day lies before the first one that the act covers.
    """
    act_after(act, change.step)
    match change.step:
        case ActStep.AMEND:
            if change.last is not None and change.last < act.covered.start:
                raise InvalidArgument(field="effective_to")
            covered, kind = Coverage(act.covered.start, change.last), ActKind.AMENDMENT
        case ActStep.REVOKE:
            if change.first is None or change.first < act.covered.start:
                raise InvalidArgument(field="revoked_from")
            covered, kind = Coverage(act.covered.start, change.first - _ONE_DAY), ActKind.REVOCATION
        case ActStep.SUPERSEDE:
            first = change.first or change.paper.act_date
            if change.last is not None and change.last < first:
                raise InvalidArgument(field="effective_to")
            covered = Coverage(first, change.last)
            kind = ActKind.REFERRAL if act.authority == MUNICIPALITY else ActKind.ORDER
    return Act(kind, act.authority, change.paper, covered, act.act_id)


@decides("R-33")
def covered_by(placement: Placement, act: Act) -> Coverage:
    """The days that the chain of acts covers together with its latest one.

    An order that follows another may begin anew before the first day of care; after it no day may be left between.

    Raises:
        OrderLeavesGap: days of a contract would lie between the two.
        StepNotAllowed: nothing is placed by an act.
    """
    if placement.basis_date is None:
        raise StepNotAllowed(metadata={"state": placement.state})
    present = Coverage(placement.basis_date, placement.basis_until)
    match act.kind:
        case ActKind.AMENDMENT:
            return Coverage(present.start, act.covered.end)
        case ActKind.REVOCATION:
            return Coverage(present.start, _earlier(present.end, act.covered.end))
        case _:
            if present.reaches(act.covered.start):
                return Coverage(min(present.start, act.covered.start), act.covered.end)
            if placement.contract is not None and act.covered.start > placement.contract.start_date:
                raise OrderLeavesGap(field="effective_from")
            return act.covered


@decides("S4a", "R-33")
def days_of_acts(acts: Iterable[RegisteredAct]) -> Sequence[CoveredDays]:
    """Which act of a case covers which days, by day, from its acts in the order of recording.

    An act that supersedes covers from its first day on; an amendment covers only days that it adds, as what it changes
    still covers the others; a revocation covers none. Refusals and rulings cover no days.
    """
    days: list[CoveredDays] = []
    for act in acts:
        first, last = act.covered.start, act.covered.end
        match act.kind:
            case ActKind.REFUSAL | ActKind.RULING:
                continue
            case ActKind.REVOCATION:
                days = _until(days, last)
                continue
            case ActKind.AMENDMENT:
                days = _until(days, last)
                if days and days[-1].last is None:
                    continue
                first = days[-1].last + _ONE_DAY if days and days[-1].last is not None else first
            case _:
                days = _until(days, first - _ONE_DAY)
        if last is None or first <= last:
            days.append(CoveredDays(act.act_id, act.number, first, last))
    return days


def _until(days: Sequence[CoveredDays], last: date | None) -> list[CoveredDays]:
    return [replace(item, last=_earlier(item.last, last)) for item in days if last is None or item.first <= last]


def _earlier(one: date | None, other: date | None) -> date | None:
    return min((day for day in (one, other) if day is not None), default=None)


def authorised(placement: Placement, covered: Coverage, today: date) -> Placement:
    """The placement with these days covered, and its contract with a version of its own: under another act's number.

    Raises:
        StepNotAllowed: the case has ended: nothing follows an act any more.
    """
    contract = placement.contract
    over = contract is not None and contract.end_date is not None and contract.end_date < today
    if placement.state not in _ON_ORDER or over:
        raise StepNotAllowed(metadata={"state": placement.state})
    changed = replace(placement, basis_date=covered.start, basis_until=covered.end)
    if contract is None:
        return changed
    anew = replace(contract, authorised_from=covered.start, authorised_to=covered.end, version=contract.version + 1)
    return replace(changed, contract=anew)
