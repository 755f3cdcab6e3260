"""Billing runs, written set-based: a page is a handful of statements, whatever its size (design law 10)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date, datetime

from sqlalchemy.exc import DBAPIError

from services.billing.domain.accounts import Run, RunState, ServedMonth
from services.billing.domain.runs import ParkReason
from services.billing.rules.currency import month_currency
from services.billing.storage.common_reads import CommonReads
from services.billing.storage.pages import PLAN_AFRESH, RUN_COLUMNS, run_from
from services.billing.storage.rows import month as month_of
from services.billing.usecases.runs import MonthDates
from services.kernel.dates import Month
from services.kernel.money import Money
from services.runtime.database import is_refused_value
from services.runtime.errors import NotFound
from services.runtime.outbox import Signal, Start

__all__ = ["RunWrites"]

# Whoever opens the run last is told of its approval: a rebuilt workflow takes the place of the lost one.
_CLAIM = f"""
INSERT INTO billing_runs AS r (run_id, municipality_id, month, from_month, state, auto_approve, workflow_id, opened_at)
VALUES (:run_id, :municipality_id, :month, :from_month, :state, :auto_approve, :workflow_id, :now)
ON CONFLICT (municipality_id, month) DO UPDATE
SET workflow_id = coalesce(nullif(EXCLUDED.workflow_id, ''), r.workflow_id)
RETURNING {RUN_COLUMNS}
"""  # noqa: S608 a constant of a module

_LOCK_RUN = f"SELECT {RUN_COLUMNS} FROM billing_runs WHERE run_id = :run_id FOR UPDATE"  # noqa: S608 as above

# A contract that was moved to an earlier start begins anew with the months before the first that was billed.
_FIRST_UNBILLED = """
SELECT least(min(n.next), (SELECT min(u.month) FROM undrafted_months u JOIN contracts k USING (case_id)
                           WHERE k.municipality_id = :municipality_id AND u.dismissed_at IS NULL
                             AND k.care && daterange(u.month, (u.month + interval '1 month')::date)))
FROM contracts c
CROSS JOIN LATERAL (SELECT date_trunc('month', lower(c.care)::timestamp) AS month) s
CROSS JOIN LATERAL (
    SELECT min(month) AS first, max(month) AS last
    FROM (SELECT month FROM billed_months WHERE case_id = c.case_id
          UNION ALL
          SELECT month FROM undrafted_months WHERE case_id = c.case_id AND dismissed_at IS NOT NULL) AS done) b
CROSS JOIN LATERAL (
    SELECT CASE WHEN b.first <= s.month THEN b.last + interval '1 month' ELSE s.month END::date AS next) n
WHERE c.municipality_id = :municipality_id AND NOT isempty(c.care) AND n.next <= :month
  AND (upper(c.care) IS NULL OR n.next < upper(c.care))
"""

_LOCK_CASES = """
SELECT count(*) FROM (
    SELECT case_id FROM contracts WHERE case_id = ANY(CAST(:cases AS uuid[])) ORDER BY case_id FOR SHARE) AS locked
"""

# One rounding, half-up, in integers; the table's checks compute it again.
_DRAFT = """
WITH page AS (
    SELECT c.case_id, s.case_id IS NOT NULL AS is_served, s.served_days - s.paused_days AS days, s.units,
           d.charge, d.rate_nano, CASE WHEN isempty(o.days) THEN 0 ELSE upper(o.days) - lower(o.days) END AS most_days
    FROM contracts c
    CROSS JOIN LATERAL (SELECT c.care * daterange(:month, :next_month) AS days) o
    LEFT JOIN LATERAL (
        SELECT * FROM served_months s WHERE s.case_id = c.case_id AND s.month = :month LIMIT 1) s ON true
    LEFT JOIN LATERAL (
        SELECT * FROM fee_decisions d
        WHERE d.case_id = c.case_id AND d.months @> CAST(:month AS date) LIMIT 1) d ON true
    LEFT JOIN LATERAL (
        SELECT u.dismissed_at IS NOT NULL AS holds FROM undrafted_months u
        WHERE u.case_id = c.case_id AND u.month = :month LIMIT 1) dismissal ON true
    WHERE c.case_id = ANY(CAST(:cases AS uuid[])) AND dismissal.holds IS NOT TRUE
), computed AS (
    SELECT case_id, days, units, charge, rate_nano,
           month_amount_minor(charge, rate_nano, days, :days_in_month, units) AS minor
    FROM page WHERE is_served AND charge IS NOT NULL AND days <= most_days
), drafted AS (
    INSERT INTO billed_months (case_id, month, run_id, chargeable_days, days_in_month, units, charge, rate_nano,
                               currency, computed_minor, document_currency, amount_minor, issue_date, due_date,
                               calendar_version)
    SELECT case_id, :month, :run_id, days, :days_in_month, units, charge, rate_nano, :currency, minor,
           :document_currency, CASE WHEN CAST(:converts AS boolean) THEN euro_minor(minor) ELSE minor END,
           :issue_date, :due_date, :calendar_version
    FROM computed
    ON CONFLICT (case_id, month) DO NOTHING
    RETURNING case_id, amount_minor
), settled AS (
    DELETE FROM undrafted_months u USING drafted d WHERE u.case_id = d.case_id AND u.month = :month
), failed AS (
    INSERT INTO undrafted_months AS u (case_id, month, run_id, reason)
    SELECT case_id, :month, :run_id, CASE WHEN NOT is_served THEN 'NO_SERVED_DAYS'
                                          WHEN charge IS NULL THEN 'NO_FEE_DECISION' ELSE 'OUTSIDE_CARE' END
    FROM page WHERE NOT is_served OR charge IS NULL OR days > most_days
    ON CONFLICT (case_id, month) DO UPDATE SET run_id = EXCLUDED.run_id, reason = EXCLUDED.reason
), counted AS (
    SELECT count(*) FILTER (WHERE amount_minor > 0) AS drafts FROM drafted
)
UPDATE billing_runs r
SET drafted = r.drafted + CASE WHEN r.state = 'FINISHED' THEN 0 ELSE counted.drafts END,
    rerun = r.rerun + CASE WHEN r.state = 'FINISHED' THEN counted.drafts ELSE 0 END
FROM counted WHERE r.run_id = :run_id
RETURNING counted.drafts
"""

_PARK = """
WITH dropped AS (
    DELETE FROM billed_months WHERE run_id = :run_id AND month = :month AND case_id = ANY(CAST(:cases AS uuid[]))
    RETURNING amount_minor
), parked AS (
    INSERT INTO undrafted_months AS u (case_id, month, run_id, reason)
    SELECT unnest(CAST(:cases AS uuid[])), :month, :run_id, :reason
    ON CONFLICT (case_id, month) DO UPDATE SET run_id = EXCLUDED.run_id, reason = EXCLUDED.reason
), counted AS (
    SELECT count(*) FILTER (WHERE amount_minor > 0) AS drafts FROM dropped
)
UPDATE billing_runs r
SET drafted = r.drafted - CASE WHEN r.state = 'FINISHED' THEN 0 ELSE counted.drafts END,
    rerun = r.rerun - CASE WHEN r.state = 'FINISHED' THEN counted.drafts ELSE 0 END
FROM counted WHERE r.run_id = :run_id
RETURNING counted.drafts
"""

_DRAFTED = """
SELECT case_id::text AS case_id, computed_minor FROM billed_months
WHERE case_id = ANY(CAST(:cases AS uuid[])) AND month = :month
"""

_BEHIND = """
SELECT c.case_id::text AS case_id FROM contracts c
WHERE c.case_id = ANY(CAST(:cases AS uuid[]))
  AND c.rules_read < (SELECT max(f.number) FROM fee_rules f WHERE f.municipality_id = c.municipality_id)
ORDER BY c.case_id
"""

_UNDECIDED = """
SELECT case_id::text AS case_id FROM undecided_accounts WHERE case_id = ANY(CAST(:cases AS uuid[])) ORDER BY case_id
"""

_FIRST_ISSUE_DATE = "SELECT min(issue_date) FROM billed_months WHERE run_id = :run_id AND amount_minor > 0"

_DATE_ANEW = """
UPDATE billed_months SET issue_date = :issue_date, due_date = :due_date, calendar_version = :calendar
WHERE run_id = :run_id AND due_date < :due_before AND due_date < :due_date AND document_currency = :currency
"""

_NUMBERS = """
INSERT INTO invoice_numbers AS n (municipality_id, last_number) VALUES (:municipality_id, 0)
ON CONFLICT (municipality_id) DO UPDATE SET last_number = n.last_number
RETURNING last_number
"""

_INVOICE = """
issued AS (
    INSERT INTO invoices (invoice_id, municipality_id, number, case_id, month, run_id, amount_minor, currency,
                          issued_date, due_date, calendar_version)
    SELECT gen_random_uuid(), :municipality_id, :last_number + row_number() OVER (ORDER BY month, case_id), case_id,
           month, run_id, amount_minor, document_currency, issue_date, due_date, calendar_version
    FROM page
    RETURNING invoice_id, case_id, currency, amount_minor, issued_date
), days AS MATERIALIZED (
    SELECT issued_date, booking_day(:municipality_id, issued_date) AS booked_date
    FROM (SELECT DISTINCT issue_date AS issued_date FROM page) AS dates
), booked AS (
    INSERT INTO ledger_entries (document_id, line, municipality_id, case_id, account, currency, amount_minor,
                                booked_date)
    SELECT i.invoice_id, lines.line, :municipality_id, i.case_id, lines.account, i.currency,
           lines.sign * i.amount_minor, days.booked_date
    FROM issued i JOIN days USING (issued_date)
    CROSS JOIN (VALUES (1, 'RECEIVABLE', 1), (2, 'REVENUE', -1)) AS lines (line, account, sign)
), counted AS (
    SELECT count(*) AS issued FROM page
), numbered AS (
    UPDATE invoice_numbers n SET last_number = n.last_number + counted.issued
    FROM counted WHERE n.municipality_id = :municipality_id
)"""

# Where the page before ended is two values, so the index begins there; joined, it would pass all that are issued. What
# a fact had issued since the approval is passed over and counted; the LIMIT keeps each of these look-ups one.
_ISSUE = f"""
WITH approved AS (
    SELECT b.* FROM billed_months b
    WHERE b.run_id = :run_id AND b.amount_minor > 0
      AND (b.month, b.case_id) > ((SELECT issued_through_month FROM billing_runs WHERE run_id = :run_id),
                                  (SELECT issued_through_case FROM billing_runs WHERE run_id = :run_id))
    ORDER BY b.month, b.case_id LIMIT :size
), page AS (
    SELECT a.* FROM approved a
    LEFT JOIN LATERAL (
        SELECT true AS is_issued FROM invoices i WHERE i.case_id = a.case_id AND i.month = a.month LIMIT 1) i ON true
    WHERE i.is_issued IS NOT TRUE
), {_INVOICE}, passed AS (
    SELECT count(*) AS issued FROM approved
), last AS (
    SELECT month, case_id FROM approved ORDER BY month DESC, case_id DESC LIMIT 1
), moved AS (
    UPDATE billing_runs r
    SET issued = r.issued + passed.issued, issued_through_month = last.month, issued_through_case = last.case_id
    FROM passed, last WHERE r.run_id = :run_id
)
SELECT issued FROM passed
"""  # noqa: S608 constants of this module

_ISSUE_ACCOUNT = f"""
WITH page AS (
    SELECT b.* FROM billed_months b
    WHERE b.run_id = :run_id AND b.case_id = :case_id AND b.month = :month AND b.amount_minor > 0
      AND NOT EXISTS (SELECT FROM invoices i WHERE i.case_id = b.case_id AND i.month = b.month)
), {_INVOICE}
SELECT issued FROM counted
"""  # noqa: S608 constants of this module

_RUN_OF_DRAFT = """
SELECT r.run_id::text AS run_id, r.municipality_id FROM billed_months b JOIN billing_runs r USING (run_id)
WHERE b.case_id = :case_id AND b.month = :month
"""

_MOVE = "UPDATE billing_runs SET state = :state, version = version + 1 WHERE run_id = :run_id"


class RunWrites(CommonReads):
    """Port of the use cases of the monthly run."""

    async def claim_run(self, run: Run, now: datetime) -> Run:
        """The run of the municipality and month: this one, or the one that was there."""
        row = await self._tx.one(
            _CLAIM,
            {
                "run_id": run.run_id,
                "municipality_id": run.municipality_id,
                "month": run.month.first,
                "from_month": run.from_month.first,
                "state": run.state.value,
                "auto_approve": run.auto_approve,
                "workflow_id": run.workflow_id,
                "now": now,
            },
        )
        return run_from(row)

    async def first_unbilled_month(self, municipality_id: str, month: Month) -> Month:
        """The earliest month, not after `month`, that some case has to be billed for."""
        key = {"municipality_id": municipality_id, "month": month.first}
        first = await self._tx.scalar(_FIRST_UNBILLED, key)
        return month if first is None else min(month, month_of(first))

    async def lock_run(self, run_id: str) -> Run:
        """The run, kept from everybody else until the commit; NotFound when there is none."""
        row = await self._tx.one_or_none(_LOCK_RUN, {"run_id": run_id})
        if row is None:
            raise NotFound(resource_type="billing_run", resource_id=run_id)
        return run_from(row)

    async def lock_cases(self, case_ids: Sequence[str]) -> None:
        """Wait for facts being recorded about the cases."""
        await self._tx.scalar(_LOCK_CASES, {"cases": list(case_ids)})

    async def draft(self, run: Run, dates: MonthDates, case_ids: Sequence[str], served: Sequence[ServedMonth]) -> int:
        """Keep the served days of these cases and draft their month; gives how many are above 0.00.

        What cannot be drafted is kept with why. Where the database refuses a value the page is halved until it is known
        whose: that account is parked, the others are drafted.
        """
        try:
            async with self._tx.attempt():
                await self.save_served(served)
                return await self._draft(run, dates, case_ids)
        except DBAPIError as error:
            if not is_refused_value(error):
                raise
        if len(case_ids) == 1:
            return -await self.park(run, dates.month, case_ids, ParkReason.NOT_COMPUTABLE)
        middle, drafts = len(case_ids) // 2, 0
        for half in (case_ids[:middle], case_ids[middle:]):
            drafts += await self.draft(run, dates, half, [item for item in served if item.case_id in set(half)])
        return drafts

    async def _draft(self, run: Run, dates: MonthDates, case_ids: Sequence[str]) -> int:
        await self._tx.scalar(PLAN_AFRESH)
        drafts = await self._tx.scalar(
            _DRAFT,
            {
                "run_id": run.run_id,
                "cases": list(case_ids),
                "month": dates.month.first,
                "next_month": dates.month.next().first,
                "days_in_month": dates.month.days,
                "currency": dates.currency.value,
                "document_currency": dates.document_currency.value,
                "converts": dates.currency is not dates.document_currency,
                "issue_date": dates.issue_date,
                "due_date": dates.due_date,
                "calendar_version": dates.calendar_version,
            },
        )
        return int(drafts)

    async def park(self, run: Run, month: Month, case_ids: Sequence[str], reason: ParkReason) -> int:
        """Throw away what the run drafted of these cases for a month and list them; gives how many drafts are gone."""
        dropped = await self._tx.scalar(
            _PARK, {"run_id": run.run_id, "month": month.first, "cases": list(case_ids), "reason": reason.value}
        )
        return int(dropped)

    async def drafted_amounts(self, case_ids: Sequence[str], month: Month) -> Mapping[str, Money]:
        """What a month was computed to in its own currency, by case; none where it was not."""
        rows = await self._tx.all(_DRAFTED, {"cases": list(case_ids), "month": month.first})
        return {row.case_id: Money.from_minor(row.computed_minor, month_currency(month)) for row in rows}

    async def behind_rules(self, case_ids: Sequence[str]) -> Sequence[str]:
        """Those of the cases whose fees were decided before the last rules of the municipality were kept."""
        return [row.case_id for row in await self._tx.all(_BEHIND, {"cases": list(case_ids)})]

    async def undecided(self, case_ids: Sequence[str]) -> Sequence[str]:
        """Those of the cases that the last tariff of their service could not decide."""
        return [row.case_id for row in await self._tx.all(_UNDECIDED, {"cases": list(case_ids)})]

    async def first_issue_date(self, run: Run) -> date | None:
        """The first issue date of the drafts of a run above 0.00; None without any."""
        first: date | None = await self._tx.scalar(_FIRST_ISSUE_DATE, {"run_id": run.run_id})
        return first

    async def date_anew(self, run: Run, dates: MonthDates, due_before: date) -> int:
        """Give these dates to the drafts of a run in the same currency that are due before a day; gives how many."""
        return await self._tx.run(
            _DATE_ANEW,
            {
                "run_id": run.run_id,
                "due_before": due_before,
                "issue_date": dates.issue_date,
                "due_date": dates.due_date,
                "calendar": dates.calendar_version,
                "currency": dates.document_currency.value,
            },
        )

    async def issue(self, run: Run, limit: int) -> int:
        """Issue the next drafts with the next numbers and book them; gives how many, with what a fact had issued."""
        await self._tx.scalar(PLAN_AFRESH)
        key = {"municipality_id": run.municipality_id}
        last_number = int(await self._tx.scalar(_NUMBERS, key))
        issued = await self._tx.scalar(_ISSUE, {**key, "run_id": run.run_id, "size": limit, "last_number": last_number})
        return int(issued)

    async def issue_account(self, run: Run, case_id: str, month: Month) -> int:
        """Issue the draft of one case and month with the next number; gives 0 when it is 0.00 or issued."""
        return await self._issue_one(run.run_id, run.municipality_id, case_id, month)

    async def issue_approved(self, case_id: str, month: Month) -> None:
        """Issue the approved draft of a month as it is, with the next number; its run passes over it then."""
        found = await self._tx.one(_RUN_OF_DRAFT, {"case_id": case_id, "month": month.first})
        await self._issue_one(found.run_id, found.municipality_id, case_id, month)

    async def _issue_one(self, run_id: str, municipality_id: str, case_id: str, month: Month) -> int:
        key = {"municipality_id": municipality_id}
        last_number = int(await self._tx.scalar(_NUMBERS, key))
        issued = await self._tx.scalar(
            _ISSUE_ACCOUNT,
            {**key, "run_id": run_id, "case_id": case_id, "month": month.first, "last_number": last_number},
        )
        return int(issued)

    async def emit(self, emission: Signal | Start) -> None:
        self._tx.emit(emission)

    async def move_run(self, run_id: str, state: RunState) -> None:
        await self._tx.run(_MOVE, {"run_id": run_id, "state": state.value})
