"""The limits that intake keeps: D-02 and D-05."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from services.intake.domain.application import KeptLimit
from services.kernel.local_rules import LocalRules
from services.kernel.time_limit import TERMS, LimitKind, Shift, begin

__all__ = ["start_limit"]


def start_limit(kind: LimitKind, event_date: date, rules: LocalRules) -> KeptLimit:
    """The limit that begins with an event of the day, by the municipality's calendar and shift (T-02, C-17)."""
    shift = Shift.FORWARD if rules.settings.flag("deadline.shift_non_working") else Shift.NONE
    limit = begin(replace(TERMS[kind], shift=shift), event_date, rules.calendar)
    return KeptLimit(limit, limit.due_date(rules.calendar))
