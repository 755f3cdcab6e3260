"""SQL about assistants, their hours and absences."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import date
from typing import Any

from sqlalchemy import Row
from sqlalchemy.exc import IntegrityError

from services.delivery.domain.staff import Absence, AbsenceReason, Assistant, Skill, Span
from services.delivery.errors import AssistantAbsenceOverlaps
from services.delivery.storage.store import json_of
from services.kernel.dates import Weekday
from services.kernel.ranges import DateRange
from services.runtime.database import ReadTx, WriteTx, violated_constraint
from services.runtime.errors import NotFound

__all__ = ["StaffStore", "absence", "assistant", "assistants_of", "lock_assistants"]

_WEEK = tuple(Weekday)

_ASSISTANTS = """
SELECT municipality_id, assistant_id, skills, district_codes, lower(valid) AS first_day,
       CASE WHEN upper_inf(valid) THEN NULL ELSE upper(valid) - 1 END AS last_day, version, coalesce((
           SELECT jsonb_agg(jsonb_build_array(weekday, lower(span), upper(span)) ORDER BY weekday, span)
           FROM assistant_hours h
           WHERE h.municipality_id = a.municipality_id AND h.assistant_id = a.assistant_id
       ), '[]') AS hours
FROM assistant a
"""
_ONE = f"{_ASSISTANTS} WHERE municipality_id = :municipality AND assistant_id = :assistant"
_PAGE = f"""
{_ASSISTANTS} WHERE municipality_id = :municipality AND assistant_id > :after ORDER BY assistant_id LIMIT :size
"""
_PUT = """
INSERT INTO assistant (municipality_id, assistant_id, skills, district_codes, valid, version)
VALUES (:municipality, :assistant, CAST(:skills AS text[]), CAST(:districts AS text[]),
        daterange(:first_day, :last_day, '[]'), :version)
ON CONFLICT (municipality_id, assistant_id) DO UPDATE
SET skills = excluded.skills, district_codes = excluded.district_codes, valid = excluded.valid,
    version = excluded.version
"""
_PUT_HOURS = """
INSERT INTO assistant_hours (municipality_id, assistant_id, weekday, span)
VALUES (:municipality, :assistant, :weekday, int4range(:start, :end))
"""
_ABSENCE = """
SELECT id, assistant_id, lower(days) AS first_day, upper(days) - 1 AS last_day, reason FROM assistant_absence
WHERE municipality_id = :municipality AND id = :id
"""
_DAYS_WITH_VISITS = """
SELECT DISTINCT v.on_day FROM visit_assignment v JOIN unit u ON u.id = v.unit_id
WHERE v.municipality_id = :municipality AND v.assistant_id = :assistant AND u.state = 'PLANNED'
  AND v.on_day <@ daterange(:first, CAST(:last AS date), '[]')
ORDER BY v.on_day
"""


async def assistant(tx: ReadTx, municipality_id: str, assistant_id: str) -> Assistant | None:
    """One assistant; None when none of that id is registered."""
    row = await tx.one_or_none(_ONE, {"municipality": municipality_id, "assistant": assistant_id})
    return None if row is None else _assistant(row)


async def assistants_of(
    tx: ReadTx, municipality_id: str, *, after: str = "", size: int = 1_000_000
) -> Sequence[Assistant]:
    """The assistants of a municipality behind the staff id `after`, by staff id."""
    rows = await tx.all(_PAGE, {"municipality": municipality_id, "after": after, "size": size})
    return [_assistant(row) for row in rows]


async def lock_assistants(tx: WriteTx, municipality_id: str) -> None:
    """Nobody else assigns visits in the municipality, or changes who can go, before the transaction ends."""
    await tx.all(
        "SELECT assistant_id FROM assistant WHERE municipality_id = :municipality "
        "ORDER BY assistant_id FOR NO KEY UPDATE",
        {"municipality": municipality_id},
    )


async def absence(tx: ReadTx, municipality_id: str, absence_id: str) -> Absence | None:
    """One absence; None when there is none."""
    row = await tx.one_or_none(_ABSENCE, {"municipality": municipality_id, "id": absence_id})
    return None if row is None else _absence(row)


class StaffStore:
    """Port of the use cases about assistants on one write transaction."""

    def __init__(self, tx: WriteTx) -> None:
        self._tx = tx

    async def lock(self, municipality_id: str) -> None:
        """Nobody else assigns visits or changes assistants of the municipality before the transaction ends."""
        await lock_assistants(self._tx, municipality_id)

    async def find(self, municipality_id: str, assistant_id: str) -> Assistant | None:
        """One assistant; None when none of that id is registered."""
        return await assistant(self._tx, municipality_id, assistant_id)

    async def put(self, changed: Assistant) -> None:
        """Store the assistant with the hours as they are now."""
        where = {"municipality": changed.municipality_id, "assistant": changed.id}
        await self._tx.run(
            _PUT,
            {
                **where,
                "skills": sorted(changed.skills),
                "districts": sorted(changed.districts),
                "first_day": changed.first_day,
                "last_day": changed.last_day,
                "version": changed.version,
            },
        )
        await self._tx.run(
            "DELETE FROM assistant_hours WHERE municipality_id = :municipality AND assistant_id = :assistant", where
        )
        rows = [
            {**where, "weekday": _WEEK.index(day) + 1, "start": span.start, "end": span.end}
            for day, spans in changed.hours.items()
            for span in spans
        ]
        await self._tx.run(_PUT_HOURS, rows)

    async def add_absence(self, municipality_id: str, added: Absence) -> None:
        """Store an absence.

        Raises:
            AssistantAbsenceOverlaps: the assistant is away on one of the days already.
        """
        try:
            await self._tx.run(
                "INSERT INTO assistant_absence (id, municipality_id, assistant_id, days, reason) "
                "VALUES (:id, :municipality, :assistant, daterange(:first, :last, '[]'), :reason)",
                {
                    "id": added.id,
                    "municipality": municipality_id,
                    "assistant": added.assistant_id,
                    "first": added.days.start,
                    "last": added.days.end,
                    "reason": added.reason,
                },
            )
        except IntegrityError as error:
            if violated_constraint(error) != "assistant_absence_once":
                raise
            raise AssistantAbsenceOverlaps(
                field="days", resource_type="assistant_absence", resource_id=added.assistant_id
            ) from error

    async def load_absence(self, municipality_id: str, absence_id: str) -> Absence:
        """The absence; NotFound when there is none."""
        found = await absence(self._tx, municipality_id, absence_id)
        if found is None:
            raise NotFound(resource_type="assistant_absence", resource_id=absence_id)
        return found

    async def shorten_absence(self, shortened: Absence, last_day: date) -> None:
        """Let the absence end on the day; before its first day it falls away."""
        if last_day < shortened.days.start:
            await self._tx.run("DELETE FROM assistant_absence WHERE id = :id", {"id": shortened.id})
            return
        await self._tx.run(
            "UPDATE assistant_absence SET days = daterange(lower(days), :last, '[]') WHERE id = :id",
            {"id": shortened.id, "last": last_day},
        )

    async def days_with_visits(
        self, municipality_id: str, assistant_id: str, first: date, last: date | None = None
    ) -> Sequence[date]:
        """Days from `first` to `last` (None: open) on which the assistant has a planned visit."""
        where = {"municipality": municipality_id, "assistant": assistant_id, "first": first, "last": last}
        return [row.on_day for row in await self._tx.all(_DAYS_WITH_VISITS, where)]


def _assistant(row: Row[Any]) -> Assistant:
    hours: defaultdict[Weekday, list[Span]] = defaultdict(list)
    for weekday, start, end in json_of(row.hours):
        hours[_WEEK[weekday - 1]].append(Span(start, end))
    return Assistant(
        municipality_id=row.municipality_id,
        id=row.assistant_id,
        skills=frozenset(Skill(skill) for skill in row.skills),
        districts=frozenset(row.district_codes),
        hours={day: tuple(spans) for day, spans in hours.items()},
        first_day=row.first_day,
        last_day=row.last_day,
        version=row.version,
    )


def _absence(row: Row[Any]) -> Absence:
    return Absence(str(row.id), row.assistant_id, DateRange(row.first_day, row.last_day), AbsenceReason(row.reason))
