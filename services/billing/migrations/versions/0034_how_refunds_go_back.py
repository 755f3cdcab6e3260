"""Refunds say by which account they go back and in which money; cash goes back only where cash was taken."""

from __future__ import annotations

from alembic import op

revision = "0034"
down_revision = "0033"
branch_labels = None
depends_on = None

_STATEMENTS = (
    # Refunds of before went over the bank. `paid_*`: what goes back where it is not in the money of the source.
    """
ALTER TABLE refunds
    ADD paid_by text NOT NULL DEFAULT 'BANK' CONSTRAINT refund_way_is_known CHECK (paid_by IN ('BANK', 'COUNTER')),
    ADD paid_minor bigint CONSTRAINT refunds_paid_minor_check CHECK (paid_minor > 0),
    ADD paid_currency currency,
    ADD CONSTRAINT refund_of_bank_money_goes_by_bank CHECK (paid_by = 'BANK' OR entry_id IS NULL),
    ADD CONSTRAINT refund_is_paid_as_a_whole CHECK ((paid_minor IS NULL) = (paid_currency IS NULL)),
    ADD CONSTRAINT refund_in_euro_is_worth_its_leva CHECK (
        paid_minor IS NULL OR entry_id IS NOT NULL AND currency = 'BGN' AND paid_currency = 'EUR'
            AND abs(paid_minor - round(amount_minor / 1.95583)) <= 1)""",
    # Refunds of before this rule stay as they are.
    """
ALTER TABLE refunds ADD CONSTRAINT refund_of_leva_is_in_euro_from_2026 CHECK (
    entry_id IS NULL OR refunded_date < '2026-01-01' OR coalesce(paid_currency, currency) = 'EUR') NOT VALID""",
    # What goes back in another money passes EXCHANGE, and money of the bank has no case.
    """
ALTER TABLE ledger_entries DROP CONSTRAINT ledger_entry_has_its_case,
    ADD CONSTRAINT ledger_entry_has_its_case CHECK (
        case_id IS NOT NULL OR account IN ('BANK', 'UNALLOCATED', 'EXCHANGE'))""",
    # Leva and euro as in `month_open_minor`.
    """
CREATE FUNCTION case_cash_minor(of_case uuid, wanted text) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT CASE wanted WHEN 'EUR' THEN euro WHEN 'BGN' THEN CASE euro WHEN 0 THEN 0 ELSE leva END END
    FROM (SELECT coalesce(sum(CASE currency WHEN 'EUR' THEN minor ELSE round(minor / 1.95583) END), 0)::bigint AS euro,
                 coalesce(sum(CASE currency WHEN 'BGN' THEN minor ELSE round(minor * 1.95583) END), 0)::bigint AS leva
          FROM (SELECT currency, sum(minor) AS minor FROM (
                    SELECT currency, amount_minor AS minor FROM payments p
                    WHERE case_id = of_case
                      AND NOT EXISTS (SELECT FROM payment_reversals r WHERE r.payment_id = p.payment_id)
                    UNION ALL
                    SELECT currency, -amount_minor FROM refunds WHERE case_id = of_case AND paid_by = 'COUNTER') moved
                GROUP BY currency) AS sums) AS figures
$$""",
    """
CREATE FUNCTION refuse_more_than_cash() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM contracts WHERE case_id = NEW.case_id FOR UPDATE;
    IF case_cash_minor(NEW.case_id, NEW.currency) < 0 THEN
        RAISE EXCEPTION 'more goes back in cash than was taken in cash'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'refund_in_cash_stays_within_cash';
    END IF;
    RETURN NULL;
END $$""",
    """
CREATE TRIGGER refund_in_cash_stays_within_cash AFTER INSERT ON refunds
FOR EACH ROW WHEN (NEW.paid_by = 'COUNTER') EXECUTE FUNCTION refuse_more_than_cash()""",
    """
CREATE FUNCTION refuse_reversal_of_cash_back() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM contracts c JOIN payments p USING (case_id) WHERE p.payment_id = NEW.payment_id FOR UPDATE OF c;
    IF EXISTS (SELECT FROM payments p WHERE p.payment_id = NEW.payment_id
               AND case_cash_minor(p.case_id, p.currency) < 0) THEN
        RAISE EXCEPTION 'cash of the payment went back already'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'reversal_leaves_cash_back_covered';
    END IF;
    RETURN NULL;
END $$""",
    """
CREATE TRIGGER reversal_leaves_cash_back_covered AFTER INSERT ON payment_reversals
FOR EACH ROW EXECUTE FUNCTION refuse_reversal_of_cash_back()""",
    """
CREATE FUNCTION refuse_refund_booked_otherwise() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT FROM ledger_entries e WHERE e.document_id = NEW.refund_id
                   AND e.account = CASE NEW.paid_by WHEN 'COUNTER' THEN 'CASH' ELSE 'BANK' END
                   AND e.currency = coalesce(NEW.paid_currency, NEW.currency)
                   AND e.amount_minor = -coalesce(NEW.paid_minor, NEW.amount_minor)) THEN
        RAISE EXCEPTION 'the refund is not booked as it goes back'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'refund_is_booked_as_it_goes_back';
    END IF;
    RETURN NULL;
END $$""",
    """
CREATE CONSTRAINT TRIGGER refund_is_booked_as_it_goes_back AFTER INSERT ON refunds
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse_refund_booked_otherwise()""",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
