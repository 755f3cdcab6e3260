"""Refunds of a month: never more than the money that came in for it, in the money of their day."""

from __future__ import annotations

from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_STATEMENTS = (
    # At the counter and by bank, minus what went back; what was given up by order is no money. Each currency converted
    # once, as in `month_open_minor`.
    """
CREATE FUNCTION month_received_minor(of_case uuid, of_month date, wanted text) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum(CASE WHEN currency = wanted THEN minor WHEN wanted = 'EUR' THEN round(minor / 1.95583)
                             ELSE round(minor * 1.95583) END), 0)::bigint
    FROM (SELECT currency, sum(minor) AS minor FROM (
              SELECT settled_currency AS currency, settled_minor AS minor FROM payments
              WHERE case_id = of_case AND month = of_month
              UNION ALL
              SELECT settled_currency, settled_minor FROM allocations a
              WHERE case_id = of_case AND month = of_month
                AND NOT EXISTS (SELECT FROM allocation_reversals r WHERE r.allocation_id = a.allocation_id)
              UNION ALL
              SELECT currency, -amount_minor FROM refunds WHERE case_id = of_case AND month = of_month) AS moved
          GROUP BY currency) AS sums
$$""",
    """
CREATE OR REPLACE FUNCTION refuse_more_than_overpaid() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM contracts WHERE case_id = NEW.case_id FOR UPDATE;
    IF month_open_minor(NEW.case_id, NEW.month, NEW.currency) > 0 THEN
        RAISE EXCEPTION 'more is refunded than was overpaid'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'refund_stays_within_overpayment';
    END IF;
    IF month_received_minor(NEW.case_id, NEW.month, NEW.currency) < 0 THEN
        RAISE EXCEPTION 'more is refunded than came in'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'refund_stays_within_receipts';
    END IF;
    RETURN NULL;
END $$""",
    # Refunds of before this rule stay as they are.
    """
ALTER TABLE refunds ADD CONSTRAINT refund_is_in_the_money_of_its_day CHECK (
    case_id IS NULL OR (currency = 'EUR') = (refunded_date >= '2026-01-01')) NOT VALID""",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
