"""What is left of payments that name a case, and the months that it may pay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from services.billing.domain.payments import OpenMonth, WaitingMoney
from services.billing.storage.common_reads import CommonReads
from services.billing.storage.open_months import NET, OPEN_COLUMNS, open_month
from services.billing.storage.rows import money

__all__ = ["WaitingMoneyWrites"]

_WAITING = """
SELECT r.entry_id::text AS entry_id, r.names_case::text AS case_id, r.rest_minor, e.currency, r.booked_date
FROM bank_rests r JOIN bank_entries e USING (entry_id)
WHERE r.names_case = ANY(CAST(:cases AS uuid[])) AND r.rest_minor > 0
ORDER BY r.booked_date, r.entry_id FOR UPDATE OF r
"""

_OPEN = f"""
SELECT {OPEN_COLUMNS} FROM invoices i {NET}
WHERE i.case_id = ANY(CAST(:cases AS uuid[])) AND month_open_minor(i.case_id, i.month, i.currency) > 0
ORDER BY i.month, i.case_id
"""  # noqa: S608 a constant of this module

_TO_ALLOT = """
SELECT r.names_case::text AS case_id FROM bank_rests r
WHERE r.municipality_id = :municipality_id AND r.rest_minor > 0 AND r.names_case IS NOT NULL
  AND r.names_case NOT IN (SELECT case_id FROM unswept_cases WHERE municipality_id = :municipality_id)
  AND EXISTS (SELECT FROM invoices i WHERE i.case_id = r.names_case
                AND month_open_minor(i.case_id, i.month, i.currency) > 0)
GROUP BY r.names_case ORDER BY r.names_case LIMIT :size
"""

_NAME = """
UPDATE bank_rests r SET names_case = n.case_id
FROM unnest(CAST(:entries AS uuid[]), CAST(:cases AS uuid[])) AS n (entry_id, case_id) WHERE r.entry_id = n.entry_id
"""


class WaitingMoneyWrites(CommonReads):
    """Port of the use case that pays open months by the rests of payments."""

    async def waiting_money(self, case_ids: Sequence[str]) -> Sequence[WaitingMoney]:
        """What is left of payments that name one of the cases, oldest first, kept from everybody until the commit."""
        return [
            WaitingMoney(row.entry_id, row.case_id, money(row.rest_minor, row.currency), row.booked_date)
            for row in await self._tx.all(_WAITING, {"cases": list(case_ids)})
        ]

    async def open_months(self, case_ids: Sequence[str]) -> Sequence[OpenMonth]:
        """Months of the cases of which something is open, oldest first."""
        return [open_month(row) for row in await self._tx.all(_OPEN, {"cases": list(case_ids)})]

    async def cases_to_allot(self, municipality_id: str, limit: int) -> Sequence[str]:
        """Cases that owe for a month while money that names them waits."""
        key = {"municipality_id": municipality_id, "size": limit}
        return [row.case_id for row in await self._tx.all(_TO_ALLOT, key)]

    async def name_cases(self, named: Mapping[str, str]) -> None:
        """Keep for which case what is left of these payments is."""
        if named:
            await self._tx.run(_NAME, {"entries": list(named), "cases": list(named.values())})
