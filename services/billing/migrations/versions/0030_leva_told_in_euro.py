"""What is nothing in euro is nothing in leva; set-offs count as months state them; no reversal leaves money twice."""

from __future__ import annotations

from alembic import op

revision = "0030"
down_revision = "0029"
branch_labels = None
depends_on = None

# Leva and euro meet in the time of the euro, and people are told it in euro.
_FIGURE = """
SELECT CASE wanted WHEN 'EUR' THEN euro WHEN 'BGN' THEN CASE euro WHEN 0 THEN 0 ELSE leva END END
    FROM (SELECT coalesce(sum(CASE currency WHEN 'EUR' THEN minor ELSE round(minor / 1.95583) END), 0)::bigint AS euro,
                 coalesce(sum(CASE currency WHEN 'BGN' THEN minor ELSE round(minor * 1.95583) END), 0)::bigint AS leva
          FROM ({sums}) AS sums) AS figures"""

_OPEN = """
SELECT currency, sum(minor) AS minor FROM receivable_movements
          WHERE case_id = of_case AND month = of_month GROUP BY currency"""

_RECEIVED = """
SELECT currency, sum(minor) AS minor FROM (
              SELECT settled_currency AS currency, settled_minor AS minor FROM payments p
              WHERE case_id = of_case AND month = of_month
                AND NOT EXISTS (SELECT FROM payment_reversals r WHERE r.payment_id = p.payment_id)
              UNION ALL
              SELECT settled_currency, settled_minor FROM allocations a
              WHERE case_id = of_case AND month = of_month
                AND NOT EXISTS (SELECT FROM allocation_reversals r WHERE r.allocation_id = a.allocation_id)
              UNION ALL
              SELECT currency, -amount_minor FROM refunds WHERE case_id = of_case AND month = of_month
              UNION ALL
              SELECT CASE of_month WHEN from_month THEN taken_currency ELSE settled_currency END,
                     CASE of_month WHEN from_month THEN -taken_minor ELSE settled_minor END
              FROM set_offs o WHERE case_id = of_case AND of_month IN (from_month, to_month)
                AND NOT EXISTS (SELECT FROM set_off_reversals r WHERE r.set_off_id = o.set_off_id)) AS moved
          GROUP BY currency"""

_SUMS = tuple(
    f"""
CREATE OR REPLACE FUNCTION {name}(of_case uuid, of_month date, wanted text) RETURNS bigint LANGUAGE sql STABLE AS $$
    {_FIGURE.format(sums=sums)}
$$"""
    for name, sums in (("month_open_minor", _OPEN), ("month_received_minor", _RECEIVED))
)

_SET_OFFS = (
    # Between two months in leva the euro that both state may be worth some stotinki more or less.
    "ALTER TABLE set_offs DROP CONSTRAINT set_off_moves_one_amount",
    """
ALTER TABLE set_offs ADD CONSTRAINT set_off_moves_one_amount CHECK (
    taken_currency <> settled_currency
    OR abs(taken_minor - settled_minor) <= CASE WHEN taken_currency = 'BGN' AND set_off_date >= '2026-01-01' THEN 4
                                                ELSE 0 END)""",
    # Of the month that gets nothing back nothing may have gone back to the payer. A chain is taken back as a whole.
    """
CREATE FUNCTION refuse_set_off_back_of_refunded() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM set_offs o WHERE o.set_off_id = NEW.set_off_id
               AND month_received_minor(o.case_id, o.to_month, o.settled_currency) < 0) THEN
        RAISE EXCEPTION 'money of the set-off went back already'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'set_off_back_leaves_refunds_covered';
    END IF;
    RETURN NULL;
END $$""",
    """
CREATE CONSTRAINT TRIGGER set_off_back_leaves_refunds_covered AFTER INSERT ON set_off_reversals
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse_set_off_back_of_refunded()""",
)


def upgrade() -> None:
    for statement in (*_SUMS, *_SET_OFFS):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
