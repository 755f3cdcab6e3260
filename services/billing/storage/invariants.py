"""What must hold before anything is billed: each invariant is one question, answered true when it holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from types import MappingProxyType

from services.billing.domain.accounts import Run
from services.billing.domain.runs import Invariant
from services.billing.storage.common_reads import DRAFTED_BEHIND, CommonReads
from services.kernel.dates import Month
from services.runtime.database import ReadTx

__all__ = ["INVARIANTS", "InvariantWrites", "cases_of_red", "red_invariants"]

# By case: two that are wrong by the same amount, one too much and one too little, are two. One pass over both.
_DISAGREEING = """
SELECT case_id FROM (
    SELECT case_id, currency, minor FROM receivable_movements WHERE municipality_id = :municipality_id
    UNION ALL
    SELECT case_id, currency, -amount_minor FROM ledger_entries
    WHERE municipality_id = :municipality_id AND account = 'RECEIVABLE') AS booked
GROUP BY case_id, currency HAVING sum(minor) <> 0
"""

_RECEIVABLES_AGREE = f"SELECT NOT EXISTS ({_DISAGREEING})"

_SOME_DISAGREEING = f"""
UPDATE red_invariants SET cases = ARRAY(
    SELECT DISTINCT case_id FROM ({_DISAGREEING}) AS wrong ORDER BY case_id LIMIT 10)
WHERE run_id = :run_id AND invariant = 'RECEIVABLES_AGREE'
"""  # noqa: S608 a constant of this module

_LEDGER_BALANCED = """
SELECT NOT EXISTS (
    SELECT FROM ledger_entries WHERE municipality_id = :municipality_id
    GROUP BY currency HAVING sum(amount_minor) <> 0)
"""

_NUMBERS_WITHOUT_GAP = """
WITH given AS (
    SELECT coalesce(max(last_number), 0) AS invoices, coalesce(max(last_note_number), 0) AS notes
    FROM invoice_numbers WHERE municipality_id = :municipality_id
)
SELECT (SELECT coalesce(max(number), 0) = count(*) AND coalesce(max(number), 0) = given.invoices
        FROM invoices WHERE municipality_id = :municipality_id)
   AND (SELECT coalesce(max(number), 0) = count(*) AND coalesce(max(number), 0) = given.notes
        FROM corrections WHERE municipality_id = :municipality_id)
FROM given
"""

_HASH = """
encode(sha256(coalesce(string_agg(sha256(convert_to(concat_ws('|',
    i.invoice_id, i.number, i.case_id, i.month, i.run_id, i.amount_minor, i.currency, i.issued_date, i.due_date,
    i.calendar_version), 'UTF8')), ''::bytea ORDER BY i.number) FILTER (WHERE i.number IS NOT NULL), ''::bytea)), 'hex')
"""

_DOCUMENTS_UNCHANGED = f"""
SELECT NOT EXISTS (
    SELECT FROM billing_runs r
    LEFT JOIN invoices i ON i.municipality_id = r.municipality_id
        AND i.number BETWEEN r.sealed_from AND r.sealed_through
    WHERE r.municipality_id = :municipality_id AND r.documents_hash IS NOT NULL
    GROUP BY r.run_id HAVING r.documents_hash <> {_HASH})
"""  # noqa: S608 a constant of this module

_SEAL = f"""
WITH numbers AS (
    SELECT coalesce((SELECT max(sealed_through) FROM billing_runs WHERE municipality_id = :municipality_id), 0) + 1
               AS first,
           coalesce((SELECT last_number FROM invoice_numbers WHERE municipality_id = :municipality_id), 0) AS last
), hashed AS (
    SELECT {_HASH} AS hash FROM numbers
    LEFT JOIN invoices i ON i.municipality_id = :municipality_id AND i.number BETWEEN numbers.first AND numbers.last
)
UPDATE billing_runs SET sealed_from = numbers.first, sealed_through = numbers.last, documents_hash = hashed.hash
FROM numbers, hashed WHERE run_id = :run_id
"""  # noqa: S608 a constant of this module

_OLDER_MONTHS_BILLED = """
SELECT NOT EXISTS (
    SELECT FROM billing_runs WHERE municipality_id = :municipality_id AND month < :month AND state <> 'FINISHED')
"""

# Asked at every page of a run: the LIMIT makes it one look-up a service, however many cases there are.
_TARIFFS_APPLIED = """
SELECT NOT EXISTS (
    SELECT FROM (SELECT service_code, max(number) AS last FROM tariffs WHERE municipality_id = :municipality_id
                 GROUP BY 1) t
    CROSS JOIN LATERAL (
        SELECT FROM contracts c WHERE c.municipality_id = :municipality_id AND c.service_code = t.service_code
            AND c.tariffs_read < t.last AND c.tariffs_tried < t.last LIMIT 1) behind)
"""

_FEE_RULES_APPLIED = f"SELECT NOT EXISTS ({DRAFTED_BEHIND})"

INVARIANTS: Mapping[Invariant, str] = MappingProxyType(
    {
        Invariant.RECEIVABLES_AGREE: _RECEIVABLES_AGREE,
        Invariant.LEDGER_BALANCED: _LEDGER_BALANCED,
        Invariant.NUMBERS_WITHOUT_GAP: _NUMBERS_WITHOUT_GAP,
        Invariant.DOCUMENTS_UNCHANGED: _DOCUMENTS_UNCHANGED,
        Invariant.OLDER_MONTHS_BILLED: _OLDER_MONTHS_BILLED,
        Invariant.TARIFFS_APPLIED: _TARIFFS_APPLIED,
        Invariant.FEE_RULES_APPLIED: _FEE_RULES_APPLIED,
    }
)
"""Questions about a municipality before a month is billed. SERVED_DAYS_KNOWN is asked of delivery, page by page."""

_RED = "SELECT invariant FROM red_invariants WHERE run_id = :run_id ORDER BY invariant"
_CASES = """
SELECT DISTINCT CAST(unnest(cases) AS text) AS case_id FROM red_invariants WHERE run_id = :run_id ORDER BY case_id
"""
_FORGET = "DELETE FROM red_invariants WHERE run_id = :run_id"
_KEEP = """
INSERT INTO red_invariants (run_id, invariant, found_at)
SELECT :run_id, unnest(CAST(:invariants AS text[])), :now
"""


async def red_invariants(tx: ReadTx, run_id: str) -> tuple[Invariant, ...]:
    """What was red when the run was checked last."""
    return tuple(Invariant(row.invariant) for row in await tx.all(_RED, {"run_id": run_id}))


async def cases_of_red(tx: ReadTx, run_id: str) -> tuple[str, ...]:
    """Some of the cases in which what was red is broken."""
    return tuple(row.case_id for row in await tx.all(_CASES, {"run_id": run_id}))


class InvariantWrites(CommonReads):
    """Port of the use cases that check before they bill."""

    async def broken_invariants(self, municipality_id: str, month: Month) -> Sequence[Invariant]:
        """Which of the questions to the database are answered no."""
        key = {"municipality_id": municipality_id, "month": month.first}
        return [name for name, sql in INVARIANTS.items() if not await self._tx.scalar(sql, key)]

    async def tariffs_applied(self, municipality_id: str) -> bool:
        """Whether every case of the municipality is decided by the tariffs that are recorded, or parked."""
        return bool(await self._tx.scalar(_TARIFFS_APPLIED, {"municipality_id": municipality_id}))

    async def fee_rules_applied(self, municipality_id: str) -> bool:
        """Whether every draft under way is decided by the rules that are kept."""
        return bool(await self._tx.scalar(_FEE_RULES_APPLIED, {"municipality_id": municipality_id}))

    async def keep_red(self, run: Run, red: Sequence[Invariant], now: datetime) -> None:
        """Keep what is red now, and some of the cases in which receivables do not agree, instead of what was."""
        await self._tx.run(_FORGET, {"run_id": run.run_id})
        if red:
            await self._tx.run(_KEEP, {"run_id": run.run_id, "invariants": [each.value for each in red], "now": now})
        if Invariant.RECEIVABLES_AGREE in red:
            await self._tx.run(_SOME_DISAGREEING, {"run_id": run.run_id, "municipality_id": run.municipality_id})

    async def seal(self, run: Run) -> None:
        """Keep the hash of every invoice that was numbered since the run before was closed."""
        await self._tx.run(_SEAL, {"municipality_id": run.municipality_id, "run_id": run.run_id})
