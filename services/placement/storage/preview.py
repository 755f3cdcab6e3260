"""SQL of what a command can touch: accounts, and the cases on the lists of facilities."""

from __future__ import annotations

from collections.abc import Iterable

from services.placement.domain.cases import PlacementState
from services.placement.domain.preview import Snapshot, Stand
from services.placement.storage import capacity
from services.runtime.database import ReadTx

__all__ = ["snapshot"]

# Who is on none of the lists is shown where the command is about the case, or where it was on a list before.
_CASES = """
SELECT p.application_id, p.state, p.facility_code, coalesce(line.position, 0) AS position
FROM placements p
LEFT JOIN (
    SELECT application_id, row_number() OVER (
               PARTITION BY facility_code ORDER BY cardinality(flags) DESC, received_at, application_id) AS position
    FROM placements
    WHERE municipality_id = :municipality_id AND facility_code = ANY(CAST(:codes AS text[]))
      AND state IN ('WAITLISTED', 'OFFERED')
) AS line USING (application_id)
WHERE p.municipality_id = :municipality_id
  AND (line.application_id IS NOT NULL OR p.application_id = ANY(CAST(:cases AS text[])))
"""


async def snapshot(tx: ReadTx, municipality_id: str, codes: Iterable[str], cases: Iterable[str]) -> Snapshot:
    """How these accounts stand, with the lists of those that are facilities, and these cases."""
    wanted = sorted({code for code in codes if code})
    found = {code: await capacity.account(tx, municipality_id, code) for code in wanted}
    rows = await tx.all(_CASES, {"municipality_id": municipality_id, "codes": wanted, "cases": list(cases)})
    return Snapshot(
        accounts={code: account for code, account in found.items() if account is not None},
        cases={row.application_id: Stand(PlacementState(row.state), row.position, row.facility_code) for row in rows},
    )
