"""SQL of a page of placements whose running limit is counted anew."""

from __future__ import annotations

import json
from collections.abc import Sequence

from services.placement.domain.cases import Placement
from services.placement.reprojection import Recount
from services.placement.storage.cases import Store, placements
from services.runtime.limit_moves import KeptMove, store_moves
from services.runtime.limit_rows import ledger_parameters

__all__ = ["OpenLimits"]

_LOCK = """
SELECT application_id FROM placements p
WHERE municipality_id = :municipality_id AND state IN ('READY', 'OFFERED', 'ORDER_AWAITED', 'ORDER_REFUSED')
  AND application_id > :after
  AND EXISTS (SELECT FROM time_limits t WHERE t.application_id = p.application_id AND t.done_at IS NULL
              AND t.calendar_version <> :calendar_version)
ORDER BY application_id LIMIT :size FOR UPDATE
"""
_RECOUNT = """
UPDATE time_limits t SET calendar_version = n.calendar_version, due_date = n.due_date
FROM json_to_recordset(CAST(:rows AS json)) AS n (application_id text, number int, calendar_version text, due_date date)
WHERE t.application_id = n.application_id AND t.number = n.number
"""
_RAISE_VERSIONS = """
UPDATE placements SET version = version + 1 WHERE application_id = ANY(CAST(:ids AS text[]))
"""


class OpenLimits(Store):
    """The port of the re-projection on one write transaction."""

    async def lock_page(self, municipality_id: str, calendar_version: str, after: str, size: int) -> list[Placement]:
        """Placements behind the id that wait under a limit counted by another version; rows locked."""
        locked = await self._tx.all(
            _LOCK,
            {"municipality_id": municipality_id, "calendar_version": calendar_version, "after": after, "size": size},
        )
        return await placements(self._tx, [row.application_id for row in locked])

    async def save_page(self, recounts: Sequence[Recount]) -> None:
        """Store what the limits have become, with the moves; a placement whose limit moved has a new version."""
        if not recounts:
            return
        rows, moves = [], []
        for recount in recounts:
            case, limit = recount.placement.application_id, recount.after
            due = ledger_parameters(limit.ledger, limit.calendar)["due_date"]
            version = limit.calendar.version
            rows.append(
                {"application_id": case, "number": limit.number, "calendar_version": version, "due_date": str(due)}
            )
            if recount.move is not None:
                old = recount.before.calendar.version
                moves.append(KeptMove(case, limit.ledger.kind, limit.number, old, recount.move))
        await self._tx.run(_RECOUNT, {"rows": json.dumps(rows)})
        await self._tx.run(_RAISE_VERSIONS, {"ids": [kept.application_id for kept in moves]})
        await store_moves(self._tx, moves)
