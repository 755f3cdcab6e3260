"""An assignment knows line and item, by which the one before is found without the units of a long care."""

from __future__ import annotations

from alembic import op

revision = "0026"
down_revision = "0025"
branch_labels = None
depends_on = None

_STATEMENTS = (
    # The release before writes neither: its assignments count for the person alone.
    """
ALTER TABLE visit_assignment ADD line_id uuid, ADD code text,
    ADD CONSTRAINT assignment_of_line_and_item CHECK ((line_id IS NULL) = (code IS NULL))""",
    # What was assigned stands, whether it still meets the conditions of today or not.
    "ALTER TABLE visit_assignment DISABLE TRIGGER assignment_moved_meets_conditions",
    "UPDATE visit_assignment a SET line_id = u.line_id, code = u.code FROM unit u WHERE u.id = a.unit_id",
    "ALTER TABLE visit_assignment ENABLE TRIGGER assignment_moved_meets_conditions",
    "CREATE INDEX visit_assignment_of_line ON visit_assignment (line_id, on_day)",
)


def upgrade() -> None:
    for statement in _STATEMENTS:
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("forward only")
