"""Contracts and facts copied or declared, fee decisions, runs, invoices, notes, payments, ledger, custody."""

from alembic import op

from services.runtime.schema import create_runtime_tables_v1

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_FACTS = (
    "CREATE EXTENSION IF NOT EXISTS btree_gist",
    "CREATE DOMAIN currency AS text CHECK (VALUE IN ('EUR', 'BGN'))",
    "CREATE DOMAIN billed_month AS date CHECK (extract(day FROM VALUE) = 1)",
    "CREATE DOMAIN charge AS text CHECK (VALUE IN ('INCOME_PERCENT', 'UNITS', 'FREE'))",
    """
CREATE TABLE municipalities (
    municipality_id text PRIMARY KEY,
    version bigint NOT NULL CHECK (version > 0),
    settings jsonb NOT NULL
)""",
    # `care` is what may be billed at all: the contract's days within order or referral.
    """
CREATE TABLE contracts (
    case_id uuid PRIMARY KEY,
    contract_id text NOT NULL,
    municipality_id text NOT NULL REFERENCES municipalities,
    person_id text NOT NULL,
    service_code text NOT NULL,
    start_date date NOT NULL,
    end_date date,
    authorised daterange,
    care daterange NOT NULL GENERATED ALWAYS AS (
        CASE WHEN end_date < start_date THEN 'empty'::daterange
             ELSE daterange(start_date, end_date, '[]') * coalesce(authorised, '(,)'::daterange) END) STORED,
    actual_cost_minor bigint CHECK (actual_cost_minor >= 0),
    actual_cost_currency currency,
    unit_price_minor bigint CHECK (unit_price_minor >= 0),
    unit_price_currency currency,
    war_status bytea,
    version bigint NOT NULL CHECK (version > 0),
    copied_at timestamptz NOT NULL,
    CONSTRAINT contract_cost_is_whole CHECK ((actual_cost_minor IS NULL) = (actual_cost_currency IS NULL)),
    CONSTRAINT contract_price_is_whole CHECK ((unit_price_minor IS NULL) = (unit_price_currency IS NULL))
)""",
    "CREATE INDEX contracts_of_municipality ON contracts (municipality_id, case_id)",
    """
CREATE TABLE income_declarations (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    case_id uuid NOT NULL REFERENCES contracts,
    from_month billed_month NOT NULL,
    income jsonb NOT NULL CHECK (jsonb_typeof(income) = 'array'),
    declared_at timestamptz NOT NULL
)""",
    "CREATE INDEX income_declarations_of_case ON income_declarations (case_id)",
    """
CREATE TABLE asset_declarations (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    case_id uuid NOT NULL REFERENCES contracts,
    from_month billed_month NOT NULL,
    savings_minor bigint CHECK (savings_minor >= 0),
    savings_currency currency,
    care_contract boolean NOT NULL,
    property_transferred_on date,
    declared_at timestamptz NOT NULL,
    CONSTRAINT savings_are_whole CHECK ((savings_minor IS NULL) = (savings_currency IS NULL))
)""",
    "CREATE INDEX asset_declarations_of_case ON asset_declarations (case_id)",
    """
CREATE TABLE cost_declarations (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    case_id uuid NOT NULL REFERENCES contracts,
    from_month billed_month NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
    currency currency NOT NULL,
    declared_at timestamptz NOT NULL
)""",
    "CREATE INDEX cost_declarations_of_case ON cost_declarations (case_id)",
    # A rate is the fee of a full month, or the price of a unit, in billionths: exact, so that a month is rounded once.
    """
CREATE TABLE fee_decisions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    case_id uuid NOT NULL REFERENCES contracts,
    months daterange NOT NULL CHECK (NOT isempty(months)),
    charge charge NOT NULL,
    rate_nano bigint NOT NULL CHECK (rate_nano >= 0),
    currency currency NOT NULL,
    actual_cost_payer boolean NOT NULL,
    decided_at timestamptz NOT NULL,
    CONSTRAINT one_fee_a_month EXCLUDE USING gist (case_id WITH =, months WITH &&)
)""",
    "CREATE INDEX fee_decisions_of_case ON fee_decisions (case_id)",
    """
CREATE TABLE served_months (
    case_id uuid NOT NULL REFERENCES contracts,
    month billed_month NOT NULL,
    served_days smallint NOT NULL CHECK (served_days BETWEEN 0 AND 31),
    paused_days smallint NOT NULL CHECK (paused_days BETWEEN 0 AND served_days),
    units integer NOT NULL CHECK (units >= 0),
    version bigint NOT NULL,
    PRIMARY KEY (case_id, month)
)""",
)

_BILLS = (
    # The one rounding of F-01, half-up, in integers: billionths of a month's fee over days, or of a unit's price.
    """
CREATE FUNCTION month_amount_minor(charge text, rate_nano bigint, days integer, of_days integer, units integer)
RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN
    CASE charge
        WHEN 'INCOME_PERCENT' THEN (2 * rate_nano * days + 10000000::bigint * of_days) / (20000000::bigint * of_days)
        WHEN 'UNITS' THEN (2 * rate_nano * units + 10000000) / 20000000
        ELSE 0
    END""",
    # F-14 in integers: stotinki over 1.95583, half-up.
    """
CREATE FUNCTION euro_minor(bgn_minor bigint) RETURNS bigint LANGUAGE sql IMMUTABLE PARALLEL SAFE RETURN
    (2 * bgn_minor * 100000 + 195583) / (2 * 195583)""",
    """
CREATE TABLE billing_runs (
    run_id uuid PRIMARY KEY,
    municipality_id text NOT NULL REFERENCES municipalities,
    month billed_month NOT NULL,
    from_month billed_month NOT NULL CHECK (from_month <= month),
    state text NOT NULL CHECK (state IN ('DRAFTING', 'REVIEW', 'APPROVED', 'FINISHED')),
    auto_approve boolean NOT NULL,
    drafted bigint NOT NULL DEFAULT 0 CHECK (drafted >= 0),
    issued bigint NOT NULL DEFAULT 0 CHECK (issued BETWEEN 0 AND drafted),
    issued_through_month date NOT NULL DEFAULT '-infinity',
    issued_through_case uuid NOT NULL DEFAULT '00000000-0000-0000-0000-000000000000',
    workflow_id text NOT NULL,
    opened_at timestamptz NOT NULL,
    version bigint NOT NULL DEFAULT 1,
    CONSTRAINT one_run_a_month UNIQUE (municipality_id, month),
    CONSTRAINT finished_run_issued_all CHECK (state <> 'FINISHED' OR issued = drafted)
)""",
    # A month of a case as the run computed it; a draft until its invoice exists. 0.00 never gets one (L-12).
    """
CREATE TABLE billed_months (
    case_id uuid NOT NULL,
    month billed_month NOT NULL,
    run_id uuid NOT NULL REFERENCES billing_runs,
    chargeable_days smallint NOT NULL CHECK (chargeable_days BETWEEN 0 AND days_in_month),
    days_in_month smallint NOT NULL,
    units integer NOT NULL CHECK (units >= 0),
    charge charge NOT NULL,
    rate_nano bigint NOT NULL CHECK (rate_nano >= 0),
    currency currency NOT NULL,
    computed_minor bigint NOT NULL,
    document_currency currency NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
    issue_date date NOT NULL,
    due_date date NOT NULL CHECK (due_date >= issue_date),
    PRIMARY KEY (case_id, month),
    FOREIGN KEY (case_id, month) REFERENCES served_months,
    CONSTRAINT month_has_its_days CHECK (
        days_in_month = extract(day FROM month + interval '1 month' - interval '1 day')),
    CONSTRAINT month_is_prorated_once CHECK (
        computed_minor = month_amount_minor(charge, rate_nano, chargeable_days, days_in_month, units)),
    CONSTRAINT month_is_computed_in_its_currency CHECK (
        currency = CASE WHEN month < '2026-01-01' THEN 'BGN' ELSE 'EUR' END),
    CONSTRAINT document_is_in_its_currency CHECK (
        document_currency = CASE WHEN issue_date < '2026-01-01' THEN 'BGN' ELSE 'EUR' END),
    CONSTRAINT total_is_converted_once CHECK (
        amount_minor = CASE WHEN currency = document_currency THEN computed_minor ELSE euro_minor(computed_minor) END)
)""",
    "CREATE INDEX billed_months_of_run ON billed_months (run_id, month, case_id)",
    """
CREATE TABLE undrafted_months (
    case_id uuid NOT NULL REFERENCES contracts,
    month billed_month NOT NULL,
    run_id uuid NOT NULL REFERENCES billing_runs,
    reason text NOT NULL CHECK (reason IN ('NO_SERVED_DAYS', 'NO_FEE_DECISION', 'OUTSIDE_CARE')),
    PRIMARY KEY (case_id, month)
)""",
    "CREATE INDEX undrafted_months_of_run ON undrafted_months (run_id)",
    """
CREATE TABLE invoice_numbers (
    municipality_id text PRIMARY KEY REFERENCES municipalities,
    last_number bigint NOT NULL CHECK (last_number >= 0)
)""",
    """
CREATE TABLE invoices (
    invoice_id uuid PRIMARY KEY,
    municipality_id text NOT NULL,
    number bigint NOT NULL CHECK (number > 0),
    case_id uuid NOT NULL,
    month billed_month NOT NULL,
    run_id uuid NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    currency currency NOT NULL,
    issued_date date NOT NULL,
    due_date date NOT NULL,
    CONSTRAINT invoice_number_is_single UNIQUE (municipality_id, number),
    CONSTRAINT one_invoice_a_month UNIQUE (case_id, month),
    FOREIGN KEY (case_id, month) REFERENCES billed_months
)""",
    "CREATE INDEX invoices_of_run ON invoices (run_id)",
    """
CREATE TABLE corrections (
    id bigint GENERATED ALWAYS AS IDENTITY UNIQUE,
    correction_id uuid PRIMARY KEY,
    municipality_id text NOT NULL,
    case_id uuid NOT NULL,
    month billed_month NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor <> 0),
    currency currency NOT NULL,
    computed_minor bigint NOT NULL CHECK (computed_minor <> 0),
    issued_date date NOT NULL,
    request_id text NOT NULL,
    FOREIGN KEY (case_id, month) REFERENCES billed_months
)""",
    "CREATE INDEX corrections_of_case ON corrections (case_id, id)",
    """
CREATE TABLE payments (
    payment_id uuid PRIMARY KEY,
    municipality_id text NOT NULL,
    case_id uuid NOT NULL,
    month billed_month NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor > 0),
    currency currency NOT NULL,
    settled_minor bigint NOT NULL CHECK (settled_minor > 0),
    settled_currency currency NOT NULL,
    paid_date date NOT NULL,
    FOREIGN KEY (case_id, month) REFERENCES billed_months
)""",
    "CREATE INDEX payments_of_case ON payments (case_id, month)",
    # Double entry: a debit is positive, a credit negative, a document sums up to nothing.
    """
CREATE TABLE ledger_entries (
    document_id uuid NOT NULL,
    line smallint NOT NULL,
    municipality_id text NOT NULL,
    case_id uuid NOT NULL,
    account text NOT NULL CHECK (account IN ('RECEIVABLE', 'REVENUE', 'CASH')),
    currency currency NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor <> 0),
    booked_date date NOT NULL,
    PRIMARY KEY (document_id, line)
)""",
    "CREATE INDEX ledger_entries_of_case ON ledger_entries (case_id)",
    """
CREATE TABLE custody_accounts (
    case_id uuid NOT NULL REFERENCES contracts,
    currency currency NOT NULL,
    held_minor bigint NOT NULL CONSTRAINT custody_is_never_overdrawn CHECK (held_minor >= 0),
    PRIMARY KEY (case_id, currency)
)""",
    """
CREATE TABLE custody_entries (
    entry_id uuid PRIMARY KEY,
    case_id uuid NOT NULL REFERENCES contracts,
    kind text NOT NULL CHECK (kind IN ('ADVANCE', 'RECEIPT', 'CONVERSION')),
    code text,
    amount_minor bigint NOT NULL CHECK (amount_minor <> 0),
    currency currency NOT NULL,
    on_date date NOT NULL,
    CONSTRAINT receipt_has_a_code CHECK ((kind = 'RECEIPT') = (code IS NOT NULL)),
    CONSTRAINT advance_and_receipt_have_their_sign CHECK (
        kind = 'CONVERSION' OR (kind = 'ADVANCE') = (amount_minor > 0))
)""",
    "CREATE INDEX custody_entries_of_case ON custody_entries (case_id)",
)

_GUARDS = (
    """
CREATE FUNCTION refuse_document_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% rows are never changed or removed', TG_TABLE_NAME
        USING ERRCODE = 'restrict_violation', CONSTRAINT = 'documents_are_immutable';
END $$""",
    *(
        f"""
CREATE TRIGGER {table}_are_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON {table}
FOR EACH STATEMENT EXECUTE FUNCTION refuse_document_change()"""
        for table in ("invoices", "corrections", "payments", "ledger_entries", "custody_entries")
    ),
    """
CREATE FUNCTION refuse_unbalanced_document() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT sum(amount_minor) <> 0 OR count(DISTINCT currency) <> 1
        FROM ledger_entries WHERE document_id = NEW.document_id) THEN
        RAISE EXCEPTION 'document % does not balance', NEW.document_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'ledger_is_balanced';
    END IF;
    RETURN NULL;
END $$""",
    """
CREATE CONSTRAINT TRIGGER ledger_is_balanced AFTER INSERT ON ledger_entries
DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION refuse_unbalanced_document()""",
    """
CREATE FUNCTION refuse_bill_outside_care() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (
        SELECT FROM written w JOIN contracts c USING (case_id)
        CROSS JOIN LATERAL (SELECT c.care * daterange(w.month, (w.month + interval '1 month')::date) AS days) o
        WHERE w.chargeable_days > CASE WHEN isempty(o.days) THEN 0 ELSE upper(o.days) - lower(o.days) END
           OR (w.computed_minor > 0 AND isempty(o.days))
    ) THEN
        RAISE EXCEPTION 'a bill lies outside contract or authorisation'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'bill_lies_within_care';
    END IF;
    RETURN NULL;
END $$""",
    """
CREATE TRIGGER bill_lies_within_care AFTER INSERT ON billed_months REFERENCING NEW TABLE AS written
FOR EACH STATEMENT EXECUTE FUNCTION refuse_bill_outside_care()""",
    """
CREATE TRIGGER changed_bill_lies_within_care AFTER UPDATE ON billed_months REFERENCING NEW TABLE AS written
FOR EACH STATEMENT EXECUTE FUNCTION refuse_bill_outside_care()""",
    """
CREATE FUNCTION refuse_change_of_issued_month() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF EXISTS (SELECT FROM before b JOIN invoices i USING (case_id, month)) THEN
        RAISE EXCEPTION 'the month is invoiced'
            USING ERRCODE = 'restrict_violation', CONSTRAINT = 'documents_are_immutable';
    END IF;
    RETURN NULL;
END $$""",
    """
CREATE TRIGGER issued_month_is_immutable AFTER UPDATE ON billed_months REFERENCING OLD TABLE AS before
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_issued_month()""",
)


def upgrade() -> None:
    create_runtime_tables_v1(op)
    for statement in (*_FACTS, *_BILLS, *_GUARDS):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
