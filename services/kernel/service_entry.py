"""What the catalogue of services says about one service, and the look-up by code and day (domain.md section 3).

Every entry carries its programme, because patronage and its like run under projects whose conditions differ. The
entries themselves stand in `services.kernel.catalogue`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise

__all__ = [
    "Catalogue",
    "Charge",
    "Condition",
    "Family",
    "InformationItem",
    "Intake",
    "PercentRange",
    "PlacementBasis",
    "ServiceEntry",
    "Unit",
    "UnknownServiceError",
]


class Family(StrEnum):
    """Which part of section 3 an entry belongs to; rules of eligibility and fees are written for families."""

    PATRONAGE = "PATRONAGE"
    PATRONAGE_ITEM = "PATRONAGE_ITEM"
    ASSISTANT_SUPPORT = "ASSISTANT_SUPPORT"
    PERSONAL_ASSISTANT = "PERSONAL_ASSISTANT"
    SOCIAL_ASSISTANT = "SOCIAL_ASSISTANT"
    CANTEEN = "CANTEEN"
    COMMUNITY = "COMMUNITY"
    INSTITUTION = "INSTITUTION"


class Unit(StrEnum):
    """What is counted when the service is delivered."""

    VISIT = "VISIT"
    MEAL = "MEAL"
    HOUR = "HOUR"
    BED_DAY = "BED_DAY"
    DAY = "DAY"
    ONE_OFF = "ONE_OFF"
    MONTH = "MONTH"


class Charge(StrEnum):
    """How a service is paid for."""

    PKG = "PKG"
    """Inside the monthly fee of patronage (F-05)."""
    PASS = "PASS"  # noqa: S105 - a kind of charge, not a password
    """The user's own money without mark-up (F-16)."""
    PCT = "PCT"
    """Percent of income (F-03)."""
    UNIT = "UNIT"
    """Delivered units at a price that is 0 by default (F-10, F-12)."""
    NONE = "NONE"
    """Nothing from the user."""


class PlacementBasis(StrEnum):
    """What must come before the contract."""

    ORDER = "ORDER"
    MUNICIPAL_REFERRAL = "MUNICIPAL_REFERRAL"
    NONE = "NONE"


class Condition(StrEnum):
    """What an item of the plan needs beside the place in the service (R-06 to R-08)."""

    PRESCRIPTION = "PRESCRIPTION"
    SUPPORT_PLAN = "SUPPORT_PLAN"
    USER_FUNDS = "USER_FUNDS"
    NEED = "NEED"


class Intake(StrEnum):
    """Whether new applications are taken."""

    OPEN = "OPEN"
    CLOSED = "CLOSED"


@dataclass(frozen=True, slots=True)
class PercentRange:
    """Default percent of income and the bounds, both included, of a configured one (F-05, F-08, F-09)."""

    default: Decimal
    least: Decimal
    most: Decimal

    def admits(self, percent: Decimal) -> bool:
        """Whether the percent may be configured."""
        return self.least <= percent <= self.most


@dataclass(frozen=True, slots=True)
class InformationItem:
    """What a contract says that the service provides, not priced by itself (section 3e)."""

    code: str
    text_bg: str
    text_en: str


_ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ServiceEntry:
    """One service as it is offered from `valid_from` to `valid_to`, both included; no last day when None.

    `open_from` is the first day of applications where that is later than the entry itself (R-10). `districts` are
    those in which it is offered; None: wherever the municipality works (R-11).
    """

    code: str
    family: Family
    unit: Unit
    charge: Charge
    name_bg: str
    name_en: str
    source: str
    placement_basis: PlacementBasis = PlacementBasis.NONE
    conditions: frozenset[Condition] = frozenset()
    percent: PercentRange | None = None
    intake: Intake = Intake.OPEN
    open_from: date | None = None
    districts: frozenset[str] | None = None
    information_items: tuple[InformationItem, ...] = ()
    programme_id: str = "SOFIA"
    valid_from: date = date.min
    valid_to: date | None = None

    @property
    def is_applied_for(self) -> bool:
        """Whether a person applies for it; an item of patronage comes by the plan instead."""
        return self.family is not Family.PATRONAGE_ITEM

    def covers(self, on: date) -> bool:
        """Whether the entry is valid on the day."""
        return self.valid_from <= on and (self.valid_to is None or on <= self.valid_to)

    def without(self, other: ServiceEntry) -> tuple[ServiceEntry, ...]:
        """What is left of the entry on the days that `other` does not cover: none, one or two entries."""
        if (self.valid_to is not None and self.valid_to < other.valid_from) or (
            other.valid_to is not None and other.valid_to < self.valid_from
        ):
            return (self,)
        left = []
        if self.valid_from < other.valid_from:
            left.append(replace(self, valid_to=other.valid_from - _ONE_DAY))
        if other.valid_to is not None and (self.valid_to is None or other.valid_to < self.valid_to):
            left.append(replace(self, valid_from=other.valid_to + _ONE_DAY))
        return tuple(left)


class UnknownServiceError(LookupError):
    """The catalogue has no such code on that day; the message is the code."""


_PLACES = frozenset({Family.COMMUNITY, Family.INSTITUTION})
_CHARGES_OF_ITEMS = frozenset({Charge.PKG, Charge.PASS})


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Entries by code and day; ValueError when two entries of one code are valid on the same day."""

    entries: tuple[ServiceEntry, ...]

    def contradicted_by(self, entry: ServiceEntry) -> str | None:
        """The field in which an entry contradicts itself, or the family of its code; None: it may be put in."""
        if any(old.code == entry.code and old.family is not entry.family for old in self.entries):
            return "family"
        if (entry.charge in _CHARGES_OF_ITEMS) != (entry.family is Family.PATRONAGE_ITEM):
            return "charge"
        if entry.placement_basis is PlacementBasis.ORDER and entry.family not in _PLACES:
            return "placement_basis"
        return None

    def __post_init__(self) -> None:
        for code in {entry.code for entry in self.entries}:
            _refuse_overlap(entry for entry in self.entries if entry.code == code)

    def find(self, code: str, on: date) -> ServiceEntry | None:
        """The entry valid on the day, None when there is none."""
        return next((entry for entry in self.entries if entry.code == code and entry.covers(on)), None)

    def entry(self, code: str, on: date) -> ServiceEntry:
        """The entry valid on the day; UnknownServiceError when there is none."""
        found = self.find(code, on)
        if found is None:
            raise UnknownServiceError(code)
        return found

    def last_in(self, code: str, first: date, last: date) -> ServiceEntry | None:
        """The entry valid on the last of these days, both included, on which there is one; None without any."""
        found = self.find(code, last)
        if found is not None:
            return found
        ended = [
            entry
            for entry in self.entries
            if entry.code == code
            and entry.valid_to is not None
            and entry.valid_from <= last
            and entry.valid_to >= first
        ]
        return max(ended, key=lambda entry: entry.valid_from, default=None)

    def ending_in(self, first: date, last: date) -> Mapping[str, date]:
        """The last day, before the last of these, of each code that ends between them and does not begin again."""
        ended = {entry.code for entry in self.entries if entry.valid_to is not None and first <= entry.valid_to < last}
        found = {code: self.last_in(code, first, last) for code in ended}
        return {
            code: entry.valid_to
            for code, entry in found.items()
            if entry is not None and entry.valid_to is not None and entry.valid_to < last
        }

    @property
    def charged_by_unit(self) -> frozenset[str]:
        """Codes whose delivered units are ever charged one by one (F-12)."""
        return frozenset(entry.code for entry in self.entries if entry.charge is Charge.UNIT)

    def changed_by(self, changes: Iterable[ServiceEntry]) -> Catalogue:
        """The catalogue with these entries in force on their days; on all other days it says what it said."""
        changed = tuple(changes)
        kept = self.entries
        for change in changed:
            kept = tuple(
                part for entry in kept for part in (entry.without(change) if entry.code == change.code else (entry,))
            )
        return Catalogue((*kept, *changed))

    def plan_items(self, service_code: str, on: date) -> tuple[ServiceEntry, ...]:
        """What a plan line of the service may name on the day: for patronage its items, else the service itself."""
        service = self.entry(service_code, on)
        if service.family is not Family.PATRONAGE:
            return (service,)
        return tuple(
            entry
            for entry in self.entries
            if entry.family is Family.PATRONAGE_ITEM and entry.programme_id == service.programme_id and entry.covers(on)
        )


def _refuse_overlap(entries: Iterable[ServiceEntry]) -> None:
    ordered = sorted(entries, key=lambda entry: entry.valid_from)
    for earlier, later in pairwise(ordered):
        if earlier.valid_to is None or later.valid_from <= earlier.valid_to:
            raise ValueError(f"two entries of {later.code} are valid at once")
