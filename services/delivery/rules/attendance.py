"""Whether a day may still be written on, and whether an entry says what is recorded already (C-29)."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta

from services.delivery.domain.attendance import AttendanceKind, Entry
from services.kernel.dates import Month
from services.kernel.municipal_settings import MunicipalSettings

__all__ = ["Told", "in_their_order", "is_locked", "told_already"]


@dataclass(frozen=True, slots=True)
class Told:
    """A record of the code and day that stands."""

    delivery_id: str
    kind: AttendanceKind
    units: int


def is_locked(on: date, today: date, settings: MunicipalSettings) -> bool:
    """Whether a day is locked: `delivery.lock_days` after it or `delivery.month_lock_days` after its month have passed.

    The month's lock always falls: its bill is issued, and one person alone changes no bill.
    """
    if today > Month.of(on).last + timedelta(days=settings.whole("delivery.month_lock_days")):
        return True
    written = settings.text("delivery.lock_days")
    return bool(written) and today > on + timedelta(days=int(written))


def in_their_order(entries: Iterable[Entry]) -> list[Entry]:
    """Entries by when they were written, those that do not say first, then by id: however they were sent."""
    return sorted(entries, key=lambda entry: (entry.written_at.timestamp() if entry.written_at else 0.0, entry.id))


def told_already(entry: Entry, planned: int, told: Iterable[Told]) -> str | None:
    """Whether the day has room for the entry.

    `planned` are the units planned of the code on the day, 0 for an item on request, which always has room. Gives None
    when there is room, else the id of a record that says the same, or an empty text when none does.
    """
    standing = sorted(told, key=lambda record: record.delivery_id)
    if planned == 0 or sum(record.units for record in standing) + entry.units <= planned:
        return None
    same = (each.delivery_id for each in standing if (each.kind, each.units) == (entry.kind, entry.units))
    return next(same, "")
