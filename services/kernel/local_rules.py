"""What one municipality has decided: its settings, its calendar, its changes of the catalogue.

Intake owns them; the other stages keep a copy. The shipped catalogue and calendar hold where nothing else was decided,
so that a question without a municipality is answered by them alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache

from services.kernel.calendar import DEFAULT_CALENDAR, BusinessCalendar
from services.kernel.catalogue import CATALOGUE, Catalogue, ServiceEntry
from services.kernel.municipal_settings import MunicipalSettings

__all__ = ["SHIPPED_RULES", "LocalRules"]

_DISTRICTS_AND_START = "ASSISTANT_SUPPORT"
"""The service whose districts and first day are settings too (C-06, C-07)."""


@dataclass(frozen=True, slots=True)
class LocalRules:
    """The decisions of one municipality at one version; intake counts the versions from 1."""

    settings: MunicipalSettings
    calendar: BusinessCalendar = DEFAULT_CALENDAR
    changes: tuple[ServiceEntry, ...] = ()
    """Entries that hold instead of the shipped ones, each on its own days."""
    version: int = 1

    @property
    def catalogue(self) -> Catalogue:
        """The shipped catalogue with the settings of C-06 and C-07 and with the changes."""
        return _catalogue(self.changes, self.settings.codes("ap.districts"), self.settings.day("ap.open_from"))

    def with_entry(self, entry: ServiceEntry) -> LocalRules:
        """The next version, with the entry in force on its days; all other days stay as they are."""
        kept = (part for old in self.changes for part in (old.without(entry) if old.code == entry.code else (old,)))
        changes = tuple(sorted((*kept, entry), key=lambda item: (item.code, item.valid_from)))
        return replace(self, changes=changes, version=self.version + 1)


@lru_cache(maxsize=1024)
def _catalogue(changes: tuple[ServiceEntry, ...], districts: frozenset[str], open_from: date) -> Catalogue:
    shipped = Catalogue(tuple(_with_settings(CATALOGUE.entries, districts, open_from)))
    return shipped.changed_by(changes)


def _with_settings(
    entries: Iterable[ServiceEntry], districts: frozenset[str], open_from: date
) -> Iterable[ServiceEntry]:
    for entry in entries:
        if entry.code == _DISTRICTS_AND_START:
            yield replace(entry, districts=districts, open_from=open_from)
        else:
            yield entry


SHIPPED_RULES = LocalRules(MunicipalSettings.of({}))
"""The defaults of section 12 with the shipped catalogue and calendar."""
