"""One ledger of capacity: accounts of facilities and programmes, and what moved their balances.

An account is limited as long as it exists; a programme without one is unlimited (C-06, L-09).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from fractions import Fraction
from math import ceil
from typing import Protocol

from services.kernel.dates import Weekday
from services.kernel.plan_terms import LineTerms
from services.kernel.service_entry import Catalogue, ServiceEntry, Unit

__all__ = [
    "Account",
    "AccountKind",
    "CapacityUnit",
    "Cause",
    "Entry",
    "Movement",
    "Programme",
    "Return",
    "monthly_hours",
    "unit_of",
]


class AccountKind(StrEnum):
    """Whose capacity it is."""

    FACILITY = "FACILITY"
    PROGRAMME = "PROGRAMME"


class CapacityUnit(StrEnum):
    """What is counted."""

    BED = "BED"
    PLACE = "PLACE"
    HOUR = "HOUR"
    """Hours a month, by the plan of the contract."""


class Cause(StrEnum):
    """What moved a balance."""

    CAPACITY_SET = "CAPACITY_SET"
    ORDER_RECORDED = "ORDER_RECORDED"
    PLACE_OFFERED = "PLACE_OFFERED"
    OFFER_ACCEPTED = "OFFER_ACCEPTED"
    OFFER_DECLINED = "OFFER_DECLINED"
    OFFER_EXPIRED = "OFFER_EXPIRED"
    CONTRACT_SIGNED = "CONTRACT_SIGNED"
    CONTRACT_AMENDED = "CONTRACT_AMENDED"
    TRANSFERRED = "TRANSFERRED"
    CASE_ENDED = "CASE_ENDED"
    TAKEN_OVER = "TAKEN_OVER"
    """Held before there was an account, or a ledger; this one has no instant."""
    UNSTATED = "UNSTATED"
    """Moved by a release that knew of no ledger."""


@dataclass(frozen=True, slots=True)
class Movement:
    """Why a balance moves; `key` is unique in the account, so that nothing is entered twice."""

    cause: Cause
    key: str
    at: datetime
    application_id: str = ""

    @classmethod
    def of_case(cls, cause: Cause, application_id: str, version: int, at: datetime) -> Movement:
        """By a step of a case; a version of a placement moves an account once."""
        return cls(cause, f"{application_id}/{version}", at, application_id)

    @classmethod
    def of_setting(cls, version: int, at: datetime) -> Movement:
        """By a capacity that was set, when the account has the version."""
        return cls(Cause.CAPACITY_SET, f"capacity/{version}", at)


@dataclass(frozen=True, slots=True)
class Programme:
    """The account of a service that needs no facility, in one district or everywhere (empty district).

    `held` grows no further than `capacity`; it exceeds it only where capacity was given up.
    """

    municipality_id: str
    service_code: str
    district_code: str
    unit: CapacityUnit
    capacity: int
    held: int = 0
    version: int = 1

    @property
    def code(self) -> str:
        """Code of the account; no facility has one like it."""
        return f"{self.service_code}/{self.district_code}"

    @property
    def free(self) -> int:
        """What nobody holds; negative while more is held than there is."""
        return self.capacity - self.held


@dataclass(frozen=True, slots=True)
class Return:
    """What of an account comes back on a day, because somebody moves or needs less from then on."""

    on_date: date
    quantity: int


@dataclass(frozen=True, slots=True)
class Account:
    """An account with its balances, for reading."""

    municipality_id: str
    code: str
    kind: AccountKind
    service_code: str
    district_code: str
    unit: CapacityUnit
    capacity: int
    held: int
    offered: int
    version: int
    returns: tuple[Return, ...] = ()
    """In the order of days."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One change of balances, with the balances after it."""

    number: int
    cause: Cause
    application_id: str
    key: str
    capacity_change: int
    held_change: int
    offered_change: int
    capacity: int
    held: int
    offered: int
    entered_at: datetime | None


class _Line(Protocol):
    @property
    def code(self) -> str: ...
    @property
    def quantity(self) -> int: ...
    @property
    def weekdays(self) -> tuple[Weekday, ...]: ...
    @property
    def terms(self) -> LineTerms: ...


_WEEKS_A_MONTH = Fraction(52, 12)


def monthly_hours(plan: Iterable[_Line], catalogue: Catalogue, on: date) -> int:
    """Hours a month that a plan needs from a day on: the most that its lines of one day come to, rounded up.

    A line counts its hours of a week times 52 / 12; one of every n-th week the n-th part of that; one of the n-th
    weekdays of a month its hours once a month for each of them. A dated line counts from its first to its last day.
    Lines on request take none, nor do those that the catalogue does not have in hours on the first day they hold.
    """
    in_hours = [line for line in plan if _is_in_hours(line, catalogue, on)]
    begins = {on} | {line.terms.first for line in in_hours if line.terms.first is not None and line.terms.first > on}
    return ceil(max(sum(_hours_a_month(line) for line in in_hours if _holds(line.terms, day)) for day in begins))


def _is_in_hours(line: _Line, catalogue: Catalogue, on: date) -> bool:
    entry = catalogue.find(line.code, max(on, line.terms.first or on))
    return entry is not None and entry.unit is Unit.HOUR


def _hours_a_month(line: _Line) -> Fraction:
    times = Fraction(len(line.terms.turns)) if line.terms.turns else _WEEKS_A_MONTH / line.terms.every_weeks
    return line.quantity * len(line.weekdays) * times


def _holds(terms: LineTerms, day: date) -> bool:
    return (terms.first is None or terms.first <= day) and (terms.last is None or day <= terms.last)


def unit_of(service: ServiceEntry) -> CapacityUnit:
    """What a facility of the service has: beds where it is paid by bed-days, else places."""
    return CapacityUnit.BED if service.unit is Unit.BED_DAY else CapacityUnit.PLACE
