"""What a billing clerk reviews: a drafted month beside the one before, what stands out."""

from __future__ import annotations

from collections.abc import Sequence

from services.billing.domain.accounts import Run
from services.billing.domain.runs import FindingKind, Gate, RunFinding, RunReview
from services.billing.storage.common_reads import CommonReads
from services.billing.storage.rows import money, month
from services.kernel.dates import Month
from services.kernel.money import Currency, Money
from services.runtime.database import ReadTx
from services.runtime.errors import NotFound

__all__ = [
    "BEFORE_ALL",
    "ReviewWrites",
    "behind",
    "findings",
    "months_in_care",
    "review",
]

_FORGET = ("DELETE FROM run_findings WHERE run_id = :run_id", "DELETE FROM run_reviews WHERE run_id = :run_id")

# The month before in the currency of the draft: F-14 where it was billed in the other one.
_BESIDE = """
SELECT b.case_id, b.month, b.charge, b.amount_minor, b.document_currency,
       CASE WHEN i.currency IS NULL OR i.currency = b.document_currency THEN i.amount_minor
            ELSE euro_minor(i.amount_minor) END AS previous_minor
FROM billed_months b
LEFT JOIN LATERAL (SELECT * FROM invoices i WHERE i.case_id = b.case_id
                   AND i.month = (b.month - interval '1 month')::date LIMIT 1) i ON true
WHERE b.run_id = :run_id
"""

_OUTLIERS = f"""
INSERT INTO run_findings (run_id, kind, case_id, month, currency, amount_minor, previous_minor)
SELECT :run_id, 'OUTLIER', case_id, month, document_currency, amount_minor, previous_minor FROM ({_BESIDE}) beside
WHERE 100 * abs(amount_minor - previous_minor) > CAST(:percent AS bigint) * previous_minor
"""  # noqa: S608 a constant of this module

_MISSING_INCOMES = """
INSERT INTO run_findings (run_id, kind, case_id, month, currency, amount_minor)
SELECT :run_id, 'MISSING_INCOME', b.case_id, b.month, b.document_currency, b.amount_minor
FROM billed_months b
WHERE b.run_id = :run_id AND b.charge = 'INCOME_PERCENT'
  AND NOT EXISTS (SELECT FROM income_declarations d WHERE d.case_id = b.case_id AND d.from_month <= b.month)
"""

_DRAFTS_HASH = """
encode(sha256(coalesce(string_agg(sha256(convert_to(concat_ws('|',
    case_id, month, chargeable_days, units, charge, rate_nano, currency, computed_minor, document_currency,
    amount_minor, issue_date, due_date, calendar_version), 'UTF8')), ''::bytea ORDER BY month, case_id),
    ''::bytea)), 'hex')
"""

_REVIEW = f"""
WITH drafted AS (
    SELECT * FROM billed_months WHERE run_id = :run_id
), previous AS (
    SELECT count(*) AS invoices,
           coalesce(sum(CASE WHEN i.currency = :currency THEN i.amount_minor ELSE euro_minor(i.amount_minor) END), 0)
               AS minor
    FROM billing_runs r JOIN invoices i ON i.run_id = r.run_id AND i.month = :previous_month
    WHERE r.municipality_id = :municipality_id AND r.month >= :previous_month
)
INSERT INTO run_reviews (run_id, drafts, eur_minor, bgn_minor, month_drafts, month_minor, month_currency,
                         previous_invoices, previous_minor, drafts_hash)
SELECT :run_id, count(*) FILTER (WHERE amount_minor > 0),
       coalesce(sum(amount_minor) FILTER (WHERE document_currency = 'EUR'), 0),
       coalesce(sum(amount_minor) FILTER (WHERE document_currency = 'BGN'), 0),
       count(*) FILTER (WHERE amount_minor > 0 AND month = :month),
       coalesce(sum(amount_minor) FILTER (WHERE month = :month), 0), :currency,
       (SELECT invoices FROM previous), (SELECT minor FROM previous),
       {_DRAFTS_HASH}
FROM drafted
"""  # noqa: S608 a constant of this module

_GATE = f"""
SELECT reviews, (SELECT drafts_hash FROM run_reviews WHERE run_id = :run_id) AS reviewed,
       (SELECT {_DRAFTS_HASH} FROM billed_months WHERE run_id = :run_id) AS drafted,
       EXISTS (SELECT FROM drafts_outside_care o WHERE o.run_id = r.run_id) AS outside_care
FROM billing_runs r WHERE run_id = :run_id
"""  # noqa: S608 as above

_PARK_OUTSIDE_CARE = """
WITH outside AS (
    SELECT case_id, month, run_id, amount_minor FROM drafts_outside_care WHERE run_id = :run_id
), dropped AS (
    DELETE FROM billed_months b USING outside o WHERE b.case_id = o.case_id AND b.month = o.month
), parked AS (
    INSERT INTO undrafted_months AS u (case_id, month, run_id, reason)
    SELECT case_id, month, run_id, 'OUTSIDE_CARE' FROM outside
    ON CONFLICT (case_id, month) DO UPDATE SET run_id = EXCLUDED.run_id, reason = EXCLUDED.reason
)
UPDATE billing_runs r SET drafted = r.drafted - o.drafts
FROM (SELECT count(*) FILTER (WHERE amount_minor > 0) AS drafts FROM outside) o WHERE r.run_id = :run_id
"""

_READ = """
SELECT r.*,
       (SELECT count(*) FROM run_findings f WHERE f.run_id = r.run_id AND f.kind = 'OUTLIER') AS outliers,
       (SELECT count(*) FROM run_findings f WHERE f.run_id = r.run_id AND f.kind = 'MISSING_INCOME') AS missing_incomes,
       (SELECT count(*) FROM undrafted_months u WHERE u.run_id = r.run_id AND u.dismissed_at IS NULL) AS parked
FROM run_reviews r WHERE r.run_id = :run_id
"""

_FINDINGS = """
SELECT case_id::text AS case_id, month, kind, currency, amount_minor, previous_minor
FROM run_findings
WHERE run_id = :run_id AND kind = :kind AND (month, case_id) > (CAST(:after_month AS date), CAST(:after_case AS uuid))
ORDER BY month, case_id LIMIT :size
"""

_DISCARD = """
WITH dropped AS (
    DELETE FROM billed_months WHERE run_id = :run_id
        AND (CAST(:case_id AS uuid) IS NULL OR case_id = CAST(:case_id AS uuid))
    RETURNING amount_minor
), listed AS (
    DELETE FROM undrafted_months WHERE run_id = :run_id AND dismissed_at IS NULL
        AND (CAST(:case_id AS uuid) IS NULL OR case_id = CAST(:case_id AS uuid))
)
UPDATE billing_runs r SET drafted = r.drafted - d.drafts
FROM (SELECT count(*) FILTER (WHERE amount_minor > 0) AS drafts FROM dropped) d WHERE r.run_id = :run_id
"""

_MONTHS_IN_CARE = """
SELECT m::date AS month FROM contracts c
CROSS JOIN LATERAL generate_series(CAST(:from_month AS date)::timestamp, CAST(:month AS date)::timestamp, '1 month') m
LEFT JOIN billed_months b ON b.case_id = c.case_id AND b.month = m::date
WHERE c.case_id = :case_id AND c.care && daterange(m::date, (m + interval '1 month')::date)
  AND (b.run_id IS NULL OR b.run_id = :run_id)
  AND NOT EXISTS (SELECT FROM undrafted_months u
                  WHERE u.case_id = c.case_id AND u.month = m::date AND u.dismissed_at IS NOT NULL)
ORDER BY 1
"""

BEFORE_ALL = ("0001-01", "00000000-0000-0000-0000-000000000000")
"""Sort keys before those of every row."""


async def review(tx: ReadTx, run_id: str) -> RunReview | None:
    """The review of a run; None before all its drafts are made."""
    row = await tx.one_or_none(_READ, {"run_id": run_id})
    if row is None:
        return None
    totals = (Money.from_minor(row.eur_minor, Currency.EUR), Money.from_minor(row.bgn_minor, Currency.BGN))
    return RunReview(
        row.drafts,
        tuple(total for total in totals if total.minor),
        row.month_drafts,
        money(row.month_minor, row.month_currency),
        row.previous_invoices,
        money(row.previous_minor, row.month_currency),
        row.outliers,
        row.missing_incomes,
        row.parked,
        row.drafts_hash,
    )


async def findings(
    tx: ReadTx, run_id: str, kind: FindingKind, after: tuple[str, str], size: int
) -> Sequence[RunFinding]:
    """A page of what stands out, by month and case."""
    key = {"run_id": run_id, "kind": kind.value, **behind(after, size)}
    return [
        RunFinding(
            row.case_id,
            month(row.month),
            FindingKind(row.kind),
            money(row.amount_minor, row.currency),
            None if row.previous_minor is None else money(row.previous_minor, row.currency),
        )
        for row in await tx.all(_FINDINGS, key)
    ]


async def months_in_care(tx: ReadTx, run: Run, case_id: str) -> Sequence[Month]:
    """Months of the case that the run bills or would bill, in order; NotFound when there are none."""
    key = {"run_id": run.run_id, "case_id": case_id, "from_month": run.from_month.first, "month": run.month.first}
    months = [month(row.month) for row in await tx.all(_MONTHS_IN_CARE, key)]
    if not months:
        raise NotFound(resource_type="account", resource_id=case_id)
    return months


class ReviewWrites(CommonReads):
    """Port of the use cases around the review of a run."""

    async def write_review(self, run: Run, currency: Currency, outlier_pct: int) -> None:
        """Put the drafts beside the month before, once more from the beginning; `currency` is that of the month."""
        await self.forget_review(run)
        await self._tx.run(_OUTLIERS, {"run_id": run.run_id, "percent": outlier_pct})
        await self._tx.run(_MISSING_INCOMES, {"run_id": run.run_id})
        await self._tx.run(
            _REVIEW,
            {
                "run_id": run.run_id,
                "municipality_id": run.municipality_id,
                "month": run.month.first,
                "previous_month": run.month.plus(-1).first,
                "currency": currency.value,
            },
        )

    async def gate(self, run: Run) -> Gate:
        """How the drafts stand to their review."""
        row = await self._tx.one(_GATE, {"run_id": run.run_id})
        return Gate(row.reviewed or "", row.drafted, row.reviews, row.outside_care)

    async def park_outside_care(self, run: Run) -> None:
        """Park the drafts of a run that no longer lie within contract and authorisation."""
        await self._tx.run(_PARK_OUTSIDE_CARE, {"run_id": run.run_id})

    async def forget_review(self, run: Run) -> None:
        """As if the run had never been reviewed."""
        for statement in _FORGET:
            await self._tx.run(statement, {"run_id": run.run_id})

    async def discard_drafts(self, run: Run, case_id: str | None = None) -> None:
        """Throw away the drafts of the run, or those of one case, and what it parked."""
        await self._tx.run(_DISCARD, {"run_id": run.run_id, "case_id": case_id})


def behind(after: tuple[str, str], size: int) -> dict[str, object]:
    """Parameters of a page of `size` rows behind a month and case."""
    after_month, after_case = after
    return {"after_month": Month.parse(after_month).first, "after_case": after_case, "size": size}
