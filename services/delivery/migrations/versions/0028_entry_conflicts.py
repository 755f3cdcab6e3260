"""What an entry said, so that the office can settle what could not be recorded, and how it did."""

from __future__ import annotations

from alembic import op

revision = "0028"
down_revision = "0027"
branch_labels = None
depends_on = None

_STATEMENTS = (
    # Entries of the release before have none of this. The application is the device's word, so it refers to nothing.
    """
ALTER TABLE attendance_entry
    ADD application_id uuid,
    ADD code text,
    ADD on_day date,
    ADD kind text CHECK (kind IN ('DELIVERED', 'MISSED_BY_PROVIDER', 'MISSED_BY_USER')),
    ADD units integer CHECK (units > 0),
    ADD CONSTRAINT attendance_entry_is_whole CHECK (num_nulls(application_id, code, on_day, kind, units) IN (0, 5)),
    ADD CONSTRAINT attendance_entry_with_outcome UNIQUE (id, outcome)""",
    """
CREATE INDEX attendance_entry_conflicts ON attendance_entry (municipality_id, at, id) WHERE outcome = 'CONFLICT'""",
    """
CREATE TABLE conflict_settlement (
    entry_id uuid PRIMARY KEY,
    outcome text NOT NULL DEFAULT 'CONFLICT' CHECK (outcome = 'CONFLICT'),
    settlement text NOT NULL CHECK (settlement IN ('RECORDED', 'NOTHING_TO_RECORD')),
    settled_by text NOT NULL CHECK (settled_by <> ''),
    settled_at timestamptz NOT NULL,
    CONSTRAINT conflict_settlement_of_conflict
        FOREIGN KEY (entry_id, outcome) REFERENCES attendance_entry (id, outcome)
)""",
    """
CREATE TRIGGER conflict_settlement_only_grows BEFORE UPDATE OR DELETE OR TRUNCATE ON conflict_settlement
FOR EACH STATEMENT EXECUTE FUNCTION refuse_change_of_the_past()""",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
