"""What the daily sweep of arrears looks for, set-based, and the cases at which it failed."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date

from sqlalchemy.exc import DBAPIError, IntegrityError

from services.billing.domain.arrears import SweepFailed, UnsweptCase
from services.billing.storage.common_reads import CommonReads
from services.billing.storage.rows import month
from services.billing.usecases.arrears import LateInvoice, MovedInvoice
from services.billing.usecases.payments import By
from services.runtime.database import ReadTx, is_refused_value, violated_constraint
from services.runtime.errors import DomainError
from services.runtime.local_rules import calendar_from_text

__all__ = ["SWEPT", "SweepWrites", "count_unswept", "unswept_cases"]

SWEPT = "case_id NOT IN (SELECT case_id FROM unswept_cases WHERE municipality_id = :municipality_id)"
"""Which cases of a municipality are not parked."""

# One pass over what moved the receivables; the exact rounding is asked of what is left only.
_LATE = """
WITH unpaid AS (
    SELECT case_id, month FROM receivable_movements WHERE {which}
    GROUP BY case_id, month HAVING sum(CASE currency WHEN 'EUR' THEN minor ELSE minor / 1.95583 END) > 0
)
SELECT {columns} FROM unpaid u JOIN invoices i USING (case_id, month)
JOIN calendars c ON c.version = i.calendar_version
WHERE i.due_date < :today AND NOT EXISTS (SELECT FROM arrears a WHERE a.invoice_id = i.invoice_id)
  AND month_open_minor(i.case_id, i.month, i.currency) > 0
ORDER BY i.invoice_id
"""

_LATE_CASES = (
    _LATE.format(which=f"municipality_id = :municipality_id AND {SWEPT}", columns="i.case_id::text AS case_id")
    + " LIMIT :size"
)

_LATE_OF_CASES = _LATE.format(
    which="case_id = ANY(CAST(:cases AS uuid[]))",
    columns="""i.invoice_id::text AS invoice_id, i.case_id::text AS case_id, i.month, i.due_date, i.calendar_version,
       c.overrides::text AS overrides,
       EXISTS (SELECT FROM corrections n WHERE n.case_id = i.case_id AND n.month = i.month) AS is_noted""",
)

_MOVED = """
SELECT a.invoice_id::text AS invoice_id, a.case_id::text AS case_id
FROM arrears a JOIN invoices i USING (invoice_id)
WHERE a.{which}
  AND (month_open_minor(a.case_id, a.month, i.currency) > 0) = (a.state IN ('SETTLED', 'WRITTEN_OFF'))
ORDER BY a.invoice_id
"""

_MOVED_CASES = _MOVED.format(which=f"municipality_id = :municipality_id AND a.{SWEPT}") + " LIMIT :size"

_MOVED_OF_CASES = _MOVED.format(which="case_id = ANY(CAST(:cases AS uuid[]))")

_PARKED_BEFORE = """
SELECT case_id::text AS case_id FROM unswept_cases
WHERE municipality_id = :municipality_id AND tried_date < :today ORDER BY case_id LIMIT :size
"""

_PARK = """
INSERT INTO unswept_cases (case_id, municipality_id, reason, since_date, tried_date)
VALUES (:case_id, :municipality_id, :reason, :today, :today)
ON CONFLICT (case_id) DO UPDATE SET reason = EXCLUDED.reason, tried_date = EXCLUDED.tried_date
"""

_UNPARK = "DELETE FROM unswept_cases WHERE case_id = :case_id"

_UNSWEPT = """
SELECT case_id::text AS case_id, reason, since_date, tried_date FROM unswept_cases
WHERE municipality_id = :municipality_id AND case_id > CAST(:after AS uuid) ORDER BY case_id LIMIT :size
"""

_COUNT = "SELECT municipality_id, count(*) AS cases FROM unswept_cases GROUP BY municipality_id"


class SweepWrites(CommonReads):
    """Port of the use case that sweeps."""

    async def late_cases(self, municipality_id: str, today: date, limit: int) -> Sequence[str]:
        """Cases of invoices that are open past their due date and have no arrears yet, once for each invoice."""
        key = {"municipality_id": municipality_id, "today": today, "size": limit}
        return [row.case_id for row in await self._tx.all(_LATE_CASES, key)]

    async def moved_cases(self, municipality_id: str, limit: int) -> Sequence[str]:
        """Cases of invoices whose arrears are no longer what payments say, once for each invoice."""
        key = {"municipality_id": municipality_id, "size": limit}
        return [row.case_id for row in await self._tx.all(_MOVED_CASES, key)]

    async def late_invoices(self, case_ids: Sequence[str], today: date) -> Sequence[LateInvoice]:
        """Invoices of the cases that are open past their due date and have no arrears yet."""
        return [
            LateInvoice(
                row.invoice_id,
                row.case_id,
                month(row.month),
                row.due_date,
                calendar_from_text(row.calendar_version, row.overrides),
                row.is_noted,
            )
            for row in await self._tx.all(_LATE_OF_CASES, {"cases": list(case_ids), "today": today})
        ]

    async def paid_or_owed_again(self, case_ids: Sequence[str]) -> Sequence[MovedInvoice]:
        """Invoices of the cases whose arrears are open though nothing is owed, or closed though something is."""
        found = await self._tx.all(_MOVED_OF_CASES, {"cases": list(case_ids)})
        return [MovedInvoice(row.invoice_id, row.case_id) for row in found]

    async def parked_before(self, municipality_id: str, today: date, limit: int) -> Sequence[str]:
        """Parked cases that were not tried today."""
        key = {"municipality_id": municipality_id, "today": today, "size": limit}
        return [row.case_id for row in await self._tx.all(_PARKED_BEFORE, key)]

    async def park_unswept(self, municipality_id: str, case_id: str, reason: str, by: By) -> None:
        """Keep that and why the sweep failed at a case, since when, and that it was tried today."""
        key = {"municipality_id": municipality_id, "case_id": case_id}
        await self._tx.run(_PARK, {**key, "reason": reason, "today": by.act.today})

    async def unpark(self, case_id: str) -> None:
        """Forget that the sweep failed at a case."""
        await self._tx.run(_UNPARK, {"case_id": case_id})

    @asynccontextmanager
    async def alone(self) -> AsyncIterator[None]:
        """Undo what the block wrote and emitted where facts or database refuse it; SweepFailed says why.

        Constraints that wait for the commit speak at the end of the block. Whoever changed the same rows meanwhile, or
        a database that is away, is not a fault of the case and passes.
        """
        emitted = len(self._tx.emissions)
        await self._tx.run("SAVEPOINT alone")
        try:
            yield
            await self._tx.run("SET CONSTRAINTS ALL IMMEDIATE")
            await self._tx.run("SET CONSTRAINTS ALL DEFERRED")
        except (DBAPIError, DomainError, ArithmeticError, LookupError, ValueError) as error:
            if isinstance(error, DBAPIError) and not is_refused_value(error):
                raise
            await self._tx.run("ROLLBACK TO SAVEPOINT alone")
            del self._tx.emissions[emitted:]
            raise SweepFailed(_reason_of(error)) from error
        await self._tx.run("RELEASE SAVEPOINT alone")


async def unswept_cases(tx: ReadTx, municipality_id: str, after: str, size: int) -> Sequence[UnsweptCase]:
    """A page of the cases of a municipality at which the sweep failed."""
    rows = await tx.all(_UNSWEPT, {"municipality_id": municipality_id, "after": after, "size": size})
    return [UnsweptCase(row.case_id, row.reason, row.since_date, row.tried_date) for row in rows]


async def count_unswept(tx: ReadTx) -> Mapping[str, int]:
    """How many there are by municipality; one without any is absent."""
    return {row.municipality_id: row.cases for row in await tx.all(_COUNT)}


def _reason_of(error: Exception) -> str:
    # Texts of errors may hold what a person said: only names of the code and of the schema are kept.
    if isinstance(error, DomainError):
        return error.reason
    if isinstance(error, IntegrityError):
        return violated_constraint(error) or "not_null"
    return type(error).__name__
