"""SQL about whole days: closing them in order, what has no record, whether a day is as its facts imply."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Row

from services.delivery.domain.care import DailyRun
from services.delivery.domain.days import DayCount, Defect, DefectKind, UnitOnDay
from services.delivery.domain.units import UnitState
from services.delivery.storage.local_rules import calendar_in_force
from services.delivery.storage.planning import DUE, STANDING, horizon_of
from services.kernel.ranges import DateRange
from services.runtime.database import ReadTx, WriteTx

__all__ = ["close_days", "count_of_day", "count_unrecorded", "defects_of_day", "units_of_case", "unrecorded_page"]

# From the day behind the last closed one, or the first day of care of the municipality, to the day before the run.
_CLOSE = """
INSERT INTO closed_day (municipality_id, on_day, follows, closed_at, done, missed, cancelled, paused, unrecorded)
SELECT :municipality, d.on_day, CASE WHEN last IS NOT NULL OR d.on_day > first THEN d.on_day - 1 END, :now,
       count(u) FILTER (WHERE state = 'DONE'), count(u) FILTER (WHERE state = 'MISSED'),
       count(u) FILTER (WHERE state = 'CANCELLED'), count(u) FILTER (WHERE state = 'PAUSED'),
       count(u) FILTER (WHERE state = 'PLANNED')
FROM (SELECT max(on_day) AS last FROM closed_day WHERE municipality_id = :municipality) closed,
     LATERAL (SELECT coalesce(last + 1, min(start_on)) AS first FROM care WHERE municipality_id = :municipality) begun,
     LATERAL (SELECT CAST(day AS date) AS on_day
              FROM generate_series(CAST(first AS timestamp), CAST(CAST(:before AS date) AS timestamp),
                                   interval '1 day') day) d
     LEFT JOIN unit u ON u.municipality_id = :municipality AND u.on_day = d.on_day
GROUP BY d.on_day, last, first ORDER BY d.on_day
"""
_COUNT = """
SELECT state, count(*) AS units FROM unit WHERE municipality_id = :municipality AND on_day = :day GROUP BY state
"""
_CLOSED = "SELECT closed_at FROM closed_day WHERE municipality_id = :municipality AND on_day = :day"

_DEFECTS = f"""
WITH scope AS (
    SELECT * FROM care WHERE municipality_id = :municipality AND CAST(:first AS date) <@ covered
), {DUE}, {STANDING},
stored AS (
    SELECT *, count(*) OVER (PARTITION BY line_id, part) AS times FROM unit
    WHERE municipality_id = :municipality AND on_day = :first AND state <> 'CANCELLED'
)
SELECT CASE WHEN u.id IS NULL THEN 'FORGOTTEN' WHEN e.id IS NULL THEN 'NOT_DUE' WHEN times > 1 THEN 'TWICE'
            ELSE 'OTHER_STATE' END AS kind,
       coalesce(u.application_id, e.application_id) AS application_id, coalesce(u.id, e.id) AS unit_id
FROM expected e FULL JOIN stored u ON u.id = e.id
WHERE u.id IS NULL OR e.id IS NULL OR times > 1
   OR (u.state, u.cause, u.quantity, u.part) IS DISTINCT FROM (e.state, e.cause, e.quantity, e.part)
ORDER BY 2, 3 LIMIT :most
"""  # noqa: S608 - put together from constants

_UNIT = "SELECT id, application_id, code, on_day, quantity, state, cause, district_code FROM unit"
_UNRECORDED = f"""
{_UNIT} WHERE municipality_id = :municipality AND state = 'PLANNED'
  AND on_day <= (SELECT max(on_day) FROM closed_day WHERE municipality_id = :municipality)
  AND (on_day, id) > (:day, CAST(:id AS uuid))
ORDER BY on_day, id LIMIT :size
"""  # noqa: S608 - put together from constants
_COUNT_UNRECORDED = """
SELECT count(*) FROM unit WHERE municipality_id = :municipality AND state = 'PLANNED'
  AND on_day <= (SELECT max(on_day) FROM closed_day WHERE municipality_id = :municipality)
"""
_OF_CASE = f"{_UNIT} WHERE application_id = :id AND on_day BETWEEN :first AND :last ORDER BY on_day, code, id"

_BEFORE_ALL = (date(1, 1, 1), "00000000-0000-0000-0000-000000000000")
_MOST_DEFECTS = 100


async def close_days(tx: WriteTx, run: DailyRun, now: datetime) -> int:
    """Close every day before the run's that is not closed yet, in order; gives their number."""
    before = run.on - timedelta(days=1)
    return await tx.run(_CLOSE, {"municipality": run.municipality_id, "before": before, "now": now})


async def count_of_day(tx: ReadTx, municipality_id: str, day: date) -> DayCount:
    """Units of a day by state, when it was closed, and the first hundred of its defects."""
    where = {"municipality": municipality_id, "day": day}
    counted = {UnitState(row.state): int(row.units) for row in await tx.all(_COUNT, where)}
    closed_at = await tx.scalar(_CLOSED, where)
    return DayCount(counted, closed_at, tuple(await defects_of_day(tx, municipality_id, day)))


async def defects_of_day(tx: ReadTx, municipality_id: str, day: date) -> list[Defect]:
    """Units that differ from what care, plan, pauses and records imply; none: nothing is forgotten and none twice."""
    calendar = await calendar_in_force(tx, municipality_id)
    rows = await tx.all(
        _DEFECTS,
        {
            "municipality": municipality_id,
            **horizon_of(DateRange(day, day), calendar),
            "recorded": True,
            "most": _MOST_DEFECTS,
        },
    )
    return [Defect(DefectKind(row.kind), str(row.application_id), str(row.unit_id)) for row in rows]


async def unrecorded_page(
    tx: ReadTx, municipality_id: str, after: tuple[date, str] | None, size: int
) -> list[UnitOnDay]:
    """Units of closed days that nobody has recorded anything of, the oldest first, behind a day and unit."""
    day, unit = after or _BEFORE_ALL
    rows = await tx.all(_UNRECORDED, {"municipality": municipality_id, "day": day, "id": unit, "size": size})
    return [_unit(row) for row in rows]


async def count_unrecorded(tx: ReadTx, municipality_id: str) -> int:
    """How many units of closed days have no record."""
    return int(await tx.scalar(_COUNT_UNRECORDED, {"municipality": municipality_id}))


async def units_of_case(tx: ReadTx, application_id: str, days: DateRange) -> list[UnitOnDay]:
    """Every planned unit of a case on these days, cancelled ones too."""
    rows = await tx.all(_OF_CASE, {"id": application_id, "first": days.start, "last": days.end})
    return [_unit(row) for row in rows]


def _unit(row: Row[Any]) -> UnitOnDay:
    return UnitOnDay(
        id=str(row.id),
        application_id=str(row.application_id),
        code=row.code,
        on=row.on_day,
        quantity=row.quantity,
        state=UnitState(row.state),
        cause=row.cause,
        district_code=row.district_code,
    )
