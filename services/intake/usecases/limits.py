"""The limits that intake keeps: D-02 and D-05."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from services.intake.domain.application import KeptLimit
from services.kernel.calendar import DEFAULT_CALENDAR
from services.kernel.municipal_settings import MunicipalSettings
from services.kernel.time_limit import TERMS, LimitKind, Shift, begin

__all__ = ["start_limit"]


def start_limit(kind: LimitKind, event_date: date, settings: MunicipalSettings) -> KeptLimit:
    """The limit that begins with an event of the day, shifted as the municipality has set it (T-02, C-17)."""
    shift = Shift.FORWARD if settings.flag("deadline.shift_non_working") else Shift.NONE
    limit = begin(replace(TERMS[kind], shift=shift), event_date, DEFAULT_CALENDAR)
    return KeptLimit(limit, limit.due_date(DEFAULT_CALENDAR))
