"""SQL about sheets that are due, and about meals that no kitchen was told to cook."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from services.delivery.domain.kitchens import UncookedMeals, UncookedReason
from services.kernel.ranges import DateRange
from services.runtime.database import ReadTx

__all__ = ["kitchen_of", "uncooked", "without_sheet"]

_WITHOUT_SHEET = """
SELECT k.kitchen_id, d.on_day
FROM municipality m JOIN kitchen k ON k.municipality_id = m.id, unnest(CAST(:days AS date[])) AS d (on_day)
WHERE m.id = :municipality AND d.on_day <= m.planned_through AND NOT EXISTS (
    SELECT FROM kitchen_sheet s
    WHERE s.municipality_id = m.id AND s.kitchen_id = k.kitchen_id AND s.on_day = d.on_day
)
ORDER BY d.on_day, k.kitchen_id
"""
_KITCHEN_OF = """
SELECT kitchen_id FROM kitchen_district WHERE municipality_id = :municipality AND district_code = :district
"""
# What the sheets say is compared person by person, as a meal too many for one feeds no other. A meal with a record is
# settled, however it came to be eaten. Districts of a route whose kitchen has no sheet of the day yet lack nothing.
_UNCOOKED = """
WITH planned AS (
    SELECT application_id, line_id, on_day, district_code, quantity, state = 'PLANNED' AS waits FROM unit
    WHERE municipality_id = :municipality AND on_day BETWEEN :first AND :last AND unit = 'MEAL'
      AND state IN ('PLANNED', 'DONE', 'MISSED')
    UNION ALL
    SELECT u.application_id, u.line_id, u.on_day, u.district_code, u.quantity, true
    FROM kept_meal k JOIN unit u ON u.id = k.unit_id
    WHERE k.on_day BETWEEN :first AND :last AND u.municipality_id = :municipality AND u.state = 'PAUSED'
), told AS (
    SELECT s.on_day, t.application_id, t.district_code, t.menu_code, sum(t.meals) AS meals
    FROM kitchen_sheet s JOIN (
        SELECT sheet_id, application_id, district_code, menu_code, meals FROM kitchen_stop
        UNION ALL SELECT sheet_id, application_id, district_code, menu_code, meals FROM kitchen_guest
    ) t ON t.sheet_id = s.id
    WHERE s.municipality_id = :municipality AND s.on_day BETWEEN :first AND :last
    GROUP BY 1, 2, 3, 4
), lacking AS (
    SELECT p.on_day, p.district_code, d.kitchen_id IS NULL AS nowhere,
           least(coalesce(sum(p.quantity) FILTER (WHERE p.waits), 0),
                 sum(p.quantity) - coalesce(max(t.meals), 0)) AS meals
    FROM planned p JOIN plan_line l ON l.id = p.line_id
    LEFT JOIN kitchen_district d ON d.municipality_id = :municipality AND d.district_code = p.district_code
    LEFT JOIN kitchen_sheet s ON s.municipality_id = :municipality AND s.kitchen_id = d.kitchen_id
                             AND s.on_day = p.on_day
    LEFT JOIN told t ON t.on_day = p.on_day AND t.application_id = p.application_id
                    AND t.district_code = p.district_code AND t.menu_code = l.menu_code
    WHERE d.kitchen_id IS NULL OR s.id IS NOT NULL
    GROUP BY 1, 2, 3, p.application_id, l.menu_code
)
SELECT on_day, district_code, CASE WHEN nowhere THEN 'NO_ROUTE' ELSE 'AFTER_SHEET' END AS reason, sum(meals) AS meals
FROM lacking
WHERE meals > 0 AND (on_day, district_code) > (:after_day, :after)
  AND EXISTS (SELECT FROM kitchen WHERE municipality_id = :municipality)
GROUP BY 1, 2, 3 ORDER BY 1, 2 LIMIT :size
"""
_BEFORE_ALL = (date(1, 1, 1), "")
_ALL = 100_000


async def without_sheet(tx: ReadTx, municipality_id: str, days: Sequence[date]) -> Sequence[tuple[str, date]]:
    """Kitchens and planned days that have no sheet yet, by day."""
    rows = await tx.all(_WITHOUT_SHEET, {"municipality": municipality_id, "days": list(days)})
    return [(row.kitchen_id, row.on_day) for row in rows]


async def kitchen_of(tx: ReadTx, municipality_id: str, district_code: str) -> str:
    """The kitchen that cooks for a district; empty: none does."""
    found = await tx.scalar(_KITCHEN_OF, {"municipality": municipality_id, "district": district_code})
    return found or ""


async def uncooked(
    tx: ReadTx, municipality_id: str, days: DateRange, *, after: tuple[date, str] | None = None, size: int = _ALL
) -> Sequence[UncookedMeals]:
    """Meals that somebody waits for and no kitchen cooks, behind a day and district.

    A municipality without a kitchen of its own has none: whoever cooks there is told otherwise.
    """
    after_day, district = after or _BEFORE_ALL
    rows = await tx.all(
        _UNCOOKED,
        {
            "municipality": municipality_id,
            "first": days.start,
            "last": days.end,
            "after_day": after_day,
            "after": district,
            "size": size,
        },
    )
    return [UncookedMeals(row.on_day, row.district_code, UncookedReason(row.reason), int(row.meals)) for row in rows]
