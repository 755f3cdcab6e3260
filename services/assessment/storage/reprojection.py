"""SQL of a page of assessments whose open limits are counted anew."""

from __future__ import annotations

import json
from collections.abc import Sequence

from services.assessment.domain.visits import Assessment
from services.assessment.rules.reprojection import Recount
from services.assessment.storage.visits import Store, assessments
from services.runtime.limit_moves import KeptMove, store_moves
from services.runtime.limit_rows import ledger_parameters

__all__ = ["OpenLimits"]

_LOCK = """
SELECT application_id FROM assessments a
WHERE municipality_id = :municipality_id AND state IN ('OPEN', 'VISIT_SCHEDULED', 'VISITED')
  AND application_id > :after
  AND EXISTS (SELECT FROM time_limits t WHERE t.application_id = a.application_id AND t.done_at IS NULL
              AND t.calendar_version <> :calendar_version)
ORDER BY application_id LIMIT :size FOR UPDATE
"""
_RECOUNT = """
UPDATE time_limits t SET calendar_version = n.calendar_version, due_date = n.due_date
FROM json_to_recordset(CAST(:rows AS json)) AS n (application_id text, number int, calendar_version text, due_date date)
WHERE t.application_id = n.application_id AND t.number = n.number
"""
_RAISE_VERSIONS = """
UPDATE assessments SET version = version + 1 WHERE application_id = ANY(CAST(:ids AS text[]))
"""


class OpenLimits(Store):
    """The port of the re-projection on one write transaction."""

    async def lock_page(self, municipality_id: str, calendar_version: str, after: str, size: int) -> list[Assessment]:
        """Assessments under way, behind the id, that have an open limit counted by another version; rows locked."""
        locked = await self._tx.all(
            _LOCK,
            {"municipality_id": municipality_id, "calendar_version": calendar_version, "after": after, "size": size},
        )
        return await assessments(self._tx, [row.application_id for row in locked])

    async def save_page(self, recounts: Sequence[Recount]) -> None:
        """Store what the page has become, with the moves; an assessment of which a limit moved has a new version."""
        rows, moves = [], []
        for recount in recounts:
            case = recount.after.application_id
            before = {limit.number: limit for limit in recount.before.limits}
            for limit in recount.after.limits:
                if limit.number not in recount.recounted:
                    continue
                columns = ledger_parameters(limit.ledger, limit.calendar)
                rows.append(
                    {
                        "application_id": case,
                        "number": limit.number,
                        "calendar_version": limit.calendar.version,
                        "due_date": str(columns["due_date"]),
                    }
                )
                if limit.number in recount.moved:
                    old = before[limit.number].calendar.version
                    moves.append(KeptMove(case, limit.ledger.kind, limit.number, old, limit.moves[-1]))
        if not rows:
            return
        await self._tx.run(_RECOUNT, {"rows": json.dumps(rows)})
        await self._tx.run(_RAISE_VERSIONS, {"ids": [each.after.application_id for each in recounts if each.moved]})
        await store_moves(self._tx, moves)
