"""Billing runs and the pages of cases that they still have to bill, read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row

from services.billing.domain.accounts import Run, RunState
from services.billing.domain.runs import Invariant, RunReview
from services.billing.storage.invariants import cases_of_red, red_invariants
from services.billing.storage.rows import money, month
from services.billing.storage.run_review import review
from services.billing.usecases.runs import Page
from services.kernel.dates import Month
from services.kernel.money import Money
from services.runtime.database import ReadTx
from services.runtime.errors import NotFound

__all__ = [
    "PLAN_AFRESH",
    "RUN_COLUMNS",
    "RunSummary",
    "accounts_of",
    "case_sequences",
    "next_page",
    "run",
    "run_from",
    "run_of",
    "summary",
]

RUN_COLUMNS = """
    run_id::text AS run_id, municipality_id, month, from_month, state, auto_approve, workflow_id, drafted, issued,
    rerun, documents_hash
"""

_RUN = f"SELECT {RUN_COLUMNS} FROM billing_runs WHERE run_id = :run_id"  # noqa: S608 a constant of this module

_RUN_OF = f"""
SELECT {RUN_COLUMNS} FROM billing_runs WHERE municipality_id = :municipality_id AND month = :month
"""  # noqa: S608 a constant of this module

PLAN_AFRESH = "SELECT set_config('plan_cache_mode', 'force_custom_plan', true)"
"""For a statement over tables that grow while a run goes on: the plan of the first page would fit no later one."""

# The LIMIT keeps the planner from hashing the whole month for one page: each case is one look-up. IS NULL would pass
# for rare, and all cases behind the page be read and sorted to find as many as a page has.
_UNBILLED = """
SELECT c.case_id::text AS case_id FROM contracts c
LEFT JOIN LATERAL (
    SELECT true AS is_billed FROM billed_months b WHERE b.case_id = c.case_id AND b.month = :first LIMIT 1) b ON true
WHERE c.municipality_id = :municipality_id AND c.case_id > CAST(:after AS uuid)
  AND c.care && daterange(:first, :last, '[]') AND b.is_billed IS NOT TRUE
ORDER BY c.case_id LIMIT :size
"""

_ACCOUNTS = """
SELECT count(*) FROM contracts c
CROSS JOIN LATERAL generate_series(CAST(:from_month AS date)::timestamp, CAST(:month AS date)::timestamp, '1 month') m
WHERE c.municipality_id = :municipality_id AND c.care && daterange(m::date, (m + interval '1 month')::date)
  AND NOT EXISTS (SELECT FROM billed_months b
                  WHERE b.case_id = c.case_id AND b.month = m::date AND b.run_id <> :run_id)
"""

# What a fact brought later was not issued by the run.
_TOTALS = """
SELECT currency, sum(amount_minor)::bigint AS minor FROM invoices i
WHERE run_id = :run_id AND NOT EXISTS (SELECT FROM invoices_after_facts f WHERE f.invoice_id = i.invoice_id)
GROUP BY currency
"""

_FAILED = "SELECT count(*) FROM undrafted_months WHERE run_id = :run_id AND dismissed_at IS NULL"

_SEQUENCES = "SELECT case_id, last_seq FROM outbox_sequence WHERE case_id = ANY(CAST(:cases AS text[]))"

_BEFORE_ALL = "00000000-0000-0000-0000-000000000000"


@dataclass(frozen=True, slots=True)
class RunSummary:
    """A run with what it issued so far, by currency, how many months could not be drafted, and what it found."""

    run: Run
    totals: tuple[Money, ...]
    failed: int
    red: tuple[Invariant, ...] = ()
    disagreeing: tuple[str, ...] = ()
    """Some of the cases in which receivables do not agree."""
    review: RunReview | None = None


async def run(tx: ReadTx, run_id: str) -> Run:
    """The run; NotFound when there is none."""
    row = await tx.one_or_none(_RUN, {"run_id": run_id})
    if row is None:
        raise NotFound(resource_type="billing_run", resource_id=run_id)
    return run_from(row)


async def run_of(tx: ReadTx, municipality_id: str, billed: Month) -> Run:
    """The run of a municipality and month; NotFound when there is none."""
    row = await tx.one_or_none(_RUN_OF, {"municipality_id": municipality_id, "month": billed.first})
    if row is None:
        raise NotFound(resource_type="billing_run", resource_id=f"{municipality_id}/{billed}")
    return run_from(row)


async def summary(tx: ReadTx, found: Run) -> RunSummary:
    """The run with its sums."""
    totals = await tx.all(_TOTALS, {"run_id": found.run_id})
    failed = await tx.scalar(_FAILED, {"run_id": found.run_id})
    return RunSummary(
        found,
        tuple(money(row.minor, row.currency) for row in totals),
        int(failed or 0),
        await red_invariants(tx, found.run_id),
        await cases_of_red(tx, found.run_id),
        await review(tx, found.run_id),
    )


async def accounts_of(tx: ReadTx, found: Run) -> int:
    """Months of accounts that the run has to look at, those already drafted included."""
    key = {
        "run_id": found.run_id,
        "municipality_id": found.municipality_id,
        "from_month": found.from_month.first,
        "month": found.month.first,
    }
    return int(await tx.scalar(_ACCOUNTS, key))


async def next_page(tx: ReadTx, found: Run, after: tuple[Month, str] | None, size: int) -> Page:
    """The next cases to bill: the earliest month first, by case id; months without any are skipped."""
    billed, after_case = after or (found.from_month, "")
    await tx.scalar(PLAN_AFRESH)
    while True:
        cases = await _unbilled(tx, found.municipality_id, billed, after_case, size + 1)
        has_more = len(cases) > size
        if cases or billed >= found.month:
            return Page(billed, cases[:size], is_last=not has_more and billed >= found.month)
        billed, after_case = billed.next(), ""


async def _unbilled(tx: ReadTx, municipality_id: str, billed: Month, after_case: str, size: int) -> Sequence[str]:
    rows = await tx.all(
        _UNBILLED,
        {
            "municipality_id": municipality_id,
            "after": after_case or _BEFORE_ALL,
            "first": billed.first,
            "last": billed.last,
            "size": size,
        },
    )
    return [row.case_id for row in rows]


def run_from(row: Row[Any]) -> Run:
    """A run of its row."""
    return Run(
        row.run_id,
        row.municipality_id,
        month(row.month),
        month(row.from_month),
        RunState(row.state),
        row.auto_approve,
        row.workflow_id,
        row.drafted,
        row.issued,
        row.rerun,
        row.documents_hash or "",
    )


async def case_sequences(tx: ReadTx, case_ids: Sequence[str]) -> dict[str, int]:
    """How far the outbox has come for each case; a case without messages is absent."""
    rows = await tx.all(_SEQUENCES, {"cases": list(case_ids)})
    return {row.case_id: row.last_seq for row in rows}
