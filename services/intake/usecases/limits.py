"""The limits that intake keeps: D-02 and D-05."""

from __future__ import annotations

from datetime import date

from services.intake.domain.application import KeptLimit
from services.kernel.local_rules import LocalRules
from services.kernel.time_limit import TERMS, LimitKind, begin

__all__ = ["start_limit"]


def start_limit(kind: LimitKind, event_date: date, rules: LocalRules) -> KeptLimit:
    """The limit that begins with an event of the day, by the municipality's calendar.

    It always moves off a non-working day (T-02): C-17 is about the provider's seven days only.
    """
    limit = begin(TERMS[kind], event_date, rules.calendar)
    return KeptLimit(limit, limit.due_date(rules.calendar))
