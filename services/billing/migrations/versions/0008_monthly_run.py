"""Red invariants, the review of a run, parked accounts that are billed by themselves, what a closed run issued."""

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_STATEMENTS = (
    "ALTER TABLE billing_runs DROP CONSTRAINT billing_runs_state_check",
    """
ALTER TABLE billing_runs
    ADD CONSTRAINT billing_runs_state_check
        CHECK (state IN ('BLOCKED', 'DRAFTING', 'REVIEW', 'APPROVED', 'FINISHED')),
    ADD rerun bigint NOT NULL DEFAULT 0 CHECK (rerun >= 0),
    -- Numbers that were given since the run before was closed, and the hash of their invoices.
    ADD sealed_from bigint,
    ADD sealed_through bigint,
    ADD documents_hash text,
    ADD CONSTRAINT sealed_run_is_finished CHECK (
        (documents_hash IS NULL) = (sealed_through IS NULL) AND (sealed_from IS NULL) = (sealed_through IS NULL)
        AND (sealed_through IS NULL OR state = 'FINISHED'))""",
    """
CREATE TABLE red_invariants (
    run_id uuid NOT NULL REFERENCES billing_runs,
    invariant text NOT NULL CHECK (invariant IN (
        'RECEIVABLES_AGREE', 'LEDGER_BALANCED', 'NUMBERS_WITHOUT_GAP', 'DOCUMENTS_UNCHANGED', 'SERVED_DAYS_KNOWN',
        'OLDER_MONTHS_BILLED')),
    found_at timestamptz NOT NULL,
    PRIMARY KEY (run_id, invariant)
)""",
    "ALTER TABLE undrafted_months DROP CONSTRAINT undrafted_months_reason_check",
    """
ALTER TABLE undrafted_months ADD CONSTRAINT undrafted_months_reason_check CHECK (reason IN (
    'NO_SERVED_DAYS', 'NO_FEE_DECISION', 'OUTSIDE_CARE', 'DIFFERS_FROM_RULE', 'NOT_COMPUTABLE'))""",
    # A rejected run throws its drafts away; that one of them had moved stays written down.
    "ALTER TABLE due_date_moves DROP CONSTRAINT due_date_moves_case_id_month_fkey",
    "ALTER TABLE due_date_moves ADD FOREIGN KEY (case_id) REFERENCES contracts",
    """
CREATE TABLE run_reviews (
    run_id uuid PRIMARY KEY REFERENCES billing_runs,
    drafts bigint NOT NULL CHECK (drafts >= 0),
    eur_minor bigint NOT NULL CHECK (eur_minor >= 0),
    bgn_minor bigint NOT NULL CHECK (bgn_minor >= 0),
    month_drafts bigint NOT NULL CHECK (month_drafts BETWEEN 0 AND drafts),
    month_minor bigint NOT NULL CHECK (month_minor >= 0),
    month_currency currency NOT NULL,
    previous_invoices bigint NOT NULL CHECK (previous_invoices >= 0),
    previous_minor bigint NOT NULL CHECK (previous_minor >= 0),
    drafts_hash text NOT NULL
)""",
    """
CREATE TABLE run_findings (
    run_id uuid NOT NULL REFERENCES billing_runs,
    kind text NOT NULL CHECK (kind IN ('OUTLIER', 'MISSING_INCOME')),
    case_id uuid NOT NULL REFERENCES contracts,
    month billed_month NOT NULL,
    currency currency NOT NULL,
    amount_minor bigint NOT NULL CHECK (amount_minor >= 0),
    previous_minor bigint CHECK (previous_minor > 0),
    PRIMARY KEY (run_id, kind, month, case_id),
    CONSTRAINT outlier_has_a_month_before CHECK ((kind = 'OUTLIER') = (previous_minor IS NOT NULL))
)""",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
