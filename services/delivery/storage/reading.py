"""Questions that delivery answers from what it stored: served days by page, delivered units, sequences."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row

from services.delivery.domain.care import Served
from services.delivery.storage.store import json_of
from services.kernel.catalogue import Catalogue
from services.kernel.dates import Month
from services.runtime.database import ReadTx

__all__ = ["delivered_units", "sequences", "served_page"]

_BY_OUTCOME = """(
    SELECT coalesce(jsonb_agg(jsonb_build_array(code, units) ORDER BY code), '[]') FROM (
        SELECT code, sum(units) AS units FROM delivery d
        WHERE d.application_id = page.application_id AND d.on_day BETWEEN :first AND :last AND {filter}
        GROUP BY code
    ) by_code
)"""
_DELIVERED = _BY_OUTCOME.format(filter="outcome = 'DELIVERED'")
_MISSED = _BY_OUTCOME.format(filter="outcome = 'MISSED' AND fault = 'PROVIDER'")

# Without ids: the cases in service in the month. With ids: those, whatever is left of their service. A paused day is
# charged when the pause came too late for its meal (C-29). Behind the last day of a service nobody is served.
_SERVED = f"""
WITH page AS (
    SELECT application_id, version, covered * daterange(:first, coalesce(
        (SELECT e.last FROM unnest(CAST(:ended AS text[]), CAST(:ended_on AS date[])) AS e (code, last)
         WHERE e.code = care.service_code), :last), '[]') AS days
    FROM care
    WHERE municipality_id = :municipality AND application_id > CAST(:after AS uuid)
      AND CASE WHEN cardinality(CAST(:ids AS uuid[])) = 0 THEN covered && daterange(:first, :last, '[]')
               ELSE application_id = ANY(CAST(:ids AS uuid[])) END
    ORDER BY application_id LIMIT :size
)
SELECT application_id, version, coalesce(upper(days) - lower(days), 0) AS served_days, (
    SELECT coalesce(sum(upper(p.days * page.days) - lower(p.days * page.days)), 0)
    FROM pause p WHERE p.application_id = page.application_id
) - (
    SELECT count(DISTINCT k.on_day) FROM kept_meal k JOIN unit u ON u.id = k.unit_id
    WHERE k.application_id = page.application_id AND k.on_day <@ page.days AND u.state = 'PAUSED'
) AS paused_days, {_DELIVERED} AS delivered, {_MISSED} AS missed
FROM page ORDER BY application_id
"""  # noqa: S608 - put together from constants

_UNITS = """
SELECT code, sum(units) AS units FROM delivery
WHERE application_id = :id AND outcome = 'DELIVERED' AND on_day BETWEEN :first AND :last
GROUP BY code ORDER BY code
"""

_BEFORE_ALL = "00000000-0000-0000-0000-000000000000"


async def served_page(
    tx: ReadTx,
    municipality_id: str,
    month: Month,
    catalogue: Catalogue,
    *,
    after: str = "",
    size: int = 1000,
    ids: Sequence[str] = (),
) -> list[Served]:
    """Served days of the next `size` cases behind the application id `after` (empty: from the first).

    No day counts behind the last one of the service in the catalogue.
    """
    ended = catalogue.ending_in(month.first, month.last)
    rows = await tx.all(
        _SERVED,
        {
            "ended": list(ended),
            "ended_on": list(ended.values()),
            "municipality": municipality_id,
            "first": month.first,
            "last": month.last,
            "after": after or _BEFORE_ALL,
            "size": size,
            "ids": list(ids),
        },
    )
    return [_served(row) for row in rows]


async def delivered_units(tx: ReadTx, application_id: str, month: Month) -> list[tuple[str, int]]:
    """Units delivered to a case in a month, by code."""
    rows = await tx.all(_UNITS, {"id": application_id, "first": month.first, "last": month.last})
    return [(row.code, int(row.units)) for row in rows]


async def sequences(tx: ReadTx, application_ids: Sequence[str]) -> dict[str, int]:
    """Highest outbox sequence by case; cases without one are absent."""
    rows = await tx.all(
        "SELECT case_id, last_seq FROM outbox_sequence WHERE case_id = ANY(CAST(:ids AS text[]))",
        {"ids": list(application_ids)},
    )
    return {row.case_id: row.last_seq for row in rows}


def _served(row: Row[Any]) -> Served:
    return Served(
        application_id=str(row.application_id),
        served_days=int(row.served_days),
        paused_days=int(row.paused_days),
        delivered=tuple((code, int(units)) for code, units in json_of(row.delivered)),
        missed=tuple((code, int(units)) for code, units in json_of(row.missed)),
        version=row.version,
    )
