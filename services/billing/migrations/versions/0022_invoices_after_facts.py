"""Invoices of months that a run billed 0.00, issued when a fact became known later.

Notes over such months that the release before issued stay as they are.
"""

from __future__ import annotations

from alembic import op

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None

_STATEMENTS = (
    # The row of the month goes on saying what the run computed: 0.00. What the invoice bills is here.
    """
CREATE TABLE invoices_after_facts (
    invoice_id uuid PRIMARY KEY REFERENCES invoices,
    case_id uuid NOT NULL,
    month billed_month NOT NULL,
    computed_minor bigint NOT NULL CHECK (computed_minor > 0),
    request_id text NOT NULL,
    cause text NOT NULL CONSTRAINT invoice_cause_is_known CHECK (
        cause IN ('INCOME', 'ASSETS', 'COST', 'CONTRACT', 'SERVED_DAYS', 'TARIFF')),
    fact_id text NOT NULL CONSTRAINT invoice_names_its_fact CHECK (fact_id <> ''),
    CONSTRAINT one_invoice_after_facts_a_month UNIQUE (case_id, month),
    FOREIGN KEY (case_id, month) REFERENCES billed_months
)""",
    """
CREATE TRIGGER invoices_after_facts_are_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON invoices_after_facts
FOR EACH STATEMENT EXECUTE FUNCTION refuse_document_change()""",
    """
CREATE FUNCTION refuse_invoice_of_a_billed_month() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (
        SELECT FROM billed_months b JOIN invoices i USING (case_id, month)
        WHERE i.invoice_id = NEW.invoice_id AND (b.case_id, b.month, b.computed_minor) = (NEW.case_id, NEW.month, 0)
          AND i.amount_minor = CASE WHEN i.currency = b.currency THEN NEW.computed_minor
                                    ELSE euro_minor(NEW.computed_minor) END
    ) OR EXISTS (SELECT FROM corrections c WHERE c.case_id = NEW.case_id AND c.month = NEW.month) THEN
        RAISE EXCEPTION 'the month was billed before'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'invoice_after_facts_is_the_first_document';
    END IF;
    RETURN NULL;
END $$""",
    """
CREATE TRIGGER invoice_after_facts_is_the_first_document AFTER INSERT ON invoices_after_facts
FOR EACH ROW EXECUTE FUNCTION refuse_invoice_of_a_billed_month()""",
    """
CREATE OR REPLACE FUNCTION refuse_month_below_zero() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM contracts WHERE case_id = NEW.case_id FOR UPDATE;
    IF (SELECT b.computed_minor
               + coalesce((SELECT f.computed_minor FROM invoices_after_facts f
                           WHERE f.case_id = b.case_id AND f.month = b.month), 0)
               + (SELECT sum(computed_minor) FROM corrections c WHERE c.case_id = b.case_id AND c.month = b.month)
        FROM billed_months b WHERE b.case_id = NEW.case_id AND b.month = NEW.month) < 0
    OR (SELECT sum(CASE currency WHEN 'EUR' THEN minor ELSE round(minor / 1.95583) END)
        FROM (SELECT currency, sum(amount_minor) AS minor
              FROM (SELECT currency, amount_minor FROM invoices WHERE case_id = NEW.case_id AND month = NEW.month
                    UNION ALL
                    SELECT currency, amount_minor FROM corrections WHERE case_id = NEW.case_id AND month = NEW.month
                   ) AS documents GROUP BY currency) AS sums) < 0 THEN
        RAISE EXCEPTION 'notes take more than was billed'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'month_is_never_below_zero';
    END IF;
    RETURN NULL;
END $$""",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
