"""What a benchmark answers: medians with their spread, the figure that a budget limits, and whether it is kept."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum, StrEnum, auto

__all__ = ["Budget", "Figure", "Judged", "Limit", "Result", "Verdict", "ratios"]


class Limit(StrEnum):
    """Which side of a budget is the good one; the budget itself is included."""

    AT_MOST = "≤"
    AT_LEAST = "≥"


class Judged(Enum):
    """What a budget is about."""

    FIGURE = auto()
    """The ratio to the floor, or the count."""
    MEASURED = auto()
    """What was measured itself; the ratio is shown for information."""


class Verdict(StrEnum):
    """Whether the median keeps the budget."""

    KEPT = "kept"
    MISSED = "missed"


@dataclass(frozen=True, slots=True)
class Figure:
    """One quantity as its rounds gave it; `unit` is empty for a ratio or a count."""

    rounds: tuple[float, ...]
    unit: str = ""

    @property
    def median(self) -> float:
        """The middle of the rounds."""
        return statistics.median(self.rounds)

    @property
    def low(self) -> float:
        """The smallest round."""
        return min(self.rounds)

    @property
    def high(self) -> float:
        """The largest round."""
        return max(self.rounds)


@dataclass(frozen=True, slots=True)
class Budget:
    """A bound on a figure; `unit` is that of the figure."""

    limit: Limit
    bound: float
    unit: str = ""
    judged: Judged = Judged.FIGURE

    def verdict(self, figure: Figure) -> Verdict:
        """Whether the median of the figure keeps the bound."""
        good = figure.median <= self.bound if self.limit is Limit.AT_MOST else figure.median >= self.bound
        return Verdict.KEPT if good else Verdict.MISSED


@dataclass(frozen=True, slots=True)
class Result:
    """One row of the table. `figure` is the ratio where there is a floor, otherwise what was measured."""

    work: str
    measured: Figure
    floor: Figure | None
    figure: Figure
    budget: Budget

    @property
    def verdict(self) -> Verdict:
        """Whether the budget is kept."""
        return self.budget.verdict(self.figure if self.budget.judged is Judged.FIGURE else self.measured)


def ratios(measured: Sequence[float], floor: Sequence[float]) -> Figure:
    """Measured by floor, round by round: what slows a whole round down divides out."""
    return Figure(tuple(one / other for one, other in zip(measured, floor, strict=True)))
