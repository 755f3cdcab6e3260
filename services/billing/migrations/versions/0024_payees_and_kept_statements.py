"""A letter keeps to whom it is paid; a statement kept before anybody read it gets its name at the first reading."""

from __future__ import annotations

from alembic import op

revision = "0024"
down_revision = "0021"
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
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
