"""SQL about entries, presences and corrections."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row
from sqlalchemy.exc import IntegrityError

from services.delivery.domain.attendance import (
    AttendanceKind,
    BillChange,
    Correction,
    CorrectionReason,
    CorrectionState,
    Entry,
    EntryOutcome,
    EntryResult,
    Presence,
)
from services.delivery.domain.care import Care, DeliveryRecord, MissFault, Outcome
from services.delivery.rules.attendance import Told
from services.delivery.usecases.attendance import Visit
from services.delivery.usecases.care import Moment
from services.kernel.money import Currency, Money
from services.runtime.database import ReadTx, WriteTx, violated_constraint
from services.runtime.errors import Refused

__all__ = [
    "AttendanceStore",
    "CorrectionPage",
    "correction",
    "corrections_page",
    "known_entry",
    "presence",
    "record",
    "visit",
    "who_goes",
]

_KIND = "CASE outcome WHEN 'DELIVERED' THEN outcome ELSE 'MISSED_BY_' || fault END"
_TOLD = f"""
SELECT id, {_KIND} AS kind, units FROM delivery
WHERE application_id = :application AND code = :code AND on_day = :day AND outcome <> 'VOID'
"""  # noqa: S608 - put together from constants
_PLANNED = """
SELECT coalesce(sum(quantity), 0) FROM unit
WHERE application_id = :application AND code = :code AND on_day = :day AND state IN ('PLANNED', 'DONE', 'MISSED')
"""
# A visit to which nobody was sent or came may be anybody's: then nobody is known to go. A meal is brought by who drove
# when its sheet was produced, or by who drives the route now instead.
_WHO_GOES = """
WITH planned AS (
    SELECT id, unit FROM unit
    WHERE application_id = :application AND code = :code AND on_day = :day AND state IN ('PLANNED', 'DONE', 'MISSED')
), goes AS (
    SELECT unit_id, assistant_id FROM visit_assignment WHERE unit_id IN (SELECT id FROM planned)
    UNION
    SELECT v.unit_id, v.assistant_id FROM visit_presence v LEFT JOIN delivery d ON d.id = v.delivery_id
    WHERE v.unit_id IN (SELECT id FROM planned) AND d.outcome IS DISTINCT FROM 'VOID'
)
SELECT assistant_id FROM goes
WHERE NOT EXISTS (SELECT FROM planned p WHERE unit IN ('VISIT', 'HOUR')
                  AND NOT EXISTS (SELECT FROM goes g WHERE g.unit_id = p.id))
UNION
SELECT d.driver_id FROM kitchen_sheet s
JOIN kitchen_stop t ON t.sheet_id = s.id AND t.application_id = :application
LEFT JOIN kitchen_route r ON r.municipality_id = s.municipality_id AND r.kitchen_id = s.kitchen_id
                         AND r.route_code = t.route_code
CROSS JOIN LATERAL (VALUES (t.driver_id), (r.driver_id)) AS d (driver_id)
WHERE s.municipality_id = :municipality AND s.on_day = :day AND d.driver_id IS NOT NULL
  AND EXISTS (SELECT FROM planned WHERE unit = 'MEAL')
"""
_PRESENCE = """
SELECT v.*, coalesce(d.outcome = 'VOID', false) AS withdrawn
FROM visit_presence v LEFT JOIN delivery d ON d.id = v.delivery_id
WHERE unit_id = :id
"""
# Whoever arrives after the record of an earlier visit was withdrawn stands where that visitor stood.
_ARRIVE = """
INSERT INTO visit_presence AS v (unit_id, assistant_id, arrived_at) VALUES (:unit, :assistant, :at)
ON CONFLICT (unit_id) DO UPDATE
SET assistant_id = excluded.assistant_id, arrived_at = excluded.arrived_at, left_at = NULL, delivery_id = NULL
WHERE EXISTS (SELECT FROM delivery d WHERE d.id = v.delivery_id AND d.outcome = 'VOID')
"""
_KEEP_ENTRY = """
INSERT INTO attendance_entry (id, municipality_id, body_hash, assistant_id, written_at, submitted_by, outcome,
                              delivery_id, reason, at, application_id, code, on_day, kind, units)
VALUES (:id, :municipality, :digest, :assistant, :written_at, :by, :outcome, :delivery, :reason, :now,
        :application, :code, :day, :kind, :units)
ON CONFLICT (id) DO NOTHING
"""
_CORRECTION = """
SELECT id, municipality_id, application_id, delivery_id, code, on_day, kind, units, reason, requested_by, requested_at,
       locked, state, decided_by, decided_at, replacement_id, bill_invoice_id, bill_number, bill_difference_minor,
       bill_currency
FROM correction
"""
_CORRECTIONS = f"""
{_CORRECTION} WHERE municipality_id = :municipality AND (requested_at, id) > (:after_at, CAST(:after AS uuid))
  AND (NOT :open_only OR state = 'REQUESTED')
ORDER BY requested_at, id LIMIT :size
"""
_KEEP_CORRECTION = """
INSERT INTO correction (id, municipality_id, application_id, delivery_id, code, on_day, kind, units, reason,
                        requested_by, requested_at, locked, state, decided_by, decided_at, replaced_kind,
                        replaced_units, replacement_id, bill_invoice_id, bill_number, bill_difference_minor,
                        bill_currency)
VALUES (:id, :municipality, :application, :delivery, :code, :day, :kind, :units, :reason, :requested_by, :requested_at,
        :locked, :state, :decided_by, :decided_at, :replaced_kind, :replaced_units, :replacement, :bill_invoice,
        :bill_number, :bill_difference, :bill_currency)
"""
_DECIDE_CORRECTION = """
UPDATE correction SET state = :state, decided_by = :decided_by, decided_at = :decided_at, replacement_id = :replacement,
    bill_invoice_id = :bill_invoice, bill_number = :bill_number, bill_difference_minor = :bill_difference,
    bill_currency = :bill_currency
WHERE id = :id
"""
_BEFORE_ALL = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, slots=True)
class CorrectionPage:
    """Which corrections to list."""

    municipality_id: str
    open_only: bool
    after: tuple[datetime, str] | None
    size: int


async def known_entry(tx: ReadTx, entry_id: str) -> tuple[EntryResult, bytes] | None:
    """What became of an entry that was submitted before, with the hash of its body; None: it is new."""
    row = await tx.one_or_none(
        "SELECT outcome, delivery_id, reason, body_hash FROM attendance_entry WHERE id = :id", {"id": entry_id}
    )
    if row is None:
        return None
    delivery = "" if row.delivery_id is None else str(row.delivery_id)
    return EntryResult(entry_id, EntryOutcome(row.outcome), delivery, row.reason), bytes(row.body_hash)


async def visit(tx: ReadTx, unit_id: str) -> tuple[Visit, str, str] | None:
    """A planned unit with its state and whom it is assigned to (empty: nobody); None when there is none."""
    row = await tx.one_or_none(
        "SELECT u.*, a.assistant_id FROM unit u LEFT JOIN visit_assignment a ON a.unit_id = u.id WHERE u.id = :id",
        {"id": unit_id},
    )
    if row is None:
        return None
    found = Visit(str(row.id), row.municipality_id, str(row.application_id), row.code, row.on_day, row.quantity)
    return found, row.state, row.assistant_id or ""


async def who_goes(tx: ReadTx, care: Care, code: str, on: date) -> frozenset[str]:
    """Assistants who were sent to what is planned of a code on a day, who arrived there, or who drive the meal.

    Empty: it may be anybody, as of a visit of several to which nobody was sent.
    """
    where = {"municipality": care.contract.municipality_id, "application": care.id, "code": code, "day": on}
    return frozenset(row.assistant_id for row in await tx.all(_WHO_GOES, where))


async def presence(tx: ReadTx, unit_id: str) -> Presence | None:
    """Who is or was at a visit; None: nobody arrived."""
    row = await tx.one_or_none(_PRESENCE, {"id": unit_id})
    if row is None:
        return None
    delivery = "" if row.delivery_id is None else str(row.delivery_id)
    return Presence(unit_id, row.assistant_id, row.arrived_at, row.left_at, delivery, row.withdrawn)


async def record(tx: ReadTx, delivery_id: str) -> DeliveryRecord | None:
    """A record of care; None when there is none."""
    row = await tx.one_or_none("SELECT * FROM delivery WHERE id = :id", {"id": delivery_id})
    if row is None:
        return None
    fault = None if row.fault is None else MissFault(row.fault)
    return DeliveryRecord(
        str(row.id), str(row.application_id), row.code, row.on_day, row.units, Outcome(row.outcome), fault
    )


async def correction(tx: ReadTx, correction_id: str) -> Correction | None:
    """A correction; None when there is none."""
    row = await tx.one_or_none(f"{_CORRECTION} WHERE id = :id", {"id": correction_id})
    return None if row is None else _correction(row)


async def corrections_page(tx: ReadTx, page: CorrectionPage) -> Sequence[Correction]:
    """Corrections of a municipality in the order in which they were asked for."""
    after_at, after = page.after or (datetime.min, _BEFORE_ALL)  # noqa: DTZ901 - before every instant
    rows = await tx.all(
        _CORRECTIONS,
        {
            "municipality": page.municipality_id,
            "open_only": page.open_only,
            "after_at": after_at,
            "after": after,
            "size": page.size,
        },
    )
    return [_correction(row) for row in rows]


class AttendanceStore:
    """Port of the use cases on one write transaction."""

    def __init__(self, tx: WriteTx) -> None:
        self._tx = tx

    async def told(self, application_id: str, code: str, on: date) -> tuple[int, Sequence[Told]]:
        """Units planned of the code on the day, and what is recorded of it."""
        where = {"application": application_id, "code": code, "day": on}
        rows = await self._tx.all(_TOLD, where)
        told = [Told(str(row.id), AttendanceKind(row.kind), row.units) for row in rows]
        return int(await self._tx.scalar(_PLANNED, where)), told

    async def keep_entry(self, entry: Entry, result: EntryResult, by: str, digest: bytes, moment: Moment) -> bool:
        """Store the answer to an entry; false when another transaction has answered it."""
        stored = await self._tx.run(
            _KEEP_ENTRY,
            {
                "id": entry.id,
                "municipality": entry.municipality_id,
                "digest": digest,
                "assistant": entry.assistant_id,
                "written_at": entry.written_at,
                "by": by,
                "outcome": result.outcome,
                "delivery": result.delivery_id or None,
                "reason": result.reason,
                "now": moment.now,
                "application": entry.application_id,
                "code": entry.code,
                "day": entry.on,
                "kind": entry.kind,
                "units": entry.units,
            },
        )
        return stored == 1

    async def presence(self, unit_id: str) -> Presence | None:
        """Who is or was at a visit; its unit is locked until the transaction ends."""
        await self._tx.all("SELECT id FROM unit WHERE id = :id FOR NO KEY UPDATE", {"id": unit_id})
        return await presence(self._tx, unit_id)

    async def arrive(self, arrived: Presence) -> None:
        """Store an arrival; the first, or the first since the record of the visit was withdrawn."""
        await self._tx.run(
            _ARRIVE,
            {"unit": arrived.unit_id, "assistant": arrived.assistant_id, "at": arrived.arrived_at},
        )

    async def leave(self, left: Presence) -> None:
        """Store the end of a visit with its record."""
        await self._tx.run(
            "UPDATE visit_presence SET left_at = :at, delivery_id = :delivery WHERE unit_id = :unit",
            {"unit": left.unit_id, "at": left.left_at, "delivery": left.delivery_id},
        )

    async def stand_by(self, delivery_id: str, replaced_id: str) -> None:
        """Let a visit whose record was replaced have ended in the record that stands now."""
        await self._tx.run(
            "UPDATE visit_presence SET delivery_id = :delivery WHERE delivery_id = :replaced",
            {"delivery": delivery_id, "replaced": replaced_id},
        )

    async def record(self, delivery_id: str) -> DeliveryRecord | None:
        """A record of care, locked until the transaction ends; None when there is none."""
        await self._tx.all("SELECT id FROM delivery WHERE id = :id FOR UPDATE", {"id": delivery_id})
        return await record(self._tx, delivery_id)

    async def withdraw(self, delivery_id: str) -> None:
        """Let a record count nowhere; Refused when it does already."""
        changed = await self._tx.run(
            "UPDATE delivery SET outcome = 'VOID', fault = NULL WHERE id = :id AND outcome <> 'VOID'",
            {"id": delivery_id},
        )
        if changed != 1:
            raise Refused(resource_type="delivery", resource_id=delivery_id)

    async def find_correction(self, correction_id: str) -> Correction | None:
        """A correction, locked until the transaction ends; None when there is none."""
        row = await self._tx.one_or_none(f"{_CORRECTION} WHERE id = :id FOR UPDATE", {"id": correction_id})
        return None if row is None else _correction(row)

    async def keep_correction(self, kept: Correction, replaced: DeliveryRecord | None) -> None:
        """Store a new correction with what the record says; Refused when the record has another correction."""
        before = None if replaced is None else f"MISSED_BY_{replaced.fault}" if replaced.fault else replaced.outcome
        try:
            await self._tx.run(
                _KEEP_CORRECTION,
                {
                    "id": kept.id,
                    "municipality": kept.municipality_id,
                    "application": kept.application_id,
                    "delivery": kept.delivery_id or None,
                    "code": kept.code,
                    "day": kept.on,
                    "kind": kept.kind,
                    "units": kept.units,
                    "reason": kept.reason,
                    "requested_by": kept.requested_by,
                    "requested_at": kept.requested_at,
                    "locked": kept.locked,
                    "state": kept.state,
                    "decided_by": kept.decided_by or None,
                    "decided_at": kept.decided_at,
                    "replaced_kind": before,
                    "replaced_units": None if replaced is None else replaced.units,
                    "replacement": kept.replacement_id or None,
                    **_bill_row(kept.bill),
                },
            )
        except IntegrityError as error:
            if violated_constraint(error) not in {"correction_open_once", "correction_made_once"}:
                raise
            raise Refused(resource_type="delivery", resource_id=kept.delivery_id) from error

    async def decide_correction(self, decided: Correction) -> None:
        """Store what became of a correction; what it asks for and what it replaces stay."""
        await self._tx.run(
            _DECIDE_CORRECTION,
            {
                "id": decided.id,
                "state": decided.state,
                "decided_by": decided.decided_by,
                "decided_at": decided.decided_at,
                "replacement": decided.replacement_id or None,
                **_bill_row(decided.bill),
            },
        )


def _bill_row(bill: BillChange | None) -> dict[str, object]:
    return {
        "bill_invoice": None if bill is None else bill.invoice_id or None,
        "bill_number": None if bill is None else bill.invoice_number or None,
        "bill_difference": None if bill is None else bill.difference.minor,
        "bill_currency": None if bill is None else bill.difference.currency,
    }


def _bill(row: Row[Any]) -> BillChange | None:
    if row.bill_difference_minor is None:
        return None
    difference = Money.from_minor(row.bill_difference_minor, Currency(row.bill_currency))
    return BillChange(difference, row.bill_invoice_id or "", row.bill_number or 0)


def _correction(row: Row[Any]) -> Correction:
    return Correction(
        id=str(row.id),
        municipality_id=row.municipality_id,
        application_id=str(row.application_id),
        delivery_id="" if row.delivery_id is None else str(row.delivery_id),
        code=row.code,
        on=row.on_day,
        kind=None if row.kind is None else AttendanceKind(row.kind),
        units=row.units,
        reason=CorrectionReason(row.reason),
        requested_by=row.requested_by,
        requested_at=row.requested_at,
        locked=row.locked,
        state=CorrectionState(row.state),
        decided_by=row.decided_by or "",
        decided_at=row.decided_at,
        replacement_id="" if row.replacement_id is None else str(row.replacement_id),
        bill=_bill(row),
    )
