"""Instruments by which needs are scored, what answers come to, and proposed support plans."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from itertools import pairwise

from services.kernel.dates import Weekday
from services.kernel.plan_terms import EVERY_WEEK, LineTerms

__all__ = [
    "Answer",
    "Band",
    "Goal",
    "Instrument",
    "Item",
    "KeptPlan",
    "KeptScore",
    "NeedsScore",
    "PlanLine",
    "SupportPlan",
]


@dataclass(frozen=True, slots=True)
class Item:
    """One question with the points of each answer that there is."""

    code: str
    name_bg: str
    name_en: str
    options: Mapping[str, int]
    """Points, 0 or more, by code of the option."""


@dataclass(frozen=True, slots=True)
class Band:
    """A level of need, from so many points on."""

    from_points: int
    level: str


@dataclass(frozen=True, slots=True)
class Instrument:
    """A questionnaire in one version; it is data, so that a municipality may have its own.

    ValueError, with the path of the field, when codes repeat, bands do not rise, or a score would have no level.
    """

    code: str
    version: int
    items: tuple[Item, ...]
    bands: tuple[Band, ...]
    """In rising order."""
    source: str
    from_date: date | None = None
    """First day in force; None for the shipped one."""
    to_date: date | None = None
    """Last day, included; None: open."""
    by_code: Mapping[str, Item] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_code", {item.code: item for item in self.items})
        if not self.items or len(self.by_code) != len(self.items):
            raise ValueError("items")
        levels = {band.level for band in self.bands}
        rising = all(lower.from_points < upper.from_points for lower, upper in pairwise(self.bands))
        least = sum(min(item.options.values()) for item in self.items)
        if not self.bands or len(levels) != len(self.bands) or not rising or self.bands[0].from_points > least:
            raise ValueError("bands")

    def level_of(self, points: int) -> str:
        """The level that holds at so many points."""
        return next(band.level for band in reversed(self.bands) if band.from_points <= points)

    @property
    def most(self) -> int:
        """The greatest possible score."""
        return sum(max(item.options.values()) for item in self.items)


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer given."""

    item: str
    option: str


@dataclass(frozen=True, slots=True)
class NeedsScore:
    """What answers come to; health data."""

    instrument_code: str
    instrument_version: int
    answers: tuple[Answer, ...]
    """One for each item, in the order of the instrument."""
    points: int
    level: str


@dataclass(frozen=True, slots=True)
class KeptScore:
    """A score on record."""

    version: int
    """From 1 in the case."""
    scored_at: datetime
    score: NeedsScore


class Goal(StrEnum):
    """What a support plan is for; names as in `socialcare.assessment.v1.SupportGoal`."""

    DAILY_LIVING = "DAILY_LIVING"
    NUTRITION = "NUTRITION"
    HEALTH = "HEALTH"
    MOBILITY = "MOBILITY"
    SAFETY = "SAFETY"
    SOCIAL_CONTACTS = "SOCIAL_CONTACTS"
    INCLUSION = "INCLUSION"
    FAMILY_RELIEF = "FAMILY_RELIEF"


@dataclass(frozen=True, slots=True)
class PlanLine:
    """What is given, how much on a day, on which days; none: on request."""

    code: str
    quantity: int
    weekdays: tuple[Weekday, ...]
    terms: LineTerms = EVERY_WEEK


@dataclass(frozen=True, slots=True)
class SupportPlan:
    """A proposed plan."""

    start: date
    lines: tuple[PlanLine, ...]
    goals: frozenset[Goal]


@dataclass(frozen=True, slots=True)
class KeptPlan:
    """A proposal on record."""

    version: int
    """From 1 in the case."""
    proposed_at: datetime
    proposed_by: str
    plan: SupportPlan
