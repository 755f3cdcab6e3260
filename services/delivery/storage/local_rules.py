"""The copy of what a municipality has decided: settings, calendar, changes of the catalogue."""

from __future__ import annotations

import json
from datetime import datetime

from services.kernel.calendar import BusinessCalendar
from services.kernel.catalogue import Catalogue
from services.kernel.local_rules import SHIPPED_RULES, LocalRules
from services.runtime.database import ReadTx, WriteTx
from services.runtime.errors import NotFound
from services.runtime.local_rules import calendar_from_text, changes_to_text, keep_calendar, rules_from_text

__all__ = ["calendar_in_force", "catalogue_in_force", "keep_rules", "rules_of"]

_RULES = """
SELECT m.settings::text AS settings, m.version, m.calendar_version, m.catalogue_changes::text AS changes,
       c.overrides::text AS overrides
FROM municipality m JOIN calendars c ON c.version = m.calendar_version WHERE id = :id
"""
# An older version never replaces a newer one. Whatever was planned is planned again from the first day that was
# declared or taken back; before the first copy nothing was planned by another calendar.
_KEEP = """
UPDATE municipality m
SET version = :version, settings = CAST(:settings AS jsonb), calendar_version = :calendar_version,
    catalogue_changes = CAST(:changes AS jsonb), settings_copied_at = :now,
    replan_from = CASE WHEN m.version > 0 THEN least(m.replan_from, (
        SELECT min(CAST(day AS date))
        FROM (SELECT key AS day, value ->> 'kind' AS kind FROM calendars c, jsonb_each(overrides)
              WHERE c.version = m.calendar_version) before
        FULL JOIN (SELECT key AS day, value ->> 'kind' AS kind FROM calendars c, jsonb_each(overrides)
                   WHERE c.version = :calendar_version) after USING (day)
        WHERE before.kind IS DISTINCT FROM after.kind
    )) END
WHERE id = :id AND m.version < :version
"""


async def rules_of(tx: ReadTx, municipality_id: str) -> LocalRules:
    """The copy of a municipality; NotFound when delivery has none."""
    row = await tx.one_or_none(_RULES, {"id": municipality_id})
    if row is None:
        raise NotFound(resource_type="municipality", resource_id=municipality_id)
    calendar = calendar_from_text(row.calendar_version, row.overrides)
    return rules_from_text(row.settings, calendar, row.changes, row.version)


async def calendar_in_force(tx: ReadTx, municipality_id: str) -> BusinessCalendar:
    """The calendar of a municipality; the shipped one where nothing was copied."""
    row = await tx.one_or_none(_RULES, {"id": municipality_id})
    return SHIPPED_RULES.calendar if row is None else calendar_from_text(row.calendar_version, row.overrides)


async def catalogue_in_force(tx: ReadTx, municipality_id: str) -> Catalogue:
    """The catalogue of a municipality; the shipped one where nothing was copied."""
    row = await tx.one_or_none(_RULES, {"id": municipality_id})
    if row is None:
        return SHIPPED_RULES.catalogue
    calendar = calendar_from_text(row.calendar_version, row.overrides)
    return rules_from_text(row.settings, calendar, row.changes, row.version).catalogue


async def keep_rules(tx: WriteTx, municipality_id: str, rules: LocalRules, now: datetime) -> None:
    """Take over what intake says, unless a later version is kept; the municipality has its row."""
    await keep_calendar(tx, rules.calendar)
    await tx.run(
        _KEEP,
        {
            "id": municipality_id,
            "version": rules.version,
            "settings": json.dumps(dict(rules.settings.own)),
            "calendar_version": rules.calendar.version,
            "changes": changes_to_text(rules.changes),
            "now": now,
        },
    )
