"""SQL of a page of intake's open limits that are counted anew."""

from __future__ import annotations

import json
from collections.abc import Sequence

from services.intake.storage import reading
from services.intake.storage.rows import APPLICATION_COLUMNS, LIMIT_COLUMNS, application_of, limit_of
from services.intake.usecases.ports import OpenLimit
from services.kernel.local_rules import LocalRules
from services.runtime.database import WriteTx
from services.runtime.limit_moves import KeptMove, store_moves
from services.runtime.local_rules import calendar_from_text
from services.runtime.outbox import Signal

__all__ = ["OpenLimits"]

# What was over when the first later version was declared cannot move: declared days are never in the past.
_OPEN = """
FROM time_limit LEFT JOIN calendar_version k ON k.version = time_limit.calendar_version
WHERE application_id = a.id AND done_on IS NULL AND calendar_version <> :calendar_version
  AND kind = CASE a.state WHEN 'DOCS_PENDING' THEN 'remedy_documents' ELSE 'appeal' END
  AND due_date >= (SELECT CAST(min(n.declared_at) AT TIME ZONE 'Europe/Sofia' AS date) FROM calendar_version n
                   WHERE n.municipality_id = a.municipality_id AND n.number > coalesce(k.number, 1))
"""
_LOCK = f"""
SELECT id FROM application a
WHERE municipality_id = :municipality_id AND state IN ('DOCS_PENDING', 'INELIGIBLE') AND id > :after
  AND EXISTS (SELECT {_OPEN})
ORDER BY id LIMIT :size FOR UPDATE
"""  # noqa: S608 constants
# Read once the cases are locked: nobody acts on a limit in between.
_LIMITS = f"""
SELECT {APPLICATION_COLUMNS}, l.*
FROM application a JOIN person p ON p.id = a.person_id
JOIN LATERAL (
    SELECT {LIMIT_COLUMNS}, time_limit.version AS number,
           (SELECT c.overrides::text FROM calendars c WHERE c.version = calendar_version) AS overrides {_OPEN}
) l ON true
WHERE a.id = ANY(CAST(:ids AS text[])) ORDER BY a.id
"""  # noqa: S608 constants
_RECOUNT = """
UPDATE time_limit t SET calendar_version = n.calendar_version, due_date = n.due_date
FROM json_to_recordset(CAST(:rows AS json))
    AS n (application_id text, kind text, number bigint, calendar_version text, due_date date)
WHERE t.application_id = n.application_id AND t.kind = n.kind AND t.version = n.number AND t.done_on IS NULL
"""
_RAISE_VERSIONS = "UPDATE application SET version = version + 1 WHERE id = ANY(CAST(:ids AS text[]))"


class OpenLimits:
    """Open limits in one write transaction; implements the port `OpenLimitsStore`."""

    def __init__(self, tx: WriteTx) -> None:
        self._tx = tx

    async def rules(self, municipality_id: str) -> LocalRules:
        return await reading.local_rules(self._tx, municipality_id)

    async def lock_page(
        self, municipality_id: str, calendar_version: str, after: str, size: int
    ) -> tuple[list[OpenLimit], str]:
        locked = await self._tx.all(
            _LOCK,
            {"municipality_id": municipality_id, "calendar_version": calendar_version, "after": after, "size": size},
        )
        ids = [row.id for row in locked]
        rows = await self._tx.all(_LIMITS, {"ids": ids, "calendar_version": calendar_version})
        found = [
            OpenLimit(
                application_of(row),
                row.number,
                limit_of(row),
                calendar_from_text(row.calendar_version, row.overrides),
            )
            for row in rows
        ]
        return found, ids[-1] if len(ids) == size else ""

    async def save_page(self, found: Sequence[OpenLimit], recounts: Sequence[OpenLimit]) -> None:
        if not found:
            return
        rows, moves = [], []
        for before, after in zip(found, recounts, strict=True):
            case, kept = after.application.id, after.kept
            rows.append(
                {
                    "application_id": case,
                    "kind": kept.kind,
                    "number": after.version,
                    "calendar_version": kept.limit.calendar_version,
                    "due_date": kept.due_date.isoformat(),
                }
            )
            if len(kept.moves) > len(before.kept.moves):
                moves.append(KeptMove(case, kept.kind, after.version, before.calendar.version, kept.moves[-1]))
        await self._tx.run(_RECOUNT, {"rows": json.dumps(rows)})
        await self._tx.run(_RAISE_VERSIONS, {"ids": [kept.application_id for kept in moves]})
        await store_moves(self._tx, moves)

    async def emit(self, emission: Signal) -> None:
        self._tx.emit(emission)
