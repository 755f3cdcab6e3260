"""A town in mixed services: the same people for the same seed, whatever the town is called.

Most are seeded by SQL: some begin in the month, some end, some orders run out. Others may have come by an import.
People are known by number, those of an import by their row, so that towns can be compared and a seed means the same.
"""

from __future__ import annotations

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TypeVar

from sqlalchemy.exc import DBAPIError

from services.delivery.domain.care import PlanLine
from services.delivery.domain.units import UnitState
from services.delivery.errors import OutsideService
from services.delivery.rules.plan import PlanFacts
from services.delivery.storage import planning
from services.delivery.storage.days import defects_of_day
from services.delivery.storage.local_rules import calendar_in_force
from services.delivery.storage.store import Store, find_care
from services.delivery.usecases.care import Moment, copy_contract
from services.delivery.usecases.plans import AmendPlan, amend_plan
from services.kernel.dates import Weekday, start_of_day
from services.kernel.plan_terms import LineTerms
from services.kernel.ranges import DateRange
from services.runtime.database import Database, WriteTx, is_database_away

__all__ = ["AWAY_SECONDS", "FIRST", "MonthTown", "PlannedUnit", "Served", "persistently"]

Found = TypeVar("Found")

AWAY_SECONDS = 0.2
_READ_SECONDS = 120.0

FIRST = dt.date(2026, 3, 2)
"""A Monday before a holiday; summer time begins within the month."""

_MONDAY = "date '2000-01-03'"
_DISTRICTS = "ARRAY['LYULIN', 'SREDETS', 'OVCHA_KUPEL', 'MLADOST']"

_HASH = "abs(hashtextextended(CAST(:seed AS text) || '{what}' || {who}, 0))"
_LOT = f"CAST({_HASH} % 100 AS integer)"
_NAMED = """
LEFT JOIN unnest(CAST(:imported AS uuid[]), CAST(:names AS text[])) AS of_import (application_id, name)
    USING (application_id)
"""
_KNOWN_AS = "coalesce(name, person_id)"
_TOWN = """
INSERT INTO municipality (id, planned_through, planning_to, settings_copied_at) VALUES (:town, :before, :before, :now)
"""
_PEOPLE = f"""
INSERT INTO care (application_id, contract_id, municipality_id, person_id, service_code, district_code, start_on,
                  end_on, authorised_from, authorised_to, user_funds, contract_version, version)
SELECT CAST(md5(CAST(:town AS text) || n) AS uuid), CAST(md5(CAST(:town AS text) || '/contract/' || n) AS uuid),
       :town, 'P-' || n, service, ({_DISTRICTS})[n % 4 + 1],
       CASE WHEN begins < 5 THEN CAST(:first AS date) + 1 + begins * 4 ELSE CAST(:first AS date) END,
       CASE WHEN ends < 6 THEN CAST(:first AS date) + 3 + ends * 4 END,
       CASE WHEN basis <> '' THEN CAST(:first AS date) - 60 END,
       CASE WHEN basis = 'ORDER' THEN CAST(:first AS date) + CASE WHEN lapses < 20 THEN 10 + lapses ELSE 300 END END,
       true, 1, 1
FROM (SELECT n, {_LOT.format(what="/kind/", who="n")} AS kind, {_LOT.format(what="/begin/", who="n")} AS begins,
             {_LOT.format(what="/end/", who="n")} AS ends, {_LOT.format(what="/order/", who="n")} AS lapses
      FROM generate_series(1, :people) n) person
JOIN (VALUES (0, 59, 'HSP', ''), (60, 74, 'ASSISTANT_SUPPORT', 'REFERRAL'), (75, 80, 'CANTEEN_LUNCH_HOME', ''),
             (81, 84, 'CANTEEN_LUNCH', ''), (85, 92, 'DAY_CENTRE', 'ORDER'),
             (93, 99, 'OLD_PEOPLE_HOME', 'ORDER')) share (least, most, service, basis)
  ON kind BETWEEN least AND most
"""
_PLANS = f"""
INSERT INTO plan_line (id, application_id, line, code, unit, quantity, weekdays, working_days_only, every_weeks, anchor,
                       turns, valid)
SELECT CAST(md5(CAST(:town AS text) || person_id || '/' || line) AS uuid), application_id, line, code, unit, quantity,
       weekdays, working, every_weeks, {_MONDAY}, turns, daterange(start_on, NULL)
FROM (SELECT care.*, {_LOT.format(what="/plan/", who="person_id")} AS plan FROM care WHERE municipality_id = :town) care
JOIN (VALUES ('HSP', 0, 74, 1, 'HSP_MEAL_DELIVERY', 'MEAL', 1, 31, false, 1, 0),
             ('HSP', 0, 74, 2, 'HSP_HOME_CLEANING', 'VISIT', 1, 4, false, 2, 0),
             ('HSP', 75, 99, 1, 'HSP_PERSONAL_HYGIENE', 'VISIT', 1, 21, false, 1, 0),
             ('HSP', 75, 99, 2, 'HSP_SHOPPING', 'VISIT', 1, 8, false, 1, 33),
             ('ASSISTANT_SUPPORT', 0, 99, 1, 'ASSISTANT_SUPPORT', 'HOUR', 4, 31, true, 1, 0),
             ('CANTEEN_LUNCH_HOME', 0, 99, 1, 'CANTEEN_LUNCH_HOME', 'MEAL', 1, 31, false, 1, 0),
             ('CANTEEN_LUNCH', 0, 99, 1, 'CANTEEN_LUNCH', 'MEAL', 1, 31, false, 1, 0),
             ('DAY_CENTRE', 0, 99, 1, 'DAY_CENTRE', 'DAY', 1, 31, false, 1, 0),
             ('OLD_PEOPLE_HOME', 0, 99, 1, 'OLD_PEOPLE_HOME', 'BED_DAY', 1, 127, false, 1, 0))
  planned (service, least, most, line, code, unit, quantity, weekdays, working, every_weeks, turns)
  ON service_code = service AND plan BETWEEN least AND most
"""

# Of a hundred units 93 are delivered, 3 missed by the provider, 2 by the user, and of 2 nobody says anything.
_RECORD = f"""
INSERT INTO delivery (id, application_id, code, on_day, units, outcome, fault, at)
SELECT CAST(md5(CAST(id AS text) || '/record') AS uuid), application_id, code, on_day, quantity,
       CASE WHEN lot < 93 THEN 'DELIVERED' ELSE 'MISSED' END,
       CASE WHEN lot >= 96 THEN 'USER' WHEN lot >= 93 THEN 'PROVIDER' END, :now
FROM (SELECT u.*, {_LOT.format(what="/record/", who="known_as || '/' || told_apart || '/' || u.on_day")} AS lot
      FROM (SELECT unit.*, {_KNOWN_AS} AS known_as, (
                SELECT line || CASE part WHEN 1 THEN '' ELSE '.' || part END FROM plan_line l WHERE l.id = line_id
            ) AS told_apart
            FROM unit JOIN care USING (application_id) {_NAMED}
            WHERE unit.application_id = ANY(CAST(:ids AS uuid[])) AND on_day = :day AND state = 'PLANNED') u) drawn
WHERE lot < 98
ON CONFLICT DO NOTHING
"""
_NEXT = """
SELECT application_id FROM care WHERE municipality_id = :town AND application_id > CAST(:after AS uuid)
ORDER BY application_id LIMIT :size
"""
_SOME = f"""
SELECT application_id, {_KNOWN_AS} AS known_as FROM care {_NAMED}
WHERE municipality_id = :town AND service_code = 'HSP' AND CAST(:day AS date) <@ covered
ORDER BY {_HASH.format(what="/some/", who=f"{_KNOWN_AS} || CAST(:tag AS text)")} LIMIT :number
"""
_STATES = """
SELECT state, count(*) AS units FROM unit WHERE municipality_id = :town AND on_day BETWEEN :first AND :last
GROUP BY state
"""
_OF_IMPORTED = """
SELECT count(*) FILTER (WHERE state = 'DONE') AS done, count(*) FILTER (WHERE state <> 'DONE') AS otherwise,
       count(DISTINCT application_id) FILTER (WHERE state = 'DONE') AS served
FROM unit WHERE application_id = ANY(CAST(:imported AS uuid[])) AND on_day BETWEEN :first AND :last
"""
_UNRECORDED = """
SELECT coalesce(sum(unrecorded), 0) FROM closed_day WHERE municipality_id = :town AND on_day BETWEEN :first AND :last
"""
_STILL_PLANNED = """
SELECT count(*) FROM unit WHERE municipality_id = :town AND on_day BETWEEN :first AND :last AND state = 'PLANNED'
"""
_UNITS = "SELECT u.id, u.application_id, u.code, u.on_day, u.quantity"
_ASSIGNED = f"""
{_UNITS}, assistant_id FROM unit u JOIN visit_assignment a ON a.unit_id = u.id
WHERE u.municipality_id = :town AND u.on_day = :day AND state = 'PLANNED' ORDER BY assistant_id, a.span LIMIT :number
"""
_OF_VULNERABLE = f"""
{_UNITS}, '' AS assistant_id FROM unit u JOIN safeguard s USING (application_id)
WHERE u.municipality_id = :town AND u.on_day = :day AND state = 'PLANNED' AND marked AND unit IN ('MEAL', 'VISIT')
ORDER BY md5(CAST(u.id AS text) || 'missed') LIMIT :number
"""
_PLANNED = f"""
{_UNITS}, '' AS assistant_id FROM unit u
WHERE u.municipality_id = :town AND u.on_day = :day AND state = 'PLANNED' AND unit = 'MEAL'
ORDER BY md5(CAST(u.id AS text) || 'told') LIMIT :number
"""
_OPEN_CHECKS = "SELECT id FROM welfare_check WHERE municipality_id = :town AND state <> 'CLOSED' ORDER BY id"
# A workflow reads its ladder when it begins and after each message: what it has read has the version of the check.
_UNREAD_CHECKS = """
SELECT count(*) FROM welfare_check c WHERE municipality_id = :town AND NOT EXISTS (
    SELECT FROM idempotency i
    WHERE rpc LIKE '%/ClimbWelfareLadder' AND i.resource = CAST(c.id AS text) AND i.version = c.version
)
"""
_LAST_CLOSED = "SELECT max(on_day) FROM closed_day WHERE municipality_id = :town"
_OPEN_AND_LISTED = """
SELECT count(*) FILTER (WHERE state = 'PLANNED') - (
    SELECT coalesce(sum(unrecorded), 0) FROM closed_day WHERE municipality_id = :town AND on_day = :day
) FROM unit WHERE municipality_id = :town AND on_day = :day
"""

_AMENDED = (
    PlanLine("HSP_MEAL_DELIVERY", 2, frozenset(Weekday) - {Weekday.SAT, Weekday.SUN}),
    PlanLine("HSP_LAUNDRY", 1, frozenset({Weekday.TUE}), LineTerms(every_weeks=2, anchor=FIRST)),
)
_PAGE = 5_000
_BEFORE_ALL = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, slots=True)
class PlannedUnit:
    """A unit of a day; `assistant_id` is who goes, empty where nobody is asked for."""

    id: str
    application_id: str
    code: str
    on: dt.date
    quantity: int
    assistant_id: str


@dataclass(frozen=True, slots=True)
class Served:
    """Units of those who came by the import, and how many of these people had one that was done."""

    done: int
    otherwise: int
    people: int


class MonthTown:
    """The town in delivery's database."""

    def __init__(self, database: Database, municipality_id: str, seeded: int, seed: int) -> None:
        self._db = database
        self.municipality_id = municipality_id
        self._seeded = seeded
        self._seed = str(seed)
        self.imported: Mapping[str, str] = {}
        """Cases of those who came by an import, with the names under which their lots are drawn."""

    @property
    def people(self) -> int:
        """Everybody."""
        return self._seeded + len(self.imported)

    def _names(self) -> dict[str, list[str]]:
        return {"imported": list(self.imported), "names": list(self.imported.values())}

    async def settle(self) -> None:
        """Put those into care who are seeded, by three statements."""
        before = FIRST - dt.timedelta(days=1)
        where = {"town": self.municipality_id, "seed": self._seed, "first": FIRST}
        async with self._db.write() as tx:
            await tx.run(_TOWN, {"town": self.municipality_id, "before": before, "now": start_of_day(before)})
            await tx.run(_PEOPLE, {**where, "people": self._seeded})
            await tx.run(_PLANS, {"town": self.municipality_id, "seed": self._seed})
        async with self._db.write() as tx:
            await tx.run("ANALYZE care, plan_line")

    async def some(self, tag: str, day: dt.date, number: int) -> list[tuple[str, str]]:
        """Some people in home patronage on the day, by id and number; the same for the same seed."""
        async with self._db.read() as tx:
            rows = await tx.all(
                _SOME,
                {
                    "town": self.municipality_id,
                    "seed": self._seed,
                    "day": day,
                    "tag": f"{tag}/{day}",
                    "number": number,
                    **self._names(),
                },
            )
        return [(str(row.application_id), row.known_as) for row in rows]

    async def pages(self) -> list[list[str]]:
        """Everybody, page by page."""
        found: list[list[str]] = []
        after = _BEFORE_ALL
        while True:
            async with self._db.read() as tx:
                rows = await tx.all(_NEXT, {"town": self.municipality_id, "after": after, "size": _PAGE})
            if not rows:
                return found
            found.append([str(row.application_id) for row in rows])
            after = found[-1][-1]

    async def record(self, day: dt.date, ids: list[str]) -> None:
        """The batch of a day from paper, for a page of people; again it changes nothing."""
        async with self._db.write() as tx:
            await self._record(tx, day, ids)

    async def _record(self, tx: WriteTx, day: dt.date, ids: list[str]) -> None:
        now = start_of_day(day) + dt.timedelta(hours=20)
        await tx.all("SELECT 1 FROM care WHERE application_id = ANY(CAST(:ids AS uuid[])) FOR SHARE", {"ids": ids})
        await tx.run(_RECORD, {"seed": self._seed, "ids": ids, "day": day, "now": now, **self._names()})
        calendar = await calendar_in_force(tx, self.municipality_id)
        await planning.plan(tx, ids, DateRange(day, day), calendar)

    async def ends(self, case: str, day: dt.date) -> None:
        """Take over that care ends two days later, unless it ends before; said again it changes nothing."""
        last = day + dt.timedelta(days=2)
        async with self._db.write() as tx:
            store = Store(tx)
            care = await find_care(tx, case)
            if care is None:
                raise LookupError(case)
            end = min(last, care.contract.end or last)
            ended = replace(care.contract, end=end, version=(day - FIRST).days + 2)
            rules = await store.rules(self.municipality_id)
            await copy_contract(ended, rules, store, Moment(start_of_day(day) + dt.timedelta(hours=11), day))

    async def amends(self, case: str, day: dt.date) -> None:
        """Two meals a day and the laundry every second Tuesday from the day after tomorrow; refused where care ends."""
        first = day + dt.timedelta(days=2)
        async with self._db.write() as tx:
            with suppress(OutsideService):
                await amend_plan(AmendPlan(case, first, _AMENDED, PlanFacts()), Store(tx), day)

    async def defects(self, day: dt.date) -> list[str]:
        """Units of a day that are forgotten, there twice, not due, or in a state that no record gives them."""
        async with self._db.read() as tx:
            defects = await defects_of_day(tx, self.municipality_id, day)
        return [f"{day}: {defect.kind} {defect.unit_id}" for defect in defects]

    async def wrong_with(self, day: dt.date) -> list[str]:
        """What is wrong with a closed day: forgotten, twice, not due, or open and on nobody's list."""
        wrong = await self.defects(day)
        async with self._db.read() as tx:
            last = await tx.scalar(_LAST_CLOSED, {"town": self.municipality_id})
            unlisted = await tx.scalar(_OPEN_AND_LISTED, {"town": self.municipality_id, "day": day})
        if last != day:
            wrong.append(f"{day}: the last closed day is {last}")
        if unlisted:
            wrong.append(f"{day}: {unlisted} units are open and were not listed")
        return wrong

    async def by_state(self, days: DateRange) -> dict[UnitState, int]:
        """Units of these days by state."""
        async with self._db.read() as tx:
            rows = await tx.all(_STATES, self._of(days))
        return {UnitState(row.state): int(row.units) for row in rows}

    async def served(self, days: DateRange) -> Served:
        """What those had on these days who came by the import."""
        where = {"imported": list(self.imported), "first": days.start, "last": days.end}
        async with self._db.read() as tx:
            row = await tx.one(_OF_IMPORTED, where)
        return Served(row.done, row.otherwise, row.served)

    async def unrecorded(self, days: DateRange) -> int:
        """How many units of these days were on the list when their day was closed."""
        async with self._db.read() as tx:
            return int(await tx.scalar(_UNRECORDED, self._of(days)))

    async def still_planned(self, days: DateRange) -> int:
        """How many units of these days are neither done nor missed, cancelled or paused."""
        async with self._db.read() as tx:
            return int(await tx.scalar(_STILL_PLANNED, self._of(days)))

    async def assigned(self, day: dt.date, number: int) -> list[PlannedUnit]:
        """Some visits of a day that somebody goes to and nobody has told of."""
        return await self._units(_ASSIGNED, day, number)

    async def of_vulnerable(self, day: dt.date, number: int) -> list[PlannedUnit]:
        """Some visits and meals of a day, of people who are marked, of which nobody has told."""
        return await self._units(_OF_VULNERABLE, day, number)

    async def planned(self, day: dt.date, number: int) -> list[PlannedUnit]:
        """Some meals of a day of which nobody has told."""
        return await self._units(_PLANNED, day, number)

    async def open_checks(self) -> list[str]:
        """Checks of people who are looked for."""
        async with self._db.read() as tx:
            return [str(row.id) for row in await tx.all(_OPEN_CHECKS, {"town": self.municipality_id})]

    async def unread_checks(self) -> int:
        """How many checks stand otherwise than their workflow has read them, or have not been read at all."""
        async with self._db.read() as tx:
            return int(await tx.scalar(_UNREAD_CHECKS, {"town": self.municipality_id}))

    async def until_checks_are_read(self) -> None:
        """Wait until every workflow of a check has read where its check stands.

        A workflow whose check begins and ends before its first task reads it once, any other one twice: what a life
        stores would follow from how fast the worker is.
        """
        async with asyncio.timeout(_READ_SECONDS):
            while await persistently(self.unread_checks):
                await asyncio.sleep(AWAY_SECONDS)

    async def _units(self, statement: str, day: dt.date, number: int) -> list[PlannedUnit]:
        async with self._db.read() as tx:
            rows = await tx.all(statement, {"town": self.municipality_id, "day": day, "number": number})
        return [
            PlannedUnit(str(row.id), str(row.application_id), row.code, row.on_day, row.quantity, row.assistant_id)
            for row in rows
        ]

    def _of(self, days: DateRange) -> dict[str, object]:
        return {"town": self.municipality_id, "first": days.start, "last": days.end}


async def persistently(work: Callable[[], Awaitable[Found]]) -> Found:
    """Do it again while the database is away; the work may be repeated."""
    while True:
        try:
            return await work()
        except (OSError, DBAPIError) as error:
            if not is_database_away(error):
                raise
        await asyncio.sleep(AWAY_SECONDS)
