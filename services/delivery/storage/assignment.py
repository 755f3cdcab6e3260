"""SQL about who goes to which visit: one read of a municipality's day, and statements over all its visits at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time
from typing import Any

from sqlalchemy import Row
from sqlalchemy.exc import DataError, IntegrityError

from services.delivery.domain.staff import (
    WHOLE_DAY,
    AssignedVisit,
    AssignmentCause,
    AssignmentStep,
    Span,
)
from services.delivery.rules.assignment import Placement, Visit, length_of_visit, skills_for
from services.delivery.storage.local_rules import rules_of
from services.delivery.storage.pages import reason_of
from services.delivery.storage.staff import assistants_of
from services.delivery.usecases.care import Moment
from services.delivery.usecases.staff import DayOfVisits, Given, PlannedVisit
from services.kernel.catalogue import Family
from services.kernel.ranges import DateRange
from services.runtime.database import ReadTx, WriteTx

__all__ = [
    "AssignmentStore",
    "Task",
    "UnassignedCount",
    "counts_of_day",
    "day_of_visits",
    "day_sheet",
    "days_to_assign",
    "released_visits",
    "unassigned_count",
    "unassigned_page",
    "visits_by_id",
]

_AT_HOME = frozenset({Family.PATRONAGE, Family.ASSISTANT_SUPPORT})

_VISIT = """
SELECT u.id, u.line_id, u.municipality_id, u.application_id, c.person_id, u.code, u.unit, u.quantity, u.district_code,
       u.on_day, u.state, l.window_start, l.window_end, l.skills, l.menu_code, a.assistant_id, lower(a.span) AS starts,
       upper(a.span) AS ends, a.named, x.reason
FROM unit u
JOIN care c USING (application_id)
JOIN plan_line l ON l.id = u.line_id
LEFT JOIN visit_assignment a ON a.unit_id = u.id
LEFT JOIN visit_unassigned x ON x.unit_id = u.id
"""
# Who came last for the line, else for the item, else to the person.
_LAST = """
    SELECT assistant_id FROM visit_assignment p WHERE {same} AND p.on_day < :day
    ORDER BY p.on_day DESC, p.span DESC LIMIT 1
"""
_OF_PERSON = "p.person_id = v.person_id AND p.municipality_id = :municipality"
_DAY = f"""
SELECT v.*, coalesce(
    ({_LAST.format(same="p.line_id = v.line_id")}),
    ({_LAST.format(same=f"{_OF_PERSON} AND p.code = v.code")}),
    ({_LAST.format(same=_OF_PERSON)})
) AS last_assistant FROM (
    {_VISIT}
    WHERE u.municipality_id = :municipality AND u.on_day = :day AND u.unit IN ('VISIT', 'HOUR', 'ONE_OFF')
      AND u.state IN ('PLANNED', 'DONE', 'MISSED') AND c.service_code = ANY(CAST(:services AS text[]))
) v
"""  # noqa: S608 - put together from constants
_BY_ID = f"{_VISIT} WHERE u.id = ANY(CAST(:ids AS uuid[])) ORDER BY u.on_day, a.span, u.id"
_AWAY = """
SELECT assistant_id FROM assistant_absence WHERE municipality_id = :municipality AND CAST(:day AS date) <@ days
"""
# Visits of a day that was assigned, whenever they were planned; a visit has a reason once it was looked at.
_TO_ASSIGN = """
JOIN assigned_day d ON d.municipality_id = u.municipality_id AND d.on_day = u.on_day
WHERE u.unit IN ('VISIT', 'HOUR', 'ONE_OFF') AND u.state = 'PLANNED' AND c.service_code = ANY(d.services)
  AND a.unit_id IS NULL
"""
_UNASSIGNED = f"""
{_VISIT} {_TO_ASSIGN} AND u.municipality_id = :municipality AND u.on_day >= :first
  AND (u.on_day, u.id) > (:after_day, CAST(:after AS uuid))
ORDER BY u.on_day, u.id LIMIT :size
"""
_DAYS_TO_ASSIGN = f"""
SELECT DISTINCT u.municipality_id, u.on_day
FROM unit u JOIN care c USING (application_id) LEFT JOIN visit_assignment a ON a.unit_id = u.id
{_TO_ASSIGN} AND u.application_id = :application AND u.on_day >= :first
ORDER BY u.on_day
"""  # noqa: S608 - put together from constants
# The unit is locked before its assignment, as by a pause whose trigger takes the visit from its assistant.
_RELEASE = """
WITH held AS MATERIALIZED (
    SELECT id FROM unit WHERE id = ANY(CAST(:ids AS uuid[])) ORDER BY id FOR SHARE
), gone AS (
    DELETE FROM visit_assignment WHERE unit_id IN (SELECT id FROM held) RETURNING unit_id, assistant_id
)
INSERT INTO assignment_event (unit_id, assistant_id, cause, at)
SELECT unit_id, assistant_id, 'RELEASED', :now FROM gone ORDER BY unit_id
"""
# The share lock keeps pauses and ends that are being recorded apart from the assignment.
_ASSIGN = """
WITH asked AS (
    SELECT n.*, u.municipality_id, u.on_day, u.line_id, u.code, c.person_id
    FROM unnest(CAST(:units AS uuid[]), CAST(:assistants AS text[]), CAST(:starts AS int[]), CAST(:ends AS int[]),
                CAST(:skills AS text[])) AS n (unit_id, assistant_id, starts, ends, skills)
    JOIN unit u ON u.id = n.unit_id AND u.state = 'PLANNED' JOIN care c USING (application_id)
    ORDER BY u.id FOR SHARE OF u
), new AS (
    INSERT INTO visit_assignment (unit_id, municipality_id, assistant_id, person_id, line_id, code, on_day, span,
                                  skills, named)
    SELECT unit_id, municipality_id, assistant_id, person_id, line_id, code, on_day, int4range(starts, ends),
           string_to_array(skills, ','), :named FROM asked
    RETURNING unit_id, assistant_id
), forgotten AS (
    DELETE FROM visit_unassigned WHERE unit_id IN (SELECT unit_id FROM new)
), noted AS (
    INSERT INTO assignment_event (unit_id, assistant_id, cause, at)
    SELECT unit_id, assistant_id, :cause, :now FROM new ORDER BY unit_id
)
SELECT unit_id FROM new
"""
_FORGET_REASONS = "DELETE FROM visit_unassigned WHERE municipality_id = :municipality AND on_day = :day"
_KEEP_REASONS = """
INSERT INTO visit_unassigned (unit_id, municipality_id, on_day, reason)
SELECT unit_id, :municipality, :day, reason
FROM unnest(CAST(:units AS uuid[]), CAST(:reasons AS text[])) AS n (unit_id, reason)
"""
_NOTE_DAY = """
INSERT INTO assigned_day (municipality_id, on_day, services)
VALUES (:municipality, :day, CAST(:services AS text[]))
ON CONFLICT (municipality_id, on_day) DO UPDATE SET services = excluded.services
WHERE assigned_day.services <> excluded.services
"""
_OF_NOBODY = f"""
FROM unit u JOIN care c USING (application_id) LEFT JOIN visit_assignment a ON a.unit_id = u.id
LEFT JOIN visit_unassigned x ON x.unit_id = u.id {_TO_ASSIGN}
"""
_COUNT_UNASSIGNED = f"""
SELECT x.reason, count(*) AS visits {_OF_NOBODY}
  AND d.on_day >= (SELECT max(r.on_day) FROM daily_run r WHERE r.municipality_id = d.municipality_id)
GROUP BY x.reason
"""  # noqa: S608 - put together from constants
_COUNTS = f"""
SELECT (SELECT count(*) FROM visit_assignment WHERE municipality_id = :municipality AND on_day = :day) AS assigned,
       (SELECT count(*) {_OF_NOBODY} AND d.municipality_id = :municipality AND d.on_day = :day) AS unassigned
"""  # noqa: S608 - put together from constants
_RELEASED = f"""
{_VISIT} WHERE u.municipality_id = :municipality AND u.on_day BETWEEN :first AND :last AND u.id IN (
    SELECT e.unit_id FROM assignment_event e WHERE e.assistant_id = :assistant AND e.cause = 'RELEASED'
) ORDER BY u.on_day, u.id
"""  # noqa: S608 - put together from constants
_SHEET = f"""
{_VISIT} WHERE a.municipality_id = :municipality AND a.assistant_id = :assistant AND a.on_day = :day
  AND u.state IN ('PLANNED', 'DONE', 'MISSED')
ORDER BY a.span
"""

UnassignedCount = Mapping[AssignmentStep | None, int]
"""Visits that nobody goes to, by reason; None: planned since their day was assigned."""

_BEFORE_ALL = "00000000-0000-0000-0000-000000000000"


_Slot = tuple[PlannedVisit, str, Span]


@dataclass(frozen=True, slots=True)
class Task:
    """A line of a day sheet."""

    standing: AssignedVisit
    units: int
    state: str
    menu_code: str = ""


async def day_of_visits(tx: ReadTx, municipality_id: str, on: date) -> DayOfVisits:
    """Everything that the rule looks at, read once; without assistants no visit is read."""
    assistants = tuple(await assistants_of(tx, municipality_id))
    if not assistants:
        return DayOfVisits((), (), frozenset())
    catalogue = (await rules_of(tx, municipality_id)).catalogue
    services = sorted({entry.code for entry in catalogue.entries if entry.family in _AT_HOME})
    rows = await tx.all(_DAY, {"municipality": municipality_id, "day": on, "services": services})
    away = await tx.all(_AWAY, {"municipality": municipality_id, "day": on})
    return DayOfVisits(
        tuple(_planned(row, row.last_assistant or "") for row in rows),
        assistants,
        frozenset(row.assistant_id for row in away),
        tuple(services),
    )


async def visits_by_id(tx: ReadTx, unit_ids: Iterable[str]) -> Sequence[AssignedVisit]:
    """Visits as they stand, by day, begin and id; an id that is none has no row."""
    return [_standing(row) for row in await tx.all(_BY_ID, {"ids": list(unit_ids)})]


async def unassigned_page(
    tx: ReadTx, municipality_id: str, first: date, *, after: tuple[date, str] | None, size: int
) -> Sequence[AssignedVisit]:
    """Visits from `first` on, of days that were assigned, that nobody goes to, by day and unit, behind `after`."""
    after_day, after_id = after or (date.min, _BEFORE_ALL)
    where = {"municipality": municipality_id, "first": first, "after_day": after_day, "after": after_id, "size": size}
    return [_standing(row) for row in await tx.all(_UNASSIGNED, where)]


async def unassigned_count(tx: ReadTx) -> UnassignedCount:
    """Planned visits that nobody goes to, of days that were assigned, from that of the latest daily run on."""
    rows = await tx.all(_COUNT_UNASSIGNED)
    return {_reason(row): row.visits for row in rows}


async def days_to_assign(tx: ReadTx, application_id: str, first: date) -> tuple[str, Sequence[date]]:
    """Municipality of a case and the days from `first` on that were assigned and have visits of nobody since."""
    rows = await tx.all(_DAYS_TO_ASSIGN, {"application": application_id, "first": first})
    return (rows[0].municipality_id if rows else ""), [row.on_day for row in rows]


async def counts_of_day(tx: ReadTx, municipality_id: str, on: date) -> tuple[int, int]:
    """Visits of the day that somebody goes to, and those that nobody goes to."""
    row = await tx.one(_COUNTS, {"municipality": municipality_id, "day": on})
    return row.assigned, row.unassigned


async def released_visits(
    tx: ReadTx, municipality_id: str, assistant_id: str, within: DateRange
) -> Sequence[AssignedVisit]:
    """Visits of these days that the assistant had and lost, as they stand."""
    where = {"municipality": municipality_id, "assistant": assistant_id, "first": within.start, "last": within.end}
    return [_standing(row) for row in await tx.all(_RELEASED, where)]


async def day_sheet(tx: ReadTx, municipality_id: str, assistant_id: str, on: date) -> Sequence[Task]:
    """What the assistant does on the day, by begin."""
    rows = await tx.all(_SHEET, {"municipality": municipality_id, "assistant": assistant_id, "day": on})
    return [Task(_standing(row), row.quantity, row.state, row.menu_code) for row in rows]


class AssignmentStore:
    """Port of the use cases about assignments on one write transaction."""

    def __init__(self, tx: WriteTx) -> None:
        self._tx = tx

    async def day(self, municipality_id: str, on: date) -> DayOfVisits:
        """The municipality's day."""
        return await day_of_visits(self._tx, municipality_id, on)

    async def release(self, unit_ids: Sequence[str], moment: Moment) -> None:
        """Take visits from who has them."""
        if unit_ids:
            await self._tx.run(_RELEASE, {"ids": list(unit_ids), "now": moment.now})

    async def give(
        self, placed: Sequence[tuple[PlannedVisit, Placement]], cause: AssignmentCause, moment: Moment
    ) -> Given:
        """Give each visit to whom the placement names; what the database refuses is given case by case."""
        slots = [(visit, place.assistant_id, place.slot) for visit, place in placed if place.slot is not None]
        try:
            return Given(await self._give(slots, cause, moment), {})
        except (IntegrityError, DataError):
            by_case = defaultdict[str, list[_Slot]](list)
            for each in slots:
                by_case[each[0].standing.application_id].append(each)
        given, refused = set[str](), dict[str, str]()
        for case in sorted(by_case):
            try:
                given |= await self._give(by_case[case], cause, moment)
            except (IntegrityError, DataError) as error:
                refused[case] = reason_of(error)
        return Given(frozenset(given), refused)

    async def _give(self, slots: Sequence[_Slot], cause: AssignmentCause, moment: Moment) -> frozenset[str]:
        if not slots:
            return frozenset()
        async with self._tx.attempt():
            rows = await self._tx.all(
                _ASSIGN,
                {
                    "units": [visit.visit.unit_id for visit, _, _ in slots],
                    "assistants": [assistant for _, assistant, _ in slots],
                    "starts": [slot.start for _, _, slot in slots],
                    "ends": [slot.end for _, _, slot in slots],
                    "skills": [",".join(sorted(visit.visit.skills)) for visit, _, _ in slots],
                    "named": cause is AssignmentCause.NAMED,
                    "cause": cause,
                    "now": moment.now,
                },
            )
        return frozenset(str(row.unit_id) for row in rows)

    async def keep_reasons(self, municipality_id: str, on: date, placed: Sequence[Placement]) -> None:
        """Replace the reasons of the day by those of the visits that went to nobody."""
        where = {"municipality": municipality_id, "day": on}
        await self._tx.run(_FORGET_REASONS, where)
        left = [place for place in placed if place.reason is not None]
        if left:
            units, reasons = [place.unit_id for place in left], [place.reason for place in left]
            await self._tx.run(_KEEP_REASONS, {**where, "units": units, "reasons": reasons})

    async def note_day(self, municipality_id: str, on: date, services: Sequence[str]) -> None:
        """Remember that the visits of these services were looked at: a later one has to be assigned too."""
        await self._tx.run(_NOTE_DAY, {"municipality": municipality_id, "day": on, "services": list(services)})


def _reason(row: Row[Any]) -> AssignmentStep | None:
    return None if row.reason is None else AssignmentStep(row.reason)


def _window(row: Row[Any]) -> Span:
    return WHOLE_DAY if row.window_start is None else Span(_minute(row.window_start), _minute(row.window_end))


def _minute(at: time) -> int:
    return at.hour * 60 + at.minute


def _planned(row: Row[Any], last_assistant: str) -> PlannedVisit:
    window = _window(row)
    visit = Visit(
        unit_id=str(row.id),
        district=row.district_code,
        window=window,
        minutes=length_of_visit(row.unit, row.quantity, window),
        skills=skills_for(row.code, row.skills),
        last_assistant=last_assistant,
        person=row.person_id,
    )
    return PlannedVisit(visit, _standing(row), row.state == "PLANNED", bool(row.named))


def _standing(row: Row[Any]) -> AssignedVisit:
    return AssignedVisit(
        unit_id=str(row.id),
        municipality_id=row.municipality_id,
        application_id=str(row.application_id),
        person_id=row.person_id,
        code=row.code,
        district=row.district_code,
        on=row.on_day,
        window=_window(row),
        assistant_id=row.assistant_id or "",
        slot=None if row.starts is None else Span(row.starts, row.ends),
        reason=_reason(row),
    )
