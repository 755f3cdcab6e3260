"""Cases whose income wants to be declared anew, one page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from services.billing.rules.incomes import IncomeSource
from services.kernel.dates import Month
from services.runtime.database import ReadTx

__all__ = ["DeclaredIncome", "incomes_to_renew"]

# A case without any declaration comes before every expired one. The declaration in force is the last recorded of the
# latest month (L-12); what is charged by income follows the decision in force on the day, and who pays the cost in full
# has no income to prove (F-04). Who declared a later month with evidence that holds longer, up to the
# day, has renewed it.
_PAGE = """
SELECT case_id::text AS case_id, declared, coalesce(valid_until, '0001-01-01') AS until, source, l.letter_id,
       l.issued_date
FROM (
    SELECT c.case_id, d.id, d.id IS NOT NULL AS declared, d.valid_until, coalesce(d.source, 'DECLARATION') AS source
    FROM contracts c
    JOIN fee_decisions f ON f.case_id = c.case_id AND f.months @> CAST(:today AS date)
                        AND f.charge = 'INCOME_PERCENT' AND NOT f.actual_cost_payer
    LEFT JOIN LATERAL (
        SELECT id, valid_until, source FROM income_declarations d
        WHERE d.case_id = c.case_id AND d.from_month <= CAST(:month AS date) ORDER BY from_month DESC, id DESC LIMIT 1
    ) d ON true
    WHERE c.municipality_id = :municipality_id AND c.care @> CAST(:today AS date)
) standing
LEFT JOIN LATERAL (
    SELECT letter_id::text AS letter_id, issued_date FROM letters l
    WHERE l.declaration_id = standing.id AND l.issued_date <= CAST(:today AS date) ORDER BY reminder LIMIT 1
) l ON true
WHERE (NOT declared OR valid_until <= CAST(:horizon AS date))
  AND NOT (declared AND EXISTS (
      SELECT FROM income_declarations n
      WHERE n.case_id = standing.case_id AND n.from_month > CAST(:month AS date)
        AND (n.declared_at AT TIME ZONE 'Europe/Sofia')::date <= CAST(:today AS date)
        AND (n.valid_until IS NULL OR n.valid_until > standing.valid_until)
  ))
  AND (coalesce(valid_until, '0001-01-01'), case_id) > (CAST(:after_day AS date), CAST(:after_case AS uuid))
ORDER BY until, case_id LIMIT :size
"""


@dataclass(frozen=True, slots=True)
class DeclaredIncome:
    """The declaration in force of a case; `valid_until` None where nothing is declared.

    The last letter that reminded of it and its day; empty and None: none yet.
    """

    case_id: str
    declared: bool
    valid_until: date | None
    source: IncomeSource
    letter_id: str
    reminded_on: date | None


async def incomes_to_renew(  # noqa: PLR0917 a page of a day has these bounds
    tx: ReadTx, municipality_id: str, today: date, horizon: date, after: tuple[date, str], size: int
) -> Sequence[DeclaredIncome]:
    """Cases in care on the day without an income, or with evidence that ends on the horizon or earlier."""
    rows = await tx.all(
        _PAGE,
        {
            "municipality_id": municipality_id,
            "today": today,
            "month": Month.of(today).first,
            "horizon": horizon,
            "after_day": after[0],
            "after_case": after[1],
            "size": size,
        },
    )
    return [
        DeclaredIncome(
            row.case_id,
            row.declared,
            row.until if row.declared else None,
            IncomeSource(row.source),
            row.letter_id or "",
            row.issued_date,
        )
        for row in rows
    ]
