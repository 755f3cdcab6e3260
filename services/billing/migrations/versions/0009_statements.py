"""Statements as they were read first: what a person once held in the hand never reads otherwise."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_STATEMENTS = (
    """
CREATE TABLE statements (
    case_id uuid NOT NULL,
    month billed_month NOT NULL,
    revision smallint NOT NULL CHECK (revision > 0),
    sealed bytea NOT NULL,
    read_at timestamptz NOT NULL,
    PRIMARY KEY (case_id, month, revision),
    FOREIGN KEY (case_id, month) REFERENCES billed_months
)""",
    """
CREATE TRIGGER statements_are_immutable BEFORE UPDATE OR DELETE OR TRUNCATE ON statements
FOR EACH STATEMENT EXECUTE FUNCTION refuse_document_change()""",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
