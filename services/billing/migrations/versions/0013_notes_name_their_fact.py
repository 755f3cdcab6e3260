"""Notes name the fact that they follow; a month, notes included, is never below zero."""

from __future__ import annotations

from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

_STATEMENTS = (
    # An id that says the same wherever it stands; `id` goes on telling the order of what was recorded.
    *(
        f"ALTER TABLE {table} ADD declaration_id uuid NOT NULL DEFAULT gen_random_uuid() UNIQUE"
        for table in ("income_declarations", "asset_declarations", "cost_declarations")
    ),
    # The release before knows no cause: what it writes has the defaults, as notes from before have.
    """
ALTER TABLE corrections
    ADD cause text NOT NULL DEFAULT 'UNKNOWN',
    ADD fact_id text NOT NULL DEFAULT '',
    ADD CONSTRAINT note_cause_is_known CHECK (
        cause IN ('INCOME', 'ASSETS', 'COST', 'CONTRACT', 'SERVED_DAYS', 'UNKNOWN')),
    ADD CONSTRAINT note_names_its_fact CHECK ((cause = 'UNKNOWN') = (fact_id = ''))""",
    # Leva and euro of one month's documents are added up in euro, each currency converted once; conversion keeps the
    # sign, so a month whose documents are all in leva is judged alike. The contract's row is locked: of two who credit
    # one month the second sees what the first did.
    """
CREATE FUNCTION refuse_month_below_zero() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM contracts WHERE case_id = NEW.case_id FOR UPDATE;
    IF (SELECT b.computed_minor + (SELECT sum(computed_minor) FROM corrections c
                                   WHERE c.case_id = b.case_id AND c.month = b.month)
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
    """
CREATE TRIGGER month_is_never_below_zero AFTER INSERT ON corrections
FOR EACH ROW EXECUTE FUNCTION refuse_month_below_zero()""",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
