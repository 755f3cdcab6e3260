"""SQL about visits whose time has come: one statement a municipality."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from services.delivery.domain.units import UnitState
from services.delivery.domain.visits import Graces, VisitLimits, limits_of
from services.delivery.domain.welfare import MissedVisit
from services.delivery.rules.welfare import LOOK_BACK, home_codes
from services.delivery.storage.welfare import WITH_THE_OTHER
from services.kernel.local_rules import LocalRules
from services.runtime.database import ReadTx

__all__ = ["MOST", "Visit", "missed_unseen", "municipalities", "visits_of"]

MOST = 500
"""Visits of one look."""

# As `limits_of` with the grace of `Graces`.
_MISSED_AT = """
coalesce(u.on_day + l.window_end, CAST(u.on_day + 1 AS timestamp)) AT TIME ZONE 'Europe/Sofia'
+ make_interval(secs => coalesce(CAST(CAST(:graces AS jsonb) ->> c.service_code AS integer),
                                 CASE WHEN l.window_end IS NULL THEN 0 ELSE :grace END))"""

# Who was not met since and is not known to be elsewhere: what `rules.welfare.asks_for_check` says of one, of all.
# Units of a line are missed together: while somebody is looked for because of one, or was found since, another one asks
# for no second ladder. A record that corrects another miss of as many says nothing new.
_MISSED_UNSEEN = f"""
SELECT DISTINCT ON (u.on_day, u.line_id)
       u.id, u.application_id, c.municipality_id, c.district_code, c.service_code, s.office_code, u.code, u.on_day
FROM safeguard s
JOIN care c USING (application_id)
JOIN unit u USING (application_id)
JOIN plan_line l ON l.id = u.line_id
WHERE c.municipality_id = :municipality AND (s.living_alone OR s.marked OR s.found_vulnerable)
  AND NOT c.deceased
  AND NOT EXISTS (SELECT FROM pause p WHERE p.application_id = c.application_id AND p.hospital
                  AND CAST(:today AS date) <@ p.days)
  AND u.on_day BETWEEN :first AND :today AND u.code = ANY(CAST(:codes AS text[]))
  AND (u.state = 'MISSED' OR u.state = 'PLANNED' AND {_MISSED_AT} <= :now)
  AND NOT EXISTS (SELECT FROM delivery d WHERE d.application_id = c.application_id AND d.outcome = 'DELIVERED'
                  AND d.on_day > u.on_day AND d.code = ANY(CAST(:codes AS text[])))
  AND NOT ({WITH_THE_OTHER})
  AND NOT EXISTS (SELECT FROM welfare_check w WHERE w.id = u.id)
  AND NOT EXISTS (
      SELECT FROM unit o JOIN welfare_check w ON w.id = o.id
      WHERE o.application_id = u.application_id AND o.on_day = u.on_day AND o.line_id = u.line_id
        AND (w.state <> 'CLOSED' OR w.closed_at > CASE u.state WHEN 'PLANNED' THEN {_MISSED_AT} ELSE coalesce((
            SELECT max(d.at) FROM delivery d WHERE d.application_id = u.application_id AND d.on_day = u.on_day
               AND d.code = u.code AND d.outcome = 'MISSED' AND NOT EXISTS (
                   SELECT FROM correction k WHERE k.replacement_id = d.id AND k.replaced_kind LIKE 'MISSED%'
                     AND k.replaced_units >= d.units)
        ), '-infinity') END))
ORDER BY u.on_day, u.line_id, u.part LIMIT :most
"""  # noqa: S608 constants of this module

_VISITS = """
SELECT u.id, u.application_id, u.code, u.state, c.service_code, l.window_end
FROM unit u JOIN care c USING (application_id) JOIN plan_line l ON l.id = u.line_id
WHERE u.municipality_id = :municipality AND u.on_day = :day AND u.code = ANY(CAST(:codes AS text[]))
  AND u.state IN ('PLANNED', 'MISSED') AND u.id > CAST(:after AS uuid)
ORDER BY u.id LIMIT :size
"""

_BEFORE_ALL = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, slots=True)
class Visit:
    """A planned visit of a day that was not delivered so far."""

    id: str
    application_id: str
    code: str
    unit: UnitState
    limits: VisitLimits


async def municipalities(tx: ReadTx) -> Sequence[str]:
    """Every municipality that has care here."""
    return [row.id for row in await tx.all("SELECT id FROM municipality ORDER BY id")]


async def missed_unseen(
    tx: ReadTx, municipality_id: str, rules: LocalRules, now: datetime, today: date
) -> list[MissedVisit]:
    """Missed visits of vulnerable people that have no check yet, the oldest first, at most `MOST`."""
    graces = Graces.of(rules.settings)
    rows = await tx.all(
        _MISSED_UNSEEN,
        {
            "municipality": municipality_id,
            "today": today,
            "first": today - LOOK_BACK,
            "codes": home_codes(today, rules.catalogue),
            "grace": int(graces.usual.total_seconds()),
            "graces": json.dumps({code: int(own.total_seconds()) for code, own in graces.own.items()}),
            "now": now,
            "most": MOST,
        },
    )
    return [
        MissedVisit(
            id=str(row.id),
            application_id=str(row.application_id),
            municipality_id=row.municipality_id,
            district_code=row.district_code,
            service_code=row.service_code,
            office_code=row.office_code,
            code=row.code,
            on=row.on_day,
        )
        for row in rows
    ]


async def visits_of(
    tx: ReadTx, municipality_id: str, rules: LocalRules, on: date, *, after: str = "", size: int = 200
) -> list[Visit]:
    """The next visits of a day that were not delivered so far, behind the id `after` (empty: from the first)."""
    graces = Graces.of(rules.settings)
    rows = await tx.all(
        _VISITS,
        {
            "municipality": municipality_id,
            "day": on,
            "codes": home_codes(on, rules.catalogue),
            "after": after or _BEFORE_ALL,
            "size": size,
        },
    )
    return [
        Visit(
            str(row.id),
            str(row.application_id),
            row.code,
            UnitState(row.state),
            limits_of(on, row.window_end, graces.of_visit(row.service_code, row.window_end)),
        )
        for row in rows
    ]
