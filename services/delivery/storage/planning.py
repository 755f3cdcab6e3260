"""The rolling horizon as set-based SQL (L-11; design section 10).

`DUE` is the one definition of what is planned: a function of care, plan, pauses and working days; `STANDING` adds what
was recorded. Planning makes the stored units of some cases and days equal to it, so late runs, gaps and
repetitions lead to the same rows. A stored unit that is due no more is cancelled. Days that a changed calendar has
opened or closed are planned again by the next run, with all days behind the first of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Row

from services.delivery.domain.care import DailyRun
from services.delivery.domain.units import EXPECTED, ONE_BY_ONE
from services.delivery.storage.local_rules import calendar_in_force
from services.kernel.calendar import BusinessCalendar
from services.kernel.ranges import DateRange
from services.runtime.database import ReadTx, WriteTx
from services.runtime.errors import NotFound

__all__ = [
    "DUE",
    "HORIZON",
    "STANDING",
    "Page",
    "close_run",
    "horizon_of",
    "join",
    "kitchen_meals",
    "open_run",
    "page_ids",
    "plan",
    "plan_page",
    "planned_units",
    "run_by_id",
]

HORIZON = timedelta(days=27)
"""Days planned beyond the day of the run: 28 days with it."""

# The plan of a statement over a page of cases would be kept for any number of them, and fit none.
_PLAN_AFRESH = "SELECT set_config('plan_cache_mode', 'force_custom_plan', true)"

_ONE_BY_ONE = f"unit IN {tuple(map(str, sorted(ONE_BY_ONE)))}"
# One row a line and day; the id is that of its first unit. `off`: a day off, for a line of working days.
DUE = """
days AS (
    SELECT CAST(d AS date) AS on_day, to_char(d, 'YYYY-MM-DD') AS written,
           1 << (CAST(extract(isodow FROM d) AS integer) - 1) AS bit,
           (CAST(d AS date) - date '2000-01-03') / 7 AS week,
           1 << ((CAST(extract(day FROM d) AS integer) - 1) / 7)
               | CASE WHEN extract(day FROM d + interval '7 days') < 8 THEN 32 ELSE 0 END AS turn,
           CAST(d AS date) = ANY(CAST(:closed AS date[])) AS closed
    FROM generate_series(CAST(CAST(:first AS date) AS timestamp), CAST(CAST(:last AS date) AS timestamp),
                         interval '1 day') d
),
due AS (
    SELECT CAST(md5(CAST(l.id AS text) || d.written) AS uuid) AS id, l.id AS line_id, l.line, s.application_id,
           s.municipality_id,
           CASE WHEN s.moved_on = '{}' THEN s.district_code
                ELSE s.districts[width_bucket(d.on_day, s.moved_on) + 1] END AS district_code,
           l.code, l.unit, d.on_day, l.quantity, l.working_days_only AND d.closed AS off, p.hospital
    FROM scope s
    JOIN plan_line l USING (application_id)
    JOIN days d ON l.weekdays & d.bit <> 0 AND d.on_day <@ s.covered AND d.on_day <@ l.valid
               AND (l.turns = 0 OR l.turns & d.turn <> 0)
               AND (l.every_weeks = 1 OR (d.week - (l.anchor - date '2000-01-03') / 7) % l.every_weeks = 0)
    LEFT JOIN pause p ON p.application_id = s.application_id AND d.on_day <@ p.days
)"""

# Visits and meals are units of their own, hours of a visit are one. Records of a code and day count for its units one
# after the other, so each is done, missed or neither: first for those that somebody has left and whose record stands,
# then in the order of the lines. What was recorded before its day became a day off stays.
STANDING = f"""
apart AS (
    SELECT id AS first_id, line_id, line, application_id, municipality_id, district_code, code, unit, on_day, off,
           hospital, CASE WHEN {_ONE_BY_ONE} THEN 1 ELSE quantity END AS quantity,
           generate_series(1, CASE WHEN {_ONE_BY_ONE} THEN quantity ELSE 1 END) AS part
    FROM due
),
in_turn AS (
    SELECT a.*, sum(quantity) OVER day_of_code - quantity AS prior
    FROM (
        SELECT CASE part WHEN 1 THEN first_id ELSE CAST(md5(CAST(first_id AS text) || '/' || part) AS uuid) END AS id,
               apart.*
        FROM apart
    ) a LEFT JOIN visit_presence v ON :recorded AND v.unit_id = a.id
        LEFT JOIN delivery r ON r.id = v.delivery_id AND r.outcome <> 'VOID'
    WINDOW day_of_code AS (PARTITION BY a.application_id, a.on_day, a.code
                           ORDER BY r.id IS NULL, line, part)
),
expected AS (
    SELECT t.*, CASE WHEN hospital IS NOT NULL THEN 'PAUSED' WHEN done > prior THEN 'DONE'
                     WHEN told > prior THEN 'MISSED' ELSE 'PLANNED' END AS state,
           CASE WHEN hospital THEN 'HOSPITAL' WHEN NOT hospital THEN 'PAUSE' WHEN done > prior THEN 'DELIVERED'
                WHEN told > prior AND by_provider THEN 'MISSED_BY_PROVIDER'
                WHEN told > prior THEN 'MISSED_BY_USER' ELSE 'PLAN' END AS cause
    FROM in_turn t LEFT JOIN LATERAL (
        SELECT sum(units) FILTER (WHERE outcome = 'DELIVERED') AS done, sum(units) AS told,
               bool_or(fault = 'PROVIDER') AS by_provider
        FROM delivery d
        WHERE :recorded AND d.application_id = t.application_id AND d.on_day = t.on_day AND d.code = t.code
          AND outcome <> 'VOID'
    ) record ON true
    WHERE NOT off OR told > prior
)"""  # noqa: S608 - put together from constants

# Days ahead have no records, and then none is looked for line by line.
_RECORDED = """
SELECT EXISTS (
    SELECT FROM delivery WHERE application_id = ANY(CAST(:ids AS uuid[])) AND on_day BETWEEN :first AND :last
)
"""
_PLAN = f"""
WITH scope AS (SELECT * FROM care WHERE application_id = ANY(CAST(:ids AS uuid[]))),
{DUE},
{STANDING},
gone AS (
    UPDATE unit u SET state = 'CANCELLED', cause = CASE
        WHEN NOT EXISTS (SELECT FROM scope s WHERE s.application_id = u.application_id AND u.on_day <@ s.covered)
            THEN 'CARE_ENDED'
        WHEN EXISTS (SELECT FROM plan_line l WHERE l.id = u.line_id AND l.working_days_only AND u.on_day <@ l.valid)
             AND u.on_day = ANY(CAST(:closed AS date[])) THEN 'DAY_OFF'
        ELSE 'PLAN_CHANGED' END
    WHERE u.application_id = ANY(CAST(:ids AS uuid[])) AND u.on_day BETWEEN :first AND :last
      AND u.state <> 'CANCELLED' AND NOT EXISTS (SELECT FROM expected e WHERE e.id = u.id)
)
INSERT INTO unit (id, line_id, part, application_id, municipality_id, district_code, code, unit, on_day, quantity,
                  state, cause)
SELECT id, line_id, part, application_id, municipality_id, district_code, code, unit, on_day, quantity, state, cause
FROM expected
ON CONFLICT (id) DO UPDATE SET quantity = excluded.quantity, district_code = excluded.district_code,
    state = excluded.state, cause = excluded.cause
WHERE (unit.quantity, unit.district_code, unit.state, unit.cause)
      IS DISTINCT FROM (excluded.quantity, excluded.district_code, excluded.state, excluded.cause)
"""  # noqa: S608 - put together from constants

_WAITED_FOR = f"state IN {tuple(map(str, sorted(EXPECTED)))}"
# A meal that a pause came too late for (C-29) is cooked for as long as its day is paused.
_KEPT = "state = 'PAUSED' AND EXISTS (SELECT FROM kept_meal k WHERE k.unit_id = unit.id)"
_KEPT_MEALS = """
SELECT district_code, quantity FROM unit JOIN kept_meal k ON k.unit_id = unit.id
WHERE municipality_id = :municipality AND state = 'PAUSED' AND k.on_day ="""
_PLANNED_ROWS = f"""
SELECT code, sum(quantity) AS units FROM unit WHERE application_id = :id AND on_day = :first
  AND ({_WAITED_FOR} OR {_KEPT})
GROUP BY code ORDER BY code
"""  # noqa: S608 - put together from constants
_PLANNED_BEYOND = f"""
WITH scope AS (SELECT * FROM care WHERE application_id = :id), {DUE}
SELECT code, sum(quantity) AS units FROM due WHERE hospital IS NULL AND NOT off GROUP BY code ORDER BY code
"""  # noqa: S608 - put together from constants

_MEALS_ROWS = f"""
SELECT coalesce(sum(quantity), 0) FROM (
    SELECT district_code, quantity FROM unit
    WHERE municipality_id = :municipality AND on_day = :first AND unit = 'MEAL' AND {_WAITED_FOR}
    UNION ALL {_KEPT_MEALS} :first
) meals WHERE district_code = :district
"""  # noqa: S608 - put together from constants
_MEALS_BEYOND = f"""
WITH scope AS (
    SELECT * FROM care
    WHERE municipality_id = :municipality AND CAST(:first AS date) <@ covered
      AND (district_code = :district OR :district = ANY(districts))
), {DUE}
SELECT coalesce(sum(quantity), 0) FROM due WHERE unit = 'MEAL' AND hospital IS NULL AND district_code = :district
"""  # noqa: S608 - put together from constants

_JOIN = """
INSERT INTO municipality (id, planned_through, planning_to, settings_copied_at) VALUES (:id, :before, :before, :now)
ON CONFLICT DO NOTHING
"""
_PLANNING_TO = """
UPDATE municipality SET planning_to = greatest(planning_to, :to) WHERE id = :id
RETURNING least(planned_through + 1, replan_from) AS plan_from, calendar_version
"""
_OPEN = """
INSERT INTO daily_run (id, municipality_id, on_day, plan_from, plan_to, calendar_version, opened_at)
VALUES (:id, :municipality, :day, :from, :to, :calendar, :now) ON CONFLICT ON CONSTRAINT daily_run_once DO NOTHING
"""
# A calendar that has changed since the run was opened is for the next run; so are days beyond the end of a late run.
_PLANNED = """
UPDATE municipality m SET planned_through = greatest(m.planned_through, r.plan_to),
    replan_from = CASE WHEN r.calendar_version = m.calendar_version AND r.plan_to >= m.planning_to THEN NULL
                       ELSE m.replan_from END
FROM daily_run r WHERE r.id = :run AND m.id = r.municipality_id
"""
_RUN = """
SELECT id, municipality_id, on_day, plan_from, plan_to, finished_at IS NOT NULL AS finished,
       coalesce(meals, 0) AS meals, coalesce(units, 0) AS units
FROM daily_run
"""

# The share lock keeps pauses and ends that are being recorded apart from the planning of the page.
_PAGE = """
SELECT application_id FROM care
WHERE municipality_id = :municipality AND application_id > CAST(:after AS uuid)
  AND covered && daterange(:first, :last, '[]')
  AND NOT EXISTS (SELECT FROM parked_case p WHERE p.application_id = care.application_id)
ORDER BY application_id LIMIT :size
"""

_COUNT_KITCHENS = f"""
INSERT INTO kitchen_count (run_id, district_code, meals)
SELECT :run, district_code, sum(quantity) FROM (
    SELECT district_code, quantity FROM unit
    WHERE municipality_id = :municipality AND on_day = :day AND unit = 'MEAL' AND {_WAITED_FOR}
    UNION ALL {_KEPT_MEALS} :day
) meals GROUP BY district_code
ON CONFLICT DO NOTHING
"""  # noqa: S608 - put together from constants
_FINISH = f"""
UPDATE daily_run SET finished_at = :now,
    meals = (SELECT coalesce(sum(meals), 0) FROM kitchen_count WHERE run_id = :run),
    units = (SELECT coalesce(sum(quantity), 0) FROM unit
             WHERE municipality_id = :municipality AND on_day = :day AND {_WAITED_FOR})
WHERE id = :run
"""  # noqa: S608 - put together from constants

_BEFORE_ALL = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, slots=True)
class Page:
    """One planned page: its cases, the last of them when more follow, rows new or changed."""

    cases: int
    last: str
    units: int


def horizon_of(days: DateRange, calendar: BusinessCalendar) -> dict[str, object]:
    """Parameters of `DUE`."""
    closed = [day for day in days if not calendar.is_working_day(day)]
    return {"first": days.start, "last": days.end, "closed": closed}


async def plan(tx: WriteTx, application_ids: Sequence[str], days: DateRange, calendar: BusinessCalendar) -> int:
    """Make the units of these cases and days what they should be; gives the rows that are new or changed.

    The caller holds locks on the care rows.
    """
    where = {"ids": list(application_ids), "first": days.start, "last": days.end}
    if len(application_ids) > 1:
        await tx.scalar(_PLAN_AFRESH)
    recorded = await tx.scalar(_RECORDED, where)
    return await tx.run(_PLAN, {**where, **horizon_of(days, calendar), "recorded": recorded})


async def planned_units(tx: ReadTx, application_id: str, on: date) -> list[tuple[str, int]]:
    """Units by code planned for a case on a day; beyond the finished runs what the next one will plan."""
    town = await tx.one_or_none(
        "SELECT m.id, planned_through FROM municipality m JOIN care c ON c.municipality_id = m.id "
        "WHERE application_id = :id",
        {"id": application_id},
    )
    if town is None:
        return []
    if on <= town.planned_through:
        rows = await tx.all(_PLANNED_ROWS, {"id": application_id, "first": on})
    else:
        calendar = await calendar_in_force(tx, town.id)
        rows = await tx.all(_PLANNED_BEYOND, {"id": application_id, **horizon_of(DateRange(on, on), calendar)})
    return [(row.code, int(row.units)) for row in rows]


async def kitchen_meals(tx: ReadTx, municipality_id: str, district_code: str, on: date) -> int:
    """Meals planned in a district on a day (L-11); beyond the finished runs what the next one will plan."""
    where = {"municipality": municipality_id, "district": district_code}
    through = await tx.scalar("SELECT planned_through FROM municipality WHERE id = :id", {"id": municipality_id})
    if through is not None and on <= through:
        return int(await tx.scalar(_MEALS_ROWS, {**where, "first": on}))
    calendar = await calendar_in_force(tx, municipality_id)
    return int(await tx.scalar(_MEALS_BEYOND, {**where, **horizon_of(DateRange(on, on), calendar)}))


async def join(tx: WriteTx, municipality_id: str, on: date, now: datetime) -> None:
    """See to it that the municipality has its row; a new one has nothing planned before the day."""
    await tx.run(_JOIN, {"id": municipality_id, "before": on - timedelta(days=1), "now": now})


async def open_run(tx: WriteTx, run_id: str, municipality_id: str, on: date, now: datetime) -> DailyRun:
    """The one run of municipality and day; a new one plans everything not planned up to the end of its horizon.

    It begins with the first day that the calendar in force has opened or closed since it was planned. Whoever copies
    what the municipality has decided does so before, in the same transaction, and has its row by `join`.
    """
    await join(tx, municipality_id, on, now)
    to = on + HORIZON
    town = await tx.one(_PLANNING_TO, {"id": municipality_id, "to": to})
    await tx.run(
        _OPEN,
        {
            "id": run_id,
            "municipality": municipality_id,
            "day": on,
            "from": town.plan_from,
            "to": to,
            "calendar": town.calendar_version,
            "now": now,
        },
    )
    row = await tx.one(f"{_RUN} WHERE municipality_id = :m AND on_day = :day", {"m": municipality_id, "day": on})
    return _run(row)


async def run_by_id(tx: ReadTx, run_id: str) -> DailyRun:
    """A run; NotFound when there is none."""
    row = await tx.one_or_none(f"{_RUN} WHERE id = :id", {"id": run_id})
    if row is None:
        raise NotFound(resource_type="daily_run", resource_id=run_id)
    return _run(row)


async def plan_page(tx: WriteTx, run: DailyRun, after: str, size: int) -> Page:
    """Plan the next `size` cases behind the application id `after` (empty: from the first)."""
    ids = await page_ids(tx, run, after, size, locked=True)
    days = DateRange(run.plan_from, run.plan_to) if ids else None
    units = await plan(tx, ids, days, await calendar_in_force(tx, run.municipality_id)) if days else 0
    return Page(len(ids), ids[-1] if len(ids) == size else "", units)


async def page_ids(tx: ReadTx, run: DailyRun, after: str, size: int, *, locked: bool = False) -> list[str]:
    """The next cases that have care in the days of the run and are not parked."""
    if run.plan_to < run.plan_from:
        return []
    rows = await tx.all(
        f"{_PAGE} FOR SHARE OF care" if locked else _PAGE,
        {
            "municipality": run.municipality_id,
            "after": after or _BEFORE_ALL,
            "first": run.plan_from,
            "last": run.plan_to,
            "size": size,
        },
    )
    return [str(row.application_id) for row in rows]


async def close_run(tx: WriteTx, run: DailyRun, now: datetime) -> None:
    """Store the kitchens' counts of the day, once, and finish the run."""
    where = {"run": run.id, "municipality": run.municipality_id, "day": run.on}
    await tx.run(_PLANNED, {"run": run.id})
    await tx.run(_COUNT_KITCHENS, where)
    await tx.run(_FINISH, {**where, "now": now})


def _run(row: Row[Any]) -> DailyRun:
    return DailyRun(
        id=str(row.id),
        municipality_id=row.municipality_id,
        on=row.on_day,
        plan_from=row.plan_from,
        plan_to=row.plan_to,
        finished=row.finished,
        meals=int(row.meals),
        units=int(row.units),
    )
