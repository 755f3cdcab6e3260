"""Plans in ranges of days: what an amendment ends and what it brings, the past left as it was."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from itertools import zip_longest

from services.delivery.domain.care import PlanLine
from services.kernel.plan_terms import monday_of

__all__ = ["Amendment", "PlanRange", "amended"]


@dataclass(frozen=True, slots=True)
class PlanRange:
    """A stored range of a line; first and last day stand in its terms, no last day: as long as care lasts."""

    id: str
    line: int
    """Number of the line in the plan, from 1."""
    plan_line: PlanLine
    version: int
    """Version of the plan that brought it, from 1."""


@dataclass(frozen=True, slots=True)
class Amendment:
    """What changes from `first` on: ranges that end on the day before, and lines by number that begin."""

    first: date
    version: int
    cut: tuple[PlanRange, ...]
    added: tuple[tuple[int, PlanLine], ...]

    @property
    def changes(self) -> bool:
        """Whether anything differs at all."""
        return bool(self.cut or self.added)


def amended(ranges: Sequence[PlanRange], plan: Sequence[PlanLine], first: date, version: int) -> Amendment:
    """The amendment that makes `plan` hold from `first` on; a line that stays as it is keeps its range.

    `version` is that of the plan as amended. No range has had it before: one that never came to hold is not among
    `ranges`, but its version is spent.
    """
    ahead = [part for part in ranges if part.plan_line.terms.last is None or part.plan_line.terms.last >= first]
    cut: list[PlanRange] = []
    added: list[tuple[int, PlanLine]] = []
    by_line = [[part for part in ahead if part.line == number] for number in range(1, _lines(ahead) + 1)]
    for number, (stored, line) in enumerate(zip_longest(by_line, plan), start=1):
        wanted = None if line is None else _from(line, first)
        if stored and wanted is not None and [_from(part.plan_line, first) for part in stored] == [wanted]:
            continue
        cut += stored or ()
        if wanted is not None and (wanted.terms.last is None or wanted.terms.last >= first):
            added.append((number, wanted))
    return Amendment(first, version, tuple(cut), tuple(added))


def _lines(ranges: Sequence[PlanRange]) -> int:
    return max((part.line for part in ranges), default=0)


def _from(line: PlanLine, first: date) -> PlanLine:
    """The line as it holds from a day on; its rhythm keeps its anchor."""
    terms = line.terms
    begins = max(first, terms.first or first)
    anchor = terms.anchor or begins if terms.every_weeks > 1 else None
    return replace(line, terms=replace(terms, first=begins, anchor=anchor and monday_of(anchor)))
