"""Arrears by invoice: steps, instalments, write-offs."""

from __future__ import annotations

from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_TABLES = (
    """
CREATE TABLE arrears (
    invoice_id uuid PRIMARY KEY REFERENCES invoices,
    municipality_id text NOT NULL,
    case_id uuid NOT NULL,
    month billed_month NOT NULL,
    due_date date NOT NULL,
    termination_from date NOT NULL CHECK (termination_from > due_date),
    state text NOT NULL CHECK (state IN ('OVERDUE', 'REMINDED', 'INSTALMENTS', 'HARDSHIP', 'TO_DECIDE', 'CARE_KEPT',
                                         'END_ADVISED', 'WRITTEN_OFF', 'SETTLED')),
    reminders smallint NOT NULL DEFAULT 0 CHECK (reminders BETWEEN 0 AND 3),
    plan_id uuid,
    opened_at timestamptz NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    CONSTRAINT instalments_have_a_plan CHECK (state <> 'INSTALMENTS' OR plan_id IS NOT NULL)
)""",
    "CREATE INDEX arrears_of_municipality ON arrears (municipality_id, state, invoice_id)",
    "CREATE INDEX arrears_of_case ON arrears (case_id)",
    """
CREATE TABLE arrears_steps (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    invoice_id uuid NOT NULL REFERENCES arrears,
    step text NOT NULL,
    to_state text NOT NULL,
    reason text NOT NULL,
    taken_by text NOT NULL,
    taken_date date NOT NULL,
    taken_at timestamptz NOT NULL
)""",
    "CREATE INDEX arrears_steps_of_invoice ON arrears_steps (invoice_id, id)",
    """
CREATE TABLE instalment_plans (
    plan_id uuid PRIMARY KEY,
    invoice_id uuid NOT NULL REFERENCES arrears,
    owed_minor bigint NOT NULL CHECK (owed_minor > 0),
    currency currency NOT NULL,
    agreed_by text NOT NULL,
    agreed_at timestamptz NOT NULL
)""",
    "ALTER TABLE arrears ADD FOREIGN KEY (plan_id) REFERENCES instalment_plans",
    """
CREATE TABLE instalments (
    plan_id uuid NOT NULL REFERENCES instalment_plans,
    due_date date NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    PRIMARY KEY (plan_id, due_date)
)""",
    """
CREATE TABLE write_offs (
    write_off_id uuid PRIMARY KEY,
    municipality_id text NOT NULL,
    invoice_id uuid NOT NULL REFERENCES arrears,
    case_id uuid NOT NULL,
    month billed_month NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    currency currency NOT NULL,
    order_number text NOT NULL CHECK (order_number <> ''),
    order_date date NOT NULL,
    proposed_by text NOT NULL,
    proposed_at timestamptz NOT NULL,
    approved_by text,
    approved_at timestamptz,
    CONSTRAINT write_off_has_four_eyes CHECK (approved_by <> proposed_by),
    CONSTRAINT approval_is_whole CHECK ((approved_by IS NULL) = (approved_at IS NULL)),
    CONSTRAINT order_is_single UNIQUE (municipality_id, order_number, invoice_id)
)""",
    "CREATE INDEX write_offs_of_case ON write_offs (case_id, month)",
    """
CREATE OR REPLACE VIEW receivable_movements AS
    SELECT municipality_id, case_id, month, currency, amount_minor AS minor FROM invoices
    UNION ALL
    SELECT municipality_id, case_id, month, currency, amount_minor FROM corrections
    UNION ALL
    SELECT municipality_id, case_id, month, settled_currency, -settled_minor FROM payments
    UNION ALL
    SELECT municipality_id, case_id, month, settled_currency, -settled_minor FROM allocations a
    WHERE NOT EXISTS (SELECT FROM allocation_reversals r WHERE r.allocation_id = a.allocation_id)
    UNION ALL
    SELECT municipality_id, case_id, month, currency, amount_minor FROM refunds WHERE case_id IS NOT NULL
    UNION ALL
    SELECT municipality_id, case_id, month, currency, -amount_minor FROM write_offs WHERE approved_at IS NOT NULL""",
)

_GUARDS = (
    *(
        f"""
CREATE TRIGGER {table}_are_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION refuse_document_change()"""
        for table in ("arrears_steps", "instalment_plans", "instalments")
    ),
    """
CREATE TRIGGER write_offs_are_kept BEFORE DELETE OR TRUNCATE ON write_offs
FOR EACH STATEMENT EXECUTE FUNCTION refuse_document_change()""",
    # A proposal is approved once and never changed otherwise.
    """
CREATE FUNCTION refuse_write_off_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.approved_at IS NOT NULL OR
       (to_jsonb(OLD) - 'approved_by' - 'approved_at') <> (to_jsonb(NEW) - 'approved_by' - 'approved_at') THEN
        RAISE EXCEPTION 'a write-off is approved once and never changed'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'documents_are_immutable';
    END IF;
    PERFORM FROM contracts WHERE case_id = NEW.case_id FOR UPDATE;
    IF month_open_minor(NEW.case_id, NEW.month, NEW.currency) < 0 THEN
        RAISE EXCEPTION 'more is given up than is open'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'write_off_stays_within_open';
    END IF;
    RETURN NULL;
END $$""",
    """
CREATE TRIGGER write_off_is_approved_once AFTER UPDATE ON write_offs
FOR EACH ROW EXECUTE FUNCTION refuse_write_off_change()""",
    """
CREATE FUNCTION refuse_uneven_plan() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT coalesce(sum(amount_minor), 0) FROM instalments WHERE plan_id = NEW.plan_id) <> NEW.owed_minor THEN
        RAISE EXCEPTION 'the instalments do not make up what is owed'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'instalments_make_up_the_debt';
    END IF;
    RETURN NULL;
END $$""",
    """
CREATE CONSTRAINT TRIGGER instalments_make_up_the_debt AFTER INSERT ON instalment_plans
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse_uneven_plan()""",
)


def upgrade() -> None:
    for statement in (*_TABLES, *_GUARDS):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
