"""A letter keeps whom to pay and speaks of euro from 2026 on, as plans do; a kept statement may get its name later."""

from __future__ import annotations

from alembic import op

revision = "0024"
down_revision = "0023"
branch_labels = None
depends_on = None

_STATEMENTS = (
    # The trigger of letters lets none of them change.
    "ALTER TABLE letters ADD payee text, ADD payee_address text, ADD payee_iban text",
    """
CREATE TABLE statement_names (
    case_id uuid NOT NULL,
    month billed_month NOT NULL,
    revision smallint NOT NULL,
    sealed bytea NOT NULL,
    read_at timestamptz NOT NULL,
    PRIMARY KEY (case_id, month, revision),
    FOREIGN KEY (case_id, month, revision) REFERENCES statements
)""",
    """
CREATE TRIGGER statement_names_are_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON statement_names
FOR EACH STATEMENT EXECUTE FUNCTION refuse_document_change()""",
    # What was written and agreed before stays as it was.
    """
CREATE FUNCTION refuse_letter_in_leva() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.currency = 'BGN' AND NEW.issued_date >= '2026-01-01' THEN
        RAISE EXCEPTION 'people are told euro from 2026 on'
            USING ERRCODE = 'check_violation', CONSTRAINT = 'letter_states_euro_from_2026';
    END IF;
    RETURN NEW;
END $$""",
    """
CREATE TRIGGER letter_states_euro_from_2026 BEFORE INSERT ON letters
FOR EACH ROW EXECUTE FUNCTION refuse_letter_in_leva()""",
    """
ALTER TABLE instalment_plans ADD CONSTRAINT plan_is_in_euro_from_2026
CHECK (currency = 'EUR' OR agreed_at < timestamptz '2026-01-01 00:00:00+02') NOT VALID""",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
