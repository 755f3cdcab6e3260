"""A credit of one month pays what is open of another of its case; a payment at the counter that never was."""

from __future__ import annotations

from alembic import op

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None

_TABLES = (
    # Each amount in the currency of its month's documents.
    """
CREATE TABLE set_offs (
    set_off_id uuid PRIMARY KEY,
    municipality_id text NOT NULL,
    case_id uuid NOT NULL,
    from_month billed_month NOT NULL,
    to_month billed_month NOT NULL,
    taken_minor bigint NOT NULL CHECK (taken_minor > 0),
    taken_currency currency NOT NULL,
    settled_minor bigint NOT NULL CHECK (settled_minor > 0),
    settled_currency currency NOT NULL,
    set_off_date date NOT NULL,
    set_off_at timestamptz NOT NULL,
    request_id text NOT NULL,
    FOREIGN KEY (case_id, from_month) REFERENCES billed_months (case_id, month),
    FOREIGN KEY (case_id, to_month) REFERENCES billed_months (case_id, month),
    CONSTRAINT set_off_is_between_months CHECK (from_month <> to_month),
    CONSTRAINT set_off_moves_one_amount CHECK (taken_currency <> settled_currency OR taken_minor = settled_minor)
)""",
    "CREATE INDEX set_offs_of_case ON set_offs (case_id, from_month)",
    "CREATE INDEX set_offs_of_municipality ON set_offs (municipality_id)",
    # The money that was set off proved to be none.
    """
CREATE TABLE set_off_reversals (
    set_off_id uuid PRIMARY KEY REFERENCES set_offs,
    reversed_date date NOT NULL,
    reversed_at timestamptz NOT NULL,
    request_id text NOT NULL
)""",
    """
CREATE TABLE payment_reversals (
    payment_id uuid PRIMARY KEY REFERENCES payments,
    reason text NOT NULL CHECK (reason <> ''),
    reversed_date date NOT NULL,
    reversed_by text NOT NULL,
    reversed_at timestamptz NOT NULL
)""",
    *(
        f"""
CREATE TRIGGER {table}_are_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION refuse_document_change()"""
        for table in ("set_offs", "set_off_reversals", "payment_reversals")
    ),
)

_SUMS = (
    """
CREATE OR REPLACE VIEW receivable_movements AS
    SELECT municipality_id, case_id, month, currency, amount_minor AS minor FROM invoices
    UNION ALL
    SELECT municipality_id, case_id, month, currency, amount_minor FROM corrections
    UNION ALL
    SELECT municipality_id, case_id, month, settled_currency, -settled_minor FROM payments p
    WHERE NOT EXISTS (SELECT FROM payment_reversals r WHERE r.payment_id = p.payment_id)
    UNION ALL
    SELECT municipality_id, case_id, month, settled_currency, -settled_minor FROM allocations a
    WHERE NOT EXISTS (SELECT FROM allocation_reversals r WHERE r.allocation_id = a.allocation_id)
    UNION ALL
    SELECT municipality_id, case_id, month, currency, amount_minor FROM refunds WHERE case_id IS NOT NULL
    UNION ALL
    SELECT municipality_id, case_id, month, currency, -amount_minor FROM write_offs WHERE approved_at IS NOT NULL
    UNION ALL
    SELECT municipality_id, case_id, from_month, taken_currency, taken_minor FROM set_offs o
    WHERE NOT EXISTS (SELECT FROM set_off_reversals r WHERE r.set_off_id = o.set_off_id)
    UNION ALL
    SELECT municipality_id, case_id, to_month, settled_currency, -settled_minor FROM set_offs o
    WHERE NOT EXISTS (SELECT FROM set_off_reversals r WHERE r.set_off_id = o.set_off_id)""",
    # Money that was set off came in for the month that it pays. Each currency converted once, as in `month_open_minor`.
    """
CREATE OR REPLACE FUNCTION month_received_minor(of_case uuid, of_month date, wanted text) RETURNS bigint
LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum(CASE WHEN currency = wanted THEN minor WHEN wanted = 'EUR' THEN round(minor / 1.95583)
                             ELSE round(minor * 1.95583) END), 0)::bigint
    FROM (SELECT currency, sum(minor) AS minor FROM (
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
          GROUP BY currency) AS sums
$$""",
    # That of the first document of a month; NULL when nothing was billed.
    """
CREATE FUNCTION month_documents(of_case uuid, of_month date) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT coalesce((SELECT currency FROM invoices WHERE case_id = of_case AND month = of_month),
                    (SELECT currency FROM corrections WHERE case_id = of_case AND month = of_month ORDER BY id LIMIT 1))
$$""",
)

_GUARDS = (
    # The contract's row is locked: what one of two sees as a credit the other has not given away.
    """
CREATE FUNCTION refuse_more_than_credit() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM contracts WHERE case_id = NEW.case_id FOR UPDATE;
    IF month_open_minor(NEW.case_id, NEW.from_month, NEW.taken_currency) > 0
        OR month_received_minor(NEW.case_id, NEW.from_month, NEW.taken_currency) < 0 THEN
        RAISE EXCEPTION 'more is set off than was overpaid'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'set_off_stays_within_credit';
    END IF;
    IF month_open_minor(NEW.case_id, NEW.to_month, NEW.settled_currency) < 0 THEN
        RAISE EXCEPTION 'more is set off than is open'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'set_off_stays_within_open';
    END IF;
    RETURN NULL;
END $$""",
    """
CREATE TRIGGER set_off_stays_within_credit AFTER INSERT ON set_offs
FOR EACH ROW EXECUTE FUNCTION refuse_more_than_credit()""",
    """
CREATE FUNCTION refuse_reversal_of_refunded() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM contracts c JOIN payments p USING (case_id) WHERE p.payment_id = NEW.payment_id FOR UPDATE OF c;
    IF EXISTS (SELECT FROM payments p WHERE p.payment_id = NEW.payment_id
               AND month_received_minor(p.case_id, p.month, p.settled_currency) < 0) THEN
        RAISE EXCEPTION 'money of the payment went back already'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'reversal_leaves_refunds_covered';
    END IF;
    RETURN NULL;
END $$""",
    """
CREATE TRIGGER reversal_leaves_refunds_covered AFTER INSERT ON payment_reversals
FOR EACH ROW EXECUTE FUNCTION refuse_reversal_of_refunded()""",
)

_HISTORY = """
CREATE OR REPLACE FUNCTION case_history(of_case text) RETURNS TABLE (at timestamptz, cause text, ref text)
LANGUAGE sql STABLE AS $$
    SELECT CAST(issued_date AS timestamp) AT TIME ZONE 'Europe/Sofia', 'INVOICE_ISSUED', CAST(invoice_id AS text)
    FROM invoices WHERE case_id = CAST(of_case AS uuid)
    UNION ALL
    SELECT CAST(issued_date AS timestamp) AT TIME ZONE 'Europe/Sofia', 'NOTE_ISSUED', CAST(correction_id AS text)
    FROM corrections WHERE case_id = CAST(of_case AS uuid)
    UNION ALL
    SELECT CAST(paid_date AS timestamp) AT TIME ZONE 'Europe/Sofia', 'PAYMENT_RECORDED', CAST(payment_id AS text)
    FROM payments WHERE case_id = CAST(of_case AS uuid)
    UNION ALL
    SELECT reversed_at, 'PAYMENT_REVERSED', CAST(payment_id AS text)
    FROM payment_reversals JOIN payments USING (payment_id) WHERE case_id = CAST(of_case AS uuid)
    UNION ALL
    SELECT allocated_at, 'PAYMENT_RECORDED', CAST(allocation_id AS text)
    FROM allocations WHERE case_id = CAST(of_case AS uuid)
    UNION ALL
    SELECT set_off_at, 'CREDIT_SET_OFF', CAST(set_off_id AS text)
    FROM set_offs WHERE case_id = CAST(of_case AS uuid)
    UNION ALL
    SELECT reversed_at, 'SET_OFF_REVERSED', CAST(set_off_id AS text)
    FROM set_off_reversals JOIN set_offs USING (set_off_id) WHERE case_id = CAST(of_case AS uuid)
    UNION ALL
    SELECT declared_at, 'INCOME_DECLARED', CAST(id AS text)
    FROM income_declarations WHERE case_id = CAST(of_case AS uuid)
    UNION ALL
    SELECT declared_at, 'ASSETS_DECLARED', CAST(id AS text)
    FROM asset_declarations WHERE case_id = CAST(of_case AS uuid)
    UNION ALL
    SELECT written_at, 'LETTER_' || kind, CAST(letter_id AS text)
    FROM letters WHERE case_id = CAST(of_case AS uuid)
    UNION ALL
    SELECT instant, event, CAST(seq AS text) FROM outbox WHERE case_id = of_case AND event = 'ARREARS_CHANGED'
$$"""


def upgrade() -> None:
    for statement in (*_TABLES, *_SUMS, *_GUARDS, _HISTORY):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
