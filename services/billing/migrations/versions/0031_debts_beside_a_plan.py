"""What is owed again because money was taken back that had come in before a plan was agreed is none of the plan."""

from __future__ import annotations

from alembic import op

revision = "0031"
down_revision = "0030"
branch_labels = None
depends_on = None

_STATEMENTS = (
    # Minus what credits of other months have paid since, and never below 0: where nothing was taken back, they pay the
    # plan. A counter payment has a day only.
    """
CREATE FUNCTION money_taken_back_since(of_case uuid, of_month date, since timestamptz)
RETURNS TABLE (currency text, minor bigint) LANGUAGE sql STABLE AS $$
    SELECT moved.currency, sum(moved.minor)::bigint FROM (
        SELECT p.settled_currency AS currency, p.settled_minor AS minor
        FROM payments p JOIN payment_reversals r USING (payment_id)
        WHERE p.case_id = of_case AND p.month = of_month AND r.reversed_at > since
          AND p.paid_date <= CAST(since AT TIME ZONE 'Europe/Sofia' AS date)
        UNION ALL
        SELECT a.settled_currency, a.settled_minor FROM allocations a JOIN allocation_reversals r USING (allocation_id)
        WHERE a.case_id = of_case AND a.month = of_month AND r.reversed_at > since AND a.allocated_at <= since
        UNION ALL
        SELECT o.settled_currency, o.settled_minor FROM set_offs o JOIN set_off_reversals r USING (set_off_id)
        WHERE o.case_id = of_case AND o.to_month = of_month AND r.reversed_at > since AND o.set_off_at <= since
        UNION ALL
        SELECT o.settled_currency, -o.settled_minor FROM set_offs o
        WHERE o.case_id = of_case AND o.to_month = of_month AND o.set_off_at > since
          AND NOT EXISTS (SELECT FROM set_off_reversals r WHERE r.set_off_id = o.set_off_id)) AS moved
    GROUP BY moved.currency HAVING sum(moved.minor) > 0
$$""",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
