"""Since when a billing run has been in its state, by the clock of the database: what waits too long is seen by it."""

from __future__ import annotations

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

_STATEMENTS = (
    "ALTER TABLE billing_runs ADD state_since timestamptz NOT NULL DEFAULT clock_timestamp()",
    """
CREATE FUNCTION note_state_of_run() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.state_since := clock_timestamp();
    RETURN NEW;
END $$""",
    """
CREATE TRIGGER billing_run_notes_its_state BEFORE UPDATE OF state ON billing_runs
FOR EACH ROW WHEN (OLD.state <> NEW.state) EXECUTE FUNCTION note_state_of_run()""",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
