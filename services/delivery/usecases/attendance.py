"""Entries, visits that end, and corrections: all of them end in a record of care."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from typing import Protocol

from services.delivery.domain.attendance import (
    AttendanceKind,
    Correction,
    CorrectionState,
    Entry,
    EntryOutcome,
    EntryResult,
    Presence,
)
from services.delivery.domain.care import Care, DeliveryRecord, Outcome
from services.delivery.errors import AlreadyRecorded, NotCheckedIn, RecordWithdrawn, SecondPersonNeeded
from services.delivery.messages import corrected
from services.delivery.rules.attendance import Told, told_already
from services.delivery.usecases.care import CareStore, Moment, RecordCare
from services.kernel.dates import Month
from services.kernel.ranges import DateRange
from services.runtime.commands import Effect
from services.runtime.errors import NotFound, Refused

__all__ = [
    "Attendance",
    "Recorder",
    "Visit",
    "approve",
    "check_in",
    "check_out",
    "decline",
    "record_entry",
    "request",
]

Recorder = Callable[[RecordCare], Awaitable[Effect]]
"""Records care as RecordDelivery and RecordMissed do; the effect's resource is the record."""


class Attendance(Protocol):
    """What the use cases need of the database beside the care."""

    async def told(self, application_id: str, code: str, on: date) -> tuple[int, Sequence[Told]]: ...
    async def keep_entry(self, entry: Entry, result: EntryResult, by: str, digest: bytes, moment: Moment) -> bool: ...
    async def presence(self, unit_id: str) -> Presence | None: ...
    async def arrive(self, presence: Presence) -> None: ...
    async def leave(self, presence: Presence) -> None: ...
    async def stand_by(self, delivery_id: str, replaced_id: str) -> None: ...
    async def record(self, delivery_id: str) -> DeliveryRecord | None: ...
    async def withdraw(self, delivery_id: str) -> None: ...
    async def find_correction(self, correction_id: str) -> Correction | None: ...
    async def keep_correction(self, correction: Correction, replaced: DeliveryRecord | None) -> None: ...
    async def decide_correction(self, correction: Correction) -> None: ...


@dataclass(frozen=True, slots=True)
class Visit:
    """A planned unit that somebody arrives at."""

    unit_id: str
    municipality_id: str
    application_id: str
    code: str
    on: date
    units: int


async def record_entry(entry: Entry, store: Attendance, cares: CareStore, recorder: Recorder) -> EntryResult:
    """Record an entry unless the day has no room for it; one that says what is recorded stands beside that record.

    Raises:
        NotFound: no contract was copied.
        AlreadyRecorded: everything planned is recorded, and otherwise.
        DomainError: the refusals of RecordDelivery and RecordMissed.
    """
    await _locked(entry.application_id, cares)
    same = told_already(entry, *await store.told(entry.application_id, entry.code, entry.on))
    if same == "":
        raise AlreadyRecorded(resource_type="delivery", resource_id=entry.application_id)
    if same is not None:
        return EntryResult(entry.id, EntryOutcome.SAME, same)
    effect = await recorder(_command(entry.application_id, entry.code, entry.on, entry.units, entry.kind))
    return EntryResult(entry.id, EntryOutcome.RECORDED, effect.resource)


async def check_in(unit_id: str, assistant_id: str, store: Attendance, moment: Moment) -> Effect:
    """Note that the assistant has arrived; again: the first arrival stands. Refused when somebody else is there."""
    known = _in_force(await store.presence(unit_id))
    if known is not None and known.assistant_id != assistant_id:
        raise Refused(resource_type="unit", resource_id=unit_id)
    if known is None:
        await store.arrive(Presence(unit_id, assistant_id, moment.now))
    return Effect(unit_id)


async def check_out(visit: Visit, store: Attendance, cares: CareStore, recorder: Recorder, moment: Moment) -> Effect:
    """Note that the assistant has left and record the visit as delivered; again: the first end stands.

    Raises:
        NotCheckedIn: nobody has arrived since the record of the visit was withdrawn, if it was.
        AlreadyRecorded: the visit is recorded otherwise.
    """
    care = await _locked(visit.application_id, cares)
    known = _in_force(await store.presence(visit.unit_id))
    if known is None:
        raise NotCheckedIn
    if known.delivery_id:
        return Effect(known.delivery_id)
    entry = Entry(
        visit.unit_id,
        visit.municipality_id,
        visit.application_id,
        visit.code,
        visit.on,
        AttendanceKind.DELIVERED,
        visit.units,
        known.assistant_id,
    )
    result = await record_entry(entry, store, cares, recorder)
    await store.leave(replace(known, left_at=max(moment.now, known.arrived_at), delivery_id=result.delivery_id))
    # Of several units alike, the one that somebody leaves is done.
    await _plan_anew(care, visit.on, cares)
    return Effect(result.delivery_id)


async def request(
    correction: Correction, store: Attendance, cares: CareStore, recorder: Recorder, moment: Moment
) -> Effect:
    """Ask for a correction; of a day that is not locked it is made at once.

    Raises:
        NotFound: no such record of the case.
        RecordWithdrawn: the record counts no more.
        Refused: the record has a correction that waits.
    """
    await _locked(correction.application_id, cares)
    if correction.locked:
        replaced = await _standing(correction, store)
        await store.keep_correction(correction, replaced)
        return Effect(correction.id)
    decided = replace(correction, decided_by=correction.requested_by, decided_at=moment.now)
    made, replaced = await _made(decided, store, cares, recorder, moment)
    await store.keep_correction(made, replaced)
    return Effect(made.id)


async def try_out(asked: Correction, store: Attendance, cares: CareStore, recorder: Recorder, moment: Moment) -> None:
    """Make a correction in a transaction that is rolled back, whoever decides about it: for the bill that it changes.

    Raises:
        RecordWithdrawn: the record counts no more.
        DomainError: the refusals of RecordDelivery and RecordMissed.
    """
    await _locked(asked.application_id, cares)
    await _made(asked, store, cares, recorder, moment)


async def approve(
    asked: Correction, store: Attendance, cares: CareStore, recorder: Recorder, moment: Moment, *, by: str
) -> Effect:
    """Make the correction that waits, by a second person; `asked` has the bill as it is foreseen now.

    Raises:
        Refused: it was decided before.
        SecondPersonNeeded: who asked for it cannot make it.
        RecordWithdrawn: the record counts no more.
        DomainError: the refusals of RecordDelivery and RecordMissed.
    """
    await _locked(asked.application_id, cares)
    decided = await _decided(asked.id, by, CorrectionState.APPLIED, store, moment)
    made, _ = await _made(decided, store, cares, recorder, moment)
    await store.decide_correction(replace(made, bill=asked.bill))
    return Effect(made.id)


async def decline(asked: Correction, store: Attendance, cares: CareStore, moment: Moment, *, by: str) -> Effect:
    """Leave the record as it is; Refused when the correction was decided before."""
    await _locked(asked.application_id, cares)
    await store.decide_correction(await _decided(asked.id, by, CorrectionState.DECLINED, store, moment))
    return Effect(asked.id)


async def _decided(correction_id: str, by: str, to: CorrectionState, store: Attendance, moment: Moment) -> Correction:
    found = await store.find_correction(correction_id)
    if found is None:
        raise NotFound(resource_type="correction", resource_id=correction_id)
    if found.state is not CorrectionState.REQUESTED:
        raise Refused(resource_type="correction", resource_id=correction_id)
    if to is CorrectionState.APPLIED and found.requested_by == by:
        raise SecondPersonNeeded
    return replace(found, state=to, decided_by=by, decided_at=moment.now)


async def _made(
    correction: Correction, store: Attendance, cares: CareStore, recorder: Recorder, moment: Moment
) -> tuple[Correction, DeliveryRecord | None]:
    """Make a correction that was decided: the old record counts no more, the new one stands, billing is told."""
    replaced = await _standing(correction, store)
    if replaced is not None:
        await store.withdraw(replaced.id)
    replacement, case = "", correction.application_id
    if correction.kind is not None:
        command = _command(case, correction.code, correction.on, correction.units, correction.kind)
        effect = await recorder(replace(command, replaces=replaced))
        replacement = effect.resource
    if replaced is not None and correction.kind is AttendanceKind.DELIVERED:
        await store.stand_by(replacement, replaced.id)
        await _plan_anew(await _locked(case, cares), correction.on, cares)
    if correction.kind is not AttendanceKind.DELIVERED:
        await _tell_of_change(case, correction.on, cares, moment)
    return replace(correction, state=CorrectionState.APPLIED, replacement_id=replacement), replaced


def _in_force(known: Presence | None) -> Presence | None:
    return None if known is None or known.withdrawn else known


async def _locked(application_id: str, cares: CareStore) -> Care:
    """The care, locked before anything that belongs to it: every command takes its locks in this order."""
    care = await cares.locked_care(application_id)
    if care is None:
        raise NotFound(resource_type="application", resource_id=application_id)
    return care


async def _standing(correction: Correction, store: Attendance) -> DeliveryRecord | None:
    if not correction.delivery_id:
        return None
    found = await store.record(correction.delivery_id)
    if found is None or found.application_id != correction.application_id:
        raise NotFound(resource_type="delivery", resource_id=correction.delivery_id)
    if found.outcome is Outcome.VOID:
        raise RecordWithdrawn(resource_type="delivery", resource_id=correction.delivery_id)
    return found


async def _plan_anew(care: Care, on: date, cares: CareStore) -> None:
    municipality = care.contract.municipality_id
    if on <= await cares.horizon(municipality):
        rules = await cares.rules(municipality)
        await cares.plan(care.id, DateRange(on, on), rules.calendar)


async def _tell_of_change(application_id: str, on: date, cares: CareStore, moment: Moment) -> None:
    """Plan the day anew, and tell the case when its month is over: what was delivered there is no longer so."""
    care = await _locked(application_id, cares)
    await _plan_anew(care, on, cares)
    month = Month.of(on)
    after = replace(care, version=care.version + 1)
    if month < Month.of(moment.today):
        after = replace(after, correction=min(month, after.correction or month))
        await cares.emit(corrected(after, moment.now))
    await cares.touch(after)


def _command(application_id: str, code: str, on: date, units: int, kind: AttendanceKind) -> RecordCare:
    return RecordCare(application_id, code, on, units, kind.outcome, kind.fault)
