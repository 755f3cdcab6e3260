"""A municipality edits its catalogue and its calendar: data with dates, in force from a day, never for days over."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from types import MappingProxyType

from services.intake.domain.application import Municipality
from services.intake.errors import EffectiveDatePassed
from services.intake.usecases.messages import start_reprojection
from services.intake.usecases.ports import MunicipalityStore
from services.kernel.calendar import BusinessCalendar, DayOverride
from services.kernel.catalogue import ServiceEntry
from services.kernel.register import decides
from services.runtime.commands import Effect, check_etag
from services.runtime.errors import InvalidArgument

__all__ = ["PutCalendarOverrides", "PutCatalogueEntry", "put_calendar_overrides", "put_catalogue_entry"]


@dataclass(frozen=True, slots=True)
class PutCatalogueEntry:
    """An entry and the etag that was read, empty: not checked."""

    municipality_id: str
    entry: ServiceEntry
    etag: str


@dataclass(frozen=True, slots=True)
class PutCalendarOverrides:
    """Days declared, days whose declaration is taken back, and the etag that was read, empty: not checked."""

    municipality_id: str
    declared: Mapping[date, DayOverride]
    withdrawn: frozenset[date]
    etag: str


async def put_catalogue_entry(
    command: PutCatalogueEntry, store: MunicipalityStore, now: datetime, today: date
) -> Effect:
    """Put the entry in force on its days instead of what was said about them; all other days stay as they are.

    Raises:
        InvalidArgument: the entry contradicts itself or the family of its code.
        EffectiveDatePassed: it would hold on a day that is over.
        EtagMismatch, NotFound: the municipality changed since, or there is none.
    """
    entry = command.entry
    municipality = await store.lock_municipality(command.municipality_id)
    check_etag(command.etag, municipality.version)
    _check_entry(entry, municipality, today)
    touched = [old for old in municipality.rules.changes if old.code == entry.code and old.without(entry) != (old,)]
    parts = (*(part for old in touched for part in old.without(entry)), entry)
    await store.replace_entries(municipality.id, entry, parts, now)
    return await _save(municipality, store, changes=municipality.rules.with_entry(entry).changes)


def _check_entry(entry: ServiceEntry, municipality: Municipality, today: date) -> None:
    if entry.valid_from == date.min:
        raise InvalidArgument(field="entry.valid_from_date")
    _check_days([entry.valid_from], today, "entry.valid_from_date")
    wrong = municipality.rules.catalogue.contradicted_by(entry)
    if wrong is not None:
        raise InvalidArgument(field=f"entry.{wrong}")


@decides("T-09")
async def put_calendar_overrides(
    command: PutCalendarOverrides, store: MunicipalityStore, now: datetime, today: date
) -> Effect:
    """Make the next version of the municipality's calendar and have the open limits counted by it; the same days
    again make none.

    Raises:
        InvalidArgument: no day at all, a day declared and withdrawn, or withdrawn without being declared.
        EffectiveDatePassed: a day is over.
        EtagMismatch, NotFound: the municipality changed since, or there is none.
    """
    municipality = await store.lock_municipality(command.municipality_id)
    check_etag(command.etag, municipality.version)
    before = municipality.rules.calendar
    if not (command.declared or command.withdrawn):
        raise InvalidArgument(field="declared_days")
    if command.withdrawn & command.declared.keys() or not command.withdrawn <= before.overrides.keys():
        raise InvalidArgument(field="withdrawn_dates")
    _check_days(command.declared, today, "declared_days")
    _check_days(command.withdrawn, today, "withdrawn_dates")
    kept = {day: item for day, item in before.overrides.items() if day not in command.withdrawn}
    overrides = {**kept, **command.declared}
    if overrides == before.overrides:
        return Effect(municipality.id, municipality.version)
    number = await store.next_calendar_number(municipality.id)
    calendar = BusinessCalendar(f"{municipality.id}-{number}", MappingProxyType(overrides))
    await store.add_calendar(municipality.id, number, calendar, now)
    await store.emit(start_reprojection(municipality.id, calendar.version, now))
    return await _save(municipality, store, calendar=calendar)


def _check_days(days: Iterable[date], today: date, field: str) -> None:
    first = min(days, default=today)
    if first < today:
        raise EffectiveDatePassed(field=field, metadata={"first_day": first.isoformat()})


async def _save(
    municipality: Municipality,
    store: MunicipalityStore,
    *,
    calendar: BusinessCalendar | None = None,
    changes: tuple[ServiceEntry, ...] | None = None,
) -> Effect:
    before = municipality.rules
    rules = replace(
        before,
        calendar=before.calendar if calendar is None else calendar,
        changes=before.changes if changes is None else changes,
        version=before.version + 1,
    )
    await store.save_municipality(replace(municipality, rules=rules))
    return Effect(municipality.id, rules.version)
