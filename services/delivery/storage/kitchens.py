"""SQL about kitchens, what they cook, and who lives in a facility."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, cast

from sqlalchemy import Row
from sqlalchemy.exc import IntegrityError

from services.delivery.domain.kitchens import EATEN_THERE, Census, Kitchen, KitchenSheet, MenuCount, Route, Stop
from services.delivery.errors import DistrictTaken
from services.delivery.storage.local_rules import rules_of
from services.delivery.storage.store import json_of
from services.delivery.usecases.care import Moment
from services.kernel.local_rules import LocalRules
from services.kernel.ranges import DateRange
from services.runtime.database import ReadTx, WriteTx, violated_constraint
from services.runtime.errors import NotFound

__all__ = [
    "KitchenStore",
    "census",
    "drivers_of_route",
    "kept_meals",
    "kitchens_page",
    "meals_since",
    "route_of_sheet",
    "sheet",
]

_KITCHENS = """
SELECT k.municipality_id, k.kitchen_id, k.version, coalesce((
    SELECT jsonb_agg(jsonb_build_array(r.route_code, r.driver_id, (
        SELECT jsonb_agg(d.district_code ORDER BY d.position) FROM kitchen_district d
        WHERE d.municipality_id = r.municipality_id AND d.kitchen_id = r.kitchen_id AND d.route_code = r.route_code
    )) ORDER BY r.route_code)
    FROM kitchen_route r WHERE r.municipality_id = k.municipality_id AND r.kitchen_id = k.kitchen_id
), '[]') AS routes
FROM kitchen k
"""
_PAGE = f"""
{_KITCHENS} WHERE k.municipality_id = :municipality AND k.kitchen_id > :after ORDER BY k.kitchen_id LIMIT :size
"""
_PUT = """
INSERT INTO kitchen (municipality_id, kitchen_id, version) VALUES (:municipality, :kitchen, :version)
ON CONFLICT (municipality_id, kitchen_id) DO UPDATE SET version = excluded.version
"""
_PUT_ROUTE = """
INSERT INTO kitchen_route (municipality_id, kitchen_id, route_code, driver_id)
VALUES (:municipality, :kitchen, :route, :driver)
"""
_PUT_DISTRICT = """
INSERT INTO kitchen_district (municipality_id, district_code, kitchen_id, route_code, position)
VALUES (:municipality, :district, :kitchen, :route, :position)
"""
_MAKE_SHEET = """
INSERT INTO kitchen_sheet (id, municipality_id, kitchen_id, on_day, produced_at)
VALUES (:id, :municipality, :kitchen, :day, :now)
"""
# A meal that a pause came too late for is cooked.
_MEALS = """
    SELECT u.application_id, u.district_code, l.menu_code, u.code = ANY(CAST(:eaten_there AS text[])) AS eaten_there,
           sum(u.quantity) AS meals
    FROM unit u JOIN plan_line l ON l.id = u.line_id
    WHERE u.municipality_id = :municipality AND u.on_day = :day AND u.unit = 'MEAL'
      AND (u.state IN ('PLANNED', 'DONE', 'MISSED')
           OR u.state = 'PAUSED' AND EXISTS (SELECT FROM kept_meal k WHERE k.unit_id = u.id))
    GROUP BY 1, 2, 3, 4
"""
# The order of stops follows from the route and the care alone, so that it is the same every day and a new person moves
# nobody within an older one's district.
_MAKE_STOPS = f"""
INSERT INTO kitchen_stop (sheet_id, route_code, driver_id, position, application_id, person_id, district_code,
                          menu_code, meals)
SELECT :id, d.route_code, r.driver_id,
       row_number() OVER (PARTITION BY d.route_code ORDER BY d.position, c.start_on, c.application_id, u.menu_code),
       u.application_id, c.person_id, u.district_code, u.menu_code, u.meals
FROM ({_MEALS}) u
JOIN care c USING (application_id)
JOIN kitchen_district d ON d.municipality_id = :municipality AND d.district_code = u.district_code
JOIN kitchen_route r ON r.municipality_id = d.municipality_id AND r.kitchen_id = d.kitchen_id
                    AND r.route_code = d.route_code
WHERE d.kitchen_id = :kitchen AND NOT u.eaten_there
"""  # noqa: S608 - put together from constants
_MAKE_GUESTS = f"""
INSERT INTO kitchen_guest (sheet_id, application_id, district_code, menu_code, meals)
SELECT :id, u.application_id, u.district_code, u.menu_code, u.meals
FROM ({_MEALS}) u
JOIN kitchen_district d ON d.municipality_id = :municipality AND d.district_code = u.district_code
WHERE d.kitchen_id = :kitchen AND u.eaten_there
"""  # noqa: S608 - put together from constants
_SHEET = """
SELECT s.id, s.municipality_id, s.kitchen_id, s.on_day, s.produced_at, coalesce((
    SELECT jsonb_agg(jsonb_build_array(menu_code, meals, eaten_there) ORDER BY menu_code)
    FROM (
        SELECT menu_code, sum(meals) AS meals, coalesce(sum(meals) FILTER (WHERE eaten_there), 0) AS eaten_there
        FROM (
            SELECT menu_code, meals, false AS eaten_there FROM kitchen_stop WHERE sheet_id = s.id
            UNION ALL SELECT menu_code, meals, true FROM kitchen_guest WHERE sheet_id = s.id
        ) each_one GROUP BY menu_code
    ) m
), '[]') AS menus
FROM kitchen_sheet s WHERE s.id = :id
"""
_ROUTE = """
SELECT s.id, t.driver_id, t.position, t.application_id, t.person_id, t.district_code, t.menu_code, t.meals
FROM kitchen_sheet s LEFT JOIN kitchen_stop t ON t.sheet_id = s.id AND t.route_code = :route
WHERE s.municipality_id = :municipality AND s.kitchen_id = :kitchen AND s.on_day = :day ORDER BY t.position
"""
# A pause that ended since the cut-off had taken its meals off at the cut-off.
_MEALS_SINCE = """
SELECT id FROM unit
WHERE application_id = :application AND on_day = :day AND unit = 'MEAL' AND state = 'PLANNED'
  AND 'GRANTED' IS DISTINCT FROM (
      SELECT kind FROM pause_event
      WHERE application_id = :application AND CAST(:day AS date) <@ days AND at < :cut_off
      ORDER BY id DESC LIMIT 1
  )
"""
_KEPT_MEALS = """
SELECT k.on_day, sum(u.quantity) AS meals FROM kept_meal k JOIN unit u ON u.id = k.unit_id
WHERE k.application_id = :application AND u.state = 'PAUSED' GROUP BY k.on_day ORDER BY k.on_day
"""
_DRIVERS = """
SELECT t.driver_id FROM kitchen_sheet s JOIN kitchen_stop t ON t.sheet_id = s.id AND t.route_code = :route
WHERE s.municipality_id = :municipality AND s.kitchen_id = :kitchen AND s.on_day = :day AND t.driver_id IS NOT NULL
UNION
SELECT driver_id FROM kitchen_route
WHERE municipality_id = :municipality AND kitchen_id = :kitchen AND route_code = :route AND driver_id IS NOT NULL
"""
_KEEP_MEALS = """
INSERT INTO kept_meal (unit_id, application_id, on_day, at)
SELECT id, application_id, on_day, :now FROM unit WHERE id = ANY(CAST(:ids AS uuid[])) AND state = 'PAUSED'
ON CONFLICT DO NOTHING
"""
_GIVE_UP_MEALS = """
WITH given_up AS (
    DELETE FROM kept_meal WHERE application_id = :application AND on_day BETWEEN :first AND :last RETURNING on_day
)
SELECT min(on_day) AS first_day FROM given_up
"""
# A stay is the days of care in the facility: from the move there, if there was one, to the day before the next move.
_CENSUS = """
SELECT count(*) FILTER (WHERE here AND NOT away) AS occupied, count(*) FILTER (WHERE here AND away) AS absent,
       count(*) FILTER (WHERE ahead AND NOT here) AS expected
FROM (
    SELECT bool_or(CAST(:day AS date) <@ stay.days) AS here,
           bool_or(NOT isempty(stay.days) AND lower(stay.days) > :day) AS ahead,
           EXISTS (SELECT FROM pause p WHERE p.application_id = c.application_id AND CAST(:day AS date) <@ p.days)
           OR EXISTS (SELECT FROM unit u WHERE u.application_id = c.application_id AND u.on_day = :day
                      AND u.unit = 'BED_DAY' AND u.state = 'MISSED') AS away
    FROM care c
    CROSS JOIN LATERAL (
        SELECT c.covered * daterange(c.rehoused_on[f.number - 1], c.rehoused_on[f.number]) AS days
        FROM unnest(CASE WHEN c.facilities = '{}' THEN ARRAY[c.facility_code] ELSE c.facilities END)
             WITH ORDINALITY AS f (code, number)
        WHERE f.code = :facility
    ) stay
    WHERE c.municipality_id = :municipality AND (
        c.facilities = '{}' AND c.facility_code = :facility
        OR c.facilities <> '{}' AND c.facilities @> ARRAY[CAST(:facility AS text)]
    )
    GROUP BY c.application_id
) residents
"""


async def kitchens_page(tx: ReadTx, municipality_id: str, *, after: str = "", size: int = 50) -> Sequence[Kitchen]:
    """Kitchens of a municipality behind the code `after`, by code."""
    rows = await tx.all(_PAGE, {"municipality": municipality_id, "after": after, "size": size})
    return [_kitchen(row) for row in rows]


async def sheet(tx: ReadTx, sheet_id: str) -> KitchenSheet:
    """A sheet by id."""
    row = await tx.one(_SHEET, {"id": sheet_id})
    menus = tuple(MenuCount(menu, int(meals), int(there)) for menu, meals, there in json_of(row.menus))
    return KitchenSheet(str(row.id), row.municipality_id, row.kitchen_id, row.on_day, row.produced_at, menus)


async def route_of_sheet(
    tx: ReadTx, municipality_id: str, kitchen_id: str, route_code: str, on: date
) -> tuple[str, str, Sequence[Stop]]:
    """Id of the sheet, driver and stops of a route; NotFound before the sheet is produced."""
    where = {"municipality": municipality_id, "kitchen": kitchen_id, "route": route_code, "day": on}
    rows = await tx.all(_ROUTE, where)
    if not rows:
        raise NotFound(resource_type="kitchen_sheet", resource_id=kitchen_id)
    stops = [
        Stop(row.position, str(row.application_id), row.person_id, row.district_code, row.menu_code, row.meals)
        for row in rows
        if row.position is not None
    ]
    return str(rows[0].id), rows[0].driver_id or "", stops


async def drivers_of_route(
    tx: ReadTx, municipality_id: str, kitchen_id: str, route_code: str, on: date
) -> frozenset[str]:
    """Who drives: as the sheet of the day has it, and who was named since."""
    where = {"municipality": municipality_id, "kitchen": kitchen_id, "route": route_code, "day": on}
    return frozenset(row.driver_id for row in await tx.all(_DRIVERS, where))


async def census(tx: ReadTx, municipality_id: str, facility_code: str, on: date) -> Census:
    """People of a facility on a day, as the copied contracts say of that day; who is to move there is expected."""
    row = await tx.one(_CENSUS, {"municipality": municipality_id, "facility": facility_code, "day": on})
    return Census(row.occupied, row.absent, row.expected)


async def meals_since(tx: ReadTx, application_id: str, on: date, cut_off: datetime) -> Sequence[str]:
    """Meals of a day that are planned now and were not paused at the cut-off."""
    where = {"application": application_id, "day": on, "cut_off": cut_off}
    return [str(row.id) for row in await tx.all(_MEALS_SINCE, where)]


async def kept_meals(tx: ReadTx, application_id: str) -> dict[date, int]:
    """Meals of paused days that are cooked and charged, by day."""
    return {row.on_day: int(row.meals) for row in await tx.all(_KEPT_MEALS, {"application": application_id})}


class KitchenStore:
    """Port of the use cases about kitchens on one write transaction."""

    def __init__(self, tx: WriteTx) -> None:
        self._tx = tx

    async def find_locked(self, municipality_id: str, kitchen_id: str) -> Kitchen | None:
        """The kitchen, locked until the transaction ends; None when there is none."""
        row = await self._tx.one_or_none(
            f"{_KITCHENS} WHERE k.municipality_id = :municipality AND k.kitchen_id = :kitchen FOR UPDATE",
            {"municipality": municipality_id, "kitchen": kitchen_id},
        )
        return None if row is None else _kitchen(row)

    async def put(self, kitchen: Kitchen) -> None:
        """Store the kitchen with its routes.

        Raises:
            DistrictTaken: a district lies on another route.
            NotFound: a driver is no assistant of the municipality.
        """
        where = {"municipality": kitchen.municipality_id, "kitchen": kitchen.id}
        await self._tx.run(_PUT, {**where, "version": kitchen.version})
        for table in ("kitchen_district", "kitchen_route"):
            await self._tx.run(
                f"DELETE FROM {table} WHERE municipality_id = :municipality AND kitchen_id = :kitchen",  # noqa: S608
                where,
            )
        routes = [{**where, "route": route.code, "driver": route.driver_id or None} for route in kitchen.routes]
        districts = [
            {**where, "route": route.code, "district": district, "position": position}
            for route in kitchen.routes
            for position, district in enumerate(route.districts, start=1)
        ]
        try:
            await self._tx.run(_PUT_ROUTE, routes)
            await self._tx.run(_PUT_DISTRICT, districts)
        except IntegrityError as error:
            if violated_constraint(error) == "kitchen_district_once":
                raise DistrictTaken(field="kitchen", resource_type="kitchen", resource_id=kitchen.id) from error
            if violated_constraint(error) == "route_has_known_driver":
                raise NotFound(resource_type="assistant") from error
            raise

    async def sheet_of(self, municipality_id: str, kitchen_id: str, on: date) -> str | None:
        """Id of the day's sheet; None before it is produced."""
        found = await self._tx.scalar(
            "SELECT id FROM kitchen_sheet "
            "WHERE municipality_id = :municipality AND kitchen_id = :kitchen AND on_day = :day",
            {"municipality": municipality_id, "kitchen": kitchen_id, "day": on},
        )
        return None if found is None else str(found)

    async def planned_through(self, municipality_id: str) -> date | None:
        """Last day that finished runs have planned; None when there was no run."""
        found: date | None = await self._tx.scalar(
            "SELECT planned_through FROM municipality WHERE id = :id", {"id": municipality_id}
        )
        return found

    async def rules(self, municipality_id: str) -> LocalRules:
        """What the municipality has decided; NotFound when delivery has no copy."""
        return await rules_of(self._tx, municipality_id)

    async def make_sheet(self, sheet_id: str, kitchen: Kitchen, on: date, moment: Moment) -> None:
        """Store the sheet with its stops and with the meals that people come for, by three statements."""
        where = {"id": sheet_id, "municipality": kitchen.municipality_id, "kitchen": kitchen.id, "day": on}
        await self._tx.run(_MAKE_SHEET, {**where, "now": moment.now})
        for make in (_MAKE_STOPS, _MAKE_GUESTS):
            await self._tx.run(make, {**where, "eaten_there": sorted(EATEN_THERE)})

    async def meals_since(self, application_id: str, on: date, cut_off: datetime) -> Sequence[str]:
        """Meals of a day that are planned now and were not paused at the cut-off."""
        return await meals_since(self._tx, application_id, on, cut_off)

    async def keep_meals(self, unit_ids: Sequence[str], moment: Moment) -> None:
        """Let these meals be cooked though their day is paused."""
        if unit_ids:
            await self._tx.run(_KEEP_MEALS, {"ids": list(unit_ids), "now": moment.now})

    async def give_up_meals(self, application_id: str, days: DateRange) -> date | None:
        """Keep no meals of these days; the first that had one, None when none had."""
        where = {"application": application_id, "first": days.start, "last": days.end}
        row = await self._tx.one(_GIVE_UP_MEALS, where)
        return cast("date | None", row.first_day)


def _kitchen(row: Row[Any]) -> Kitchen:
    routes = tuple(Route(code, driver or "", tuple(districts or ())) for code, driver, districts in json_of(row.routes))
    return Kitchen(row.municipality_id, row.kitchen_id, routes, row.version)
