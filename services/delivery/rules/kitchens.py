"""Until when a pause takes a meal off the plan, and from when a kitchen is told what to cook (C-29)."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta

from services.kernel.dates import SOFIA, local_date
from services.kernel.municipal_settings import MunicipalSettings
from services.kernel.ranges import DateRange

__all__ = ["cut_off_of", "days_to_cook_for", "meal_day_past_cut_off"]

_ONE_DAY = timedelta(days=1)


def cut_off_of(day: date, settings: MunicipalSettings) -> datetime | None:
    """The instant from which the meals of a day stay planned: the set local time of the day before; None: never.

    No source says which day's time is meant. A pause begins after the day of its request (P-09), so a time of the
    meal's own day would change nothing.
    """
    written = settings.text("kitchen.cut_off")
    if not written:
        return None
    return datetime.combine(day - _ONE_DAY, time.fromisoformat(written), SOFIA)


def meal_day_past_cut_off(pause: DateRange, now: datetime, settings: MunicipalSettings) -> date | None:
    """The paused day whose meals stay planned though the pause holds; None: there is none.

    Only tomorrow can be one. Days up to today are paused by a hospital stay alone (P-09), which takes their meals off.
    """
    tomorrow = local_date(now) + _ONE_DAY
    cut_off = cut_off_of(tomorrow, settings)
    return tomorrow if cut_off is not None and cut_off <= now and pause.contains(tomorrow) else None


def days_to_cook_for(now: datetime, settings: MunicipalSettings) -> tuple[date, ...]:
    """The days not over of which every kitchen is to have its sheet: today, and tomorrow once its cut-off has passed.

    Without a cut-off a day's sheet is due when the day begins: no pause begins on the day of its request (P-09).
    """
    today = local_date(now)
    cut_off = cut_off_of(today + _ONE_DAY, settings)
    return (today,) if cut_off is None or now < cut_off else (today, today + _ONE_DAY)
