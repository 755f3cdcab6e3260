"""SQL about people who must be looked after, and about welfare checks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy import Row

from services.delivery.domain.units import UnitState
from services.delivery.domain.welfare import (
    OPEN_STATES,
    MissedVisit,
    Rung,
    WelfareCheck,
    WelfareOutcome,
    WelfareState,
    WelfareStep,
)
from services.delivery.rules.welfare import AtRisk
from services.delivery.storage.local_rules import rules_of
from services.kernel.local_rules import LocalRules
from services.runtime.database import ReadTx, WriteTx
from services.runtime.outbox import Signal, Start

__all__ = ["WITH_THE_OTHER", "WelfareStore", "find_check", "open_checks", "rungs_stood_on", "safeguard_of"]

_COPY = """
INSERT INTO safeguard (application_id, living_alone, found_vulnerable, office_code)
VALUES (:id, :living_alone, :vulnerable, :office_code)
ON CONFLICT (application_id) DO UPDATE
SET living_alone = excluded.living_alone, found_vulnerable = excluded.found_vulnerable,
    office_code = excluded.office_code, version = safeguard.version + 1
WHERE (safeguard.living_alone, safeguard.found_vulnerable, safeguard.office_code)
   IS DISTINCT FROM (excluded.living_alone, excluded.found_vulnerable, excluded.office_code)
"""
_MARK = """
INSERT INTO safeguard (application_id, marked, marked_by, marked_at) VALUES (:id, :marked, :by, :now)
ON CONFLICT (application_id) DO UPDATE
SET marked = excluded.marked, marked_by = excluded.marked_by, marked_at = excluded.marked_at,
    version = safeguard.version + 1
"""
WITH_THE_OTHER = """
u.unit = 'MEAL' AND EXISTS (
    SELECT FROM unit o
    WHERE o.application_id = u.application_id AND o.on_day = u.on_day AND o.line_id = u.line_id AND o.state = 'DONE')"""
"""Meals of a line come together: who was handed one of them was met, whatever became of the other, `u`."""

# A missed unit that has no check comes first: each of two visits of a day may be missed. While somebody is looked for
# because of one unit of a line, another unit of the line asks for nothing more.
_PLANNED_VISIT = f"""
SELECT u.id, u.became FROM (
    SELECT u.*, CASE WHEN {WITH_THE_OTHER} THEN 'DONE' ELSE u.state END AS became FROM unit u
    WHERE u.application_id = :id AND u.code = :code AND u.on_day = :day AND u.state <> 'CANCELLED'
) u LEFT JOIN welfare_check w ON w.id = u.id
ORDER BY u.became <> 'MISSED', w.id IS NOT NULL OR EXISTS (
    SELECT FROM unit o JOIN welfare_check c ON c.id = o.id
    WHERE o.application_id = u.application_id AND o.on_day = u.on_day AND o.line_id = u.line_id AND c.state <> 'CLOSED'
), w.id IS NULL, u.part, u.id LIMIT 1
"""  # noqa: S608 - put together from constants
_LAST_MET = """
SELECT max(on_day) FROM delivery
WHERE application_id = :id AND outcome = 'DELIVERED' AND code = ANY(CAST(:codes AS text[]))
"""
_CHECK = """
SELECT c.id, c.application_id, c.municipality_id, c.district_code, c.service_code, c.office_code, c.code, c.on_day,
       c.state, c.begun_at, c.outcome, c.closed_at, c.version,
       array_agg(r.state ORDER BY number) AS rungs, array_agg(r.begun_at ORDER BY number) AS begun,
       array_agg(r.due_at ORDER BY number) AS due, array_agg(r.answer ORDER BY number) AS answers,
       array_agg(r.answered_at ORDER BY number) AS answered, array_agg(r.answered_by ORDER BY number) AS answered_by
FROM welfare_check c JOIN welfare_rung r ON r.check_id = c.id
"""
_INSERT_CHECK = """
INSERT INTO welfare_check (id, application_id, municipality_id, district_code, service_code, office_code, code, on_day,
                           state, begun_at, version)
VALUES (:id, :application_id, :municipality_id, :district_code, :service_code, :office_code, :code, :on_day, :state,
        :begun_at, :version)
ON CONFLICT (id) DO NOTHING
"""
_UPDATE_CHECK = """
UPDATE welfare_check SET state = :state, outcome = :outcome, closed_at = :closed_at, version = :version WHERE id = :id
"""
_KEEP_RUNG = """
INSERT INTO welfare_rung (check_id, number, state, begun_at, due_at, answer, answered_at, answered_by)
VALUES (:check_id, :number, :state, :begun_at, :due_at, :answer, :answered_at, :answered_by)
ON CONFLICT (check_id, number) DO UPDATE
SET answer = excluded.answer, answered_at = excluded.answered_at, answered_by = excluded.answered_by
WHERE welfare_rung.answer IS NULL AND excluded.answer IS NOT NULL
"""
_STOOD_ON = """
SELECT c.state, count(*) AS checks, count(*) FILTER (WHERE due_at <= :now OR c.state = 'OFFICE_HEAD') AS overdue
FROM welfare_check c JOIN welfare_rung r ON r.check_id = c.id AND r.answer IS NULL
WHERE c.state <> 'CLOSED' GROUP BY c.state
"""


class WelfareStore:
    """Port of the use cases on one write transaction."""

    def __init__(self, tx: WriteTx) -> None:
        self._tx = tx

    async def emit(self, emission: Signal | Start) -> None:
        """Store an outbox row."""
        self._tx.emit(emission)

    async def rules(self, municipality_id: str) -> LocalRules:
        """What the municipality has decided; NotFound when delivery has no copy."""
        return await rules_of(self._tx, municipality_id)

    async def copy_risk(
        self, application_id: str, *, living_alone: bool, office_code: str, vulnerable: bool = False
    ) -> None:
        """Take over what intake knows of a case that has care."""
        risk = {"living_alone": living_alone, "vulnerable": vulnerable, "office_code": office_code}
        await self._tx.run(_COPY, {"id": application_id, **risk})

    async def mark(self, application_id: str, *, vulnerable: bool, by: str, now: datetime) -> int:
        """Keep a social worker's mark; gives the version of the safeguard."""
        await self._tx.run(_MARK, {"id": application_id, "marked": vulnerable, "by": by, "now": now})
        return int(
            await self._tx.scalar("SELECT version FROM safeguard WHERE application_id = :id", _id(application_id))
        )

    async def safeguard(self, application_id: str) -> tuple[AtRisk, str]:
        """What is known of the case, and the code of its office; nothing known is no risk."""
        return await safeguard_of(self._tx, application_id)

    async def planned_visit(self, application_id: str, code: str, on: date) -> tuple[str, UnitState] | None:
        """Id and state of the planned unit of the code and day, a missed one first; None when none is stored.

        A missed meal that lies beside one that was handed over counts as done.
        """
        row = await self._tx.one_or_none(_PLANNED_VISIT, {"id": application_id, "code": code, "day": on})
        return None if row is None else (str(row.id), UnitState(row.became))

    async def last_met(self, application_id: str, codes: Sequence[str]) -> date | None:
        """The last day on which care of one of these codes was delivered."""
        found = await self._tx.scalar(_LAST_MET, {"id": application_id, "codes": list(codes)})
        return None if found is None else date.fromisoformat(str(found))

    async def locked_check(self, check_id: str) -> WelfareCheck | None:
        """The check, locked until the end of the transaction."""
        locked = await self._tx.scalar("SELECT id FROM welfare_check WHERE id = :id FOR NO KEY UPDATE", _id(check_id))
        return None if locked is None else await find_check(self._tx, check_id)

    async def add(self, check: WelfareCheck) -> bool:
        """Store a check with its rungs; false when the visit has one already."""
        visit = check.visit
        added = await self._tx.run(
            _INSERT_CHECK,
            {
                "id": visit.id,
                "application_id": visit.application_id,
                "municipality_id": visit.municipality_id,
                "district_code": visit.district_code,
                "service_code": visit.service_code,
                "office_code": visit.office_code,
                "code": visit.code,
                "on_day": visit.on,
                "state": check.state,
                "begun_at": check.begun,
                "version": check.version,
            },
        )
        if added:
            await self._keep_rungs(check)
        return bool(added)

    async def save(self, check: WelfareCheck) -> None:
        """Store state, outcome and rungs of a check that is locked."""
        await self._keep_rungs(check)
        await self._tx.run(
            _UPDATE_CHECK,
            {
                "id": check.id,
                "state": check.state,
                "outcome": check.outcome,
                "closed_at": check.closed,
                "version": check.version,
            },
        )

    async def _keep_rungs(self, check: WelfareCheck) -> None:
        # What was stepped off first, so that no two rungs are stood on.
        for number, rung in enumerate(check.rungs, start=1):
            await self._tx.run(_KEEP_RUNG, _rung_row(check.id, number, rung))


def _id(value: str) -> dict[str, str]:
    return {"id": value}


def _rung_row(check_id: str, number: int, rung: Rung) -> dict[str, object]:
    return {
        "check_id": check_id,
        "number": number,
        "state": rung.state,
        "begun_at": rung.begun,
        "due_at": rung.due,
        "answer": rung.answer,
        "answered_at": rung.answered,
        "answered_by": rung.by,
    }


async def safeguard_of(tx: ReadTx, application_id: str) -> tuple[AtRisk, str]:
    """What is known of the case, and the code of its office; nothing known is no risk."""
    row = await tx.one_or_none(
        "SELECT living_alone, marked, found_vulnerable, office_code FROM safeguard WHERE application_id = :id",
        _id(application_id),
    )
    if row is None:
        return AtRisk(), ""
    return AtRisk(row.living_alone, row.marked, row.found_vulnerable), row.office_code


async def find_check(tx: ReadTx, check_id: str) -> WelfareCheck | None:
    """A check by the id of its visit."""
    row = await tx.one_or_none(f"{_CHECK} WHERE c.id = :id GROUP BY c.id", _id(check_id))
    return None if row is None else _check(row)


async def open_checks(
    tx: ReadTx, municipality_id: str, *, after: tuple[datetime, str] | None = None, size: int = 50
) -> Sequence[WelfareCheck]:
    """A page of the checks of a municipality (empty: of all) without an outcome, the oldest first."""
    begun, last = after or (None, None)
    rows = await tx.all(
        f"{_CHECK} WHERE c.municipality_id = coalesce(NULLIF(CAST(:municipality AS text), ''), c.municipality_id) "
        "AND c.state <> 'CLOSED' "
        "AND (CAST(:begun AS timestamptz) IS NULL OR (c.begun_at, c.id) > (CAST(:begun AS timestamptz), "
        "CAST(CAST(:last AS text) AS uuid))) GROUP BY c.id ORDER BY c.begun_at, c.id LIMIT :size",
        {"municipality": municipality_id, "begun": begun, "last": last, "size": size},
    )
    return [_check(row) for row in rows]


async def rungs_stood_on(tx: ReadTx, now: datetime) -> Mapping[WelfareState, tuple[int, int]]:
    """Open checks by rung, and how many of them are too late."""
    rows = await tx.all(_STOOD_ON, {"now": now})
    found = {WelfareState(row.state): (int(row.checks), int(row.overdue)) for row in rows}
    return {state: found.get(state, (0, 0)) for state in OPEN_STATES}


def _check(row: Row[Any]) -> WelfareCheck:
    visit = MissedVisit(
        id=str(row.id),
        application_id=str(row.application_id),
        municipality_id=row.municipality_id,
        district_code=row.district_code,
        service_code=row.service_code,
        office_code=row.office_code,
        code=row.code,
        on=row.on_day,
    )
    rungs = tuple(
        Rung(WelfareState(state), begun, due, None if answer is None else WelfareStep(answer), answered, by)
        for state, begun, due, answer, answered, by in zip(
            row.rungs, row.begun, row.due, row.answers, row.answered, row.answered_by, strict=True
        )
    )
    outcome = None if row.outcome is None else WelfareOutcome(row.outcome)
    return WelfareCheck(visit, WelfareState(row.state), row.begun_at, rungs, outcome, row.closed_at, row.version)
