"""Versions of a signed contract, and what holds on which day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import StrEnum

from services.kernel.dates import Weekday
from services.kernel.plan_terms import EVERY_WEEK, LineTerms

__all__ = ["Amendment", "AmendmentCause", "PlanLine", "districts_by_day", "facilities_by_day", "plan_by_day"]

_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class PlanLine:
    """What is given, how much a day, on which days; none: on request."""

    code: str
    quantity: int
    weekdays: tuple[Weekday, ...]
    terms: LineTerms = EVERY_WEEK


class AmendmentCause(StrEnum):
    """Why a contract has a further version; names as in `socialcare.placement.v1`."""

    AMENDED = "AMENDED"
    TRANSFERRED = "TRANSFERRED"


@dataclass(frozen=True, slots=True)
class Amendment:
    """A version behind the signed one, which is number 1."""

    number: int
    cause: AmendmentCause
    agreed_date: date
    first_date: date
    """First day on which it holds."""
    plan: tuple[PlanLine, ...]
    facility_code: str
    district_code: str
    district_before: str
    document_sha256: str = ""
    order_act_id: str = ""
    """The order on which it rests, in the register of acts; empty: none was needed."""
    facility_before: str | None = None
    """The facility until the day before; None: not on record, agreed by a release that did not keep it."""


def plan_by_day(start: date, signed: Sequence[PlanLine], amendments: Sequence[Amendment]) -> tuple[PlanLine, ...]:
    """The plans of all versions as one, each line within the days of its version; a move changes no line."""
    versions: list[tuple[date | None, Sequence[PlanLine]]] = [(None, signed)]
    versions += [(one.first_date, one.plan) for one in amendments if one.cause is AmendmentCause.AMENDED]
    lines: list[PlanLine] = []
    anchors: Mapping[_Rhythm, date] = {}
    for index, (first, plan) in enumerate(versions):
        following = [begin for begin, _ in versions[index + 1 :] if begin is not None]
        last = min(following, default=None)
        anchored = [(line, _anchor(line, first or start, anchors)) for line in plan]
        anchors = {_rhythm(line): anchor for line, anchor in anchored}
        within = (
            _within(line, (start, anchor), first, None if last is None else last - _ONE_DAY)
            for line, anchor in anchored
        )
        lines += [line for line in within if line is not None]
    return tuple(lines)


def districts_by_day(start: date, amendments: Sequence[Amendment]) -> tuple[tuple[date, str], ...]:
    """Districts with their first days, the first from the first day of care; none where nobody moved."""
    moves = [version for version in amendments if version.district_code != version.district_before]
    if not moves:
        return ()
    return ((start, moves[0].district_before), *((move.first_date, move.district_code) for move in moves))


def facilities_by_day(start: date, amendments: Sequence[Amendment]) -> tuple[tuple[date, str], ...]:
    """Facilities with their first days, the first from the first day of care; none where nobody moved.

    No day stands twice: of two versions from one day the later holds.
    """
    moves = [version for version in amendments if version.facility_before not in (None, version.facility_code)]
    if not moves:
        return ()
    by_day = {start: moves[0].facility_before or ""} | {move.first_date: move.facility_code for move in moves}
    return tuple(by_day.items())


_Rhythm = tuple[str, tuple[Weekday, ...], int]


def _rhythm(line: PlanLine) -> _Rhythm:
    """What makes a line of the next version the same one that goes on."""
    return line.code, line.weekdays, line.terms.every_weeks


def _anchor(line: PlanLine, begins: date, before: Mapping[_Rhythm, date]) -> date:
    """A day of the weeks that count; a line that goes on without one of its own keeps that of the version before."""
    return line.terms.anchor or line.terms.first or before.get(_rhythm(line), begins)


def _within(line: PlanLine, origin: tuple[date, date], first: date | None, last: date | None) -> PlanLine | None:
    start, anchor = origin
    terms = line.terms
    begins = max((day for day in (terms.first, first) if day is not None), default=None)
    ends = min((day for day in (terms.last, last) if day is not None), default=None)
    if ends is not None and ends < (begins or start):
        return None
    # Without an anchor the weeks are counted from the first day, which the version may have moved.
    moved = terms.every_weeks > 1 and anchor != (begins or start)
    return replace(line, terms=replace(terms, first=begins, last=ends, anchor=anchor if moved else terms.anchor))
