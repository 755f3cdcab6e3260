"""Set-offs, written; months for which too much was paid, read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from services.billing.domain.accounts import Act
from services.billing.domain.set_offs import OverpaidMonth, SetOff
from services.billing.storage.common_reads import CommonReads
from services.billing.storage.ledger import book_set_offs, book_undone_set_off
from services.billing.storage.rows import minor, money, month
from services.billing.storage.sweeps import SWEPT
from services.kernel.dates import Month
from services.kernel.money import Currency, Money
from services.runtime.database import ReadTx
from services.runtime.ids import new_id
from services.runtime.statements import columns_of

__all__ = ["SetOffWrites", "overpaid_months"]

# One pass over what moved the receivables; the exact rounding is asked of what is left only.
_CREDIT_AND_DEBT = """
WITH sums AS (
    SELECT case_id, month, sum(CASE currency WHEN 'EUR' THEN minor ELSE minor / 1.95583 END) AS minor
    FROM receivable_movements WHERE {which} GROUP BY case_id, month
), both_kinds AS (
    SELECT case_id FROM sums GROUP BY case_id HAVING min(minor) < 0 AND max(minor) > 0
)
SELECT b.case_id::text AS case_id FROM both_kinds b
WHERE EXISTS (SELECT FROM sums s CROSS JOIN LATERAL (SELECT month_documents(s.case_id, s.month) AS currency) d
              WHERE s.case_id = b.case_id AND s.minor < 0 AND month_open_minor(s.case_id, s.month, d.currency) < 0
                AND month_received_minor(s.case_id, s.month, d.currency) > 0)
  AND EXISTS (SELECT FROM sums s WHERE s.case_id = b.case_id AND s.minor > 0
                AND month_open_minor(s.case_id, s.month, month_documents(s.case_id, s.month)) > 0)
ORDER BY b.case_id LIMIT :size
"""

_OF_CASES = _CREDIT_AND_DEBT.format(which="case_id = ANY(CAST(:cases AS uuid[]))")
_OF_MUNICIPALITY = _CREDIT_AND_DEBT.format(which=f"municipality_id = :municipality_id AND {SWEPT}")

_ADD = """
INSERT INTO set_offs (set_off_id, municipality_id, case_id, from_month, to_month, taken_minor, taken_currency,
                      settled_minor, settled_currency, set_off_date, set_off_at, request_id)
SELECT n.set_off_id, c.municipality_id, c.case_id, n.from_month, n.to_month, n.taken_minor, n.taken_currency,
       n.settled_minor, n.settled_currency, :today, :now, :request_id
FROM unnest(CAST(:set_off_id AS uuid[]), CAST(:from_month AS date[]), CAST(:to_month AS date[]),
            CAST(:taken_minor AS bigint[]), CAST(:taken_currency AS text[]), CAST(:settled_minor AS bigint[]),
            CAST(:settled_currency AS text[]))
    AS n (set_off_id, from_month, to_month, taken_minor, taken_currency, settled_minor, settled_currency)
JOIN contracts c ON c.case_id = :case_id
"""

_GIVEN = """
SELECT set_off_id::text AS set_off_id, to_month, settled_currency FROM set_offs o
WHERE case_id = :case_id AND from_month = :month
  AND NOT EXISTS (SELECT FROM set_off_reversals r WHERE r.set_off_id = o.set_off_id) ORDER BY set_off_id
"""

_UNDO = """
INSERT INTO set_off_reversals (set_off_id, reversed_date, reversed_at, request_id)
VALUES (:set_off_id, :today, :now, :request_id)
"""

_RECEIVED = "SELECT month_received_minor(:case_id, :month, :currency)"

_OVERPAID = """
WITH sums AS (
    SELECT case_id, month FROM receivable_movements
    WHERE municipality_id = :municipality_id
      AND (case_id, month) > (CAST(:after_case AS uuid), CAST(:after_month AS date))
    GROUP BY case_id, month HAVING sum(CASE currency WHEN 'EUR' THEN minor ELSE minor / 1.95583 END) < 0
)
SELECT s.case_id::text AS case_id, s.month, d.currency, -o.minor AS overpaid_minor,
       least(-o.minor, greatest(month_received_minor(s.case_id, s.month, d.currency), 0)) AS refundable_minor
FROM sums s CROSS JOIN LATERAL (SELECT month_documents(s.case_id, s.month) AS currency) d
CROSS JOIN LATERAL (SELECT month_open_minor(s.case_id, s.month, d.currency) AS minor) o
WHERE o.minor < 0 ORDER BY s.case_id, s.month LIMIT :size
"""


class SetOffWrites(CommonReads):
    """Port of the use case that sets off."""

    async def with_credit_and_debt(self, case_ids: Sequence[str]) -> Sequence[str]:
        """Which of the cases have paid too much for one month and owe for another, in order."""
        rows = await self._tx.all(_OF_CASES, {"cases": list(case_ids), "size": len(case_ids)})
        return [row.case_id for row in rows]

    async def cases_to_set_off(self, municipality_id: str, limit: int) -> Sequence[str]:
        """Cases of a municipality with a credit and a debt."""
        key = {"municipality_id": municipality_id, "size": limit}
        return [row.case_id for row in await self._tx.all(_OF_MUNICIPALITY, key)]

    async def received_for(self, case_id: str, month_: Month, currency: Currency) -> Money:
        """The money that came in for a month minus what went back; what was given up is none."""
        key = {"case_id": case_id, "month": month_.first, "currency": currency.value}
        return money(int(await self._tx.scalar(_RECEIVED, key)), currency.value)

    async def add_set_offs(self, case_id: str, found: Sequence[SetOff], act: Act) -> None:
        """Keep and book set-offs of a case."""
        rows = [
            {
                "set_off_id": new_id(),
                "from_month": item.from_month.first,
                "to_month": item.to_month.first,
                **minor("taken", item.taken),
                **minor("settled", item.settled),
            }
            for item in found
        ]
        when = {"today": act.today, "now": act.now, "request_id": act.request_id}
        await self._tx.run(_ADD, {**columns_of(rows), "case_id": case_id, **when})
        await book_set_offs(self._tx, [str(row["set_off_id"]) for row in rows])

    async def undo_set_offs(self, case_id: str, month_: Month, act: Act) -> Mapping[Month, Currency]:
        """Take back and book so what the credit of a month paid in others: in which, with their currencies."""
        given = await self._tx.all(_GIVEN, {"case_id": case_id, "month": month_.first})
        for row in given:
            when = {"today": act.today, "now": act.now, "request_id": act.request_id}
            await self._tx.run(_UNDO, {"set_off_id": row.set_off_id, **when})
            await book_undone_set_off(self._tx, new_id(), row.set_off_id, act.today)
        return {month(row.to_month): Currency(row.settled_currency) for row in given}


async def overpaid_months(
    tx: ReadTx, municipality_id: str, after: tuple[str, Month] | None, size: int
) -> Sequence[OverpaidMonth]:
    """A page of the months for which too much was paid, by case and month."""
    case, first = after or ("00000000-0000-0000-0000-000000000000", Month(1, 1))
    key = {"municipality_id": municipality_id, "after_case": case, "after_month": first.first, "size": size}
    return [
        OverpaidMonth(
            row.case_id,
            month(row.month),
            money(row.overpaid_minor, row.currency),
            money(row.refundable_minor, row.currency),
        )
        for row in await tx.all(_OVERPAID, key)
    ]
