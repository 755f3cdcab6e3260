"""Questions that several ports ask, and the locks that keep a case's facts and its month's run apart."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date

from services.billing.domain.accounts import BilledRow, Books, ServedMonth
from services.billing.rules.decisions import DatedFacts
from services.billing.rules.fee_rules import FeeRules
from services.billing.storage import books as book_reads
from services.billing.storage import facts as fact_reads
from services.kernel.dates import Month
from services.kernel.local_rules import LocalRules
from services.runtime.crypto import PersonCipher
from services.runtime.database import WriteTx
from services.runtime.local_rules import changes_to_text, keep_calendar

__all__ = ["DRAFTED_BEHIND", "NEXT_UNAPPROVED", "CommonReads"]

# What several commands lock, they lock in this order: the municipality's rules, tariffs, runs by id, cases by id, what
# belongs to a case, the municipality's numbers. A run that drafts holds its own row and then asks for its cases.
_LOCK_RUNS = """
SELECT run_id FROM billing_runs
WHERE municipality_id IN (SELECT municipality_id FROM contracts WHERE case_id = ANY(CAST(:cases AS uuid[])))
  AND state <> 'FINISHED' ORDER BY run_id FOR SHARE
"""

_LOCK_CASES = "SELECT case_id FROM contracts WHERE case_id = ANY(CAST(:cases AS uuid[])) ORDER BY case_id FOR UPDATE"

# An older version never replaces a newer one. Either way the row is locked: whoever keeps rules does so first of all.
_KEEP_RULES = """
INSERT INTO municipalities AS kept (municipality_id, version, settings, calendar_version, catalogue_changes)
VALUES (:municipality_id, :version, CAST(:settings AS jsonb), :calendar_version, CAST(:changes AS jsonb))
ON CONFLICT (municipality_id) DO UPDATE
SET version = EXCLUDED.version, settings = EXCLUDED.settings, calendar_version = EXCLUDED.calendar_version,
    catalogue_changes = EXCLUDED.catalogue_changes
WHERE kept.version < EXCLUDED.version
"""

_PRESENT_FEE_RULES = """
present AS (
    SELECT m.municipality_id, m.version, m.catalogue_changes,
           coalesce((SELECT jsonb_object_agg(s.key, s.value) FROM jsonb_each(m.settings) s
                     WHERE s.key LIKE 'fee.%'), '{}') AS settings
    FROM municipalities m WHERE m.municipality_id = :municipality_id
), changed AS (
    SELECT p.* FROM present p
    LEFT JOIN LATERAL (SELECT f.settings, f.catalogue_changes FROM fee_rules f
                       WHERE f.municipality_id = p.municipality_id ORDER BY number DESC LIMIT 1) last ON true
    WHERE (p.settings, p.catalogue_changes) IS DISTINCT FROM (last.settings, last.catalogue_changes)
)"""

_FEE_RULES_CHANGED = f"WITH {_PRESENT_FEE_RULES} SELECT EXISTS (SELECT FROM changed)"  # noqa: S608 as below

_LOCK_UNFINISHED = """
SELECT run_id FROM billing_runs WHERE municipality_id = :municipality_id AND state <> 'FINISHED'
ORDER BY run_id FOR SHARE
"""

NEXT_UNAPPROVED = """
SELECT (max(month) + interval '1 month')::date FROM billing_runs
WHERE municipality_id = :municipality_id AND state IN ('APPROVED', 'FINISHED')
"""
"""The month after the last one that was approved; nothing before any was."""

# A page of a run decides its cases by the rules kept last: only what was drafted before they came can be behind.
DRAFTED_BEHIND = """
SELECT DISTINCT c.case_id::text AS case_id
FROM contracts c JOIN billed_months b USING (case_id) JOIN billing_runs r USING (run_id)
WHERE c.municipality_id = :municipality_id AND r.state IN ('BLOCKED', 'DRAFTING', 'REVIEW')
  AND c.rules_read < (SELECT max(number) FROM fee_rules WHERE municipality_id = :municipality_id)
"""
"""Cases with drafts that are not approved and were decided by earlier rules."""

# They hold from then on; before anything was approved, in every month.
_KEEP_FEE_RULES = f"""
WITH {_PRESENT_FEE_RULES}
INSERT INTO fee_rules (municipality_id, from_month, version, settings, catalogue_changes)
SELECT municipality_id, coalesce(({NEXT_UNAPPROVED}), '1900-01-01'), version, settings, catalogue_changes
FROM changed
"""  # noqa: S608 a constant of this module

_SAVE_SERVED = """
INSERT INTO served_months AS kept (case_id, month, served_days, paused_days, units, version)
SELECT * FROM unnest(CAST(:cases AS uuid[]), CAST(:months AS date[]), CAST(:served AS smallint[]),
                     CAST(:paused AS smallint[]), CAST(:units AS integer[]), CAST(:versions AS bigint[]))
ON CONFLICT (case_id, month) DO UPDATE
SET served_days = EXCLUDED.served_days, paused_days = EXCLUDED.paused_days, units = EXCLUDED.units,
    version = EXCLUDED.version
WHERE kept.version <= EXCLUDED.version
"""


class CommonReads:
    """A write transaction with the keys that sealed facts need."""

    def __init__(self, tx: WriteTx, cipher: PersonCipher) -> None:
        self._tx = tx
        self._cipher = cipher

    async def lock_case(self, case_id: str) -> None:
        """Wait for billing runs and changes of the case, keep both away until the commit."""
        await self.lock_facts([case_id])

    async def lock_facts(self, case_ids: Sequence[str]) -> None:
        """As `lock_case` for several at once: a run opened between two of them would come into the way."""
        await self._tx.all(_LOCK_RUNS, {"cases": list(case_ids)})
        await self.lock_each(case_ids)

    async def lock_each(self, case_ids: Sequence[str]) -> None:
        """Keep changes of the cases away until the commit, whatever the runs do."""
        await self._tx.all(_LOCK_CASES, {"cases": list(case_ids)})

    async def keep_rules(self, municipality_id: str, rules: LocalRules) -> None:
        """Keep what a municipality has decided, unless a later version is kept.

        What it changes about fees holds from the first month that is not approved yet.
        """
        await keep_calendar(self._tx, rules.calendar)
        await self._tx.run(
            _KEEP_RULES,
            {
                "municipality_id": municipality_id,
                "version": rules.version,
                "settings": json.dumps(dict(rules.settings.own), sort_keys=True),
                "calendar_version": rules.calendar.version,
                "changes": changes_to_text(rules.changes),
            },
        )
        key = {"municipality_id": municipality_id}
        if await self._tx.scalar(_FEE_RULES_CHANGED, key):
            # No page is drafted, and no run approved, between the question which month is next and the answer.
            await self._tx.all(_LOCK_UNFINISHED, key)
            await self._tx.run(_KEEP_FEE_RULES, key)

    async def rules(self, municipality_id: str) -> LocalRules:
        return await fact_reads.rules_of(self._tx, municipality_id)

    async def fee_rules(self, municipality_id: str) -> FeeRules:
        """By which rules the fee of each month is decided."""
        return await fact_reads.fee_rules_of(self._tx, municipality_id)

    async def dated_facts(self, case_id: str) -> DatedFacts:
        return await fact_reads.dated_facts(self._tx, self._cipher, case_id)

    async def dated_facts_of(self, case_ids: Sequence[str]) -> Mapping[str, DatedFacts]:
        """Those of several cases at once; a case without a contract is left out."""
        return await fact_reads.dated_facts_of(self._tx, self._cipher, case_ids)

    async def served_months(self, case_id: str) -> Mapping[Month, ServedMonth]:
        return await fact_reads.served_months(self._tx, case_id)

    async def served_in(self, case_ids: Sequence[str], month: Month) -> Sequence[ServedMonth]:
        """What is kept of a month of these cases; those of which delivery said nothing are left out."""
        return await fact_reads.served_in(self._tx, case_ids, month)

    async def billed_rows(self, case_id: str) -> Sequence[BilledRow]:
        return await book_reads.billed_rows(self._tx, case_id)

    async def books(self, case_id: str) -> Books:
        found = await fact_reads.contract(self._tx, case_id)
        return await book_reads.account_books(self._tx, case_id, found.municipality_id)

    async def books_known_by(self, case_id: str, day: date) -> Books:
        """As `books`, with what was taken back after the day as it stood until then."""
        found = await fact_reads.contract(self._tx, case_id)
        return await book_reads.account_books(self._tx, case_id, found.municipality_id, day)

    async def save_served(self, served: Sequence[ServedMonth]) -> None:
        """Keep copies of served days; an older version never replaces a newer one."""
        if not served:
            return
        await self._tx.run(
            _SAVE_SERVED,
            {
                "cases": [item.case_id for item in served],
                "months": [item.month.first for item in served],
                "served": [item.served_days for item in served],
                "paused": [item.paused_days for item in served],
                "units": [item.units for item in served],
                "versions": [item.version for item in served],
            },
        )
