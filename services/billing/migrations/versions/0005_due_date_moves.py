from __future__ import annotations

from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_STATEMENTS = (
    # A draft whose due date a changed calendar moved before it was issued (D-07). What is issued never changes.
    """
CREATE TABLE due_date_moves (
    case_id uuid NOT NULL,
    month billed_month NOT NULL,
    old_calendar_version text NOT NULL REFERENCES calendars,
    calendar_version text NOT NULL REFERENCES calendars CHECK (calendar_version <> old_calendar_version),
    old_due_date date NOT NULL,
    new_due_date date NOT NULL CHECK (new_due_date <> old_due_date),
    reason text NOT NULL CHECK (
        reason IN ('DAY_DECLARED_NON_WORKING', 'DAY_DECLARED_WORKING', 'DECLARATION_WITHDRAWN')),
    changed_days date[] NOT NULL CHECK (cardinality(changed_days) > 0),
    moved_at timestamptz NOT NULL,
    PRIMARY KEY (case_id, month, calendar_version),
    FOREIGN KEY (case_id, month) REFERENCES billed_months
)""",
    """
CREATE FUNCTION refuse_due_date_move_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a move of a due date is never changed or removed' USING ERRCODE = 'restrict_violation';
END $$""",
    """
CREATE TRIGGER due_date_moves_are_append_only BEFORE UPDATE OR DELETE OR TRUNCATE ON due_date_moves
FOR EACH STATEMENT EXECUTE FUNCTION refuse_due_date_move_change()""",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
