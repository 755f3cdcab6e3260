"""When and how a line of a plan holds, beside its weekdays: rhythm, time of day, skills, diet, range of days (L-11).

Placement signs these terms, delivery plans by them; both keep them as the one text that `LineTerms.text` gives.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import date, time, timedelta

__all__ = ["EVERY_WEEK", "LAST_TURN", "LineTerms", "monday_of"]

LAST_TURN = -1
"""The turn of the last such weekday of a month."""

_TURNS = frozenset({LAST_TURN, 1, 2, 3, 4, 5})
_MOST_WEEKS = 26


@dataclass(frozen=True, slots=True)
class LineTerms:
    """Terms of a line; the default is every week, on its whole day, as long as the contract lasts."""

    every_weeks: int = 1
    """Every n-th week, 1 to 26, counted from the week of `anchor`."""
    anchor: date | None = None
    """A day of a week that counts; None: the first day of the line."""
    turns: frozenset[int] = frozenset()
    """First to fifth such weekday of a month, or the last (-1); none: each. Not together with `every_weeks`."""
    window: tuple[time, time] | None = None
    """Local time of the visit, from and to."""
    skills: tuple[str, ...] = ()
    """What the assistant must be able to do; closed codes."""
    menu: str = ""
    """Menu of a meal; the reason for a diet is never told."""
    first: date | None = None
    """First day of the line; None: that of the contract."""
    last: date | None = None
    """Last day of the line; None: that of the contract."""

    def problem(self) -> str:
        """Name of the first term that cannot be so, empty when all can."""
        if not 1 <= self.every_weeks <= _MOST_WEEKS:
            return "every_weeks"
        if not self.turns <= _TURNS or (self.turns and self.every_weeks > 1):
            return "month_turns"
        if self.window is not None and self.window[1] <= self.window[0]:
            return "window_end"
        if self.first is not None and self.last is not None and self.last < self.first:
            return "last_date"
        return ""

    def holds_on(self, day: date, start: date) -> bool:
        """Whether the line is due on a day of its weekdays; `start` is the first day of the contract."""
        if (self.first is not None and day < self.first) or (self.last is not None and self.last < day):
            return False
        if self.turns:
            return bool(self.turns & {(day.day + 6) // 7, LAST_TURN if _is_last_turn(day) else 0})
        anchor = monday_of(self.anchor or self.first or start)
        return ((monday_of(day) - anchor).days // 7) % self.every_weeks == 0

    def text(self) -> str:
        """The terms that are stated, as JSON with sorted keys; empty when all are the default."""
        stated: dict[str, object] = {}
        if self.every_weeks != 1:
            stated["every_weeks"] = self.every_weeks
        if self.window is not None:
            stated["window"] = [moment.isoformat("minutes") for moment in self.window]
        if self.turns:
            stated["turns"] = sorted(self.turns)
        if self.skills:
            stated["skills"] = sorted(self.skills)
        if self.menu:
            stated["menu"] = self.menu
        for name, day in (("anchor", self.anchor), ("first", self.first), ("last", self.last)):
            if day is not None:
                stated[name] = day.isoformat()
        return json.dumps(stated, sort_keys=True, separators=(",", ":")) if stated else ""

    @classmethod
    def of_text(cls, text: str) -> LineTerms:
        """The terms that `text` gave."""
        if not text:
            return EVERY_WEEK
        stated = json.loads(text)
        window = stated.get("window")
        return cls(
            every_weeks=stated.get("every_weeks", 1),
            anchor=_day(stated.get("anchor")),
            turns=frozenset(stated.get("turns", ())),
            window=None if window is None else (time.fromisoformat(window[0]), time.fromisoformat(window[1])),
            skills=tuple(stated.get("skills", ())),
            menu=stated.get("menu", ""),
            first=_day(stated.get("first")),
            last=_day(stated.get("last")),
        )


EVERY_WEEK = LineTerms()
"""Nothing but weekdays."""


def monday_of(day: date) -> date:
    """Monday of the day's week."""
    return day - timedelta(days=day.weekday())


def _is_last_turn(day: date) -> bool:
    return (day + timedelta(days=7)).month != day.month


def _day(written: str | None) -> date | None:
    return None if written is None else date.fromisoformat(written)
