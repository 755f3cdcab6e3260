"""What people write down of a day, on paper or on a device, and what is corrected afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from services.delivery.domain.care import MissFault, Outcome
from services.kernel.money import Money

__all__ = [
    "AttendanceKind",
    "BillChange",
    "Correction",
    "CorrectionReason",
    "CorrectionState",
    "Entry",
    "EntryOutcome",
    "EntryResult",
    "Presence",
]


class AttendanceKind(StrEnum):
    """What became of care that was to be given."""

    DELIVERED = "DELIVERED"
    MISSED_BY_PROVIDER = "MISSED_BY_PROVIDER"
    MISSED_BY_USER = "MISSED_BY_USER"

    @property
    def outcome(self) -> Outcome:
        """The outcome of the record."""
        return Outcome.DELIVERED if self is AttendanceKind.DELIVERED else Outcome.MISSED

    @property
    def fault(self) -> MissFault | None:
        """Whose fault it was that care was missed."""
        faults = {
            AttendanceKind.MISSED_BY_PROVIDER: MissFault.PROVIDER,
            AttendanceKind.MISSED_BY_USER: MissFault.USER,
        }
        return faults.get(self)


class EntryOutcome(StrEnum):
    """What became of an entry."""

    RECORDED = "RECORDED"
    SAME = "SAME"
    """Another entry had said the same."""
    CONFLICT = "CONFLICT"
    TRY_AGAIN = "TRY_AGAIN"
    """Not decided and not stored."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of a paper sheet or of a device; the id is made by the client."""

    id: str
    municipality_id: str
    application_id: str
    code: str
    on: date
    kind: AttendanceKind
    units: int
    assistant_id: str = ""
    written_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class EntryResult:
    """What became of an entry."""

    entry_id: str
    outcome: EntryOutcome
    delivery_id: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Presence:
    """An assistant at a visit."""

    unit_id: str
    assistant_id: str
    arrived_at: datetime
    left_at: datetime | None = None
    delivery_id: str = ""
    withdrawn: bool = False
    """Whether its record counts no more: then nobody was here, and who comes arrives for the first time."""


class CorrectionReason(StrEnum):
    """Why a record is corrected."""

    WRITTEN_WRONGLY = "WRITTEN_WRONGLY"
    WRONG_PERSON = "WRONG_PERSON"
    FORGOTTEN = "FORGOTTEN"
    DISPUTED = "DISPUTED"


class CorrectionState(StrEnum):
    """Where a correction stands; a decided one never changes."""

    REQUESTED = "REQUESTED"
    APPLIED = "APPLIED"
    DECLINED = "DECLINED"


@dataclass(frozen=True, slots=True)
class BillChange:
    """What a correction was foreseen to do to what is due for its month."""

    difference: Money
    """The note that will correct the invoice; of a month that is still a draft the change of it.

    Of a month that was billed 0.00 the invoice that will be issued.
    """
    invoice_id: str = ""
    """Empty: the month is a draft, or was billed 0.00."""
    invoice_number: int = 0


@dataclass(frozen=True, slots=True)
class Correction:
    """A correction of what was recorded."""

    id: str
    municipality_id: str
    application_id: str
    delivery_id: str
    """The record that is corrected; empty: one was missing."""
    code: str
    on: date
    kind: AttendanceKind | None
    """What is true; None: nothing, the record is withdrawn."""
    units: int
    reason: CorrectionReason
    requested_by: str
    requested_at: datetime
    locked: bool
    """Whether the day was locked then, so that a second person decides."""
    state: CorrectionState = CorrectionState.REQUESTED
    decided_by: str = ""
    decided_at: datetime | None = None
    replacement_id: str = ""
    bill: BillChange | None = None
    """None: no fee was foreseen to change."""
