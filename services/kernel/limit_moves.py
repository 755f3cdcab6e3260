"""How a changed calendar moves a time limit that runs, and why (T-02, T-09)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from services.kernel.calendar import BusinessCalendar, DayKind
from services.kernel.trace import Step, Trace

__all__ = ["LimitMove", "MoveReason", "explain_moves", "judged_anew", "why"]


class MoveReason(StrEnum):
    """Why a calendar moved a limit; named by the first day that mattered."""

    DAY_DECLARED_NON_WORKING = "DAY_DECLARED_NON_WORKING"
    DAY_DECLARED_WORKING = "DAY_DECLARED_WORKING"
    DECLARATION_WITHDRAWN = "DECLARATION_WITHDRAWN"


@dataclass(frozen=True, slots=True)
class LimitMove:
    """One move of a limit by a changed calendar; never rewritten."""

    old_due: date
    new_due: date
    """The same as `old_due` when only calls on the office head moved."""
    calendar_version: str
    """The version that moved it."""
    reason: MoveReason
    days: tuple[date, ...]
    """Days that the version judges anew and that mattered, in order; at least one."""
    moved_at: datetime
    """Business instant, aware."""


def judged_anew(
    before: BusinessCalendar, after: BusinessCalendar, first: date | None = None, last: date | None = None
) -> tuple[date, ...]:
    """Days from `first` to `last`, both included, that are working days under one calendar only; in order."""
    return tuple(
        day
        for day in sorted(before.overrides.keys() | after.overrides.keys())
        if (first is None or day >= first)
        and (last is None or day <= last)
        and before.is_working_day(day) != after.is_working_day(day)
    )


def why(day: date, after: BusinessCalendar) -> MoveReason:
    """What the calendar `after` has done to a day that it judges anew."""
    declared = after.overrides.get(day)
    if declared is None:
        return MoveReason.DECLARATION_WITHDRAWN
    working = declared.kind is DayKind.WORKING
    return MoveReason.DAY_DECLARED_WORKING if working else MoveReason.DAY_DECLARED_NON_WORKING


def explain_moves(moves: Iterable[LimitMove]) -> Trace:
    """The moves as steps of an explanation."""
    return tuple(_step(move) for move in moves)


def _step(move: LimitMove) -> Step:
    days = ",".join(day.isoformat() for day in move.days)
    bg, en = _REASONS[move.reason]
    shown = ", ".join(f"{day:%d.%m.%Y}" for day in move.days)
    old, new = f"{move.old_due:%d.%m.%Y}", f"{move.new_due:%d.%m.%Y}"
    moved_bg, moved_en = f"последният ден е преместен от {old} на {new}", f"the last day moved from {old} to {new}"
    if old == new:
        moved_bg = f"преместено е повикване на ръководителя, последният ден остава {new}"
        moved_en = f"a call on the office head moved, the last day stays {new}"
    return Step(
        rule="T-09",
        inputs={
            "old_due_date": move.old_due.isoformat(),
            "calendar_version": move.calendar_version,
            "reason": move.reason,
            "changed_dates": days,
        },
        outcome=move.new_due.isoformat(),
        source="domain.md T-09",
        text_bg=f"{bg} ({shown}): {moved_bg}.",
        text_en=f"{en} ({shown}): {moved_en}.",
    )


_REASONS = {
    MoveReason.DAY_DECLARED_NON_WORKING: ("Обявен е неприсъствен ден", "A day was declared non-working"),
    MoveReason.DAY_DECLARED_WORKING: ("Обявен е работен ден", "A day was declared working"),
    MoveReason.DECLARATION_WITHDRAWN: ("Обявяването на ден е отменено", "The declaration of a day was taken back"),
}
