"""One page of the daily run; a case that cannot be planned is parked and the others go on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy.exc import DataError, IntegrityError

from services.delivery.domain.care import DailyRun
from services.delivery.domain.days import ParkedCase
from services.delivery.storage import planning
from services.delivery.storage.local_rules import calendar_in_force
from services.delivery.storage.planning import Page
from services.kernel.ranges import DateRange
from services.runtime.database import Database, ReadTx, WriteTx, violated_constraint

__all__ = [
    "Parked",
    "count_parked",
    "park_unassigned",
    "parked_by_municipality",
    "parked_page",
    "plan_or_park",
    "reason_of",
]

_INSERT = """
INSERT INTO parked_case (application_id, municipality_id, reason, plan_from, run_id, parked_at, tried_at, attempts)
VALUES (:id, :municipality, :reason, :from, :run, :now, :now, 1)
ON CONFLICT (application_id)
"""
_PARK = f"""
{_INSERT} DO UPDATE
SET reason = excluded.reason, plan_from = least(parked_case.plan_from, excluded.plan_from),
    run_id = excluded.run_id, tried_at = excluded.tried_at, attempts = parked_case.attempts + 1
"""
_PARK_UNASSIGNED = f"{_INSERT} DO NOTHING"
_PARKED = """
SELECT application_id, reason, plan_from, parked_at, tried_at, attempts FROM parked_case
WHERE municipality_id = :municipality AND application_id > CAST(:after AS uuid) ORDER BY application_id LIMIT :size
"""
_COUNT = "SELECT count(*) FROM parked_case WHERE municipality_id = :municipality"
_EVERYWHERE = "SELECT municipality_id, count(*) AS cases, min(plan_from) AS first FROM parked_case GROUP BY 1"
_TO_TRY = """
SELECT application_id, plan_from FROM parked_case
WHERE municipality_id = :municipality AND run_id <> :run AND plan_from <= :last
"""
# Rows for several that each should have a row of its own: a replica of the release before planned them.
_OF_SEVERAL = """
SELECT DISTINCT application_id FROM unit
WHERE unit IN ('VISIT', 'MEAL') AND quantity > 1 AND state <> 'CANCELLED'
  AND municipality_id = :municipality AND on_day BETWEEN :first AND :last
  AND NOT EXISTS (SELECT FROM parked_case p WHERE p.application_id = unit.application_id)
ORDER BY application_id LIMIT :size
"""
_LOCK = "SELECT application_id FROM care WHERE application_id = ANY(CAST(:ids AS uuid[])) ORDER BY 1 FOR SHARE"

_BEFORE_ALL = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, slots=True)
class Parked:
    """How many cases no daily run could plan, and the first day on which one of them has nothing planned."""

    cases: int
    first_day: date


async def plan_or_park(db: Database, run: DailyRun, after: str, size: int, now: datetime) -> Page:
    """Plan the next `size` cases behind the application id `after`; the first page tries parked cases again.

    A page that the database refuses is planned by halves, down to the case that it is about. Each page plans up to
    `size` cases again, from the day of the run on, that the release before planned.
    """
    if not after:
        await _try_again(db, run, now)
    again = await _plan_again(db, run, size, now)
    try:
        async with db.write() as tx:
            page = await planning.plan_page(tx, run, after, size)
        return replace(page, units=page.units + again)
    except (IntegrityError, DataError):
        async with db.read() as tx:
            ids = await planning.page_ids(tx, run, after, size)
        units = await _by_halves(db, run, ids, (run.plan_from, now))
        return Page(len(ids), ids[-1] if len(ids) == size else "", units + again)


async def parked_page(tx: ReadTx, municipality_id: str, after: str, size: int) -> list[ParkedCase]:
    """Parked cases of a municipality behind an application id (empty: from the first)."""
    rows = await tx.all(_PARKED, {"municipality": municipality_id, "after": after or _BEFORE_ALL, "size": size})
    return [
        ParkedCase(str(row.application_id), row.reason, row.plan_from, row.parked_at, row.tried_at, row.attempts)
        for row in rows
    ]


async def count_parked(tx: ReadTx, municipality_id: str) -> int:
    """Parked cases of a municipality."""
    return int(await tx.scalar(_COUNT, {"municipality": municipality_id}))


async def parked_by_municipality(tx: ReadTx) -> Mapping[str, Parked]:
    """Parked cases of every municipality that has any."""
    return {row.municipality_id: Parked(row.cases, row.first) for row in await tx.all(_EVERYWHERE)}


async def park_unassigned(tx: WriteTx, run: DailyRun, refused: Mapping[str, str], now: datetime) -> None:
    """Park planned cases whose visits the database lets nobody have, by reason; one that is parked stays as it is.

    Such a case is planned to the end of the run; the next run plans it on and has somebody go, if that can be.
    """
    rows = [
        {
            "id": case,
            "municipality": run.municipality_id,
            "reason": reason,
            "from": run.plan_to + timedelta(days=1),
            "run": run.id,
            "now": now,
        }
        for case, reason in sorted(refused.items())
    ]
    await tx.run(_PARK_UNASSIGNED, rows)


async def _plan_again(db: Database, run: DailyRun, size: int, now: datetime) -> int:
    where = {"municipality": run.municipality_id, "first": run.on, "last": run.plan_to, "size": size}
    async with db.read() as tx:
        ids = [str(row.application_id) for row in await tx.all(_OF_SEVERAL, where)]
    return await _by_halves(db, run, ids, (run.on, now)) if ids else 0


async def _by_halves(db: Database, run: DailyRun, ids: Sequence[str], when: tuple[date, datetime]) -> int:
    first, now = when
    middle = len(ids) // 2
    units = 0
    for half in (ids[:middle], ids[middle:]) if middle else (ids,):
        try:
            async with db.write() as tx:
                units += await _plan(tx, run, half, first)
        except (IntegrityError, DataError) as error:
            if len(half) > 1:
                units += await _by_halves(db, run, half, when)
            else:
                await _park(db, run, half[0], (first, now, reason_of(error)))
    return units


async def _try_again(db: Database, run: DailyRun, now: datetime) -> None:
    async with db.read() as tx:
        parked = await tx.all(_TO_TRY, {"municipality": run.municipality_id, "run": run.id, "last": run.plan_to})
    for row in parked:
        # With the days that a changed calendar has opened or closed meanwhile.
        case, first = str(row.application_id), min(row.plan_from, run.plan_from)
        try:
            async with db.write() as tx:
                await _plan(tx, run, [case], first)
                await tx.run("DELETE FROM parked_case WHERE application_id = :id", {"id": case})
        except (IntegrityError, DataError) as error:
            await _park(db, run, case, (first, now, reason_of(error)))


async def _plan(tx: WriteTx, run: DailyRun, ids: Sequence[str], first: date) -> int:
    await tx.all(_LOCK, {"ids": list(ids)})
    calendar = await calendar_in_force(tx, run.municipality_id)
    return await planning.plan(tx, ids, DateRange(first, run.plan_to), calendar)


async def _park(db: Database, run: DailyRun, case: str, what: tuple[date, datetime, str]) -> None:
    first, now, reason = what
    async with db.write() as tx:
        await tx.run(
            _PARK,
            {
                "id": case,
                "municipality": run.municipality_id,
                "reason": reason,
                "from": first,
                "run": run.id,
                "now": now,
            },
        )


def reason_of(error: IntegrityError | DataError) -> str:
    """Code of what was broken: the constraint in capitals, else `DATA`."""
    constraint = violated_constraint(error) if isinstance(error, IntegrityError) else None
    return constraint.upper() if constraint else "DATA"
