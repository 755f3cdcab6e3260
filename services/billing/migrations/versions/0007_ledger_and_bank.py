"""More accounts in the ledger, closed periods, bank files, what their payments are allocated to, refunds."""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_LEDGER = (
    # Money of the bank stands without a case until it is allocated; receivables, revenue and losses never do.
    """
ALTER TABLE ledger_entries DROP CONSTRAINT ledger_entries_account_check, ALTER case_id DROP NOT NULL,
    ADD CONSTRAINT ledger_account_is_known CHECK (account IN (
        'RECEIVABLE', 'REVENUE', 'CASH', 'BANK', 'UNALLOCATED', 'EXCHANGE', 'WRITE_OFF')),
    ADD CONSTRAINT ledger_entry_has_its_case CHECK (case_id IS NOT NULL OR account IN ('BANK', 'UNALLOCATED'))""",
    # Each currency of a document balances by itself: a payment in one currency for a bill in another passes EXCHANGE.
    """
CREATE OR REPLACE FUNCTION refuse_unbalanced_document() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM ledger_entries WHERE document_id = NEW.document_id
               GROUP BY currency HAVING sum(amount_minor) <> 0) THEN
        RAISE EXCEPTION 'document % does not balance', NEW.document_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_is_balanced';
    END IF;
    RETURN NULL;
END $$""",
    # `open_from` is the first day that may still be booked; NULL: no month was ever closed.
    """
CREATE TABLE ledger_periods (
    municipality_id text PRIMARY KEY REFERENCES municipalities,
    open_from billed_month
)""",
    "INSERT INTO ledger_periods (municipality_id) SELECT municipality_id FROM municipalities",
    """
CREATE FUNCTION begin_ledger_periods() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO ledger_periods (municipality_id) VALUES (NEW.municipality_id) ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$""",
    """
CREATE TRIGGER municipality_begins_its_periods AFTER INSERT ON municipalities
FOR EACH ROW EXECUTE FUNCTION begin_ledger_periods()""",
    """
CREATE TABLE period_changes (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    municipality_id text NOT NULL REFERENCES municipalities,
    month billed_month NOT NULL,
    change text NOT NULL CHECK (change IN ('CLOSED', 'REOPENED')),
    reason text NOT NULL,
    changed_by text NOT NULL,
    changed_at timestamptz NOT NULL,
    CONSTRAINT reopening_has_a_reason CHECK (change = 'CLOSED' OR reason <> '')
)""",
    "CREATE INDEX period_changes_of_municipality ON period_changes (municipality_id, id)",
    # A late document is dated by its facts and booked on the first day that is open.
    """
CREATE FUNCTION booking_day(of_municipality text, of_document date) RETURNS date LANGUAGE sql STABLE AS $$
    SELECT greatest(of_document, (SELECT open_from FROM ledger_periods WHERE municipality_id = of_municipality))
$$""",
    # Whoever closes a month waits for those who book, and the other way round. Bookings go to an open day by themselves
    # (`booking_day`): only a month that was closed in between is met here, and the same request finds it closed.
    """
CREATE FUNCTION refuse_closed_period() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM ledger_periods WHERE municipality_id IN (SELECT w.municipality_id FROM written w)
    ORDER BY municipality_id FOR SHARE;
    IF EXISTS (SELECT FROM written w JOIN ledger_periods p USING (municipality_id)
               WHERE w.booked_date < p.open_from) THEN
        RAISE EXCEPTION 'the month is closed' USING ERRCODE = 'serialization_failure', CONSTRAINT = 'period_is_open';
    END IF;
    RETURN NULL;
END $$""",
    """
CREATE TRIGGER period_is_open AFTER INSERT ON ledger_entries REFERENCING NEW TABLE AS written
FOR EACH STATEMENT EXECUTE FUNCTION refuse_closed_period()""",
)

_BANK = (
    """
CREATE TABLE bank_files (
    file_id uuid PRIMARY KEY,
    municipality_id text NOT NULL REFERENCES municipalities,
    digest bytea NOT NULL CHECK (length(digest) = 32),
    format text NOT NULL CHECK (format IN ('CAMT_053', 'CSV')),
    entries integer NOT NULL CHECK (entries >= 0),
    skipped integer NOT NULL CHECK (skipped >= 0),
    imported_at timestamptz NOT NULL,
    imported_by text NOT NULL,
    CONSTRAINT bank_file_is_single UNIQUE (municipality_id, digest)
)""",
    # A credit to the municipality's account. The payer's account is a keyed hash and its last four characters.
    """
CREATE TABLE bank_entries (
    entry_id uuid PRIMARY KEY,
    municipality_id text NOT NULL REFERENCES municipalities,
    file_id uuid NOT NULL REFERENCES bank_files,
    account text NOT NULL CHECK (account <> ''),
    entry_reference text NOT NULL CHECK (entry_reference <> ''),
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    currency currency NOT NULL,
    booked_date date NOT NULL,
    creditor_reference text NOT NULL,
    remittance text NOT NULL,
    payer_name text NOT NULL,
    payer_account_hash bytea,
    payer_key_version integer,
    payer_account_tail text NOT NULL CHECK (length(payer_account_tail) <= 4),
    CONSTRAINT payer_hash_names_its_key CHECK ((payer_account_hash IS NULL) = (payer_key_version IS NULL)),
    CONSTRAINT bank_entry_is_single UNIQUE (municipality_id, account, entry_reference),
    UNIQUE (entry_id, currency)
)""",
    "CREATE INDEX bank_entries_of_file ON bank_entries (file_id)",
    "CREATE INDEX bank_entries_of_payer ON bank_entries (municipality_id, payer_account_hash)",
    # What is left of each payment, kept by triggers; `hint` says why nobody could tell what it is for.
    """
CREATE TABLE bank_rests (
    entry_id uuid PRIMARY KEY REFERENCES bank_entries,
    municipality_id text NOT NULL,
    booked_date date NOT NULL,
    rest_minor bigint NOT NULL CONSTRAINT allocation_stays_within_payment CHECK (rest_minor >= 0),
    hint text CHECK (hint IN ('NO_REFERENCE', 'UNKNOWN_REFERENCE', 'SEVERAL_CANDIDATES', 'OVERPAID',
                              'CURRENCY_NOT_TAKEN'))
)""",
    "CREATE INDEX unallocated_rests ON bank_rests (municipality_id, booked_date, entry_id) WHERE rest_minor > 0",
    """
CREATE TABLE allocations (
    allocation_id uuid PRIMARY KEY,
    municipality_id text NOT NULL,
    entry_id uuid NOT NULL,
    case_id uuid NOT NULL,
    month billed_month NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    currency currency NOT NULL,
    settled_minor bigint NOT NULL CHECK (settled_minor > 0),
    settled_currency currency NOT NULL,
    evidence text NOT NULL CHECK (evidence IN (
        'EXACT_REFERENCE', 'REFERENCE_IN_TEXT', 'PAYER_AND_AMOUNT', 'DECIDED_BY_STAFF')),
    allocated_date date NOT NULL,
    allocated_by text NOT NULL,
    allocated_at timestamptz NOT NULL,
    FOREIGN KEY (entry_id, currency) REFERENCES bank_entries (entry_id, currency),
    FOREIGN KEY (case_id, month) REFERENCES billed_months
)""",
    "CREATE INDEX allocations_of_entry ON allocations (entry_id)",
    "CREATE INDEX allocations_of_case ON allocations (case_id, month)",
    """
CREATE TABLE allocation_reversals (
    allocation_id uuid PRIMARY KEY REFERENCES allocations,
    reason text NOT NULL CHECK (reason <> ''),
    reversed_date date NOT NULL,
    reversed_by text NOT NULL,
    reversed_at timestamptz NOT NULL
)""",
    # Of what is left of a bank payment, or of a month that was paid for more than once.
    """
CREATE TABLE refunds (
    refund_id uuid PRIMARY KEY,
    municipality_id text NOT NULL REFERENCES municipalities,
    entry_id uuid,
    case_id uuid,
    month billed_month,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    currency currency NOT NULL,
    reason text NOT NULL CHECK (reason <> ''),
    refunded_date date NOT NULL,
    refunded_by text NOT NULL,
    refunded_at timestamptz NOT NULL,
    FOREIGN KEY (entry_id, currency) REFERENCES bank_entries (entry_id, currency),
    FOREIGN KEY (case_id, month) REFERENCES billed_months,
    CONSTRAINT refund_has_one_source CHECK (
        (entry_id IS NULL) <> (case_id IS NULL) AND (case_id IS NULL) = (month IS NULL))
)""",
    "CREATE INDEX refunds_of_entry ON refunds (entry_id)",
    "CREATE INDEX refunds_of_case ON refunds (case_id, month)",
    # Everything that makes a case owe more or less, by month; positive: the user owes.
    """
CREATE VIEW receivable_movements AS
    SELECT municipality_id, case_id, month, currency, amount_minor AS minor FROM invoices
    UNION ALL
    SELECT municipality_id, case_id, month, currency, amount_minor FROM corrections
    UNION ALL
    SELECT municipality_id, case_id, month, settled_currency, -settled_minor FROM payments
    UNION ALL
    SELECT municipality_id, case_id, month, settled_currency, -settled_minor FROM allocations a
    WHERE NOT EXISTS (SELECT FROM allocation_reversals r WHERE r.allocation_id = a.allocation_id)
    UNION ALL
    SELECT municipality_id, case_id, month, currency, amount_minor FROM refunds WHERE case_id IS NOT NULL""",
    # Half-up whatever the sign, each currency converted once, as `rules/accounts.py` does it.
    """
CREATE FUNCTION month_open_minor(of_case uuid, of_month date, wanted text) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT coalesce(sum(CASE WHEN currency = wanted THEN minor WHEN wanted = 'EUR' THEN round(minor / 1.95583)
                             ELSE round(minor * 1.95583) END), 0)::bigint
    FROM (SELECT currency, sum(minor) AS minor FROM receivable_movements
          WHERE case_id = of_case AND month = of_month GROUP BY currency) AS sums
$$""",
)

_GUARDS = (
    *(
        f"""
CREATE TRIGGER {table}_are_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION refuse_document_change()"""
        for table in ("bank_files", "bank_entries", "allocations", "allocation_reversals", "refunds", "period_changes")
    ),
    """
CREATE FUNCTION begin_rest() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO bank_rests (entry_id, municipality_id, booked_date, rest_minor)
    SELECT entry_id, municipality_id, booked_date, amount_minor FROM written;
    RETURN NULL;
END $$""",
    """
CREATE TRIGGER bank_entry_begins_unallocated AFTER INSERT ON bank_entries REFERENCING NEW TABLE AS written
FOR EACH STATEMENT EXECUTE FUNCTION begin_rest()""",
    """
CREATE FUNCTION take_from_rest() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE bank_rests SET rest_minor = rest_minor - NEW.amount_minor WHERE entry_id = NEW.entry_id;
    RETURN NULL;
END $$""",
    *(
        f"CREATE TRIGGER takes_from_rest AFTER INSERT ON {table} FOR EACH ROW EXECUTE FUNCTION take_from_rest()"
        for table in ("allocations", "refunds")
    ),
    """
CREATE FUNCTION give_back_to_rest() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE bank_rests r SET rest_minor = r.rest_minor + a.amount_minor
    FROM allocations a WHERE a.allocation_id = NEW.allocation_id AND r.entry_id = a.entry_id;
    RETURN NULL;
END $$""",
    """
CREATE TRIGGER reversal_gives_back AFTER INSERT ON allocation_reversals
FOR EACH ROW EXECUTE FUNCTION give_back_to_rest()""",
    # The contract's row is locked: of two who allocate to one month the second sees what the first did.
    """
CREATE FUNCTION refuse_more_than_open() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM contracts WHERE case_id = NEW.case_id FOR UPDATE;
    IF month_open_minor(NEW.case_id, NEW.month, NEW.settled_currency) < 0 THEN
        RAISE EXCEPTION 'more is allocated than the month has open'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'allocation_stays_within_invoice';
    END IF;
    RETURN NULL;
END $$""",
    """
CREATE TRIGGER allocation_stays_within_invoice AFTER INSERT ON allocations
FOR EACH ROW EXECUTE FUNCTION refuse_more_than_open()""",
    """
CREATE FUNCTION refuse_more_than_overpaid() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM FROM contracts WHERE case_id = NEW.case_id FOR UPDATE;
    IF month_open_minor(NEW.case_id, NEW.month, NEW.currency) > 0 THEN
        RAISE EXCEPTION 'more is refunded than was overpaid'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'refund_stays_within_overpayment';
    END IF;
    RETURN NULL;
END $$""",
    """
CREATE TRIGGER refund_stays_within_overpayment AFTER INSERT ON refunds
FOR EACH ROW WHEN (NEW.case_id IS NOT NULL) EXECUTE FUNCTION refuse_more_than_overpaid()""",
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
    SELECT allocated_at, 'PAYMENT_RECORDED', CAST(allocation_id AS text)
    FROM allocations WHERE case_id = CAST(of_case AS uuid)
    UNION ALL
    SELECT declared_at, 'INCOME_DECLARED', CAST(id AS text)
    FROM income_declarations WHERE case_id = CAST(of_case AS uuid)
    UNION ALL
    SELECT declared_at, 'ASSETS_DECLARED', CAST(id AS text)
    FROM asset_declarations WHERE case_id = CAST(of_case AS uuid)
    UNION ALL
    SELECT instant, event, CAST(seq AS text) FROM outbox WHERE case_id = of_case AND event = 'ARREARS_CHANGED'
$$"""


def upgrade() -> None:
    for statement in (*_LEDGER, *_BANK, *_GUARDS, _HISTORY):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
