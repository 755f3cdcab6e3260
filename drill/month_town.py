"""A town in mixed services: the same people for the same seed, whatever the town is called.

Most are seeded by SQL: some begin in the month, some end, some orders run out. Others may have come by an import.
People are known by number, those of an import by their row, so that towns can be compared and a seed means the same.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace

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
from services.runtime.database import Database, WriteTx

__all__ = ["FIRST", "MonthTown", "Served", "TownRows"]

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
       CASE WHEN begins < 5 THEN CAST(:first AS date) + 1 + begins * 4 ELSE CAST(:first AS date) - 30 END,
       CASE WHEN ends < 6 THEN CAST(:first AS date) + 3 + ends * 4 END,
       CASE WHEN basis <> '' THEN CAST(:first AS date) - 60 END,
       CASE WHEN basis = 'ORDER' THEN CAST(:first AS date) + CASE WHEN lapses < 20 THEN 10 + lapses ELSE 300 END END,
       true, 1, 1
FROM (SELECT n, {_LOT.format(what="/kind/", who="n")} AS kind, {_LOT.format(what="/begin/", who="n")} AS begins,
             {_LOT.format(what="/end/", who="n")} AS ends, {_LOT.format(what="/order/", who="n")} AS lapses
      FROM generate_series(1, :people) n) person
JOIN (VALUES (0, 59, 'HSP', ''), (60, 74, 'ASSISTANT_SUPPORT', 'REFERRAL'), (75, 84, 'CANTEEN_LUNCH_HOME', ''),
             (85, 92, 'DAY_CENTRE', 'ORDER'), (93, 99, 'OLD_PEOPLE_HOME', 'ORDER')) share (least, most, service, basis)
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
class TownRows:
    """What a town's month left, by table, in words that do not depend on the town's name."""

    tables: dict[str, list[str]]


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

    async def wrong_with(self, day: dt.date) -> list[str]:
        """What is wrong with a closed day: forgotten, twice, not due, or open and on nobody's list."""
        async with self._db.read() as tx:
            defects = await defects_of_day(tx, self.municipality_id, day)
            last = await tx.scalar(_LAST_CLOSED, {"town": self.municipality_id})
            unlisted = await tx.scalar(_OPEN_AND_LISTED, {"town": self.municipality_id, "day": day})
        wrong = [f"{day}: {defect.kind} {defect.unit_id}" for defect in defects]
        if last != day:
            wrong.append(f"{day}: the last closed day is {last}")
        if unlisted:
            wrong.append(f"{day}: {unlisted} units are open and were not listed")
        return wrong

    async def by_state(self, days: DateRange) -> dict[UnitState, int]:
        """Units of these days by state."""
        async with self._db.read() as tx:
            rows = await tx.all(_STATES, {"town": self.municipality_id, "first": days.start, "last": days.end})
        return {UnitState(row.state): int(row.units) for row in rows}

    async def served(self, days: DateRange) -> Served:
        """What those had on these days who came by the import."""
        where = {"imported": list(self.imported), "first": days.start, "last": days.end}
        async with self._db.read() as tx:
            row = await tx.one(_OF_IMPORTED, where)
        return Served(row.done, row.otherwise, row.served)

    async def rows(self) -> TownRows:
        """Every row of the month, told without ids."""
        tables = {}
        async with self._db.read() as tx:
            for table, statement in _TOLD.items():
                found = await tx.all(statement, {"town": self.municipality_id})
                tables[table] = sorted(row.told for row in found)
        return TownRows(tables)


_TOLD = {
    "unit": """SELECT concat_ws(' ', person_id, line, part, u.code, on_day, u.quantity, state, cause) AS told
FROM unit u JOIN care c USING (application_id) JOIN plan_line l ON l.id = line_id WHERE u.municipality_id = :town""",
    "delivery": """SELECT concat_ws(' ', person_id, code, on_day, units, outcome, fault) AS told
FROM delivery JOIN care USING (application_id) WHERE municipality_id = :town""",
    "pause": """SELECT concat_ws(' ', person_id, days, hospital) AS told
FROM pause JOIN care USING (application_id) WHERE municipality_id = :town""",
    "pause_event": """SELECT concat_ws(' ', person_id, kind, days) AS told
FROM pause_event JOIN care USING (application_id) WHERE municipality_id = :town""",
    "care": "SELECT concat_ws(' ', person_id, version, covered) AS told FROM care WHERE municipality_id = :town",
    "closed_day": """SELECT concat_ws(' ', on_day, follows, done, missed, cancelled, paused, unrecorded) AS told
FROM closed_day WHERE municipality_id = :town""",
    "daily_run": """SELECT concat_ws(' ', on_day, plan_from, plan_to, meals, units, finished_at IS NULL) AS told
FROM daily_run WHERE municipality_id = :town""",
    "kitchen_count": """SELECT concat_ws(' ', on_day, district_code, k.meals) AS told
FROM kitchen_count k JOIN daily_run r ON r.id = run_id WHERE municipality_id = :town""",
    "parked_case": """SELECT concat_ws(' ', person_id, reason) AS told
FROM parked_case JOIN care USING (application_id) WHERE care.municipality_id = :town""",
}
